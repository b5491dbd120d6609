"""The tests of `cargo test` that read the files, run in a copy of the repository."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

# Tests that take long and do not depend on Alertmanager's configuration.
SKIPPED = ["rule_unit_tests_pass", "rules_use_only_existing_metrics", "restart_of_prometheus_keeps_the_start_of_a_failure"]


class RustTests:
    def __init__(self, repository, program):
        self.repository = repository
        self.program = program or self.built()

    def built(self):
        build = ["cargo", "test", "--locked", "--no-run", "--test", "promises", "--message-format=json"]
        done = subprocess.run(build, cwd=self.repository, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True)
        messages = [json.loads(line) for line in done.stdout.splitlines()]
        return next(message["executable"] for message in messages if message.get("executable"))

    def catch(self, mutant):
        """A test that fails with the mutant: first those that read files, then those that start Alertmanager."""
        return self.catch_by_files(mutant) or self.failed(mutant, ["alerts_live"])

    def catch_by_files(self, mutant):
        return self.failed(mutant, ["alert", "--skip", "alerts_live"])

    def failed(self, mutant, filters):
        """The first failed test; programs such as amtool must be installed, because tests skip missing ones."""
        skipped = [word for name in SKIPPED for word in ("--skip", name)]
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder)
            for entry in self.repository.iterdir():
                if entry.name != "alerts":
                    (copy / entry.name).symlink_to(entry)
            (copy / "alerts").mkdir()
            for entry in (self.repository / "alerts").iterdir():
                (copy / "alerts" / entry.name).write_text(entry.read_text())
            text = (self.repository / mutant.file).read_text()
            (copy / mutant.file).write_text(mutant.applied(text))
            done = subprocess.run(
                [self.program, *filters, *skipped],
                cwd=copy, env={**os.environ, "CARGO_MANIFEST_DIR": str(copy)},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
        failed = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("test ") and line.endswith("FAILED")]
        return failed[0] if failed else None

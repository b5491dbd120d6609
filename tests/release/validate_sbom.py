"""Checks a CycloneDX document of standard input against the published schema; unknown keys are errors."""

import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

text = sys.stdin.read()
version = SchemaVersion.from_version(json.loads(text)["specVersion"])
error = JsonStrictValidator(version).validate_str(text)
print(error or "good")
sys.exit(bool(error))

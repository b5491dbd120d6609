"""Checks each document of a JSON array on standard input against a schema; keys that the schema does not name are errors."""

import json
import sys

from jsonschema import Draft202012Validator


def closed(schema):
    """The schema, in which objects have no other keys than those it names."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed_schema = {key: closed(part) for key, part in schema.items()}
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        closed_schema["additionalProperties"] = False
    return closed_schema


with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(closed(schema))
documents = json.load(sys.stdin)
for number, document in enumerate(documents):
    for error in validator.iter_errors(document):
        print(f"{number}: {error.json_path}: {error.message}")
print(f"{len(documents)} checked")

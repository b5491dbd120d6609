"""Checks each resource of standard input against its published schema; unknown fields are errors."""

import json
import sys

import kubernetes_validate
import yaml
from cloudcoil.models.prometheus_operator import v1, v1alpha1
from pydantic import ValidationError

VERSION = "1.37"
OPERATOR = {"monitoring.coreos.com/v1": v1, "monitoring.coreos.com/v1alpha1": v1alpha1}


def problem(resource):
    """What is wrong with a resource, or nothing."""
    operator = OPERATOR.get(resource["apiVersion"])
    if not operator:
        try:
            kubernetes_validate.validate(resource, VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            return f"{'.'.join(map(str, error.path))}: {error.message}"
        return None
    try:
        model = getattr(operator, resource["kind"]).model_validate(resource)
    except ValidationError as error:
        return str(error)
    # The models drop unknown fields.
    known = json.loads(model.model_dump_json(by_alias=True, exclude_unset=True))
    return None if known == resource else f"unknown fields: {difference(resource, known)}"


def difference(given, known, path=""):
    if isinstance(given, dict) and isinstance(known, dict):
        pairs = {f"{path}.{key}": (value, known.get(key)) for key, value in given.items()}
    elif isinstance(given, list) and isinstance(known, list) and len(given) == len(known):
        pairs = {f"{path}[{index}]": pair for index, pair in enumerate(zip(given, known))}
    else:
        return [] if given == known else [path]
    return [place for path, pair in pairs.items() for place in difference(*pair, path)]


problems = 0
for resource in yaml.safe_load_all(sys.stdin):
    name = f"{resource['kind']} {resource['metadata']['name']}"
    wrong = problem(resource)
    problems += bool(wrong)
    print(f"{name}: {wrong or 'good'}")
sys.exit(bool(problems))

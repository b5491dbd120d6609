"""Parses each exposition of a JSON array on standard input as OpenMetrics, and prints the families of each as JSON.

Values are strings, because readers of JSON round numbers.
"""

import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

expositions = json.load(sys.stdin)
parsed = []
for number, text in enumerate(expositions):
    try:
        families = list(text_string_to_metric_families(text))
    except ValueError as error:
        sys.exit(f"{number}: {error}")
    parsed.append([
        {
            "name": family.name,
            "type": family.type,
            "unit": family.unit,
            "help": family.documentation,
            "samples": [
                {
                    "name": sample.name,
                    "labels": sample.labels,
                    "value": str(sample.value),
                    "timestamp": sample.timestamp,
                }
                for sample in family.samples
            ],
        }
        for family in families
    ])
json.dump(parsed, sys.stdout)

"""Evaluates jsonnet from standard input with every implementation, which must agree, and prints the JSON.

evaluate.py LIBRARIES: a directory for imports. An error of the snippet ends with 1 and the message of each implementation.
"""

import json
import sys
from importlib import import_module
from importlib.util import find_spec

snippet = sys.stdin.read()
results = []
for name in filter(find_spec, ["_gojsonnet", "_jsonnet", "rjsonnet"]):
    try:
        text = import_module(name).evaluate_snippet("snippet", snippet, jpathdir=[sys.argv[1]])
    except RuntimeError as error:
        print(name, str(error).splitlines()[0])
        results.append(None)
    else:
        results.append(json.loads(text))
if any(result != results[0] for result in results):
    sys.exit("the implementations disagree")
if results[0] is None:
    sys.exit(1)
print(json.dumps(results[0]))

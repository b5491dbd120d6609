"""The part of promtool's tests that can tell a changed rule from the original one.

A rule affects the rules that read its series, directly or through others. Only tests that look at an affected alert or
series are run, with only the rules that these need.
"""

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import yaml

NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
ALERTS = re.compile(r"\bALERTS\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
DURATION = re.compile(r"(\d+)(ms|[smhd])")
SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def load(text):
    return yaml.load(text, Loader=yaml.CSafeLoader)


def seconds(duration):
    return sum(int(number) * SECONDS[unit] for number, unit in DURATION.findall(str(duration)))


def names_in(text):
    """The series that a text names; each threshold counts as a series of its own."""
    names = set(NAME.findall(text))
    if "qlara:threshold" in names:
        names.remove("qlara:threshold")
        names |= {f"qlara:threshold {name}" for name in re.findall(r'threshold="(\w+)"', text)}
    return names


def matches(labels, matchers):
    """Whether labels, of which some may be unknown, can match."""
    for label, operator, value in MATCHER.findall(matchers or ""):
        actual = labels.get(label)
        if actual is not None:
            found = re.fullmatch(value, actual) if "~" in operator else value == actual
            if bool(found) == operator.startswith("!"):
                return False
    return True


class Rules:
    """The rules of a file and which of them depend on which."""

    def __init__(self, text):
        self.document = load(text)
        self.rules = [rule for group in self.document["groups"] for rule in group["rules"]]
        self.places = [self.place(rule) for rule in self.rules]
        self.alerts = {rule["alert"]: {**rule["labels"], "alertname": rule["alert"]} for rule in self.rules if "alert" in rule}
        self.inputs = {place: set() for place in self.places}
        for place, rule in zip(self.places, self.rules):
            queries = " ".join(rule.get("annotations", {}).values())
            self.inputs[place] |= names_in(rule["expr"]) | {name for name in names_in(queries) if ":" in name}
        self.outputs = {place: set() for place in self.places}
        for place in self.places:
            for name in self.inputs[place] & self.outputs.keys():
                self.outputs[name].add(place)

    @staticmethod
    def place(rule):
        name = rule.get("alert") or rule["record"]
        threshold = rule.get("labels", {}).get("threshold")
        return f"{name} {threshold}" if threshold else name

    @staticmethod
    def closure(start, edges):
        found, waiting = set(), list(start)
        while waiting:
            place = waiting.pop()
            if place not in found:
                found.add(place)
                waiting += edges.get(place, ())
        return found

    def affected_by(self, place):
        return self.closure([place], self.outputs)

    def needed_for(self, places):
        """Rules and scraped series."""
        return self.closure(places, self.inputs)

    def reduced(self, needed):
        groups = []
        for group in self.document["groups"]:
            groups.append({**group, "rules": [rule for rule in group["rules"] if self.place(rule) in needed]})
        return {"groups": groups}

    def recorded_in(self, expression):
        """The recorded series that an expression names, also by a regular expression."""
        names = names_in(expression) & self.inputs.keys()
        for pattern in re.findall(r'__name__=~"([^"]*)"', expression):
            names |= {place for place in self.places if re.fullmatch(pattern, place)}
        return names

    def alerts_in(self, expression):
        """The alerts that an expression can see in the series ALERTS."""
        selectors = ALERTS.findall(expression)
        return {name for name, labels in self.alerts.items() if any(matches(labels, selector) for selector in selectors)}


@dataclass
class Test:
    """A test of a file, with the entries that look at affected rules."""

    file: str
    evaluation_interval: str
    test: dict
    needed: set = field(default_factory=set)

    def cost(self):
        """Played steps times series and rules, which is roughly what promtool's time depends on."""
        checks = [*self.test["alert_rule_test"], *self.test["promql_expr_test"]]
        steps = max(seconds(check["eval_time"]) for check in checks) / seconds(self.evaluation_interval)
        return steps * (len(self.test["input_series"]) + 2) * len(self.needed)

    def document(self, rules_file):
        return {"rule_files": [rules_file], "evaluation_interval": self.evaluation_interval, "tests": [self.test]}

    def __str__(self):
        return f"{self.file}: {self.test['name']}"


def all_tests(folder):
    for path in sorted(Path(folder).glob("*.yml")):
        document = load(path.read_text())
        for test in document["tests"]:
            yield Test(path.name, document["evaluation_interval"], test)


def tests_for(tests, rules, affected):
    """The tests that look at affected alerts or series."""
    return [reduced for test in tests if (reduced := reduced_test(test, rules, affected))]


def reduced_test(test, rules, affected):
    alert_checks = [check for check in test.test.get("alert_rule_test", []) if check["alertname"] in affected]
    looked_at = {check["alertname"] for check in alert_checks}
    expression_checks = []
    for check in test.test.get("promql_expr_test", []):
        seen = rules.alerts_in(check["expr"])
        recorded = rules.recorded_in(check["expr"])
        if not (seen | recorded) & affected:
            continue
        if states_alert_names(check) and not recorded:
            check = only_alerts(check, seen & affected)
            seen &= affected
        expression_checks.append(check)
        looked_at |= seen | recorded
    if not alert_checks and not expression_checks:
        return None
    needed = rules.needed_for(looked_at)
    series = [line for line in test.test["input_series"] if NAME.match(line["series"])[0] in needed]
    reduced = {
        **test.test,
        "input_series": series,
        "alert_rule_test": alert_checks,
        "promql_expr_test": expression_checks,
    }
    return Test(test.file, test.evaluation_interval, reduced, needed)


def states_alert_names(check):
    """Whether each expected sample is of a single alert, so that other alerts can be left out."""
    return all("alertname=" in sample["labels"] for sample in check["exp_samples"] or [])


def only_alerts(check, names):
    """The same check, looking only at some alerts."""
    matcher = f'alertname=~"{"|".join(sorted(names))}"'

    def narrowed(selector):
        return f"ALERTS{{{', '.join(part for part in (selector[1], matcher) if part)}}}"

    samples = [
        sample
        for sample in check["exp_samples"] or []
        if dict((label, value) for label, _, value in MATCHER.findall(sample["labels"]))["alertname"] in names
    ]
    return {**check, "expr": ALERTS.sub(narrowed, check["expr"]), "exp_samples": samples}


def passes(test, rules, folder):
    """Runs promtool in a folder of its own."""
    rules_file = Path(folder) / "rules.yml"
    test_file = Path(folder) / "test.yml"
    rules_file.write_text(json.dumps(rules.reduced(test.needed), ensure_ascii=False))
    test_file.write_text(json.dumps(test.document(rules_file.name), ensure_ascii=False))
    environment = {**os.environ, "GOMAXPROCS": "1"}
    done = subprocess.run(
        ["promtool", "test", "rules", test_file],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    if "failed parsing" in done.stdout + done.stderr or "could not parse expression" in done.stdout + done.stderr:
        raise ValueError(f"{test}: {done.stdout}{done.stderr}")
    return done.returncode == 0

"""Mutants of the rules, one change each."""

import re

import promql
from mutants import Collector, alternatives, compose, item_span, mapping, scaled_duration, span

AGGREGATIONS = {"max": "min", "min": "max", "sum": "max", "avg": "max"}
FUNCTIONS = {
    "last_over_time": "max_over_time",
    "avg_over_time": "max_over_time",
    "max_over_time": "min_over_time",
    "min_over_time": "max_over_time",
    "increase": "delta",
}
# The opposite, and the other side of the boundary.
COMPARISONS = {
    "==": ["!="],
    "!=": ["=="],
    ">": ["<", ">="],
    "<": [">", "<="],
    ">=": ["<", ">"],
    "<=": [">", "<"],
}
ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*"}
MATCHERS = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}
SEVERITIES = {"critical": "warning", "warning": "critical", "info": "critical", "none": "critical"}
SCOPES = {"exporter": "account", "account": "profile", "platform": "profile", "profile": "exporter"}


def rule_nodes(text):
    groups = mapping(compose(text))["groups"].value
    return [mapping(rule) for group in groups for rule in mapping(group)["rules"].value]


def place(rule):
    name = (rule.get("alert") or rule["record"]).value
    labels = mapping(rule["labels"]) if "labels" in rule else {}
    return f"{name} {labels['threshold'].value}" if "threshold" in labels else name


def rule_mutants(file, text):
    collector = Collector(file, text)
    for rule in rule_nodes(text):
        expression(collector, place(rule), rule["expr"])
        if "alert" in rule:
            alert(collector, place(rule), rule)
    return collector.mutants


def expression(collector, name, node):
    start, end = span(node)
    if node.style == "|":
        start += 1
    for part in promql.parse(collector.text, start, end).walk():
        for durations in part.durations:
            for factor in (2, 0.5):
                replacement = scaled_duration(durations.text, factor)
                collector.replace(name, "duration", durations.start, durations.end, replacement)
        if part.offset:
            collector.replace(name, "offset", *part.offset, "")
        for number in range(len(part.labels)):
            dropped_label(collector, name, part, number)
        KINDS.get(part.kind, lambda *_: None)(collector, name, part)


def dropped_label(collector, name, part, number):
    label = part.labels[number].text
    operator = "by" if part.kind == "aggregation" else "on"
    start, end = item_span(collector.text, part.labels, number)
    collector.replace(name, f"{label} dropped from {operator} in {part.name.text}", start, end, "")


def binary(collector, name, part):
    left, right = part.children
    operator = part.name

    def keep(side, kept):
        text = collector.text[kept.start : kept.end]
        collector.replace(name, f"only the {side} side of {operator.text}", part.start, part.end, text)

    def swap(kind, text):
        collector.replace(name, kind, operator.start, operator.end, text)

    if operator.text in ("or", "and", "unless"):
        keep("left", left)
    if operator.text == "or":
        keep("right", right)
    elif operator.text == "and":
        swap("set operator", "unless")
    elif operator.text == "unless":
        swap("set operator", "and")
    elif operator.text in COMPARISONS:
        for other in COMPARISONS[operator.text]:
            swap("comparison", other)
    else:
        swap("arithmetic", ARITHMETIC[operator.text])


def aggregation(collector, name, part):
    if part.name.text in AGGREGATIONS:
        collector.replace(name, "aggregation", part.name.start, part.name.end, AGGREGATIONS[part.name.text])


def call(collector, name, part):
    if part.name.text in FUNCTIONS:
        collector.replace(name, "function", part.name.start, part.name.end, FUNCTIONS[part.name.text])


def number(collector, name, part):
    value = float(part.name.text)
    for other in {0: [1], 1: [0, 2]}.get(value, [value * 2, value / 2]):
        collector.replace(name, "number", part.start, part.end, f"{other:g}")


def selector(collector, name, part):
    labels = [label for label, _, _ in part.matchers]
    values = [value for _, _, value in part.matchers]
    for index, (label, operator, value) in enumerate(part.matchers):
        if label.text == "threshold":
            continue
        last = index + 1 == len(labels)
        start = values[index - 1].end if last and index else label.start
        end = value.end if last else labels[index + 1].start
        collector.replace(name, "matcher dropped", start, end, "")
        collector.replace(name, "matcher", operator.start, operator.end, MATCHERS[operator.text])
        if "~" in operator.text:
            for first, end in alternatives(collector.text, value.start + 1, value.end - 1):
                collector.replace(name, "alternative dropped", first, end, "")


KINDS = {"binary": binary, "aggregation": aggregation, "call": call, "number": number, "selector": selector}


def alert(collector, name, rule):
    for key in ("for", "keep_firing_for"):
        if key in rule:
            start, end = span(rule[key])
            others = [scaled_duration(rule[key].value, factor) for factor in (2, 0.5)]
            for other in [*others, "0s"] if rule[key].value != "0m" else others[:1]:
                collector.replace(name, key, start, end, other)
    labels = mapping(rule["labels"])
    for key, others in (("severity", SEVERITIES), ("scope", SCOPES)):
        collector.replace(name, key, *span(labels[key]), others[labels[key].value])
    for key, node in mapping(rule["annotations"]).items():
        if key == "description":
            description(collector, name, node)


def description(collector, name, node):
    """Other conditions, queries and formats in the text of an alert."""
    start, end = span(node)
    text = collector.text[start:end]

    def replace(kind, pattern, replacement):
        for match in re.finditer(pattern, text):
            changed = match.expand(replacement)
            collector.replace(name, kind, start + match.start(), start + match.end(), changed)

    replace("condition", r"\beq (?=\S+ \")", "ne ")
    replace("format", r" \| humanize\w+", "")
    for label in ("account", "platform", "profile"):
        replace("matcher of a query dropped", rf",{label}=%q([^|]*) \$labels\.{label}\b", r"\1")
    replace("value of a label", r"\$labels\.platform \}\}, ", "$labels.account }}, ")
    for match in re.finditer(r'match "\^\(([^"]*)\)\$"', text):
        for first, last in alternatives(collector.text, start + match.start(1), start + match.end(1)):
            collector.replace(name, "alternative dropped", first, last, "")

"""Mutants of Alertmanager's configuration and of its templates, one change each."""

import re

from mutants import Collector, alternatives, compose, item_span, mapping, scaled_duration, span

OPERATORS = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}


class Item:
    """An item of a YAML list, with a position."""

    def __init__(self, node):
        self.start, self.end = span(node)


def configuration_mutants(file, text):
    collector = Collector(file, text)
    root = mapping(compose(text))
    receivers = [mapping(receiver)["name"].value for receiver in root["receivers"].value]
    durations(collector, "global", mapping(root["global"]))
    collector.replace("templates", "file dropped", *span(root["templates"].value[0]), "other.tmpl")
    routes(collector, root["route"], receivers)
    inhibition(collector, root["inhibit_rules"])
    business_hours(collector, root["time_intervals"])
    receiver_settings(collector, root["receivers"])
    return collector.mutants


def durations(collector, place, settings):
    for key in ("resolve_timeout", "group_wait", "group_interval", "repeat_interval"):
        if key in settings:
            for factor in (2, 0.5):
                replacement = scaled_duration(settings[key].value, factor)
                collector.replace(place, key, *span(settings[key]), replacement)


def items(collector, place, kind, node):
    parts = [Item(item) for item in node.value]
    for number, item in enumerate(node.value):
        collector.replace(place, f"{item.value} dropped from {kind}", *item_span(collector.text, parts, number), "")


def matchers(collector, place, kind, node):
    """Other operators and fewer values; a list in lines is changed in place, too."""
    for item in node.value:
        start, end = span(item)
        operator = re.search(r"=~|!~|!=|=", collector.text[start:end])
        first, last = start + operator.start(), start + operator.end()
        collector.replace(place, f"operator of {kind} in {item.value}", first, last, OPERATORS[operator[0]])
        quoted = re.search(r'"([^"]*)"', collector.text[start:end])
        for first, last in alternatives(collector.text, start + quoted.start(1), start + quoted.end(1)):
            collector.replace(place, f"value dropped from {kind}", first, last, "")
    if len(node.value) > 1:
        items(collector, place, kind, node)


def routes(collector, node, receivers, parents=()):
    route = mapping(node)
    own = ", ".join(item.value for item in route["matchers"].value) if "matchers" in route else ""
    path = [*parents, own] if own else [*parents]
    place = "route " + " / ".join(path) if path else "route"
    durations(collector, place, route)
    if "group_by" in route:
        items(collector, place, "group_by", route["group_by"])
    if "matchers" in route:
        matchers(collector, place, "matchers", route["matchers"])
    if "receiver" in route:
        for other in receivers:
            if other != route["receiver"].value:
                collector.replace(place, "receiver", *span(route["receiver"]), other)
    if "continue" in route:
        collector.replace(place, "continue", *span(route["continue"]), "false")
    if "active_time_intervals" in route:
        collector.replace(place, "active_time_intervals", *span(route["active_time_intervals"]), "[]")
    for child in route["routes"].value if "routes" in route else []:
        routes(collector, child, receivers, path)


def inhibition(collector, node):
    lists = set()
    for rule_node in node.value:
        rule = mapping(rule_node)
        place = "inhibit_rules " + ", ".join(item.value for item in rule["source_matchers"].value)
        matchers(collector, place, "source_matchers", rule["source_matchers"])
        matchers(collector, place, "target_matchers", rule["target_matchers"])
        # An alias has the position of its anchor.
        if span(rule["equal"]) not in lists:
            lists.add(span(rule["equal"]))
            items(collector, place, "equal", rule["equal"])
    names = re.findall(r"equal: &(\w+)", collector.text)
    for match in re.finditer(r"equal: \*(\w+)", collector.text):
        before = collector.text[: match.start()]
        place = "inhibit_rules " + re.findall(r"source_matchers: \[(.*)\]", before)[-1]
        for name in names:
            if before.find(f"&{name} ") >= 0 and name != match[1]:
                collector.replace(place, "equal", match.start(1), match.end(1), name)


def business_hours(collector, node):
    for interval in node.value:
        place = "time_intervals " + mapping(interval)["name"].value
        for part in mapping(interval)["time_intervals"].value:
            settings = mapping(part)
            collector.replace(place, "location", *span(settings["location"]), "UTC")
            collector.replace(place, "weekdays", *span(settings["weekdays"].value[0]), '"monday:sunday"')
            for times in settings["times"].value:
                times = mapping(times)
                collector.replace(place, "start_time", *span(times["start_time"]), '"00:00"')
                collector.replace(place, "end_time", *span(times["end_time"]), '"24:00"')


def receiver_settings(collector, node):
    seen = set()
    for receiver in node.value:
        settings = mapping(receiver)
        place = "receiver " + settings["name"].value
        for kind in ("webhook_configs", "email_configs", "slack_configs"):
            for integration in settings[kind].value if kind in settings else []:
                if span(integration) not in seen:
                    seen.add(span(integration))
                    integration_settings(collector, f"{place} {kind}", mapping(integration))


def integration_settings(collector, place, settings):
    if "send_resolved" in settings:
        collector.replace(place, "send_resolved", *span(settings["send_resolved"]), "false")
    texts = {**settings, **(mapping(settings["headers"]) if "headers" in settings else {})}
    for key, node in texts.items():
        if "template" in node.value:
            collector.replace(place, key, *span(node), "'{{ .CommonAnnotations.summary }}'")


# Patterns of Go's templates, and what replaces them.
TEMPLATE_CHANGES = [
    ("filter dropped", r' \| reReplaceAll "[^"]*" "[^"]*"', ""),
    ("annotation", r"\.Annotations\.description", ".Annotations.summary"),
    ("annotation", r"\.CommonAnnotations\.summary", ".CommonAnnotations.description"),
    ("annotation", r"\.Annotations\.runbook_url", ".Annotations.summary"),
    ("alerts", r"\.Alerts\.Firing", ".Alerts.Resolved"),
    ("alerts", r"\.Alerts\.Resolved", ".Alerts.Firing"),
    ("condition", r"(?<=if )eq\b", "ne"),
    ("condition", r"(?<=if )ne\b", "eq"),
    ("condition", r"(?<=if )gt (?=\()", "lt "),
    ("limit", r"\b1\b(?= \}\})", "2"),
    ("value", r'"critical"', '"warning"'),
    ("value", r'"firing"', '"resolved"'),
    ("text", r"\[Act now\]", "[Please look]"),
    ("text", r"\[Please look\]", "[Act now]"),
    ("text", r"\[Solved\]", "[Please look]"),
]


def template_mutants(file, text):
    collector = Collector(file, text)
    places = [(match.start(), match[1]) for match in re.finditer(r'\{\{-? *define "([^"]+)"', text)]
    for kind, pattern, replacement in TEMPLATE_CHANGES:
        for match in re.finditer(pattern, text):
            inside = [name for start, name in places if start < match.start()]
            if inside:
                collector.replace(f"template {inside[-1]}", kind, match.start(), match.end(), replacement)
    return collector.mutants

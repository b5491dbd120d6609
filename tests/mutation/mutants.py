"""What a mutant is, and the changes that suit any text."""

import re
from collections import Counter
from dataclasses import dataclass

import yaml


@dataclass(frozen=True)
class Mutant:
    file: str
    place: str
    change: str
    start: int
    end: int
    replacement: str

    def applied(self, text):
        return text[: self.start] + self.replacement + text[self.end :]

    def __str__(self):
        return f"{self.place}: {self.change}"


class Collector:
    """Collects the mutants of a file and gives each a name of its own."""

    def __init__(self, file, text):
        self.file = file
        self.text = text
        self.mutants = []
        self.names = Counter()

    def replace(self, place, kind, start, end, replacement):
        old, new = (shortened(part) for part in (self.text[start:end], replacement))
        if old == new:
            return
        change = f"{kind}: {old} -> {new or 'nothing'}"
        self.names[place, change] += 1
        number = self.names[place, change]
        if number > 1:
            change += f" ({number})"
        self.mutants.append(Mutant(self.file, place, change, start, end, replacement))


def shortened(text):
    text = " ".join(text.split())
    return text if len(text) <= 70 else f"{text[:33]} … {text[-33:]}"


def mapping(node):
    """A YAML mapping as a dictionary of nodes, which have positions."""
    return {key.value: value for key, value in node.value}


def compose(text):
    return yaml.compose(text, Loader=yaml.CSafeLoader)


def span(node):
    return node.start_mark.index, node.end_mark.index


def scaled_duration(text, factor):
    """Twice or half a duration such as 90m or 1h; two different durations for 0m."""
    seconds = sum(
        int(number) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
        for number, unit in re.findall(r"(\d+)([smhd])", text)
    )
    return f"{int(seconds * factor) or 600}s"


def item_span(text, items, number):
    """An item of a list together with one of the commas beside it. Items have a start and an end."""
    if number + 1 < len(items):
        return items[number].start, items[number + 1].start
    if number > 0:
        return items[number - 1].end, items[number].end
    return items[number].start, items[number].end


def alternatives(text, start, end):
    """The spans of the alternatives of a regular expression, each with one of the bars beside it."""
    parts = [(match.start(), match.end()) for match in re.finditer(r"[^|]+", text[start:end])]
    if len(parts) < 2 or re.search(r"[()^$*+]", text[start:end]):
        return
    for number, (first, last) in enumerate(parts):
        if number + 1 < len(parts):
            yield start + first, start + parts[number + 1][0]
        else:
            yield start + first - 1, start + last

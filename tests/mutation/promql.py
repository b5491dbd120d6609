"""A parser of PromQL that keeps positions, so that a part of an expression can be replaced in its file."""

import re
from dataclasses import dataclass, field

AGGREGATIONS = {"sum", "max", "min", "count", "group", "avg", "topk", "bottomk", "quantile", "stddev", "stdvar", "count_values"}
PRECEDENCE = {
    "or": 1,
    "and": 2, "unless": 2,
    "==": 3, "!=": 3, "<=": 3, "<": 3, ">=": 3, ">": 3,
    "+": 4, "-": 4,
    "*": 5, "/": 5, "%": 5,
    "^": 6,
}  # fmt: skip
TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<duration>(?:\d+(?:ms|[smhdwy]))+)
      | (?P<number>\d+(?:\.\d+)?)
      | (?P<word>[A-Za-z_:][A-Za-z0-9_:]*)
      | (?P<sign>=~|!~|==|!=|<=|>=|[-+*/%^<>=(){}\[\],])
    )""",
    re.VERBOSE,
)


@dataclass
class Token:
    kind: str
    text: str
    start: int
    end: int


@dataclass
class Node:
    """`kind` is binary, aggregation, call, selector, number, string or parentheses."""

    kind: str
    start: int
    end: int
    name: Token | None = None
    children: list["Node"] = field(default_factory=list)
    # The labels of `by`, `on` and `group_left`.
    labels: list[Token] = field(default_factory=list)
    # Pairs of an operator and a string.
    matchers: list[tuple[Token, Token, Token]] = field(default_factory=list)
    # Of a range and of `offset`.
    durations: list[Token] = field(default_factory=list)
    offset: tuple[int, int] | None = None

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()


class Parser:
    def __init__(self, text, start, end):
        self.tokens = []
        while text[start:end].strip():
            match = TOKEN.match(text, start, end)
            if match is None:
                raise ValueError(f"no PromQL: {text[start : start + 40]!r}")
            kind = match.lastgroup
            self.tokens.append(Token(kind, match[kind], match.start(kind), match.end(kind)))
            start = match.end()
        self.position = 0

    def peek(self):
        return self.tokens[self.position].text if self.position < len(self.tokens) else ""

    def take(self, expected=None):
        token = self.tokens[self.position]
        if expected is not None and token.text != expected:
            raise ValueError(f"{expected} expected, not {token.text}")
        self.position += 1
        return token

    def last_end(self):
        return self.tokens[self.position - 1].end

    def label_list(self):
        labels = []
        self.take("(")
        while self.peek() != ")":
            labels.append(self.take())
            if self.peek() == ",":
                self.take()
        self.take(")")
        return labels

    def binary(self, lowest=1):
        left = self.postfix()
        while PRECEDENCE.get(self.peek(), 0) >= lowest:
            operator = self.take()
            node = Node("binary", left.start, 0, operator)
            if self.peek() == "bool":
                self.take()
            while self.peek() in ("on", "ignoring", "group_left", "group_right"):
                self.take()
                node.labels += self.label_list()
            node.children = [left, self.binary(PRECEDENCE[operator.text] + 1)]
            node.end = self.last_end()
            left = node
        return left

    def postfix(self):
        node = self.primary()
        if self.peek() == "[":
            self.take()
            node.durations.append(self.take())
            if self.peek().startswith(":"):
                # The colon of a subquery, with its step.
                self.take()
            self.take("]")
        if self.peek() == "offset":
            start = self.take().start
            node.durations.append(self.take())
            node.offset = (start, self.last_end())
        node.end = self.last_end()
        return node

    def primary(self):
        token = self.take()
        node = Node(token.kind, token.start, token.end, token)
        if token.text == "(":
            node.kind = "parentheses"
            node.children = [self.binary()]
            self.take(")")
        elif token.kind == "word" and token.text in AGGREGATIONS:
            node.kind = "aggregation"
            if self.peek() in ("by", "without"):
                self.take()
                node.labels = self.label_list()
            node.children = self.arguments()
        elif token.kind == "word" and self.peek() == "(":
            node.kind = "call"
            node.children = self.arguments()
        elif token.kind == "word" or token.text == "{":
            node.kind = "selector"
            self.matchers(node)
        elif token.kind not in ("number", "string"):
            raise ValueError(f"unexpected {token.text}")
        return node

    def arguments(self):
        children = []
        self.take("(")
        while self.peek() != ")":
            children.append(self.binary())
            if self.peek() == ",":
                self.take()
        self.take(")")
        return children

    def matchers(self, node):
        if self.peek() != "{":
            return
        self.take()
        while self.peek() != "}":
            node.matchers.append((self.take(), self.take(), self.take()))
            if self.peek() == ",":
                self.take()
        self.take("}")


def parse(text, start=0, end=None):
    """The expression between two positions of a text."""
    parser = Parser(text, start, len(text) if end is None else end)
    node = parser.binary()
    if parser.position != len(parser.tokens):
        raise ValueError(f"unexpected {parser.peek()}")
    return node

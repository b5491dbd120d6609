"""Reads HTML from standard input, requires that its elements are closed and that nothing is loaded or run, and prints its
text, a line for each piece."""

import sys
from html.parser import HTMLParser

VOID = {"meta"}
ELEMENTS = set(
    "html head meta title style body main div h1 h2 p span ul li table thead tbody tr th td bdi i footer".split()
)
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "scope", "colspan", "data-label"}


class Document(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attributes):
        if tag not in ELEMENTS:
            sys.exit(f"element {tag}")
        unknown = {name for name, _ in attributes} - ATTRIBUTES
        if unknown:
            sys.exit(f"attributes {unknown}")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            sys.exit(f"unexpected end of {tag}")

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            if "url(" in data or "@import" in data:
                sys.exit("the style loads something")
        elif data.strip():
            print(data.strip())


document = Document()
document.feed(sys.stdin.buffer.read().decode())
document.close()
if document.open:
    sys.exit(f"not closed: {document.open}")

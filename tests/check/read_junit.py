"""Reads JUnit XML from standard input, checks it against the schema of Ant's reports (windyroad/JUnit-Schema), and prints
a line for each test case: suite, class, name, outcome, message."""

import re
import sys
import xml.etree.ElementTree as ET

SUITE = {"id", "package", "name", "timestamp", "hostname", "tests", "failures", "errors", "skipped", "time"}


def check(condition, what):
    if not condition:
        sys.exit(f"not as in the schema: {what}")


root = ET.fromstring(sys.stdin.buffer.read())
check(root.tag == "testsuites" and not root.attrib, root.tag)
for number, suite in enumerate(root):
    check(suite.tag == "testsuite" and set(suite.attrib) == SUITE, suite.attrib)
    check(suite.get("id") == str(number), suite.get("id"))
    check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp")), suite.get("timestamp"))
    check(float(suite.get("time")) >= 0, suite.get("time"))
    tags = [child.tag for child in suite]
    cases = tags[1:-2]
    check(tags == ["properties", *cases, "system-out", "system-err"], tags)
    check(set(cases) <= {"testcase"}, tags)
    outcomes = []
    for case in suite.iter("testcase"):
        check(set(case.attrib) == {"classname", "name", "time"}, case.attrib)
        check(len(case) <= 1, case.attrib)
        outcome, message = "passed", ""
        for problem in case:
            check(problem.tag in ("failure", "error"), problem.tag)
            check(set(problem.attrib) == {"type", "message"} and problem.text.strip(), problem.attrib)
            outcome = f"{problem.tag} {problem.get('type')}"
            message = problem.get("message") + " / " + " / ".join(problem.text.split("\n"))
        outcomes.append(outcome.split()[0])
        print(suite.get("name"), case.get("classname"), case.get("name"), outcome, message, sep=" | ")
    for attribute, outcome in [("failures", "failure"), ("errors", "error")]:
        check(suite.get(attribute) == str(outcomes.count(outcome)), attribute)
    check(suite.get("tests") == str(len(outcomes)), "tests")

"""Prints the events of the calendar on standard input as JSON, and everything that icalendar objects to."""

import json
import sys

import icalendar

text = sys.stdin.buffer.read()
calendar = icalendar.Calendar.from_ical(text)
events = []
for event in calendar.walk("VEVENT"):
    events.append({
        "uid": event["UID"],
        "summary": event["SUMMARY"],
        "description": event["DESCRIPTION"],
        "start": event["DTSTART"].dt.isoformat(),
        "seconds": event.duration.total_seconds(),
        "stamp": event["DTSTAMP"].dt.isoformat(),
        "modified": event["LAST-MODIFIED"].dt.isoformat(),
        "alarms": [alarm["TRIGGER"].dt.total_seconds() / 86400 for alarm in event.walk("VALARM")],
    })
errors = [str(error) for part in calendar.walk() for error in part.errors]
# RFC 5545, section 3.1: lines end with CRLF.
if b"\n" in text.replace(b"\r\n", b"") or b"\r" in text.replace(b"\r\n", b""):
    errors.append("a line ends without CRLF")
# RFC 5545, section 3.1: lines are at most 75 octets long.
errors += [f"a line of {len(line)} octets" for line in text.split(b"\r\n") if len(line) > 75]
# RFC 5545, section 3.8.2.2: a date ends on a later date.
for event in calendar.walk("VEVENT"):
    if "DTEND" in event and event["DTEND"].dt <= event["DTSTART"].dt:
        errors.append(f"{event['SUMMARY']} ends before it starts")
for required in ["VERSION", "PRODID"]:
    if required not in calendar:
        errors.append(f"no {required}")
json.dump({"events": events, "errors": errors}, sys.stdout)

"""Invitations (iCalendar, RFC 5545 and 5546) as a few lines to read, for mail that says nothing else.

Promises: any text gives words or "", never an exception. Times are written as the calendar has them, with their zone:
what a zone's name means is left to the reader's own calendar, for which the file is attached.
"""

from __future__ import annotations

import re
from datetime import datetime

TEXT_LIMIT = 500_000
DESCRIPTION_LIMIT = 5_000

_LINE = re.compile(r"([A-Za-z-]{1,40})((?:;[^:\"\n]{0,300}(?:\"[^\"\n]{0,300}\")?)*):([^\n]*)")
_TIME = re.compile(r"(\d{8})(?:T(\d{4})\d\d(Z?))?")
_METHODS = {
    "REQUEST": "Invitation",
    "CANCEL": "Cancelled",
    "REPLY": "Answer to an invitation",
    "COUNTER": "Another time proposed",
    "PUBLISH": "Event",
}
_ANSWERS = {"ACCEPTED": "accepts", "DECLINED": "declines", "TENTATIVE": "may come"}


class _Property:
    """A value with its parameters."""

    def __init__(self, parameters: str, value: str) -> None:
        self.parameters = parameters
        self.value = value.strip()

    def parameter(self, name: str) -> str:
        found = re.search(rf';{name}="?([^";:]+)', self.parameters, re.IGNORECASE)
        return found[1].strip() if found else ""

    def text(self) -> str:
        plain = self.value.replace("\\n", "\n").replace("\\N", "\n")
        return re.sub(r"\\([\\;,])", r"\1", plain).strip()

    def moment(self) -> str:
        """The time in words, such as "Mon 2 Nov 2026 10:00 Europe/Berlin"."""
        found = _TIME.match(self.value)
        try:
            day = datetime.strptime(found[1], "%Y%m%d") if found else None
        except ValueError:
            day = None
        if found is None or day is None:
            return ""
        words = f"{day:%a} {day.day} {day:%b} {day.year}"
        if not found[2]:
            return words
        zone = "UTC" if found[3] else self.parameter("TZID")
        return f"{words} {found[2][:2]}:{found[2][2:]} {zone}".rstrip()


def calendar_text(text: str) -> str:
    """The first event of a calendar file in words; "" if it holds none."""
    lines = re.sub(r"\n[ \t]", "", text[:TEXT_LIMIT].replace("\r\n", "\n")).split("\n")
    method = ""
    event: dict[str, _Property] = {}
    inside: list[str] = []
    for line in lines:
        if found := _LINE.match(line):
            name, value = found[1].upper(), _Property(found[2], found[3])
            if name == "BEGIN":
                inside.append(value.value.upper())
            elif name == "END":
                inside = inside[:-1]
                if value.value.upper() == "VEVENT":
                    break
            elif name == "METHOD":
                method = value.value.upper()
            elif inside[-1:] == ["VEVENT"]:
                event.setdefault(name, value)
    return _words(method, event) if event else ""


def _words(method: str, event: dict[str, _Property]) -> str:
    def text(name: str) -> str:
        return event[name].text() if name in event else ""

    head = f"{_METHODS.get(method, 'Event')}: {text('SUMMARY') or 'no title'}"
    lines = [head, _line("When", _span(event)), _line("Where", text("LOCATION"))]
    lines.append(_line("Organiser", _person(event.get("ORGANIZER"))))
    if method == "REPLY" and "ATTENDEE" in event:
        answer = _ANSWERS.get(event["ATTENDEE"].parameter("PARTSTAT").upper(), "answers")
        lines.append(f"{_person(event['ATTENDEE'])} {answer}")
    description = text("DESCRIPTION")[:DESCRIPTION_LIMIT]
    return "\n".join(line for line in lines if line) + (f"\n\n{description}" if description else "")


def _line(label: str, value: str) -> str:
    return f"{label}: {' '.join(value.split())}" if value else ""


def _span(event: dict[str, _Property]) -> str:
    start = event["DTSTART"].moment() if "DTSTART" in event else ""
    end = event["DTEND"].moment() if "DTEND" in event else ""
    if not start or not end:
        return start or end
    return f"{start} - {end}" if end != start else start


def _person(who: _Property | None) -> str:
    if who is None:
        return ""
    address = re.sub(r"(?i)^mailto:", "", who.value)
    name = who.parameter("CN")
    return f"{name} <{address}>" if name and name.lower() != address.lower() else address

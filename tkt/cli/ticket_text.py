"""A ticket for people: its facts, its promises as bars, its conversation. Built from the public JSON document."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tkt.cli import moments, output
from tkt.safe_text import safe_block, safe_line
from tkt.sla.open_time import format_open_time
from tkt.times import to_micros

BAR = 20
"""Cells of a promise's bar."""

KIND_STYLES = {"note": "yellow", "reply": "green", "inbound": "cyan", "system": "dim"}
KIND_WORDS = {"note": "internal note", "reply": "reply", "inbound": "message", "system": "system"}
KINDS_WITH_ID = ("inbound", "note")
"""What `tkt split` takes, except for the message that opened the ticket, is shown with the id that it asks for."""
STATE_STYLES = {"breached": "red", "met": "green", "paused": "dim"}


def print_ticket(document: dict[str, Any], *, full: bool = True) -> None:
    """Print one ticket; what its customers quote and sign is folded unless `full`."""
    output.raw_line(output.styled(f"#{document['number']} {safe_line(document['subject'])}", "bold"))
    for name, value in _facts(document):
        output.raw_line(f"{output.styled(f'{safe_line(name):>11}', 'dim')}  {safe_line(value)}")
    for clock in document["sla"]:
        output.raw_line(_promise(clock))
    for number, entry in enumerate(document["entries"]):
        _show_entry(entry, "" if number else document["subject"], full, opening=number == 0)


def _facts(document: dict[str, Any]) -> list[tuple[str, str]]:
    requester = document["requester"] or {}
    facts = [
        ("status", document["status"]),
        ("priority", document["priority"]),
        ("team", _teams(document)),
        ("assignee", document["assignee"]),
        ("followed by", ", ".join(document["watchers"])),
        ("requester", _person(requester)),
        ("copies to", ", ".join(map(_person, document["followers"]))),
        ("company", _company(requester)),
        ("category", document["category"]),
        ("type", document["type"]),
        ("tags", ", ".join(document["tags"])),
        *((f"{name}", str(value)) for name, value in document["fields"].items()),
        ("parent", f"#{document['parent']}" if document["parent"] else ""),
        ("merged into", f"#{document['merged_into']}" if document["merged_into"] else ""),
        ("created", f"{_local(document['created_at'])} by {document['channel']}"),
        ("due", _local(document["due_at"])),
        ("resolved", _local(document["resolved_at"])),
        ("undelivered", document["undelivered"] or ""),
    ]
    return [(name, value) for name, value in facts if value]


def _promise(clock: dict[str, Any]) -> str:
    target, spent = clock["target_seconds"], clock["spent_seconds"]
    share = min(1.0, spent / target) if target else 1.0
    full = round(share * BAR)
    bar = output.styled(
        "█" * full + "░" * (BAR - full),
        STATE_STYLES.get(clock["state"], "yellow" if share > 0.8 else "green"),
    )
    name = clock["metric"].replace("_", " ") + (f" ({clock['cycle']})" if clock["cycle"] > 1 else "")
    numbers = f"{format_open_time(spent)} of {format_open_time(target)} open time"
    due = f", due {_local(clock['due_at'])}" if clock["due_at"] and clock["state"] == "running" else ""
    return (
        f"{output.styled(f'{name:>18}', 'dim')}  {bar} {clock['state']}, {numbers}{due} ({safe_line(clock['policy'])})"
    )


def _show_entry(entry: dict[str, Any], subject: str, full: bool, opening: bool) -> None:
    """One entry; `subject` is the mail's own, as far as it is known."""
    style = KIND_STYLES.get(entry["kind"], "")
    mark = output.styled("┃", style)
    kind = KIND_WORDS.get(entry["kind"], entry["kind"])
    head = f"{kind} · {safe_line(entry['author'] or '')} · {_local(entry['at'])}"
    if not opening and entry["kind"] in KINDS_WITH_ID:
        head += f" · id {entry['id']}"
    delivery = f" · {entry['delivery']}" if entry["delivery"] else ""
    output.raw_line("")
    output.raw_line(f"{mark} {output.styled(head, style)}{delivery}")
    text = safe_block(entry["text"] or "")
    folds = entry["kind"] == "inbound" and not full
    for line in _folded(text, subject) if folds else text.splitlines():
        output.raw_line(f"{mark} {line}")
    for line in _files(entry["attachments"], full):
        output.raw_line(f"{mark} {line}")


def _folded(text: str, subject: str) -> Iterator[str]:
    """The lines of a mail, a dim one for each quote and signature."""
    from tkt.channels.mail.folding.quotes import fold

    for piece in fold(text, subject):
        if piece.kind == "text":
            yield from piece.text.splitlines()
        else:
            count = len(piece.text.strip().splitlines())
            what = "quoted line" if piece.kind == "quote" else "signature line"
            yield output.styled(f"… {count} {what}{'s' * (count != 1)} (--full)", "dim")


def _files(files: list[dict[str, Any]], full: bool) -> Iterator[str]:
    """A line for each file; the logos of signatures are only counted unless `full`."""
    logos = [] if full else [file for file in files if file.get("logo")]
    for file in files:
        if file not in logos:
            logo = ", a signature's logo" if file.get("logo") else ""
            yield f"⊕ {safe_line(file['name'])} ({safe_line(file['type'])}, {file['size']:,} bytes{logo})"
    if logos:
        yield output.styled(f"+{len(logos)} logo{'s' * (len(logos) != 1)}", "dim")


def _teams(document: dict[str, Any]) -> str:
    """The ticket's own team, and further ones that it concerns."""
    further = f"also: {', '.join(document['teams'])}" if document["teams"] else ""
    return ", ".join(filter(None, (document["team"], further)))


def _person(requester: dict[str, Any]) -> str:
    name, email = requester.get("name") or "", requester.get("email") or ""
    return f"{name} <{email}>" if name and email else name or email


def _company(requester: dict[str, Any]) -> str:
    tier = f" ({requester['tier']})" if requester.get("tier") else ""
    return f"{requester.get('company') or ''}{tier}".strip()


def _local(text: str | None) -> str:
    return moments.local(to_micros(datetime.fromisoformat(text))) if text else ""

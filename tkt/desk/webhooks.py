"""Telling other programs: calls of webhooks, written in the transaction that causes them and made afterwards.

What a call says (JSON): `event` (rule, macro, sla.step), `at`, `cause`, `actor`, `desk` {name}, `ticket` as `tkt list
--json` prints it, and `step` of an SLA step, else null. The ticket is as it stands at the end of the change. One change
calls one webhook about one ticket and event once, whoever asks again.

Leaves to others: making the calls (`tkt.channels.webhooks`).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

from tkt.automation.actions import is_url
from tkt.desk.unit import Change
from tkt.errors import NotFound
from tkt.store.read_documents import list_documents
from tkt.store.read_tickets import ticket as ticket_row
from tkt.store.rows import keep_all
from tkt.store.session_reader import SessionReader
from tkt.store.tables import Ticket, WebhookCall
from tkt.times import rfc3339, to_micros

MEMORY = "webhook calls"


class Wanted(NamedTuple):
    """A call to be written when the change ends."""

    ticket: int
    which: str
    event: str
    cause: str
    actor: str
    step: Mapping[str, Any] | None


def call(change: Change, ticket: Ticket, which: str, event: str, step: Mapping[str, Any] | None = None) -> None:
    """Call a webhook, by its name or URL, about a ticket. Raises NotFound for a name that is not declared."""
    assert ticket.number is not None
    if not is_url(which) and change.definitions.named("webhook", which) is None:
        raise NotFound(f"there is no webhook '{which}' in desk.toml")
    wanted = Wanted(ticket.number, which, event, change.cause, change.actor.name, step)
    calls: list[Wanted] = change.memory.setdefault(MEMORY, [])
    if wanted in calls:
        return
    calls.append(wanted)
    change.record("webhook", ticket=ticket, field=which)


def write_calls(change: Change) -> None:
    """Write the calls of this change down: its last act, so that they tell how the tickets stand now."""
    calls: list[Wanted] = change.memory.get(MEMORY, [])
    if not calls:
        return
    change.session.flush()
    reader = SessionReader(change.session, change.desk.store.location)
    numbers = dict.fromkeys(one.ticket for one in calls)
    now = to_micros(change.at)
    documents = {one: list_documents(reader, [ticket_row(reader, one)], now)[0] for one in numbers}
    keep_all(change.session, WebhookCall, [_row(change, one, documents[one.ticket]) for one in calls])


def _row(change: Change, wanted: Wanted, ticket: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "call_id": f"msg_{secrets.token_hex(12)}",
        "ticket": wanted.ticket,
        "change": change.id,
        "webhook": "" if is_url(wanted.which) else wanted.which,
        "url": wanted.which if is_url(wanted.which) else "",
        "body": _body(change, wanted, ticket),
        "state": "waiting",
        "attempts": 0,
        "created_at": change.at,
        "next_at": change.at,
        "sent_at": None,
        "error": "",
    }


def _body(change: Change, wanted: Wanted, ticket: Mapping[str, Any]) -> str:
    document = {
        "event": wanted.event,
        "at": rfc3339(change.at),
        "cause": wanted.cause,
        "actor": wanted.actor,
        "desk": {"name": change.definitions.setting("desk.name", "Support")},
        "ticket": ticket,
        "step": wanted.step,
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))

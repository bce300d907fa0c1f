"""Who gets a reply and what it says, before it is written and while it can still be called back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.utils import formataddr
from typing import NamedTuple

from sqlmodel import col, select

from tkt.desk import conversation, outbox, standing
from tkt.desk.storable import storable
from tkt.desk.unit import Desk
from tkt.errors import NotFound
from tkt.store.tables import Entry, Outbox, Ticket


class Preview(NamedTuple):
    """A reply as it would leave. `out_of_reach`: those of its recipients whom mail does not reach, and why."""

    sender: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    subject: str
    text: str
    out_of_reach: dict[str, str]


class Held(NamedTuple):
    """A reply in the outbox: to whom it goes, and when it leaves; whom mail does not reach, and why."""

    to: tuple[str, ...]
    cc: tuple[str, ...]
    leaves_at: datetime
    out_of_reach: dict[str, str]


def preview_reply(desk: Desk, number: int, text: str, cc: Sequence[str] = ()) -> Preview:
    """The reply that this text would be, by the rules that sending follows. It changes nothing.

    Raises what `conversation.reply` raises: TktError (empty text), UsageError, NotFound, NotAllowed, Conflict.
    """
    with desk.look() as change:
        change.require("agent")
        ticket = change.session.get(Ticket, number)
        if ticket is None:
            raise NotFound(f"there is no ticket #{number}")
        conversation.refuse_merged(ticket)
        to, others = outbox.reply_recipients(change, ticket, cc)
        words = outbox.wording(change, ticket, "reply", storable(conversation.not_empty(text)))
        box = outbox.sending_mailbox(change, ticket)
        name = change.definitions.setting("desk.name", "Support")
        sender = formataddr((name, str(box.body["address"]))) if box else ""
        return Preview(sender, tuple(to), tuple(others), *words[:2], standing.out_of_reach(change, [*to, *others]))


def held_reply(desk: Desk, entry: Entry) -> Held | None:
    """A reply that was just written, as it waits; None for one that goes to nobody."""
    with desk.look() as change:
        newest = select(Outbox).where(Outbox.entry_id == entry.id).order_by(col(Outbox.id).desc()).limit(1)
        row = change.session.exec(newest).first()
        if row is None:
            return None
        to, cc = row.mail["to"], row.mail["cc"]
        return Held(tuple(to), tuple(cc), row.next_at, standing.out_of_reach(change, [*to, *cc]))

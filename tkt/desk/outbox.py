"""Mail that is to leave: rows written in the transaction that causes them (`tkt.channels.mail.deliver` sends them
later).

Recipients come from the message that is answered; internal notes are never quoted; every row has its signed, stable
Message-ID from the start, so a retry is recognisable and an answer finds its ticket.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from sqlmodel import col, select

from tkt.desk import people
from tkt.desk.message_ids import REPLY, make_message_id
from tkt.desk.unit import Change
from tkt.errors import Conflict
from tkt.store.definitions import Declared
from tkt.store.rows import keep_all
from tkt.store.tables import Entry, Outbox, Ticket
from tkt.times import parse_duration

REFERENCES_KEPT = 20
"""How many Message-IDs of the conversation References names; RFC 5322 sets no limit, mail servers do."""

NO_DOMAIN = "tkt.invalid"
"""The Message-ID's domain while no mailbox is declared (RFC 2606)."""


class Thread(NamedTuple):
    """What a mail answers: In-Reply-To, and References with the oldest first (RFC 5322 section 3.6.4)."""

    in_reply_to: str
    references: tuple[str, ...]


def put(
    change: Change,
    kind: str,
    ticket: Ticket,
    *,
    id_kind: str,
    to: Sequence[str],
    subject: str,
    text: str = "",
    cc: Sequence[str] = (),
    entry: Entry | None = None,
    auto: str = "",
    hold: timedelta = timedelta(0),
    thread: Thread | None = None,
) -> str:
    """Put a mail about a ticket into the outbox; it leaves after `hold`. Its Message-ID. `auto` is its Auto-Submitted
    (RFC 3834).
    """
    assert ticket.number is not None
    mailbox = sending_mailbox(change, ticket)
    answers = thread or _thread(change, ticket)
    message_id = make_message_id(secret(change), _domain(mailbox), ticket.number, id_kind)
    row = {
        "kind": kind,
        "ticket": ticket.number,
        "entry_id": entry.id if entry else None,
        "change": change.id,
        "mailbox": mailbox.name if mailbox else "",
        "recipients": [*to, *cc],
        "message_id": message_id,
        "mail": {
            "from_name": change.definitions.setting("desk.name", "Support"),
            "from_address": str(mailbox.body["address"]) if mailbox else "",
            "to": list(to),
            "cc": list(cc),
            "subject": subject,
            "text": text,
            "in_reply_to": answers.in_reply_to,
            "references": list(answers.references),
            "auto": auto,
        },
        "state": "waiting",
        "attempts": 0,
        "created_at": change.at,
        "next_at": change.at + hold,
        "sent_at": None,
        "error": "",
    }
    keep_all(change.session, Outbox, [row])
    return message_id


def put_reply(change: Change, ticket: Ticket, entry: Entry) -> None:
    """The mail of a public reply, held for the undo window; its text and files are the entry's.

    What a rule or an SLA step says by itself is marked as automatic (RFC 3834 section 5), so that machines don't
    answer.
    """
    to, cc = reply_recipients(change, ticket)
    if not to:
        return  # a ticket without a customer: the reply stays on the ticket
    entry.recipients = [*to, *cc]
    entry.delivery = "waiting"
    entry.message_id = put(
        change,
        "reply",
        ticket,
        id_kind=REPLY,
        to=to,
        cc=cc,
        subject=f"Re: {tagged_subject(ticket)}",
        text=entry.text,
        entry=entry,
        auto="" if change.actor.kind == "agent" else "auto-generated",
        hold=undo_window(change),
    )


def reply_recipients(change: Change, ticket: Ticket, more: Sequence[str] = ()) -> tuple[list[str], list[str]]:
    """Who gets a reply: (To, Cc). To is who wrote last (their Reply-To if they gave one), else the requester; Cc
    is the requester, if another, all who take part, and those (`more`) who are about to. Our own addresses are left
    out. Raises UsageError when one of `more` is no address."""
    last = change.session.exec(
        select(Entry)
        .where(Entry.ticket == ticket.number, Entry.kind == "inbound", Entry.machine == "")
        .order_by(col(Entry.position).desc())
        .limit(1)
    ).first()
    customer = people.requester_of(change, ticket)
    requester = customer.address if customer else ""
    written_by = last.author_address if last else ""
    own = people.own_addresses(change)
    answerable = (last.reply_to if last else "", written_by, requester)
    to = [one for one in answerable if one and one.lower() not in own][:1]
    followers = (follower.address for follower in people.followers(change, ticket))
    others = [requester, *followers, *map(people.normal_address, more)]
    cc = [one for one in dict.fromkeys(others) if one and one not in own and one not in (*to, written_by)]
    return to, cc


def recall(row: Outbox) -> None:
    """Call a mail back before it leaves. Raises Conflict when it has left, or is leaving."""
    if row.state in ("sent", "sending"):
        raise Conflict(f"the mail to {', '.join(row.recipients)} has left already and can't be called back")
    row.state = "recalled"


def undo_window(change: Change) -> timedelta:
    """How long a reply waits before it leaves."""
    return timedelta(seconds=parse_duration(change.definitions.setting("desk.undo_window", "20s")))


def sending_mailbox(change: Change, ticket: Ticket) -> Declared | None:
    """The mailbox a ticket's mails leave from, of those that can send: the one it came in by, else its team's, else
    the first declared.
    """
    declared = [box for box in change.definitions.of("mailbox") if box.body.get("smtp")]
    team = change.definitions.team_names.get(ticket.team_id or 0)
    by_name = [box for box in declared if box.name == ticket.mailbox]
    by_team = [box for box in declared if team and box.body.get("team") == team]
    return next(iter([*by_name, *by_team, *declared]), None)


def can_send(change: Change) -> bool:
    """Whether any mailbox of this desk can send."""
    return any(box.body.get("smtp") for box in change.definitions.of("mailbox"))


def tagged_subject(ticket: Ticket) -> str:
    """The subject with the ticket's tag, which threads the answer of a mail program that keeps no References."""
    bare = ticket.subject.removeprefix("Re: ")
    return f"{bare} [#{ticket.number}]"


def secret(change: Change) -> str:
    return change.definitions.setting("desk.secret")


def _domain(mailbox: Declared | None) -> str:
    return str(mailbox.body["address"]).rpartition("@")[2] if mailbox else NO_DOMAIN


def _thread(change: Change, ticket: Ticket) -> Thread:
    """Where a mail on this ticket stands in its conversation: after its latest message from outside."""
    ids: Any = change.session.exec(
        select(Entry.message_id, Entry.kind)
        .where(
            Entry.ticket == ticket.number,
            col(Entry.message_id).is_not(None),
            Entry.machine == "",
            col(Entry.withdrawn_at).is_(None),
        )
        .order_by(col(Entry.position).desc())
        .limit(REFERENCES_KEPT)
    ).all()
    received = [message_id for message_id, kind in ids if kind == "inbound"]
    answered = (received or [message_id for message_id, _ in ids] or [""])[0]
    return Thread(answered, tuple(message_id for message_id, _ in reversed(ids)))

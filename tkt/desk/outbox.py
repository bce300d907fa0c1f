"""Mail that is to leave: rows written in the transaction that causes them (`tkt.channels.mail.sending` sends them
later).

Recipients come from the message that is answered; internal notes are never quoted; every row has its signed, stable
Message-ID from the start, so a retry is recognisable and an answer finds its ticket. Replies wait for the undo window,
notifications for more of their kind: what waits for one person is collected into one mail when it is to leave.

What a row's `mail` says: from_name, from_address, to, cc, subject, text, in_reply_to, references, auto; where there is
such: html, reply_to; of a notification `reasons`, what is told, one text for each thing, `by`, whose doing it is, and
how many others were `collected` into it; whether somebody may have it already (`left`: "in part", "perhaps"), whether
it came back from somebody (`returned`); `since` when it is tried anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlmodel import col, select

from tkt.desk import followers, people
from tkt.desk.message_ids import CONFIRMATION, NOTIFICATION, REPLY, REPORT, make_message_id, plus_address
from tkt.desk.notice_text import notice_text
from tkt.desk.unit import Change
from tkt.errors import Conflict, TktError
from tkt.store.definitions import Declared
from tkt.store.rows import keep_all, rows
from tkt.store.tables import Entry, Outbox, Ticket
from tkt.times import parse_duration

REFERENCES_KEPT = 20
"""How many Message-IDs of the conversation References names; RFC 5322 sets no limit, mail servers do."""

NOTIFY_AFTER = "30s"
"""How long a notification waits for more, where desk.toml has no `notify_after`."""

NO_DOMAIN = "tkt.invalid"
"""The Message-ID's domain while no mailbox is declared (RFC 2606)."""


class Words(NamedTuple):
    """What a mail says; `html` is empty where it says it in plain text only."""

    subject: str
    text: str
    html: str = ""


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
    html: str = "",
    cc: Sequence[str] = (),
    entry: Entry | None = None,
    auto: str = "",
    hold: timedelta = timedelta(0),
    thread: Thread | None = None,
    facts: Mapping[str, Any] | None = None,
) -> str:
    """Put a mail about a ticket into the outbox; it leaves after `hold`. Its Message-ID. `auto` is its Auto-Submitted
    (RFC 3834), `facts` what else its row's `mail` says.
    """
    assert ticket.number is not None
    mailbox = sending_mailbox(change, ticket)
    answers = thread or _thread(change, ticket)
    more = {"html": html, "reply_to": _reply_to(change, ticket, mailbox, id_kind), **(facts or {})}
    message_id = make_message_id(secret(change), _domain(mailbox), ticket.number, id_kind)
    mail = {
        "to": list(to),
        "cc": list(cc),
        "subject": subject,
        "text": text,
        "in_reply_to": answers.in_reply_to,
        "references": list(answers.references),
        "auto": auto,
        **{key: value for key, value in more.items() if value},
    }
    about = {"ticket": ticket.number, "entry_id": entry.id if entry else None}
    _keep(change, kind, mailbox, message_id, mail, change.at + hold, **about)
    return message_id


def put_report(change: Change, to: Sequence[str], words: Words) -> None:
    """Put a mail that is about no ticket into the outbox: an answer to it is a new one. It leaves from the first
    mailbox that can send. Raises TktError where there is none.
    """
    mailbox = next((box for box in change.definitions.of("mailbox") if box.body.get("smtp")), None)
    if mailbox is None:
        raise TktError("no mailbox of this desk can send: give one an smtp in desk.toml, then 'tkt config apply'")
    message_id = make_message_id(secret(change), _domain(mailbox), 0, REPORT)
    mail = {"to": list(to), **words._asdict(), "auto": "auto-generated"}
    _keep(change, "report", mailbox, message_id, mail, change.at)


def _keep(
    change: Change,
    kind: str,
    mailbox: Declared | None,
    message_id: str,
    mail: Mapping[str, Any],
    leaves: datetime,
    ticket: int | None = None,
    entry_id: int | None = None,
) -> None:
    row = {
        "kind": kind,
        "ticket": ticket,
        "entry_id": entry_id,
        "change": change.id,
        "mailbox": mailbox.name if mailbox else "",
        "recipients": [*mail["to"], *mail.get("cc", ())],
        "message_id": message_id,
        "mail": {
            "from_name": change.definitions.setting("desk.name", "Support"),
            "from_address": str(mailbox.body["address"]) if mailbox else "",
            **mail,
        },
        "state": "waiting",
        "attempts": 0,
        "created_at": change.at,
        "next_at": leaves,
        "sent_at": None,
        "error": "",
    }
    keep_all(change.session, Outbox, [row])


def put_reply(
    change: Change, ticket: Ticket, entry: Entry, recipients: tuple[list[str], list[str]] | None = None
) -> None:
    """The mail of a public reply, held for the undo window; its text and files are the entry's.

    What a rule or an SLA step says by itself is marked as automatic (RFC 3834 section 5), so that machines don't
    answer.
    """
    to, cc = recipients or reply_recipients(change, ticket)
    if not to:
        return  # a ticket without a customer: the reply stays on the ticket
    words = wording(change, ticket, "reply", entry.text)
    entry.recipients = [*to, *cc]
    entry.delivery = "waiting"
    entry.message_id = put(
        change,
        "reply",
        ticket,
        id_kind=REPLY,
        to=to,
        cc=cc,
        subject=words.subject,
        text=words.text,
        html=words.html,
        entry=entry,
        auto="" if change.actor.kind == "agent" else "auto-generated",
        hold=undo_window(change),
    )


def put_notification(
    change: Change, ticket: Ticket, address: str, reasons: Sequence[str], not_before: datetime | None = None
) -> None:
    """Tell somebody of the desk of a ticket; it waits for more to tell them (`collect`), and until their quiet hours
    are over.
    """
    by = change.initiator.name
    wait = timedelta(seconds=parse_duration(change.definitions.setting("desk.notify_after", NOTIFY_AFTER)))
    words = wording(change, ticket, "notification", notice_text(change, ticket, reasons), by)
    put(
        change,
        "notification",
        ticket,
        id_kind=NOTIFICATION,
        to=[address],
        subject=words.subject,
        text=words.text,
        html=words.html,
        auto="auto-generated",
        hold=max(wait, (not_before or change.at) - change.at),
        facts={"reasons": list(reasons), "by": by},
    )


def wording(change: Change, ticket: Ticket, name: str, message: str, by: str = "") -> Words:
    """What a mail around a message says: by the templates of desk.toml, else the message as it is."""
    if not any(one.name.partition("/")[0] == name for one in change.definitions.of("template")):
        return Words(bare_subject(name, ticket), message)
    from tkt.desk import templates  # Jinja, which most desks need for confirmations only

    return templates.words(change, ticket, name, message, by)


def reply_recipients(change: Change, ticket: Ticket, more: Sequence[str] = ()) -> tuple[list[str], list[str]]:
    """Who gets a reply: (To, Cc). To is who wrote last (their Reply-To if they gave one), else the requester; Cc
    is the requester, if another, all who take part, and those (`more`) who are about to. Who was dropped gets neither;
    our own addresses are left out. Raises UsageError when one of `more` is no address."""
    last = change.session.exec(
        select(Entry)
        .where(Entry.ticket == ticket.number, Entry.kind == "inbound", Entry.machine == "")
        .order_by(col(Entry.position).desc())
        .limit(1)
    ).first()
    customer = people.requester_of(change, ticket)
    requester = customer.address if customer else ""
    copied = [follower.address for follower in followers.followers(change, ticket)]
    if last and last.author_address and last.author_address not in (*(customer.addresses if customer else ()), *copied):
        last = None  # somebody who was dropped since
    written_by = last.author_address if last else ""
    own = people.own_addresses(change)
    answerable = (last.reply_to if last else "", written_by, requester)
    to = [one for one in answerable if one and one.lower() not in own][:1]
    others = [requester, *copied, *map(people.normal_address, more)]
    cc = [one for one in dict.fromkeys(others) if one and one not in own and one not in (*to, written_by)]
    return to, cc


def recall(row: Outbox) -> None:
    """Call a mail back before it leaves. Raises Conflict when somebody has it or may have it, or when it is leaving."""
    to = ", ".join([*row.mail.get("to", ()), *row.mail.get("cc", ())] or row.recipients)
    if row.state == "sending":
        raise Conflict(f"the mail to {to} is leaving right now and can't be called back")
    if row.state == "sent" or row.mail.get("left"):
        perhaps = "may have left" if row.state != "sent" and row.mail["left"] == "perhaps" else "has left"
        raise Conflict(f"the mail to {to} {perhaps} already and can't be called back")
    if row.state != "dropped":
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


def bare_subject(name: str, ticket: Ticket) -> str:
    """The subject of a mail that no template gives another one."""
    return f"Re: {tagged_subject(ticket)}" if name == "reply" else tagged_subject(ticket)


def tagged_subject(ticket: Ticket) -> str:
    """The subject with the ticket's tag, which threads the answer of a mail program that keeps no References."""
    bare = ticket.subject.removeprefix("Re: ")
    return f"{bare} [#{ticket.number}]"


def secret(change: Change) -> str:
    return change.definitions.setting("desk.secret")


def _reply_to(change: Change, ticket: Ticket, mailbox: Declared | None, id_kind: str) -> str:
    """Where a customer's answer goes if the mailbox takes them at signed addresses."""
    if mailbox is None or not mailbox.body.get("plus") or id_kind not in (REPLY, CONFIRMATION):
        return ""
    return plus_address(secret(change), str(mailbox.body["address"]), ticket.number or 0)


def _domain(mailbox: Declared | None) -> str:
    return str(mailbox.body["address"]).rpartition("@")[2] if mailbox else NO_DOMAIN


def _thread(change: Change, ticket: Ticket) -> Thread:
    """Where a mail on this ticket stands in its conversation: after its latest message from outside."""
    ids = rows(change.session, _ANSWERABLE, (ticket.number, REFERENCES_KEPT))
    received = [message_id for message_id, kind in ids if kind == "inbound"]
    answered = (received or [message_id for message_id, _ in ids] or [""])[0]
    return Thread(answered, tuple(message_id for message_id, _ in reversed(ids)))


_ANSWERABLE = """
SELECT message_id, kind FROM entry
WHERE ticket = ? AND message_id IS NOT NULL AND machine = '' AND withdrawn_at IS NULL ORDER BY position DESC LIMIT ?
"""

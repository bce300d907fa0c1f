"""One conversation of an archive onto its ticket: what becomes of each message, and the entries that are made of them.

The rules are in `importing`, which brings the messages here, read, batch after batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tkt.channels.mail.archive.archive_index import moment_of
from tkt.channels.mail.archive.archives import Spot
from tkt.channels.mail.filing.filing import NO_SUBJECT, machine_words
from tkt.channels.mail.filing.senders import speaker
from tkt.channels.mail.filing.thread import is_ours, settled, takes_part
from tkt.channels.mail.reading.mime import Part
from tkt.channels.mail.reading.parse import ParsedMail, Unparseable, parse
from tkt.channels.mail.receiving import intake
from tkt.desk import archive, people
from tkt.desk.archive import Past, Setting
from tkt.desk.conversation import Message, Upload
from tkt.desk.unit import Change
from tkt.store.blobs import content_of
from tkt.store.rows import rows
from tkt.store.tables import Ticket

NAMED_AT_ONCE = 50
"""How many messages that a mail names are looked for."""

ALREADY = "already"
_TWICE = "twice"


class Frame:
    """What a whole import has in common, and which conversation it is at."""

    def __init__(
        self, mailbox: str, setting: Setting, agents: dict[str, tuple[int, str]], ours: set[str], dry_run: bool
    ) -> None:
        self.mailbox, self.setting, self.dry_run = mailbox, setting, dry_run
        self.agents, self.ours = agents, ours
        self.last: tuple[int, int | None] = -1, None
        """The conversation that was filed last, which may go on in the next batch, and its ticket."""


class Item(NamedTuple):
    """A message on its way: its conversation, where it stands, its bytes and their digest, what was read or why not."""

    conversation: int
    spot: Spot
    raw: bytes
    digest: str
    mail: ParsedMail | None = None
    reason: str = ""


class Known(NamedTuple):
    """What the store has of a message already: "already" where an import of the same mailbox has dealt with it."""

    state: str
    ticket: int | None


class Conversation:
    """The messages of one conversation that are in one batch."""

    def __init__(
        self, frame: Frame, change: Change, number: int, known: dict[str, Known], fresh: dict[str, Item]
    ) -> None:
        self.frame, self.change, self.number = frame, change, number
        self.known, self.fresh = known, fresh
        self.ticket = frame.last[1] if frame.last[0] == number else None
        self.begun = frame.last[0] == number
        """Whether the ticket is there, or would be if this were no dry run."""
        self.taken: list[dict[str, Any]] = []

    def file(self, items: Sequence[Item]) -> list[str]:
        """The state of each message."""
        states: list[str] = []
        past: list[tuple[Item, Past]] = []
        names: dict[str, ParsedMail] = {}
        for item in items:
            state, one = self._judge(item, names)
            if one is None:
                states.append(state)
            else:
                past.append((self.fresh[item.digest], one))
        states += [self._settle(item, one) for item, one in past]
        self._write(past)
        self.frame.last = self.number, self.ticket
        return states

    def _settle(self, item: Item, past: Past) -> str:
        """The state of a message that gets an entry, now that it is known where the conversation goes."""
        begun = self.begun or self.ticket is not None
        state = "machine" if past.message.machine else "entry" if begun else "ticket"
        self.begun = begun or state == "ticket"
        name = intake.name_of(item.mail) if item.mail else ""
        return self._finish(item, state, name)

    def _judge(self, item: Item, names: dict[str, ParsedMail]) -> tuple[str, Past | None]:
        """What becomes of a message: its state, and the message for the desk if it gets an entry."""
        known = self.known.get(item.digest)
        if known is not None:
            self.ticket = self.ticket or known.ticket
            self.begun = self.begun or known.ticket is not None
            if known.state in (ALREADY, _TWICE):
                return "duplicate" if known.state == _TWICE else ALREADY, None
            return self._finish(item, "duplicate", ticket=known.ticket, reason=_same_as(known.ticket)), None
        self.known[item.digest] = Known(_TWICE, None)
        read = self.fresh[item.digest]
        if read.mail is None:
            return self._finish(item, "quarantined", reason=read.reason), None
        name = intake.name_of(read.mail)
        if (same := self._same(read.mail, name, names)) is not None:
            self.ticket = self.ticket or same or None
            return self._finish(item, "duplicate", name, ticket=same or None, reason=_same_as(same)), None
        names[name] = read.mail
        past = _in_the_desks_words(self.frame, self.change, read.mail, item)
        if self.ticket is None:
            self.ticket = self._continued(read.mail, past)
        return "", past

    def _finish(self, item: Item, state: str, name: str = "", *, ticket: int | None = None, reason: str = "") -> str:
        self.taken.append(
            {
                "mailbox": self.frame.mailbox,
                "source": source_of(item.digest),
                "digest": item.digest,
                "message_id": name,
                "received_at": self.change.at,
                "state": state,
                "reason": reason,
                "attempts": 1,
                "ticket": ticket,
                "entry_id": None,
            }
        )
        return state

    def _same(self, mail: ParsedMail, name: str, names: dict[str, ParsedMail]) -> int | None:
        """The ticket that has this mail already, 0 where that is not known; None for a mail that is new."""
        if not name:
            return None
        if name in names and _is_same(names[name], mail):
            return self.ticket or 0
        if mail.message_id and is_ours(self.change, mail.message_id):
            return 0
        sql = "SELECT digest, ticket FROM intake WHERE message_id = ? AND ticket IS NOT NULL ORDER BY id DESC LIMIT 5"
        for digest, ticket in rows(self.change.session, sql, (name,)):
            if _is_same(_head(content_of(self.change.session, digest)), mail):
                return int(ticket)
        return None

    def _continued(self, mail: ParsedMail, past: Past) -> int | None:
        """The ticket that holds a message which this one names."""
        bounced = mail.machine.bounce if mail.machine else None
        returned = (bounced.original_message_id,) if bounced and bounced.original_message_id else ()
        wanted = list(dict.fromkeys((*returned, *mail.in_reply_to, *reversed(mail.references))))[:NAMED_AT_ONCE]
        if not wanted:
            return None
        marks = ", ".join("?" * len(wanted))
        found = rows(self.change.session, f"SELECT DISTINCT ticket FROM entry WHERE message_id IN ({marks})", wanted)
        for (number,) in found:
            ticket = settled(self.change, self.change.session.get_one(Ticket, number))
            if (ticket.key or "").startswith(archive.KEY) or past.ours:
                return ticket.number
            if takes_part(self.change, ticket, past.message.address):
                return ticket.number
        return None

    def _write(self, past: Sequence[tuple[Item, Past]]) -> None:
        """The messages onto their ticket, which is made if there is none."""
        if not past or self.frame.dry_run:
            return
        messages = [one for _, one in past]
        if self.ticket is not None:
            merged = settled(self.change, self.change.session.get_one(Ticket, self.ticket))
            self.ticket = merged.number
        if self.ticket is None:
            first = past[0][0]
            subject = first.mail.subject.strip() if first.mail else ""
            self.ticket, ids = archive.begin(
                self.change, subject or NO_SUBJECT, first.digest, messages, self.frame.setting
            )
        else:
            ids = archive.go_on(self.change, self.ticket, messages)
        entries = {item.digest: entry for (item, _), entry in zip(past, ids, strict=True)}
        for row in self.taken:
            row["ticket"] = row["ticket"] or (self.ticket if row["state"] != "quarantined" else None)
            row["entry_id"] = entries.get(str(row["digest"]))


def _in_the_desks_words(frame: Frame, change: Change, mail: ParsedMail, item: Item) -> Past:
    sender = speaker(change, mail)
    agent = frame.agents.get(sender.email)
    ours = sender.email in frame.ours or sender.email in people.own_addresses(change)
    to = [one for one in (*mail.to, *mail.cc) if one.email]
    outside = next((one for one in to if one.email not in frame.ours), None) if ours else sender
    answers = [one.email for one in mail.reply_to if one.email and one.email != sender.email]
    message = Message(
        text=mail.text,
        author=agent[1] if agent else sender.name or sender.email,
        address=sender.email,
        reply_to=answers[0] if answers and not ours else "",
        recipients=tuple(dict.fromkeys(one.email for one in to)),
        message_id=mail.message_id,
        sent_at=mail.date,
        machine=machine_words(change, mail),
        raw=item.digest,
        attachments=tuple(Upload(*one) for one in mail.attachments),
    )
    at = moment_of(mail.date, item.spot, change.at)
    who = (outside.name, outside.email) if outside else None
    return Past(message, at, ours, agent[0] if agent else None, who, mail.language)


def source_of(digest: str) -> str:
    """An imported message's name in its mailbox: what it is, wherever it stands."""
    return f"{intake.IMPORTED}{digest}"


def _same_as(ticket: int | None) -> str:
    return f"it is the same mail as #{ticket}'s" if ticket else "the desk has it already"


def _is_same(one: ParsedMail | None, other: ParsedMail) -> bool:
    """A Message-ID alone is no proof (see `gateway`)."""
    if one is None:
        return False
    return (one.sender.email, one.subject, one.date) == (other.sender.email, other.subject, other.date)


def _head(raw: bytes) -> ParsedMail | None:
    try:
        return parse(raw, Part.later)
    except Unparseable:
        return None

"""The same mails into the same rows, written by hand in raw sqlite3: what intake could cost at least.

The standard library's compat32 parser, the same PRAGMAs as tkt's store, one transaction a mail or several; a look for
the same mail, for the ticket that it answers and for its sender; then every row that tkt writes for a new ticket, its
search documents by tkt's own analyser included. What it leaves out is what tkt adds: HTML mails, odd charsets, machine
mail, rules, policies, calendars, templates.
"""

from __future__ import annotations

import email
import email.header
import email.message
import email.utils
import hashlib
import json
import os
import secrets
import sqlite3
import time
from typing import Any

from bench.desk_file import ADDRESS, MAILBOX
from tkt.store.analyser import index_terms
from tkt.store.constants import DOC_SHIFT
from tkt.store.location import Location

HOUR = 3600 * 1_000_000


class ByHand:
    """Takes mails into the desk at `location`, which tkt has made."""

    def __init__(self, location: Location) -> None:
        self._store = sqlite3.connect(location.target, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self._store.execute(f"PRAGMA {pragma}")
        self._run = self._store.execute

    def close(self) -> None:
        self._store.close()

    def take_in(self, folder: str, together: int = 1) -> int:
        """All in a Maildir's new/, so many mails a commit, each moved to cur/ when it is in the store; how many."""
        names = sorted(os.listdir(os.path.join(folder, "new")))
        for start in range(0, len(names), together):
            some = names[start : start + together]
            self._run("BEGIN IMMEDIATE")
            for name in some:
                with open(os.path.join(folder, "new", name), "rb") as file:
                    self._take_in_one(name, file.read())
            self._run("COMMIT")
            for name in some:
                os.rename(os.path.join(folder, "new", name), os.path.join(folder, "cur", f"{name}:2,S"))
        return len(names)

    def _take_in_one(self, name: str, raw: bytes) -> None:
        mail = email.message_from_bytes(raw)
        now = time.time_ns() // 1000
        digest, message_id = hashlib.sha256(raw).hexdigest(), str(mail["Message-ID"])
        same = "SELECT 1 FROM intake WHERE digest = ? OR message_id = ?"
        if self._run(same, (digest, message_id)).fetchone() or self._answered(mail):
            return
        intake = self._store_raw(name, raw, digest, now)
        person, author, address = self._sender(mail, now)
        subject, text = plain_subject(mail), plain_text(mail)
        ticket = self._ticket(subject, person, now)
        self._entry(ticket, person, (author, address), text, (message_id, digest), now)
        self._clocks(ticket, now)
        self._confirmation(ticket, address, author, subject, message_id, now)
        done = "UPDATE intake SET state = 'ticket', ticket = ?, message_id = ? WHERE id = ? AND state = 'stored'"
        self._run(done, (ticket, message_id, intake))

    def _answered(self, mail: email.message.Message[Any, Any]) -> bool:
        """Whether it answers a message of ours; none of the generated ones does."""
        named = f"{mail['In-Reply-To'] or ''} {mail['References'] or ''}".split()
        found = [self._run("SELECT ticket FROM entry WHERE message_id = ?", (one,)).fetchone() for one in named]
        return any(found)

    def _store_raw(self, name: str, raw: bytes, digest: str, now: int) -> int | None:
        add = "INSERT INTO blob (digest, size, data) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        self._run(add, (digest, len(raw), raw))
        return self._run(
            "INSERT INTO intake (mailbox, source, digest, message_id, received_at, state, reason, attempts)"
            " VALUES (?, ?, ?, '', ?, 'stored', '', 1)",
            (MAILBOX, name, digest, now),
        ).lastrowid

    def _sender(self, mail: email.message.Message[Any, Any], now: int) -> tuple[int, str, str]:
        name, address = email.utils.parseaddr(str(mail["From"]))
        address = address.lower()
        found = self._run("SELECT person_id FROM address WHERE address = ?", (address,)).fetchone()
        if found:
            return int(found[0]), name, address
        add = "INSERT INTO person (name, tier, language, created_at) VALUES (?, '', 'en', ?)"
        person = self._run(add, (name, now)).lastrowid or 0
        add = "INSERT INTO address (address, person_id) VALUES (?, ?)"
        self._run(add, (address, person))
        return person, name, address

    def _ticket(self, subject: str, person: int, now: int) -> int:
        ticket = self._run(
            "INSERT INTO ticket (subject, status, status_kind, priority, type, category, channel, mailbox, language,"
            " team_id, requester_id, created_at, updated_at, unanswered_since, due_at, unread, undelivered, breached,"
            " attachments, entries, version)"
            " VALUES (?, 'new', 'open', 2, '', '', 'mail', ?, 'en', 1, ?, ?, ?, ?, ?, 1, 0, 0, 0, 1, 1)",
            (subject, MAILBOX, person, now, now, now, now + 4 * HOUR),
        ).lastrowid
        assert ticket is not None
        self._document(ticket << DOC_SHIFT, subject)
        return ticket

    def _entry(
        self, ticket: int, person: int, author: tuple[str, str], text: str, mail: tuple[str, str], now: int
    ) -> None:
        """`mail`: its Message-ID and its digest."""
        entry = self._run(
            "INSERT INTO entry (ticket, position, kind, at, sent_at, person_id, author, author_address, reply_to,"
            " recipients, text, message_id, machine, delivery, raw)"
            " VALUES (?, 1, 'inbound', ?, ?, ?, ?, ?, '', ?, ?, ?, '', '', ?)",
            (ticket, now, now, person, *author, json.dumps([ADDRESS]), text, *mail),
        ).lastrowid
        self._document(ticket << DOC_SHIFT | 1, text)
        change, actor = secrets.token_hex(8), author[1]
        events = [("create", None), ("inbound", entry)]
        self._store.executemany(
            "INSERT INTO event (at, change, actor, ticket, entry, verb, field, old, new, cause)"
            " VALUES (?, ?, ?, ?, ?, ?, '', 'null', 'null', 'mail 1')",
            [(now, change, actor, ticket, about, verb) for verb, about in events],
        )

    def _clocks(self, ticket: int, now: int) -> None:
        for metric, hours in (("first_response", 4), ("resolution", 24)):
            due = now + hours * HOUR
            clock = self._run(
                "INSERT INTO clock (ticket, metric, cycle, policy_id, calendar_id, state, started_at, target_seconds,"
                " carried_seconds, used_seconds, running_since, due_at, next_check_at, by_change, reason)"
                " VALUES (?, ?, 1, 1, 1, 'running', ?, ?, 0, 0, ?, ?, ?, 0, '')",
                (ticket, metric, now, hours * 3600, now, due, due),
            ).lastrowid
            self._run(
                "INSERT INTO clock_span (clock_id, state, started_at, seconds, policy_id, calendar_id, target_seconds,"
                " cause) VALUES (?, 'running', ?, 0, 1, 1, ?, 'created')",
                (clock, now, hours * 3600),
            )

    def _confirmation(self, ticket: int, to: str, name: str, subject: str, message_id: str, now: int) -> None:
        count = "INSERT INTO address_state (address, automatic_since, automatic_count, bounced, blocked_by)"
        again = "ON CONFLICT (address) DO UPDATE SET automatic_count = automatic_count + 1"
        self._run(f"{count} VALUES (?, ?, 1, '', '') {again}", (to, now))
        text = f"Hello {name},\n\nthank you for your message. It is now request #{ticket}: {subject}.\n\nBench"
        mail = {
            "from_name": "Bench", "from_address": ADDRESS, "to": [to], "cc": [], "subject": f"Received: {subject}",
            "text": text, "in_reply_to": message_id, "references": [message_id], "auto": "auto-replied",
        }  # fmt: skip
        self._run(
            "INSERT INTO outbox (kind, ticket, change, mailbox, recipients, message_id, mail, state, attempts,"
            " created_at, next_at, error) VALUES ('confirmation', ?, '', ?, ?, ?, ?, 'waiting', 0, ?, ?, '')",
            (ticket, MAILBOX, json.dumps([to]), f"<tkt-{secrets.token_hex(12)}>", json.dumps(mail), now, now),
        )

    def _document(self, identifier: int, text: str) -> None:
        self._run("INSERT INTO search (rowid, terms) VALUES (?, ?)", (identifier, " ".join(index_terms(text))))


def plain_subject(mail: email.message.Message[Any, Any]) -> str:
    """The decoded subject."""
    parts = email.header.decode_header(str(mail["Subject"]))
    return "".join(part.decode(charset or "ascii") if isinstance(part, bytes) else part for part, charset in parts)


def plain_text(mail: email.message.Message[Any, Any]) -> str:
    """The first text part, decoded; the HTML beside it is left alone."""
    for part in mail.walk():
        if part.get_content_type() == "text/plain":
            data = part.get_payload(decode=True)
            assert isinstance(data, bytes)
            return data.decode(part.get_content_charset("utf-8")).replace("\r\n", "\n")
    return ""

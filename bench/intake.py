"""Mails into tickets: tkt's way, against reading the same mails, against the same rows by hand, against bare commits.

Every round takes new mails through all of them, each into a desk of its own, and the best round counts: what else the
machine does falls on all alike. The rows that both ways have written are counted: a difference is a figure, too.
"""

from __future__ import annotations

import email
import os
import sqlite3
import time
from collections.abc import Callable
from functools import partial

from bench import desk_file
from bench.by_hand import ByHand, plain_subject, plain_text
from bench.figures import Figure
from bench.mails import MailWriter
from tkt.channels.mail.gateway import pull
from tkt.desk.unit import Desk
from tkt.errors import TktError
from tkt.store.engine import Store
from tkt.store.location import parse_location

GROUP = "mails into tickets, x others' rate"
ROWS = (
    "blob", "intake", "person", "address", "ticket", "entry", "event", "clock", "clock_span", "outbox",
    "search_docsize",
)  # fmt: skip
"""The tables that a mail writes to (`search_docsize` has a row for each search document)."""

TOGETHER = 20
"""About as many mails as tkt files with one commit."""


def measure(folder: str, mails: int, rounds: int) -> list[Figure]:
    """`mails` in each of `rounds`; `folder` is an empty one on the disk that desks would be on."""
    rates: dict[str, float] = {}
    writer = MailWriter()
    ways: dict[str, _Way] = {"tkt": _Tkt(folder), "hand": _Hand(folder, 1), "together": _Hand(folder, TOGETHER)}
    for number in range(rounds):
        folders = {name: os.path.join(folder, f"{name}{number}") for name in ways}
        written = writer.fill_maildirs(list(folders.values()), mails)
        for name, way in ways.items():
            _keep(rates, name, mails, partial(way.take_in, folders[name]))
        _keep(rates, "read", mails, partial(read_with_email, written))
        _keep(rates, "commits", mails, partial(_commits, os.path.join(folder, "commits.db"), mails))
    rows = {name: way.rows() for name, way in ways.items()}
    return _figures(rates, rows, mails * rounds)


class _Way:
    """One way of taking mails into a desk of its own."""

    def __init__(self, path: str, maildir: str = "") -> None:
        self.location = parse_location(path)
        desk_file.make(self.location, maildir)
        self._before = _count(path)

    def take_in(self, path: str) -> None:
        """Take in what waits in this Maildir."""
        raise NotImplementedError

    def rows(self) -> dict[str, int]:
        """How many rows each table has got by it."""
        return {table: count - self._before[table] for table, count in _count(self.location.target).items()}


class _Tkt(_Way):
    def __init__(self, folder: str) -> None:
        self._maildir = os.path.join(folder, "maildir")
        super().__init__(os.path.join(folder, "tkt.db"), self._maildir)
        self._desk = Desk(Store(self.location))

    def take_in(self, path: str) -> None:
        os.rename(path, self._maildir)
        (result,) = pull(self._desk, [desk_file.MAILBOX])
        if result.error or result.tickets != result.fetched:
            raise TktError(f"intake went wrong: {result}")
        os.rename(self._maildir, path)


class _Hand(_Way):
    def __init__(self, folder: str, together: int) -> None:
        super().__init__(os.path.join(folder, f"hand{together}.db"))
        self._hand, self._together = ByHand(self.location), together

    def take_in(self, path: str) -> None:
        self._hand.take_in(path, self._together)


def _figures(rates: dict[str, float], rows: dict[str, dict[str, int]], mails: int) -> list[Figure]:
    tkt = rates["tkt"]
    per_mail = sum(rows["tkt"].values()) / mails
    differing = [table for table in ROWS if rows["tkt"][table] != rows["hand"][table]]
    same = "the same rows" if not differing else f"other rows in {', '.join(differing)}"
    hand = f"{rates['hand']:,.0f}/s by hand, {per_mail:.1f} rows a mail, {same}"
    together = f"{rates['together']:,.0f}/s by hand"
    read, commits = f"{rates['read']:,.0f} mails/s read", f"{rates['commits']:,.0f} commits/s"
    return [
        Figure(GROUP, "tkt / raw sqlite3 by hand", tkt / rates["hand"], "x", 0.3, True, hand),
        Figure(GROUP, f"tkt / by hand, {TOGETHER} mails a commit", tkt / rates["together"], "x", detail=together),
        Figure(GROUP, "tkt / reading with email", tkt / rates["read"], "x", detail=read),
        Figure(GROUP, "tkt / durable commits", tkt / rates["commits"], "x", detail=commits),
        Figure(GROUP, "tkt", tkt, "mails/s"),
    ]


def _keep(rates: dict[str, float], name: str, mails: int, work: Callable[[], object]) -> None:
    begun = time.perf_counter()
    work()
    rates[name] = max(rates.get(name, 0.0), mails / (time.perf_counter() - begun))


def read_with_email(mails: list[bytes]) -> None:
    """Subject and text of each, by the standard library."""
    for raw in mails:
        mail = email.message_from_bytes(raw)
        plain_subject(mail)
        plain_text(mail)


def _commits(path: str, rows: int) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, text VARCHAR)")
    for number in range(rows):
        connection.execute("INSERT INTO t (text) VALUES (?)", (f"row {number}",))
    connection.close()


def _count(path: str) -> dict[str, int]:
    connection = sqlite3.connect(path)
    try:
        return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ROWS}
    finally:
        connection.close()

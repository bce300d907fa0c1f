"""Which messages of an archive make one conversation: an index on disk, made in one pass over the messages' heads.

Messages belong together that name each other (Message-ID, In-Reply-To, References, whatever their order: jwz.org,
"message threading", without its tree), and, where mailers name nothing, an answer ("Re: …") and the last message of the
same subject between the same people outside, within SUBJECT_DAYS.

Promises: in memory are eight bytes for each Message-ID that is mentioned, and a small cache; on disk about 200 bytes a
message. A Message-ID that different mails share, as broken mailers have them, joins nothing.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from hashlib import blake2b

from tkt.channels.mail.archive.archives import Spot, stamped
from tkt.channels.mail.reading.addresses import parse_addresses
from tkt.channels.mail.reading.headers import Headers, first_identifier, identifiers, parse_date
from tkt.channels.mail.reading.mime import read_message
from tkt.times import to_micros

SUBJECT_DAYS = 7
DAY_MICROS = 86_400 * 1_000_000
REFERENCES_FOLLOWED = 50
OLDEST = datetime.fromisoformat("1980-01-01T00:00:00+00:00")
"""Before it there was no mail that could be here: who says so has no clock."""

_SOME = 10_000
_SCHEMA = """
PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
CREATE TABLE name (hash INTEGER PRIMARY KEY, node INTEGER, owner INTEGER);
CREATE TABLE message (
    no INTEGER PRIMARY KEY, node INTEGER, at INTEGER, topic INTEGER, answer INTEGER,
    path TEXT, start INTEGER, size INTEGER, quoted INTEGER, stamp INTEGER
);
CREATE TABLE talk (node INTEGER PRIMARY KEY, begun INTEGER);
"""


class Index:
    """The messages of one import. `add` each, `arrange` once, then `conversations`."""

    def __init__(self, ours: Collection[str], now: datetime) -> None:
        self._store = sqlite3.connect("", isolation_level=None)  # a file without a name: nobody has to remove it
        self._store.executescript(_SCHEMA)
        self._store.execute("BEGIN")
        self._above = array("q")
        """For each node the one above it in its conversation; the topmost has itself."""
        self._ours, self._now = ours, now
        self.messages = 0

    def add(self, spot: Spot, head: bytes) -> None:
        """The next message, with as much of its beginning as holds its header fields."""
        headers = read_message(_head_of(head)).headers
        node = self._node_of(headers)
        for named in self._named(headers):
            self._join(node, named)
        at = to_micros(moment_of(parse_date(headers.raw("date")), spot, self._now))
        topic, answer = self._topic(headers)
        self.messages += 1
        row = (self.messages, node, at, topic, answer, *spot)
        self._store.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def arrange(self) -> None:
        """Find the conversations: those that subjects join too."""
        self._settle()
        self._join_by_subject()
        self._settle()

    def conversations(self) -> Iterator[tuple[int, Spot]]:
        """(conversation, message), the conversation with the oldest first message first, each in order of time."""
        found = self._store.execute(
            "SELECT m.node, m.path, m.start, m.size, m.quoted, m.stamp FROM message m"
            " JOIN talk t ON t.node = m.node ORDER BY t.begun, m.node, m.at, m.no"
        )
        for node, path, start, size, quoted, stamp in found:
            yield node, Spot(path, start, size, bool(quoted), stamp)

    def close(self) -> None:
        self._store.close()

    # --- by names

    def _node_of(self, headers: Headers) -> int:
        """The node of a message's own Message-ID; one of its own where that is missing or another mail's."""
        name = first_identifier(headers.raw("message-id"))
        if not name:
            return self._new_node()
        node = self._named_node(name)
        owner = _hash(headers.raw("from"), headers.raw("subject"), headers.raw("date"))
        taken = self._store.execute("SELECT owner FROM name WHERE hash = ?", (_hash(name),)).fetchone()[0]
        if taken is None:
            self._store.execute("UPDATE name SET owner = ? WHERE hash = ?", (owner, _hash(name)))
        return node if taken in (None, owner) else self._new_node()

    def _named(self, headers: Headers) -> Iterable[int]:
        names = (*identifiers(headers.raw_all("references")), *identifiers(headers.raw_all("in-reply-to")))
        return [self._named_node(name) for name in dict.fromkeys(names[-REFERENCES_FOLLOWED:])]

    def _named_node(self, name: str) -> int:
        found = self._store.execute("SELECT node FROM name WHERE hash = ?", (_hash(name),)).fetchone()
        if found is not None:
            return int(found[0])
        node = self._new_node()
        self._store.execute("INSERT INTO name (hash, node) VALUES (?, ?)", (_hash(name), node))
        return node

    def _new_node(self) -> int:
        self._above.append(len(self._above))
        return len(self._above) - 1

    def _top(self, node: int) -> int:
        above = self._above
        while above[node] != node:
            above[node] = above[above[node]]  # the next one finds it faster
            node = above[node]
        return node

    def _join(self, one: int, other: int) -> None:
        one, other = self._top(one), self._top(other)
        self._above[max(one, other)] = min(one, other)

    def _settle(self) -> None:
        """Write each message's topmost node, and when each conversation began."""
        for start in range(1, self.messages + 1, _SOME):
            some = self._store.execute(
                "SELECT no, node FROM message WHERE no BETWEEN ? AND ?", (start, start + _SOME - 1)
            )
            changed = [(top, no) for no, node in some.fetchall() if (top := self._top(node)) != node]
            self._store.executemany("UPDATE message SET node = ? WHERE no = ?", changed)
        self._store.execute("DELETE FROM talk")
        self._store.execute("INSERT INTO talk SELECT node, min(at) FROM message GROUP BY node")

    # --- by subject

    def _topic(self, headers: Headers) -> tuple[int | None, bool]:
        """What a message is about and with whom outside, as one number, None if it does not say; is it an answer?"""
        subject, answer = plain_subject(headers.text("subject"))
        people = {
            one.email
            for field in ("from", "to", "cc")
            for value in headers.raw_all(field)
            for one in parse_addresses(value)
            if one.email and one.email not in self._ours
        }
        if len(subject) < 4 or not people:
            return None, answer
        return _hash(subject, *sorted(people)), answer

    def _join_by_subject(self) -> None:
        """An answer that names nobody's message follows the last one of its topic, if that is not long ago."""
        found = self._store.execute(
            "SELECT m.topic, m.at, m.node, m.answer AND m.at = t.begun FROM message m"
            " JOIN talk t ON t.node = m.node WHERE m.topic IS NOT NULL ORDER BY m.topic, m.at, m.no"
        )
        last_topic, last_at, last_node = None, 0, 0
        for topic, at, node, may_follow in found:
            if topic == last_topic and may_follow and at - last_at <= SUBJECT_DAYS * DAY_MICROS:
                self._join(last_node, node)
            last_topic, last_at, last_node = topic, at, node


_ANSWER = ("re", "aw", "antw", "sv", "vs", "odp", "rif", "ref", "res", "回复", "回覆", "答复", "返信", "답장", "r")
_FORWARD = ("fw", "fwd", "wg", "tr", "rv", "i", "转发", "轉寄")


def plain_subject(subject: str) -> tuple[str, bool]:
    """The subject without "Re:" and its kin, in lower case; and whether it had one that says "an answer"."""
    answer = False
    while True:
        head, colon, rest = subject.replace("：", ":").partition(":")
        word = head.strip().lower().partition("[")[0].partition("(")[0]
        if not colon or word not in (*_ANSWER, *_FORWARD):
            return " ".join(subject.lower().split()), answer
        answer = answer or word in _ANSWER
        subject = rest


def moment_of(date: datetime | None, spot: Spot, now: datetime) -> datetime:
    """When a mail was sent: by its Date, else by what its file says; not before there was mail, nor after `now`."""
    for moment in (date, stamped(spot)):
        if moment is not None and OLDEST <= moment <= now:
            return moment
    return now


def _head_of(raw: bytes) -> bytes:
    """The header fields alone, so that nothing else is looked at."""
    ends = [at for mark in (b"\n\n", b"\n\r\n") if (at := raw.find(mark)) >= 0]
    return raw[: min(ends) + 1] if ends else raw


def _hash(*words: str) -> int:
    joined = "\0".join(words).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(joined, digest_size=8).digest(), "big", signed=True)

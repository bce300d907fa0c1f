"""Desks that answer each other, and other machines that answer everything, fall silent within a handful of mails."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from tkt.channels.mail import gateway
from tkt.channels.mail.sending.deliver import deliver
from tkt.desk import conversation, tickets
from tkt.desk.configure import apply_config
from tkt.desk.unit import Desk, find_actor
from tkt.store.engine import Store
from tkt.store.location import parse_location
from tkt.store.migrate import upgrade
from tkt.store.tables import Outbox, Setting

HANDFUL = 10

TOML = """
[desk]
name = "{name}"
undo_window = "0s"
notify_after = "0s"

[[agent]]
name = "alice"
email = "alice@staff.example"
role = "admin"

[[mailbox]]
name = "support"
address = "support@{name}.example"
imap = "maildir:/nowhere"
smtp = "smtp+plain://localhost:{port}"

[[rule]]
name = "thanks"
on = "inbound"
when = ""
do = ["reply:Thank you, {name} will look into it."]
"""

Change = Callable[[bytes], bytes]


def as_it_is(raw: bytes) -> bytes:
    return raw


def without_marks(raw: bytes) -> bytes:
    """What a careless relay or another helpdesk does: every mark of a machine is gone."""
    return re.sub(rb"^(?:X-Tkt-Desk|Auto-Submitted): [^\n]*\n", b"", raw, flags=re.MULTILINE)


def without_anything(raw: bytes) -> bytes:
    """Nothing is left by which the mail finds its ticket: every one opens another."""
    bare = re.sub(
        rb"^(?:In-Reply-To|References|Message-ID): [^\n]*\n(?:[ \t][^\n]*\n)*", b"", without_marks(raw), flags=re.M
    )
    return re.sub(rb"\[#\d+\]", b"", bare)


class World:
    """A few parties with addresses, and the mails between them, carried until nobody has anything more to say."""

    def __init__(self, clock: Any, change: Change = as_it_is) -> None:
        self.clock, self.change = clock, change
        self.desks: dict[str, Desk] = {}
        self.posts: dict[str, Any] = {}
        self.others: dict[str, Callable[[str, bytes], bytes | None]] = {}
        self.sent: list[tuple[str, str]] = []

    def desk(self, name: str, store: Store, postman: Any) -> Desk:
        with store.transaction() as session:
            session.add(Setting(key="desk.secret", value=f"the secret of {name}"))
        desk = Desk(store, now=self.clock)
        apply_config(desk, TOML.format(name=name, port=postman.port))
        self.desks[f"support@{name}.example"], self.posts[name] = desk, postman
        return desk.acting(find_actor(store, "alice"))

    def carry(self, sender: str, to: str, raw: bytes) -> None:
        self.sent.append((sender, to))
        if to in self.desks:
            gateway.ingest(self.desks[to], b"Return-Path: <%s>\r\n" % sender.encode() + self.change(raw), "support")
        elif to in self.others and (answer := self.others[to](sender, raw)) is not None:
            self.carry(to, sender, answer)

    def settle(self) -> int:
        """Carry everything; how many mails there were in all."""
        for _ in range(3 * HANDFUL):
            self.clock.now += timedelta(seconds=20)
            for desk in self.desks.values():
                deliver(desk, now_all=True)
            letters = [letter for post in self.posts.values() for letter in post.received]
            for post in self.posts.values():
                post.received.clear()
            for letter in letters:
                for to in letter.rcpt_tos:
                    self.carry(letter.mail_from, to, letter.content)
            if not letters:
                return len(self.sent)
        raise AssertionError(f"they never fall silent: {self.sent}")

    def unsent(self) -> int:
        return sum(row.state in ("waiting", "sending") for desk in self.desks.values() for row in outbox(desk.store))


def outbox(store: Store) -> list[Outbox]:
    with store.transaction() as session:
        return list(session.exec(select(Outbox)))


@pytest.fixture
def other_store(tmp_path: Path) -> Any:
    location = parse_location(str(tmp_path / "other.db"))
    upgrade(location)
    store = Store(location)
    yield store
    store.close()


@pytest.mark.parametrize("change", [as_it_is, without_marks, without_anything])
def test_two_desks_that_answer_each_other(
    store: Store, other_store: Store, postman: Any, ascii_postman: Any, clock: Any, change: Change
) -> None:
    world = World(clock, change)
    alice = world.desk("north", store, postman)
    world.desk("south", other_store, ascii_postman)
    number = tickets.create(alice, "Hello", requester=("South", "support@south.example")).number
    conversation.reply(alice, number or 0, "Can you help us?")
    by_themselves = world.settle() - 1
    assert 1 <= by_themselves <= HANDFUL
    assert world.unsent() == 0
    world.clock.now += timedelta(hours=2)  # and nothing wakes up by itself
    assert world.settle() - 1 == by_themselves


def test_a_desk_that_is_forwarded_to_itself(store: Store, postman: Any, clock: Any) -> None:
    world = World(clock, without_marks)
    alice = world.desk("north", store, postman)
    world.others["carol@customer.example"] = lambda _, raw: None
    gateway.ingest(world.desks["support@north.example"], mail("carol@customer.example"), "support")
    raw = None
    for _ in range(HANDFUL):
        deliver(alice, now_all=True)
        for letter in list(postman.received):
            raw = letter.content
            gateway.ingest(alice, without_marks(raw), "support")
        postman.received.clear()
    assert raw is not None
    assert len(outbox(store)) == 1


def mail(sender: str, subject: str = "Help", **fields: str) -> bytes:
    head = f"From: {sender}\r\nTo: support@north.example\r\nSubject: {subject}\r\n"
    head += "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"{head}\r\nIt is broken.\r\n".encode()


def responder(text: str, count: list[int]) -> Callable[[str, bytes], bytes]:
    """Answers every mail, in answer to it, without any mark of a machine."""

    def answer(_sender: str, raw: bytes) -> bytes:
        count[0] += 1
        found = re.search(rb"^Message-ID: (\S+)", raw, re.MULTILINE)
        assert found is not None
        fields = {"In_Reply_To": found[1].decode(), "Message_ID": f"<{count[0]}@customer.example>"}
        return mail("carol@customer.example", "Re: Help", **fields).replace(b"It is broken.", text.encode())

    return answer


@pytest.mark.parametrize("text", ["We have moved.", "I am out of the office. Thank you for your mail."])
def test_a_responder_without_headers(store: Store, postman: Any, clock: Any, text: str) -> None:
    world = World(clock)
    world.desk("north", store, postman)
    world.others["carol@customer.example"] = responder(text, [0])
    gateway.ingest(world.desks["support@north.example"], mail("carol@customer.example"), "support")
    assert 1 <= world.settle() <= HANDFUL


def test_a_confirmation_that_bounces_is_the_last(store: Store, postman: Any, clock: Any) -> None:
    world = World(clock)
    world.desk("north", store, postman)

    def bounce(_sender: str, raw: bytes) -> bytes:
        text = f"<carol@customer.example>:\n550 5.1.1 no such user\n\n--- Below this line is a copy:\n{raw.decode()}"
        head = "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example\r\nTo: support@north.example\r\n"
        return f"{head}Subject: failure notice\r\n\r\n{text}".encode()

    world.others["carol@customer.example"] = bounce
    for subject in ("Help", "Help me", "Please help"):
        gateway.ingest(world.desks["support@north.example"], mail("carol@customer.example", subject), "support")
        world.settle()
    assert (
        world.sent.count(("support@north.example", "carol@customer.example")) == 3
    )  # each mail of hers says she lives
    gateway.ingest(
        world.desks["support@north.example"],
        mail("dan@customer.example", Reply_To="carol@customer.example", Message_ID="<4@customer.example>"),
        "support",
    )
    world.settle()
    assert world.sent.count(("support@north.example", "carol@customer.example")) == 3

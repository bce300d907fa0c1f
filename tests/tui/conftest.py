"""A small desk with a fixed clock, and a queue on it that is driven by keys and read as text."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session
from textual import events

from tkt.desk import conversation, tickets
from tkt.desk.conversation import Message, Upload
from tkt.desk.unit import SYSTEM, Desk, find_actor
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.store.tables import Agent, Definition, Setting, Team, Ticket
from tkt.tui.app import QueueApp
from tkt.tui.queue_screen import QueueScreen
from tkt.tui.terminal import KeyParser

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)

PEOPLE = {"ann": ("Ann Miller", "ann@acme.example"), "wang": ("王小明", "wang@example.cn"),
          "jg": ("Jürgen Groß", "jg@gross.example")}  # fmt: skip


class DeskWriter:
    """Writes to a desk at chosen moments, in chosen names."""

    def __init__(self, location: Location) -> None:
        self.store = Store(location)
        self.at = NOW
        self.system = Desk(self.store, SYSTEM, lambda: self.at)

    def agent(self, name: str) -> Desk:
        return Desk(self.store, find_actor(self.store, name), lambda: self.at)

    def ticket(self, subject: str, who: str = "ann", text: str = "Hello,\n\nplease help.", **values: Any) -> int:
        name, address = PEOPLE[who]
        message = Message(text=text, author=name, address=address, attachments=values.pop("files", ()))
        made = tickets.create(self.system, subject, message=message, channel="mail", **values)
        assert made.number is not None
        return made.number

    def many(self, count: int) -> None:
        """So many plain tickets, numbered in order, without the verbs' cost."""
        with self.store.transaction() as session:
            session.add_all(
                Ticket(subject=f"Ticket {number}", created_at=NOW, updated_at=NOW) for number in range(1, count + 1)
            )

    def write(self, number: int, **columns: Any) -> None:
        """Set columns of a ticket directly: what other parts would have computed."""
        with self.store.transaction() as session:
            ticket = session.get_one(Ticket, number)
            for name, value in columns.items():
                setattr(ticket, name, value)

    def read(self, number: int) -> Ticket:
        with self.store.transaction() as session:
            return session.get_one(Ticket, number)

    def rows(self, ask: Callable[[Session], Any]) -> Any:
        with self.store.transaction() as session:
            return ask(session)


def agents(writer: DeskWriter) -> None:
    with writer.store.transaction() as session:
        for name, role in (("alice", "admin"), ("bob", "agent"), ("vera", "viewer")):
            session.add(Agent(name=name, email=f"{name}@desk.example", role=role))
        session.add_all([Team(name="network"), Team(name="billing"), Setting(key="desk.secret", value="s" * 40)])
        box = {"address": "support@desk.example"}
        session.add(Definition(kind="mailbox", name="support", body=box, created_at=NOW))
        session.add(Definition(kind="view", name="VPN", body={"query": "tag:vpn"}, created_at=NOW))


@pytest.fixture
def empty_desk(sqlite_location: Location, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Location:
    monkeypatch.setattr("tkt.tui.loader.COUNT_DELAY", 0.0)
    monkeypatch.setattr("tkt.tui.queue_screen.PREVIEW_DELAY", 0.0)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return sqlite_location


@pytest.fixture
def writer(empty_desk: Location) -> DeskWriter:
    """The desk's agents, no tickets."""
    made = DeskWriter(empty_desk)
    agents(made)
    return made


@pytest.fixture
def small_desk(writer: DeskWriter) -> DeskWriter:
    """Eight tickets, 1 to 8, with everything the list shows; #6 waits and #8 is closed."""
    minute = timedelta(minutes=1)
    signed = "I can't connect since this morning.\n\n-- \nAnn Miller\nAcme\n"
    writer.at = NOW - 3 * timedelta(days=1)
    writer.ticket("VPN is down", text=signed, priority="urgent", team="network", tags=("vpn",))
    writer.ticket("发票无法下载", "wang", text="发票 4711 打不开\n\n> 谢谢", team="billing", tags=("vpn",))
    upload = Upload("log.txt", "text/plain", b"x" * 2048)
    writer.at = NOW - 50 * minute
    writer.ticket("Drucker druckt Hieroglyphen", "jg", priority="high", files=(upload,))
    writer.ticket("New colleague needs an account", priority="low", assignee="alice")
    writer.ticket("A very long subject that goes on and on until nobody has room for it any more at all", "wang")
    writer.ticket("Waiting for the customer")
    writer.ticket("Laptop \x1b]0;owned\x07\x1b[31mred\x1b[0m [bold]markup[/bold] \u202eevil", "jg", assignee="bob")
    writer.ticket("Done")
    bob = writer.agent("bob")
    writer.at = NOW - 30 * minute
    conversation.reply(bob, 1, "We are on it.")
    conversation.note(bob, 1, "They pay late, but are nice.")
    away = Message(text="I am away", author="Ann Miller", address="ann@acme.example", machine="auto-reply")
    conversation.receive(writer.system, 1, away)
    tickets.set_status(bob, 6, "waiting")
    tickets.set_status(bob, 8, "closed")
    for number, due in ((1, -125), (2, 12), (3, 90), (4, 60 * 30), (7, 60 * 24 * 9)):
        writer.write(number, due_at=NOW + due * minute)
    writer.write(1, breached=True)
    writer.write(3, undelivered=True)
    writer.at = NOW
    return writer


class Driven:
    """A running queue."""

    def __init__(self, app: QueueApp, pilot: Any) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def screen(self) -> QueueScreen:
        found = self.app.screen_stack[0]
        assert isinstance(found, QueueScreen)
        return found

    @property
    def number(self) -> int | None:
        return self.screen.queue.window.number

    @property
    def message(self) -> str:
        return self.screen.message_line.text

    def text(self) -> str:
        """What stands on the screen, line by line without trailing blanks."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips)

    def lines(self) -> list[str]:
        return self.text().split("\n")

    async def settle(self) -> None:
        """Until nothing is under way."""
        await self.pilot.pause()
        while any(not worker.is_finished for worker in self.app.workers):
            await asyncio.sleep(0.01)
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
        await self.settle()

    async def burst(self, keys: str) -> None:
        """Keys as a terminal sends them, all in one read: none waits for what the one before does."""
        parser = KeyParser()
        for event in [*parser.feed(keys), *parser.feed("")]:
            self.app.post_message(event)
        await self.settle()

    async def type(self, text: str) -> None:
        """Text into what has the focus, at once, as a terminal pastes it; a last line feed is the enter key."""
        self.app.post_message(events.Paste(text.removesuffix("\n")))
        await self.pilot.pause()
        await self.press(*(["enter"] if text.endswith("\n") else []))

    async def until(self, holds: Callable[[], bool], seconds: float = 10.0) -> None:
        """Wait for what another thread or process brings about."""
        for _ in range(int(seconds / 0.05)):
            if holds():
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"it did not happen; the screen:\n{self.text()}")


@asynccontextmanager
async def running_on(
    location: Location, width: int = 80, height: int = 24, agent: str = "alice", typed: str = "", **options: Any
) -> AsyncIterator[Driven]:
    """A queue on this desk, ready for keys; `typed` are keys that did not wait for that."""
    app = QueueApp(location, agent, now=lambda: NOW, **options)
    async with app.run_test(size=(width, height)) as pilot:
        queue = Driven(app, pilot)
        if typed:
            await queue.burst(typed)
        await queue.until(queue.screen.ready.is_set)
        await queue.settle()
        yield queue


@pytest.fixture
def running(empty_desk: Location) -> Callable[..., Any]:
    """`async with running(width, height) as queue:` a queue on the test's desk, as alice."""
    return partial(running_on, empty_desk)


START = """
import sys
from tkt.tui import ending
from tkt.store.location import parse_location
from tkt.tui.app import run
run(parse_location(sys.argv[1]), "alice")
"""
SERVE = """
import os, sys
from tkt import scheduler
from tkt.__main__ import main
from tkt.tui import ending
os.environ.update(TKT_DESK=sys.argv[1], TKT_AGENT="alice")
sys.argv[1:] = ["--serve"]
main()
"""


class RealTerminal:
    """The queue in a process and a terminal of its own. `but` are constants that are others there."""

    def __init__(self, desk: str, program: str = START, but: str = "") -> None:
        *imports, last = program.strip().split("\n")
        program = "\n".join([*imports, but, last])
        self.process, self.file = pty.fork()
        if self.process == 0:
            os.environ.update(TERM="xterm-256color", COLUMNS="", LINES="")
            os.execv(sys.executable, [sys.executable, "-c", program, desk])
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.ended: int | None = None

    def read(self, quiet: float = 0.4) -> bytes:
        """What is written until nothing comes for so many seconds."""
        found = b""
        while select.select([self.file], [], [], quiet)[0]:
            try:
                found += os.read(self.file, 65536)
            except OSError:  # the process has ended
                break
        return found

    def wait_for(self, text: bytes) -> bytes:
        found, end = b"", time.monotonic() + 20
        while text not in found:
            assert time.monotonic() < end, found
            found += self.read(0.1)
        return found

    def write(self, keys: bytes) -> None:
        os.write(self.file, keys)

    def press(self, keys: bytes) -> int:
        """How many bytes the keys cost."""
        self.write(keys)
        return len(self.read())

    def kill(self, signal: int) -> None:
        os.kill(self.process, signal)

    def hang_up(self) -> None:
        """The line is cut."""
        os.close(self.file)
        self.file = -1

    def wait(self) -> int:
        """The wait status with which the process ended, of itself."""
        end = time.monotonic() + 20
        while self.ended is None:
            assert time.monotonic() < end, "it did not end"
            if self.file >= 0:
                self.read(0.05)
            done, status = os.waitpid(self.process, os.WNOHANG)
            if done:
                self.ended = status
            time.sleep(0.05)
        return self.ended

    def close(self) -> None:
        if self.ended is None:
            os.kill(self.process, 9)
            os.waitpid(self.process, 0)
        if self.file >= 0:
            os.close(self.file)


@pytest.fixture
def terminal(small_desk: DeskWriter, empty_desk: Location) -> Iterator[RealTerminal]:
    """The queue in a real terminal of 80x24, as alice, on the small desk; nothing counts down in it."""
    for number in range(1, 9):
        small_desk.write(number, due_at=None)
    opened = RealTerminal(empty_desk.target)
    yield opened
    opened.close()

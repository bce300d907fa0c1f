"""The queue follows what others do, and lives through a store that goes away."""

from __future__ import annotations

import os
import threading
from typing import Any

from tkt.desk import tickets
from tkt.errors import StoreUnreachable, TktError
from tkt.store.read import SqliteReader
from tkt.tui.session import Session
from tkt.tui.source import Source


async def test_a_new_ticket_appears_and_the_cursor_stays_with_its_own(small_desk, running):
    async with running() as queue:
        await queue.press("j")
        number = small_desk.ticket("Fresh from the outside")
        small_desk.write(number, due_at=small_desk.read(1).due_at)
        await queue.until(lambda: "Fresh from the outside" in queue.text())
        assert queue.number == 2


async def test_what_somebody_does_to_the_ticket_under_the_cursor_is_told(small_desk, running):
    async with running() as queue:
        tickets.set_fields(small_desk.agent("bob"), 1, {"priority": "low"})
        await queue.until(lambda: "#1 just changed: bob, priority: urgent → low" in queue.message)
        await queue.until(lambda: queue.screen.queue.window.current.priority == "low")
        assert queue.number == 1


async def test_a_ticket_that_somebody_closes_stays_under_the_cursor_until_it_moves(small_desk, running):
    async with running() as queue:
        await queue.press("j")
        tickets.set_status(small_desk.agent("bob"), 2, "closed")
        await queue.until(lambda: "closed" in queue.lines()[3])
        assert queue.number == 2 and "†" in queue.lines()[3]
        await queue.press("j")
        assert queue.number == 3 and 2 not in [row.number for row in queue.screen.queue.window.rows]


async def test_a_ticket_that_moves_far_is_followed(writer, running):
    writer.many(300)
    async with running() as queue:
        assert queue.number == 1
        tickets.set_fields(writer.agent("bob"), 1, {"due": "2099-01-01"})
        writer.write(300, due_at=None)
        await queue.until(lambda: queue.screen.queue.window.rows[0].due_at is not None or queue.number != 1)
        assert queue.number == 1


async def test_a_store_that_is_away_is_said_and_comes_back(small_desk, running, empty_desk):
    async with running() as queue:
        os.rename(empty_desk.target, empty_desk.target + ".away")
        queue.screen.loader._source.close()
        await queue.press("R")
        assert "there is no desk" in queue.text()
        os.rename(empty_desk.target + ".away", empty_desk.target)
        await queue.press("R")
        assert "there is no desk" not in queue.text() and queue.number == 1


async def test_what_is_committed_between_the_list_and_the_following_is_shown(small_desk, running, monkeypatch):
    follow = Session.follow

    def follow_later(session: Session, *told: Any) -> None:
        small_desk.write(small_desk.ticket("Just in between"), due_at=small_desk.read(1).due_at)
        follow(session, *told)

    monkeypatch.setattr(Session, "follow", follow_later)
    async with running() as queue:
        await queue.until(lambda: "Just in between" in queue.text())


async def test_following_goes_on_after_a_failure(small_desk, running, monkeypatch):
    failing, changed = threading.Event(), SqliteReader.changed

    def failing_once(reader: SqliteReader) -> object:
        if failing.is_set():
            failing.clear()
            raise TktError("the store failed: disk I/O error")
        return changed(reader)

    monkeypatch.setattr(SqliteReader, "changed", failing_once)
    async with running() as queue:
        failing.set()
        await queue.until(lambda: "disk I/O error (trying again)" in queue.text())
        tickets.set_fields(small_desk.agent("bob"), 1, {"priority": "low"})
        await queue.until(lambda: "#1 just changed" in queue.message and "disk I/O" not in queue.text())


async def test_however_many_reads_fail_one_refresh_is_due(small_desk, running, monkeypatch):
    def away(*_: object) -> None:
        raise StoreUnreachable("the store does not answer")

    monkeypatch.setattr("tkt.tui.loader.RETRY_SECONDS", 4321.0)
    async with running() as queue:
        monkeypatch.setattr(Source, "call", away)
        await queue.press("j", "j", "k", "R")
        assert "does not answer (trying again)" in queue.text()
        assert [timer._interval for timer in queue.screen._timers].count(4321.0) == 1
        monkeypatch.undo()
        queue.screen.loader._retry()
        await queue.settle()
        assert "does not answer" not in queue.text()

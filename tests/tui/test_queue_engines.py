"""The queue on both engines: reads, writes, and follows what others do."""

from __future__ import annotations

import pytest

from tests.tui.conftest import DeskWriter, agents, running_on
from tkt.desk import tickets
from tkt.store.location import Location


async def test_it_reads_writes_and_follows(location: Location, monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    writer = DeskWriter(location)
    agents(writer)
    for subject in ("First", "Second", "Third"):
        writer.ticket(subject)
    async with running_on(location) as queue:
        await queue.press("G", "t")
        assert writer.read(3).assignee_id is not None and "#3: taken" in queue.message
        tickets.set_fields(writer.agent("bob"), 3, {"subject": "Third, and renamed"})
        await queue.until(lambda: "Third, and renamed" in queue.text())
        await queue.press("slash", "ctrl+u")
        await queue.type("renamed\n")
        assert [row.number for row in queue.screen.queue.window.rows] == [3]
    writer.store.close()

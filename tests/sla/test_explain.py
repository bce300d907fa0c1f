"""The explanation of a deadline, on both engines: the chain is complete and its sums agree with the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tkt.errors import NotFound
from tkt.sla.explain import Explanation, document, explain
from tkt.sla.explain_text import lines
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.store.read import Reader, open_reader
from tkt.store.tables import Ticket


@pytest.fixture
def desk(store: Store, desk_at: Any) -> Any:
    return desk_at(store)


@pytest.fixture
def reader(location: Location) -> Iterator[Reader]:
    with open_reader(location) as opened:
        yield opened


def told(reader: Reader, desk: Any, hours: float) -> Explanation:
    return explain(reader, desk.number, desk.at(hours))


def test_the_policies_asked_are_those_up_to_the_first_that_matches(desk: Any, reader: Reader) -> None:
    desk.create()
    found = told(reader, desk, 1)
    assert [(one.name, one.fits) for one in found.policies] == [("vip", False), ("team", False), ("standard", True)]
    desk.set(desk.at(1), category="vip")
    assert [(one.name, one.fits) for one in told(reader, desk, 1).policies] == [("vip", True)]
    desk.set(desk.at(1), category="free")
    assert told(reader, desk, 1).chosen == ""


def test_every_span_is_there_and_they_add_up(desk: Any, reader: Reader) -> None:
    desk.create()
    desk.reply(desk.at(2), status="waiting")
    desk.inbound(desk.at(24 + 7))
    desk.set(desk.at(24 + 8), priority="urgent")
    clock = next(one for one in told(reader, desk, 48).clocks if one.metric == "resolution")
    assert [(span.state, span.seconds) for span in clock.spans] == [
        ("running", 7200), ("paused", 13 * 3600), ("running", 3600), ("running", 0),
    ]  # fmt: skip
    assert clock.used_seconds == 3 * 3600 and clock.left_seconds == 3600
    assert [span.cause for span in clock.spans][-1] == "priority old → urgent (test)"
    for span in clock.spans:
        assert span.seconds == sum((end - start).total_seconds() for start, end in span.pieces)
    assert clock.due_at == desk.at(48 + 1)
    assert sum((end - start).total_seconds() for start, end in clock.pieces_left) == clock.left_seconds


def test_steps_fired_and_to_come(desk: Any, reader: Reader) -> None:
    desk.create(category="vip")
    desk.check(desk.at(0.9))
    first, resolution = told(reader, desk, 0.9).clocks
    assert [(step.key, step.at, step.fired_at) for step in first.steps] == [
        ("-10m", desk.at(0, seconds=3000), desk.at(0.9)), ("+0m", desk.at(1), None),
    ]  # fmt: skip
    assert [(step.key, step.at) for step in resolution.steps] == [("+0m", desk.at(8)), ("+2h", desk.at(10))]


def test_text_and_json_say_the_same(desk: Any, reader: Reader) -> None:
    desk.create()
    desk.reply(desk.at(2), status="waiting")
    found = told(reader, desk, 3)
    text = "\n".join(lines(found))
    assert "Policy: standard" in text and "vip: does not match: category:vip" in text
    assert "running Mon 2026-03-02 09:00:00 - Mon 2026-03-02 11:00:00  2:00:00  [created]" in text
    assert "paused  Mon 2026-03-02 11:00:00 - now  not counted: 1:00:00" in text
    assert "sum: 2:00:00 used of 24:00:00, 22:00:00 left" in text
    told_json = json.loads(json.dumps(document(found)))
    assert told_json["policy"] == "standard"
    resolution = told_json["clocks"][1]
    assert (resolution["state"], resolution["due_at"], resolution["left_seconds"]) == ("paused", None, 22 * 3600)
    assert resolution["spans"][0]["pieces"] == [{"opens": "2026-03-02T09:00:00Z", "closes": "2026-03-02T11:00:00Z"}]


def test_a_long_stretch_shows_its_ends_and_sums_up_the_rest(desk: Any, reader: Reader) -> None:
    desk.create()
    found = told(reader, desk, 14 * 24 - 1)  # ten days of eight hours
    text = list(lines(found))
    start = text.index(next(one for one in text if "resolution: " in one))
    shown = [one.strip() for one in text[start:] if one.startswith("      ")]
    assert [one.split()[0] for one in shown] == ["open"] * 3 + ["…"] + ["open"] * 3
    assert shown[3] == "… 4 more open pieces, together 32:00:00"
    assert shown[2].startswith("open Wed 2026-03-04") and shown[-1].startswith("open Fri 2026-03-13")
    assert "  promised: 24h of office (UTC), policy standard (version 1)" in text
    assert len(document(found)["clocks"][1]["spans"][0]["pieces"]) == 10


def test_a_strangers_subject_cannot_drive_the_terminal(desk: Any, reader: Reader) -> None:
    desk.create()
    with desk.store.transaction() as session:
        session.get_one(Ticket, desk.number).subject = "a\x1b]0;owned\x07b\u202e"
    assert all(line.isprintable() for line in lines(told(reader, desk, 1)))


def test_a_ticket_that_is_none(desk: Any, reader: Reader) -> None:
    with pytest.raises(NotFound):
        explain(reader, 4711)

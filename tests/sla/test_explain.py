"""The explanation of a deadline, on both engines: the chain is complete and its sums agree with the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlmodel import select

from tkt.errors import NotFound
from tkt.sla.explain import Explanation, document, explain
from tkt.sla.explain_text import lines
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.store.read import Reader, open_reader
from tkt.store.tables import Definition, Setting, Ticket


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
    found = told(reader, desk, 21 * 24 - 1)  # fifteen days of eight hours
    text = list(lines(found))
    start = text.index(next(one for one in text if "resolution: " in one))
    shown = [one.strip() for one in text[start:] if one.startswith("      ")]
    assert [one.split()[0] for one in shown] == ["open"] * 3 + ["the"] + ["open"] * 3 + ["…"] + ["open"] * 3
    assert shown[3] == "the deadline, Wed 2026-03-04 17:00:00: 24:00:00 used", "a deadline that passed can be checked"
    assert shown[7] == "… 6 more open pieces, together 48:00:00"
    assert shown[6].startswith("open Mon 2026-03-09") and shown[-1].startswith("open Fri 2026-03-20")
    assert "  promised: 24h of office (UTC), policy standard (version 1)" in text
    assert len(document(found)["clocks"][1]["spans"][0]["pieces"]) == 15


def test_a_deadline_within_a_piece_divides_it(desk: Any, reader: Reader) -> None:
    """Two hours are used when the customer is waited for, the other two end in the middle of Tuesday's morning."""
    desk.create(priority="urgent")
    desk.reply(desk.at(2), status="waiting")
    desk.status(desk.at(24), "open")
    for at in (29, 30):  # by then a check has seen it
        text = "\n".join(lines(told(reader, desk, 29)))
        assert (
            "      open Tue 2026-03-03 09:00:00 - 11:00:00  2:00:00\n"
            "      the deadline, Tue 2026-03-03 11:00:00: 4:00:00 used\n"
            "      open Tue 2026-03-03 11:00:00 - 14:00:00  3:00:00\n" in text
        )
        desk.check(desk.at(at))


def test_what_was_closed_is_shown_where_the_clock_on_the_wall_says_more(desk: Any, reader: Reader) -> None:
    """A pencil must come to the same: what is not counted of a stretch is told, with its reason."""
    desk.create(at=desk.at(-2))
    text = "\n".join(lines(told(reader, desk, 1)))
    assert (
        "running Mon 2026-03-02 07:00:00 - now  1:00:00  [created]\n"
        "      open Mon 2026-03-02 09:00:00 - 10:00:00  1:00:00\n" in text
    )
    text = "\n".join(lines(told(reader, desk, -1)))
    assert "running Mon 2026-03-02 07:00:00 - now  0:00:00  [created]\n      closed all the time\n" in text


def test_a_night_in_which_the_clocks_are_turned_is_told(desk: Any, reader: Reader) -> None:
    """The desk's clocks go from 2:00 to 3:00 on 29 March: five hours on the wall are four."""
    with desk.store.transaction() as session:
        session.add(Setting(key="desk.timezone", value="Europe/Berlin"))
    desk.create(at=datetime(2026, 3, 28, 23, tzinfo=UTC), category="vip", priority="low")
    text = "\n".join(lines(explain(reader, desk.number, datetime(2026, 3, 29, 3, tzinfo=UTC))))
    assert "running Sun 2026-03-29 00:00:00 - now  4:00:00  [created]\n" in text
    assert "      open Sun 2026-03-29 00:00:00 - 05:00:00  4:00:00 (clocks forward 1:00:00)\n" in text


def test_the_reason_of_a_day_with_other_hours_is_told(desk: Any, reader: Reader) -> None:
    special = {"extra": ["2026-03-03"], "half": [{"date": "2026-03-05", "hours": ["09:00-12:00"]}]}
    with desk.store.transaction() as session:
        office = session.exec(select(Definition).where(Definition.name == "office")).one()
        office.body = {**office.body, "holidays": special}
    desk.create()
    found = told(reader, desk, 49)
    text = "\n".join(lines(found))
    assert "      special days: Tue 2026-03-03 (holiday of the desk)\n" in text
    assert "      special days: Thu 2026-03-05 (half day)" in text, "on the way to the deadline"
    resolution = document(found)["clocks"][1]
    assert resolution["spans"][0]["special_days"] == [{"date": "2026-03-03", "reason": "holiday of the desk"}]


def test_what_no_check_has_seen_yet_is_said(desk: Any, reader: Reader) -> None:
    desk.create(category="vip")
    text = "\n".join(lines(told(reader, desk, 1.5)))
    assert "first_response: running, due Mon 2026-03-02 10:00:00 (passed, not checked yet)" in text
    assert "step -10m: due since Mon 2026-03-02 09:50:00: tag:+soon" in text
    desk.check(desk.at(1.5))
    assert "not checked yet" not in "\n".join(lines(told(reader, desk, 1.5)))


def test_a_strangers_subject_cannot_drive_the_terminal(desk: Any, reader: Reader) -> None:
    desk.create()
    with desk.store.transaction() as session:
        session.get_one(Ticket, desk.number).subject = "a\x1b]0;owned\x07b\u202e"
    assert all(line.isprintable() for line in lines(told(reader, desk, 1)))


def test_a_ticket_that_is_none(desk: Any, reader: Reader) -> None:
    with pytest.raises(NotFound):
        explain(reader, 4711)

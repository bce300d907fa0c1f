"""`tkt sla simulate`: real history under other policies, next to what it was."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tkt.cli.main import run
from tkt.config.schema import read
from tkt.config.simulated import era_of
from tkt.sla.replaying import portions, simulate_run
from tkt.sla.replaying.simulate import Figures, Outcome, Period, over_policies

HOUR = 3600


@pytest.fixture
def told(story: Any) -> Any:
    """Monday 9:00 UTC is 10:00 in Berlin: #1 is answered after three hours and resolved after four more, #2 never."""
    story.begin("mail")
    story.act(3 * HOUR, ("reply", ""))
    story.act(4 * HOUR, ("status", "resolved"))
    story.act(10 * 86400, ("check",))
    return story


def simulated(told: Any, text: str, numbers: Any = (1, 2)) -> Outcome:
    with told.store.reading() as session:
        era = era_of(session, read(text))
    period = Period(told.at - timedelta(days=30), told.at, told.at)
    return simulate_run.run(told.store.location, list(numbers), era, period)


def counts(found: Outcome, metric: str) -> list[tuple[int, int, int, int]]:
    sides = (over_policies(side, metric) for side in (found.old, found.new))
    return [(one.kept, one.broken, one.by_change, one.running) for one in sides]


def test_the_desks_own_policies_change_nothing(told: Any, configs: list[str]) -> None:
    found = simulated(told, configs[0])
    for metric in ("first_response", "resolution"):
        old, new = counts(found, metric)
        assert old == new == (1, 1, 0, 0)
    assert found.flips == [] and found.left_out == [] and found.tickets == 2


def test_a_shorter_promise_flips_what_it_would_have_broken(told: Any, configs: list[str]) -> None:
    shorter = configs[0].replace('default = { first_response = "4h", next', 'default = { first_response = "2h", next')
    found = simulated(told, shorter)
    assert counts(found, "first_response") == [(1, 1, 0, 0), (0, 2, 0, 0)]
    (flip,) = found.flips
    assert (flip.ticket, flip.metric, flip.broken) == (1, "first_response", True)
    assert flip.old_due_at and flip.new_due_at and flip.old_due_at - flip.new_due_at == timedelta(hours=2)
    late = sorted(over_policies(found.new, "first_response").late)
    assert late[0] == HOUR, "two hours promised, answered after three"


def test_a_longer_promise_keeps_what_was_broken(told: Any, configs: list[str]) -> None:
    longer = configs[0].replace('resolution = "24h"', 'resolution = "900h"').replace(
        'default = { first_response = "4h"', 'default = { first_response = "800h"'
    )  # fmt: skip
    found = simulated(told, longer)
    assert counts(found, "resolution") == [(1, 1, 0, 0), (1, 0, 0, 1)]
    assert found.flips == [], "what is open then has not been kept yet"


def test_another_calendar_and_another_policy(told: Any, configs: list[str]) -> None:
    always = configs[0].replace("match = 'NOT category:free'\ncalendar = \"office\"", "match = ''\ncalendar = \"24x7\"")
    always = always.replace('name = "standard"', 'name = "round the clock"')
    found = simulated(told, always)
    assert {policy for _, policy in found.new} == {"round the clock"} and {policy for _, policy in found.old} == {
        "standard"
    }
    open_late = over_policies(found.old, "first_response").late[0]
    always_late = over_policies(found.new, "first_response").late[0]
    assert always_late == int((told.at - (told.at - timedelta(days=10, hours=7) + timedelta(hours=4))).total_seconds())
    assert open_late < always_late


def test_policies_may_ask_how_often_somebody_wrote_and_reopened(told: Any, configs: list[str]) -> None:
    """Both counts are those of each moment of the history; #1 is opened again twice."""
    for gap, act in [
        (60, ("receive", "")),
        (60, ("receive", "")),
        (60, ("status", "resolved")),
        (60, ("receive", "")),
        (60, ("receive", "")),
        (0, ("receive", "auto-reply: out of office")),
        (60, ("set", "priority=high")),
    ]:
        told.act(gap, act)
    expected = {"unanswered>=1": 3, "unanswered>=2": 1, "unanswered>=4": 1, "unanswered>=5": 0}
    for match, cycles in (expected | {"reopened>=1": 2, "reopened>=2": 1, "reopened>=3": 0}).items():
        found = simulated(told, re.sub("match = 'tag:vip.*'", f"match = '{match}'", configs[0]), (1,))
        side = found.new.get(("resolution", "vip"), Figures())
        assert side.kept + side.broken + side.by_change + side.running == cycles, match


def test_only_what_was_decided_in_the_period_counts(told: Any, configs: list[str]) -> None:
    with told.store.reading() as session:
        era = era_of(session, read(configs[0]))
    later = Period(told.at - timedelta(days=3), told.at, told.at)
    found = simulate_run.run(told.store.location, [1, 2], era, later)
    assert counts(found, "resolution") == [(0, 0, 0, 0), (0, 0, 0, 0)]


def test_processes_come_to_the_same(told: Any, configs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    alone = simulated(told, configs[1])
    monkeypatch.setattr(portions, "ALONE", 0)
    monkeypatch.setattr(portions, "CHUNK", 1)
    shared = simulated(told, configs[1])
    assert shared.flips == alone.flips and shared.tickets == alone.tickets == 2
    for metric in ("first_response", "resolution"):
        assert counts(shared, metric) == counts(alone, metric)


def test_the_command(told: Any, configs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "new.toml"
    file.write_text(configs[0].replace('first_response = "4h", next', 'first_response = "2h", next'))
    before = told.ledger()
    words = [
        "--desk",
        told.store.location.target,
        "sla",
        "simulate",
        str(file),
        "--from",
        "2026-03-01",
        "--to",
        "2026-04-01",
    ]
    assert run(words) == 0
    out = capsys.readouterr().out
    assert "2 tickets gone through again" in out
    assert "Was kept, would have been broken (1)" in out
    assert "#1 first_response: due 2026-03-02 14:00 -> 2026-03-02 12:00, standard -> standard" in out
    assert run([*words, "--json", "number:1"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["tickets"] == 1 and document["query"] == "number:1"
    assert document["metrics"][0] | {"old": 0, "new": 0} == {"metric": "first_response", "old": 0, "new": 0}
    assert [(one["old"], one["new"]) for one in document["flips"]] == [("kept", "broken")]
    assert told.ledger() == before


def test_a_file_with_a_mistake_is_pointed_at(told: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "new.toml"
    file.write_text('[[sla]]\nname = "x"\ncalender = "24x7"\n')
    assert run(["--desk", told.store.location.target, "sla", "simulate", str(file)]) != 0
    assert "new.toml:1:1" in capsys.readouterr().err

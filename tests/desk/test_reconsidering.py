"""After a change of what is promised every open ticket is held to it once, as of that moment, come what may between."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from tkt.desk import configure, reconsidering, sla_check, tickets
from tkt.desk.unit import MARKED
from tkt.store.tables import Clock, ClockSpan, Reconsideration, Setting

PROMISE = """
[[sla]]
name = "standard"
calendar = "24x7"
targets = {{ default = {{ resolution = "{}h" }}, urgent = {{ resolution = "1h" }} }}
"""


class Interrupted(Exception):
    """Somebody pressed ^C."""


def cut_short(_done: int, _total: int) -> None:
    raise Interrupted


@pytest.fixture
def promised(office: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Five tickets of 9 o'clock that are to be resolved by one; two tickets make a batch."""
    monkeypatch.setattr(reconsidering, "BATCH", 2)
    office.declare(PROMISE.format(4))
    office.begun = office.moment
    for _ in range(5):
        tickets.create(office.alice, "help", text="please")
    return office


def apply_cut_short(office: Any, hours: int) -> None:
    text = configure.shown_config(office.system).replace('resolution = "4h"', f'resolution = "{hours}h"')
    with pytest.raises(Interrupted):
        configure.apply_config(office.system, text, cut_short)


def hours_due(office: Any) -> list[float]:
    """How long after their beginning the tickets are due."""
    clocks = office.rows(Clock)
    return [round((clock.due_at - office.begun) / timedelta(hours=1), 3) for clock in clocks]


def spans(office: Any, ticket: int) -> list[tuple[float, int, str]]:
    """(hours from the beginning, promised hours, cause) of the stretches of a ticket's clock."""
    with office.store.transaction() as session:
        query = select(ClockSpan).join(Clock).where(Clock.ticket == ticket).order_by(ClockSpan.id)
        found = list(session.exec(query))
    return [
        ((one.started_at - office.begun) / timedelta(hours=1), one.target_seconds // 3600, one.cause) for one in found
    ]


def is_marked(office: Any) -> bool:
    return bool(office.rows(Setting, Setting.key == MARKED))


def test_what_was_cut_short_is_gone_on_with_as_of_the_change(promised: Any) -> None:
    promised.later(hours=1)
    apply_cut_short(promised, 8)
    assert hours_due(promised) == [8, 8, 4, 4, 4]
    promised.later(minutes=30)
    assert reconsidering.settle(promised.system) == 3
    assert hours_due(promised) == [8] * 5
    for number in range(1, 6):
        assert spans(promised, number) == [(0, 4, "created"), (1, 8, "configuration (configuration)")]
    assert not is_marked(promised)
    assert reconsidering.settle(promised.system) == 0


def test_the_check_judges_nothing_by_old_promises(promised: Any) -> None:
    promised.later(hours=1)
    apply_cut_short(promised, 8)
    promised.later(hours=3, minutes=30)  # past the old deadline
    assert sla_check.check(promised.system) == []
    assert hours_due(promised) == [8] * 5
    assert {clock.state for clock in promised.rows(Clock)} == {"running"}


def test_the_check_breaks_what_has_become_due_meanwhile(promised: Any) -> None:
    promised.later(hours=1)
    apply_cut_short(promised, 2)
    promised.later(hours=3, minutes=30)
    reconsidering.settle(promised.system)
    sla_check.check(promised.system)
    clocks = promised.rows(Clock)
    assert [clock.state for clock in clocks] == ["breached"] * 5
    assert {clock.breached_at for clock in clocks} == {promised.begun + timedelta(hours=2)}
    assert not any(clock.by_change for clock in clocks)


def test_who_touches_a_ticket_before_its_turn_finds_it_under_its_new_promise(promised: Any) -> None:
    promised.later(hours=1)
    apply_cut_short(promised, 8)
    promised.later(minutes=30)
    tickets.set_fields(promised.alice, 4, {"priority": "urgent"})
    assert [one[:2] for one in spans(promised, 4)] == [(0, 4), (1, 8), (1.5, 1)]
    tickets.set_status(promised.alice, 5, "resolved")
    assert [one[:2] for one in spans(promised, 5)] == [(0, 4), (1, 8)]
    assert reconsidering.settle(promised.system) == 1
    assert [one[:2] for one in spans(promised, 4)] == [(0, 4), (1, 8), (1.5, 1)]


def test_a_further_change_settles_the_one_before(promised: Any) -> None:
    promised.later(hours=1)
    apply_cut_short(promised, 8)
    promised.later(hours=1)
    text = configure.shown_config(promised.system).replace('resolution = "8h"', 'resolution = "6h"')
    told: list[tuple[int, int]] = []
    configure.apply_config(promised.system, text, lambda *counts: told.append(counts))
    for number in range(1, 6):
        assert [one[:2] for one in spans(promised, number)] == [(0, 4), (1, 8), (2, 6)]
    assert told[-1] == (5, 5)
    assert told[0] == (2, 3)


def test_what_promises_do_not_depend_on_marks_nothing(promised: Any) -> None:
    promised.declare(PROMISE.format(4), '[[macro]]\nname = "m"\ndo = ["tag:+x"]\n')
    assert not promised.rows(Reconsideration)
    assert not is_marked(promised)


APPLY = """
import os, signal, sys
from tkt.desk import configure, reconsidering
from tkt.desk.unit import Desk
from tkt.store.engine import Store
from tkt.store.location import parse_location
reconsidering.BATCH = 3
desk = Desk(Store(parse_location(sys.argv[1])))
def die(done, total):
    if done >= 6:
        os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "apply":
    configure.apply_config(desk, configure.shown_config(desk).replace('"4h"', '"8h"'), die)
print(reconsidering.settle(desk))
"""


def start(office: Any, what: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", APPLY, office.store.location.target, what]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_killed_in_the_middle_two_processes_share_the_rest(office: Any) -> None:
    office.declare(PROMISE.format(4))
    office.moment = datetime.now(office.moment.tzinfo).replace(microsecond=0) - timedelta(hours=1)
    office.begun = office.moment
    for _ in range(40):
        tickets.create(office.alice, "help", text="please")
    killed = start(office, "apply")
    assert killed.communicate(timeout=60) == ("", None) and killed.returncode == -signal.SIGKILL
    assert len(office.rows(Reconsideration)) == 34
    shares = [start(office, "settle") for _ in range(2)]
    assert sum(int(one.communicate(timeout=60)[0]) for one in shares) == 34
    assert not office.rows(Reconsideration)
    assert not is_marked(office)
    assert hours_due(office) == [8] * 40
    assert all([one[1] for one in spans(office, number)] == [4, 8] for number in range(1, 41))
    moments = {spans(office, number)[1][0] for number in range(1, 41)}
    assert len(moments) == 1  # that of the change, whoever did it and when

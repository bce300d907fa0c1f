"""Applying makes the store say what the file says, keeps what was, and says who did it; on both engines."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import Session, select

from tkt.config.apply import apply
from tkt.config.changes import Change
from tkt.config.plan import plan, warnings
from tkt.config.schema import read
from tkt.errors import Conflict
from tkt.store.definitions import load_definitions
from tkt.store.engine import Store
from tkt.store.tables import Agent, ConfigVersion, Definition, Event, Setting, Team, TeamMember, Ticket
from tkt.times import from_micros

Applying = Callable[[str], list[Change]]

ADMIN = '[[agent]]\nname = "alice"\nrole = "admin"\n'
NOW = from_micros(1_800_000_000_000_000)


def rule(name: str, text: str = "x") -> str:
    return f'[[rule]]\nname = "{name}"\non = "created"\ndo = ["note:{text}"]\n'


def rows(session: Session, name: str) -> list[tuple[int, bool, object]]:
    """Every version of a definition: its number, whether it is in force, what it does."""
    found = session.exec(select(Definition).where(Definition.name == name).order_by(Definition.id))
    return [(row.version, row.active, row.body["do"]) for row in found]


def planned(store: Store, text: str) -> list[str]:
    with store.transaction() as session:
        return [str(change) for change in plan(session, read(text))]


def test_a_second_plan_is_empty(store: Store, applied: Applying, full: str) -> None:
    assert [str(change) for change in applied(full)] == planned_words(full)
    assert planned(store, full) == []
    assert applied(full) == []


def planned_words(text: str) -> list[str]:
    """What a first apply of the whole file adds, each table once."""
    config = read(text)
    desk = {"name": '"Example Support"'} | {key: value for key, value in config.desk.items() if key != "name"}
    agents = {"alice": "add as admin", "bob": "add as agent"}
    settings = [f"desk: {key} set to {desk[key]}" for key in config.desk]
    return settings + [f"{item}: {agents.get(item.name, 'add')}" for item in config.items]


def test_the_rest_of_the_desk_finds_what_was_applied(store: Store, applied: Applying, full: str) -> None:
    applied(full)
    with store.transaction() as session:
        found = load_definitions(session, None)
        assert [one.name for one in found.of("sla")] == ["vip", "all"]
        assert found.statuses["parts"] == "waiting"
        assert found.setting("desk.undo_window") == "20s"
        assert set(found.teams) == {"network", "billing"}
        names = session.exec(select(Agent.name).join(TeamMember).join(Team).where(Team.name == "network"))
        assert set(names) == {"alice", "bob"}
        assert session.exec(select(Agent.email).where(Agent.name == "alice")).one() == "alice@example.com"


def test_a_change_makes_a_new_version_and_keeps_the_old(store: Store, applied: Applying) -> None:
    applied(ADMIN + rule("a") + rule("b"))
    applied(ADMIN + rule("a", "y") + rule("b"))
    with store.transaction() as session:
        assert rows(session, "a") == [(1, False, ["note:x"]), (2, True, ["note:y"])]
        assert rows(session, "b") == [(1, True, ["note:x"])]


def test_what_is_named_no_more_is_retired_and_comes_back(store: Store, applied: Applying) -> None:
    bob = '[[agent]]\nname = "bob"\n'
    team = '[[team]]\nname = "t"\nmembers = ["bob"]\n'
    applied(ADMIN + bob + team + rule("a"))
    gone = applied(ADMIN)
    assert [str(change) for change in gone] == ["agent bob: retire", "team t: retire", "rule a: retire"]
    with store.transaction() as session:
        assert {row.name: row.active for row in session.exec(select(Agent))} == {"alice": True, "bob": False}
        assert [row.active for row in session.exec(select(Team))] == [False]
        assert rows(session, "a") == [(1, False, ["note:x"])]
    back = applied(ADMIN + bob + team + rule("a"))
    assert [change.action for change in back] == ["revive"] * 3
    with store.transaction() as session:
        assert rows(session, "a") == [(1, False, ["note:x"]), (2, True, ["note:x"])]
        assert len(session.exec(select(TeamMember)).all()) == 1
        assert len(session.exec(select(Agent)).all()) == 2


def test_the_order_of_the_file_is_kept(store: Store, applied: Applying) -> None:
    applied(ADMIN + rule("a") + rule("b") + rule("c"))
    moved = applied(ADMIN + rule("new") + rule("c") + rule("a") + rule("b"))
    assert [str(change) for change in moved] == ["rule new: add", "rule c: move 3 -> 2 (order)"]
    with store.transaction() as session:
        assert [one.name for one in load_definitions(session, None).of("rule")] == ["new", "c", "a", "b"]
        assert rows(session, "c") == [(1, True, ["note:x"])]


def test_the_last_admin_stays(store: Store, applied: Applying) -> None:
    applied(ADMIN)
    for text in ("", ADMIN.replace("admin", "agent"), '[[agent]]\nname = "bob"\n'):
        with pytest.raises(Conflict, match="without an admin: keep alice"):
            applied(text)
    assert planned(store, ADMIN) == []
    applied('[[agent]]\nname = "bob"\nrole = "admin"\n')


def test_who_when_and_what_are_kept(store: Store, applied: Applying) -> None:
    applied(ADMIN)
    applied(ADMIN + rule("a"))
    with store.transaction() as session:
        versions = session.exec(select(ConfigVersion).order_by(ConfigVersion.id)).all()
        assert [row.plan for row in versions] == [["agent alice: add as admin"], ["rule a: add"]]
        assert versions[1].text == ADMIN + rule("a")
        assert versions[1].actor == "alice"
        event = session.exec(select(Event).order_by(Event.id)).all()[-1]
        assert (event.verb, event.field, event.old) == ("config", "rule a", None)
        assert event.new == {"on": "created", "do": ["note:x"]}
        assert (event.actor, event.change, event.ticket) == ("alice", "change-1", None)


def test_new_comments_are_kept_without_a_new_generation(store: Store, applied: Applying) -> None:
    applied(ADMIN)
    with store.transaction() as session:
        before = session.get_one(Setting, "generation").value
    assert applied("# mine\n" + ADMIN) == []
    applied("# mine\n" + ADMIN)
    with store.transaction() as session:
        assert session.get_one(Setting, "generation").value == before
        assert [row.plan for row in session.exec(select(ConfigVersion))] == [
            ["agent alice: add as admin"],
            [],
        ]


def test_other_settings_are_left_alone(store: Store, applied: Applying) -> None:
    with store.transaction() as session:
        session.add(Setting(key="desk.secret", value="s"))
    applied(ADMIN + '[desk]\nname = "A"\n')
    assert [str(change) for change in applied(ADMIN)] == ["desk: name removed, was A"]
    with store.transaction() as session:
        assert {row.key for row in session.exec(select(Setting))} == {"desk.secret", "generation"}


def test_a_failure_leaves_nothing_behind(store: Store, full: str) -> None:
    with pytest.raises(RuntimeError), store.transaction() as session:
        apply(session, read(full), full, "alice", NOW, "c")
        raise RuntimeError
    with store.transaction() as session:
        assert session.exec(select(Definition)).all() == []
        assert session.exec(select(Agent)).all() == []


def test_admins_who_apply_at_once_do_so_in_turn(store: Store, applied: Applying) -> None:
    """Each change starts from what the one before it left, even if the verb had read before it waited."""
    applied(ADMIN + '[desk]\nname = "n"\n')

    def run(number: int) -> None:
        text = ADMIN + f'[desk]\nname = "n{number}"\n' + rule("a", str(number))
        with store.transaction() as session:
            held = session.exec(select(Setting)).all()
            apply(session, read(text), text, "alice", NOW, str(number))
            assert held

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))
    with store.transaction() as session:
        events = session.exec(select(Event).where(Event.field == "desk name").order_by(Event.id)).all()
        assert [event.old for event in events] == [None, *(event.new for event in events[:-1])]
        assert [version for version, _, _ in rows(session, "a")] == [1, 2, 3, 4]
        assert [active for _, active, _ in rows(session, "a")] == [False, False, False, True]


def test_surprises_are_told(store: Store, applied: Applying) -> None:
    eve = '[[agent]]\nname = "eve"\nrole = "admin"\n'
    applied(ADMIN + eve)
    with store.transaction() as session:
        alice = session.exec(select(Agent).where(Agent.name == "alice")).one().id
        for number, kind in enumerate(("open", "waiting", "closed")):
            session.add(
                Ticket(
                    number=number + 1,
                    subject="x",
                    status_kind=kind,
                    assignee_id=alice,
                    created_at=NOW,
                    updated_at=NOW,
                )
            )
    with store.transaction() as session:
        retired = plan(session, read(eve))
        demoted = plan(session, read(ADMIN.replace("admin", "agent") + eve))
        told = warnings(session, retired, "alice")
        assert told[0].startswith("alice is you: after this you can't act")
        assert told[1:] == ["agent alice still has 2 unfinished tickets"]
        assert [one[:12] for one in warnings(session, demoted, "alice")] == ["alice is you"]
        assert warnings(session, demoted, "eve") == []

"""Making a desk, and changing what it is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tkt.desk import configure, tickets
from tkt.desk.unit import Desk, find_actor
from tkt.errors import ConfigError, Conflict, NotAllowed, NotFound, UsageError
from tkt.store.engine import Store
from tkt.store.location import Location, parse_location
from tkt.store.migrate import upgrade
from tkt.store.tables import Agent, Setting, Team, TeamMember


def test_a_new_desk_has_an_admin_and_a_secret(tmp_path: Path) -> None:
    location = parse_location(str(tmp_path / "below" / "desk.db"))
    text = configure.make_desk(location, "Example", "dora", "dora@desk.example", "Europe/Berlin")
    store = Store(location)
    desk = Desk(store, find_actor(store, "dora"))
    assert desk.actor.role == "admin"
    assert configure.plan_config(desk, text)[0] == []
    with store.transaction() as session:
        secret = session.get(Setting, "desk.secret")
        assert secret is not None and len(secret.value) == 64
    store.close()
    with pytest.raises(Conflict, match="there is a desk at"):
        configure.make_desk(location, "Other", "eve", "", "UTC")


def test_a_desk_that_was_left_half_made_is_finished(location: Location) -> None:
    upgrade(location)  # and then the power failed
    configure.make_desk(location, "Example", "dora", "", "UTC")
    store = Store(location)
    assert find_actor(store, "dora").role == "admin"
    store.close()


def test_agents_come_go_and_come_back(office: Any) -> None:
    configure.add_agent(office.alice, "dave", "Dave@Desk.example", "agent")
    assert find_actor(office.store, "dave").role == "agent"
    assert office.rows(Agent, Agent.name == "dave")[0].email == "dave@desk.example"
    configure.set_agent(office.alice, "dave", role="supervisor", email="d@desk.example")
    assert find_actor(office.store, "dave").role == "supervisor"
    number = tickets.create(office.alice, "VPN", assignee="dave").number
    configure.retire_agent(office.alice, "dave")
    with pytest.raises(NotAllowed):
        find_actor(office.store, "dave")
    with pytest.raises(NotFound):
        tickets.assign(office.alice, tickets.create(office.alice, "x").number, "dave")
    assert office.document(number)["assignee"] == "dave"
    configure.add_agent(office.alice, "dave", None, "agent")
    assert (find_actor(office.store, "dave").role, len(office.rows(Agent, Agent.name == "dave"))) == ("agent", 1)


def test_teams_come_go_and_come_back(office: Any) -> None:
    configure.add_team(office.alice, "sales", ["bob"])
    configure.change_members(office.alice, "sales", add=["alice", "bob"])
    configure.change_members(office.alice, "sales", remove=["bob"])
    with pytest.raises(NotFound, match="'bob' is not in the team"):
        configure.change_members(office.alice, "sales", remove=["bob"])
    [team] = office.rows(Team, Team.name == "sales")
    assert len(office.rows(TeamMember, TeamMember.team_id == team.id)) == 1
    number = tickets.create(office.alice, "VPN", team="sales").number
    configure.retire_team(office.alice, "sales")
    assert office.document(number)["team"] == "sales"
    with pytest.raises(NotFound):
        tickets.create(office.alice, "VPN", team="sales")
    configure.add_team(office.alice, "sales", [])
    with pytest.raises(Conflict):
        configure.add_team(office.alice, "sales", [])


def test_the_last_admin_stays(office: Any) -> None:
    for act in (
        lambda: configure.retire_agent(office.alice, "alice"),
        lambda: configure.set_agent(office.alice, "alice", role="agent"),
        lambda: configure.apply_config(office.alice, "[desk]\nname='D'\n[[agent]]\nname='bob'\nrole='agent'\n"),
    ):
        with pytest.raises((Conflict, ConfigError), match="admin"):
            act()
    configure.set_agent(office.alice, "bob", role="admin")
    configure.retire_agent(office.alice, "alice")


@pytest.mark.parametrize("name", ["", "two words", "me", "auto", "none", "-x", "a\x1b", "x" * 65])
def test_names_that_mean_something_else(sqlite_office: Any, name: str) -> None:
    with pytest.raises(UsageError):
        configure.add_agent(sqlite_office.alice, name, None, "agent")
    with pytest.raises(UsageError):
        configure.add_team(sqlite_office.alice, name, [])


def test_only_admins(office: Any) -> None:
    for desk in (office.bob, office.carol, office.sue):
        for act in (
            lambda desk: configure.add_agent(desk, "dave", None, "admin"),
            lambda desk: configure.set_agent(desk, desk.actor.name, role="admin"),
            lambda desk: configure.retire_agent(desk, "alice"),
            lambda desk: configure.add_team(desk, "sales", []),
            lambda desk: configure.change_members(desk, "network", add=["sue"]),
            lambda desk: configure.retire_team(desk, "network"),
            lambda desk: configure.apply_config(desk, "[desk]\nname='D'\n[[agent]]\nname='eve'\nrole='admin'\n"),
        ):
            with pytest.raises(NotAllowed):
                act(desk)


def test_another_process_sees_a_new_configuration_at_once(office: Any) -> None:
    other = Desk(office.store, office.bob.actor, office.now)
    tickets.create(other, "VPN")
    configure.add_team(office.alice, "sales", [])
    assert tickets.create(other, "VPN", team="sales").team_id
    assert [row for row in office.rows(Agent) if row.name == "bob"]


def test_what_was_changed_by_hand_stands_in_the_log(office: Any) -> None:
    from tkt.store.tables import Event

    configure.add_agent(office.alice, "dave", None, "agent")
    configure.set_agent(office.alice, "dave", role="viewer")
    configure.change_members(office.alice, "network", add=["dave"])
    told = [(one.actor, one.verb, one.field, one.old, one.new) for one in office.rows(Event)][-3:]
    assert told == [
        ("alice", "config", "agent dave", None, "agent"),
        ("alice", "config", "agent dave", "agent", "viewer"),
        ("alice", "config", "team network", None, "dave"),
    ]

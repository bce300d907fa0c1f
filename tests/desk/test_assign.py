"""Who gets a ticket: each way of assigning, through `assign auto`."""

from __future__ import annotations

from typing import Any

from tkt.desk import tickets
from tkt.desk.configure import retire_agent

PEOPLE = """
[desk]
name = "D"
[[agent]]
name = "ann"
role = "admin"
skills = ["vpn"]
[[agent]]
name = "ben"
skills = ["vpn", "printer"]
[[agent]]
name = "cem"
skills = ["printer"]
[[agent]]
name = "vic"
role = "viewer"
skills = ["vpn", "printer", "incident"]
"""


def team(way: str) -> str:
    return f'[[team]]\nname = "net"\nmembers = ["ann", "ben", "cem", "vic"]\nassign = "{way}"\n'


def assigned(office: Any, **ticket: Any) -> str | None:
    office.later(seconds=1)
    number = tickets.create(office.system, "VPN", team="net", **ticket).number
    return tickets.assign(office.system, number, "auto")


def test_round_robin(office: Any) -> None:
    office.declare(team("round-robin"), people=PEOPLE)
    assert [assigned(office) for _ in range(7)] == ["ann", "ben", "cem", "ann", "ben", "cem", "ann"]


def test_round_robin_without_who_has_left(office: Any) -> None:
    office.declare(team("round-robin"), people=PEOPLE)
    assert [assigned(office) for _ in range(2)] == ["ann", "ben"]
    retire_agent(office.system, "cem")
    assert [assigned(office) for _ in range(3)] == ["ann", "ben", "ann"]


def test_least_loaded_counts_open_tickets(office: Any) -> None:
    office.declare(team("least-loaded"), people=PEOPLE)
    for _ in range(2):
        tickets.create(office.system, "Old", assignee="ann")
    tickets.set_status(office.system, tickets.create(office.system, "Done", assignee="ben").number, "resolved")
    tickets.create(office.system, "Old", assignee="cem")
    assert [assigned(office) for _ in range(5)] == ["ben", "cem", "ben", "ann", "cem"]


def test_a_manual_team_takes_the_least_loaded_when_asked(office: Any) -> None:
    office.declare(team("manual"), people=PEOPLE)
    assert [assigned(office) for _ in range(4)] == ["ann", "ben", "cem", "ann"]


def test_skill(office: Any) -> None:
    office.declare(team("skill"), people=PEOPLE)
    assert assigned(office, tags=["printer"]) == "ben"
    assert assigned(office, category="hardware/printer") == "cem"
    assert assigned(office, tags=["printer", "vpn"]) == "ben"
    assert assigned(office, category="network/vpn") == "ann"
    assert assigned(office, type="incident") in ("ann", "cem")  # nobody who may work on it has that skill: least loaded

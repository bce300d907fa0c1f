"""`tkt rule try`: what a rule that is not in force would have done, and what people made of the same afterwards."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tkt.cli.main import run as tkt
from tkt.config.schema import read
from tkt.desk import conversation, tickets
from tkt.desk.configure import shown_config
from tkt.desk.conversation import Message
from tkt.desk.rules import run_time_rules
from tkt.desk.trying import run
from tkt.desk.trying.effects import Effect
from tkt.desk.trying.run import Result
from tkt.desk.trying.text import tallies
from tkt.desk.undo import undo
from tkt.errors import NotFound
from tkt.sla.replaying import portions
from tkt.store.tables import Event
from tkt.times import from_micros

ANN = "ann@customer.example"
HOSTILE = "VPN \x1b[31mdown\x1b[0m\u202e"


def rule(name: str, on: str, when: str, *do: str) -> str:
    return f"[[rule]]\nname = '{name}'\non = '{on}'\nwhen = '''{when}'''\ndo = {json.dumps(do)}\n"


@pytest.fixture
def desk(office: Any) -> Any:
    """Teams of two kinds, a field of two; the story of a test begins now."""
    office.begun = office.moment
    office.more = '[[team]]\nname = "billing"\n'
    office.declare(office.more)
    return office


def trial(office: Any, *rules: str, names: tuple[str, ...] = ()) -> Result:
    config = read(shown_config(office.alice) + "".join(rules))
    return run.run(office.store.location, config, names, office.begun, office.moment + timedelta(hours=1))


def opened(office: Any, subject: str, **more: Any) -> int:
    office.later(minutes=10)
    number = tickets.create(office.customer(ANN), subject, message=Message("Help", "Ann", ANN), **more).number
    assert number is not None
    office.later(minutes=10)
    return number


def effects(found: Result, action: int = 0) -> list[tuple[int, Effect, str | None]]:
    return [(one.ticket, *one.outcomes[action]) for one in found.rules[0].firings]


def test_what_people_did_afterwards_tells_whether_a_rule_is_good(desk: Any) -> None:
    numbers = [opened(desk, f"VPN {n}", team="billing") for n in range(5)]
    tickets.set_fields(desk.bob, numbers[0], {"team": "network"})
    tickets.set_fields(desk.bob, numbers[1], {"team": "empty"})
    tickets.set_fields(desk.bob, numbers[1], {"team": "network"})
    tickets.set_fields(desk.bob, numbers[2], {"team": "network"})
    undo(desk.bob, numbers[2])
    tickets.set_fields(desk.system, numbers[3], {"team": "network"})
    there = opened(desk, "VPN", team="network")
    opened(desk, "printer")
    found = trial(desk, rule("new", "created", "subject:vpn OR subject:tunnel", "set:team=network", "tag:+vpn"))
    [result] = found.rules
    assert (result.rule.state, found.tickets, result.asked, result.tickets) == ("new", 7, 7, 6)
    later = {number: value for number, _, value in effects(found)}
    assert later == dict.fromkeys(numbers + [there]) | {numbers[0]: "network", numbers[1]: "empty"}
    [team, tag] = tallies(result)
    assert (team.verdicts, team.agreed, team.others, team.untouched) == ({"change": 5, "same": 1}, 1, {"empty": 1}, 3)
    assert (tag.verdicts, tag.agreed, tag.others.total()) == ({"change": 6}, 0, 0)
    first = result.firings[0]
    assert (first.subject, first.why) == ("VPN 0", ("subject:vpn",))
    assert first.outcomes[0].effect == Effect("set:team=network", "change", "team", "billing", "network")


def test_what_a_rule_did_itself_stays_done_until_the_history_changes_it(desk: Any) -> None:
    number = opened(desk, "VPN", tags=["a"])
    for tag in ("b", "c"):
        tickets.tag(desk.bob, number, [tag])
    desk.later(minutes=1)
    tickets.set_fields(desk.bob, number, {"priority": "low"})
    found = trial(desk, rule("raise", "changed", "tag:b priority<high", "set:priority=high", "tag:-a"))
    assert [(one.old, one.new) for _, one, _ in effects(found)] == [("normal", "high"), ("low", "high")]
    assert [(one.old, one.new, one.verdict) for _, one, _ in effects(found, 1)] == [
        ("a", "", "change"),
        ("", "", "same"),
    ]


def test_what_can_not_be_done_is_said(desk: Any) -> None:
    number, other = opened(desk, "VPN", team="network"), opened(desk, "other")
    with desk.alice.change() as change:
        change.set(change.ticket(number), "merge", merged=other)
    do = ("set:field.serial=1", "status:closed", "assign:auto", "set:team=", "assign:auto", "reply:Hello\nAnn")
    found = trial(desk, rule("all", "changed", "", *do))
    verdicts = [(one.effect.verdict, one.effect.words) for one in found.rules[0].firings[-1].outcomes]
    assert verdicts == [
        ("skip", "field serial is for tickets of type incident, not for type ''"),
        ("skip", "the ticket was merged into another"),
        ("act", "would assign somebody of network"),
        ("change", ""),
        ("skip", "it has no team, so nobody can be chosen"),
        ("skip", "the ticket was merged into another"),
    ]


def test_a_rule_by_time_fires_in_the_minute_in_which_it_came_true(desk: Any) -> None:
    number = opened(desk, "VPN")
    touched = desk.ticket(number).updated_at
    desk.later(days=3)
    tickets.tag(desk.bob, number, ["x"])
    desk.later(hours=1)
    found = trial(desk, rule("stale", "every", "updated>2d", "note:Still there?"))
    [one] = found.rules[0].firings
    assert timedelta(0) < from_micros(one.at) - (touched + timedelta(days=2)) <= timedelta(minutes=1)


def test_only_rules_that_differ_are_tried_unless_named(desk: Any) -> None:
    in_force = rule("same", "created", "", "tag:+x") + rule("other", "created", "subject:vpn", "tag:+y")
    desk.declare(desk.more, in_force)
    opened(desk, "VPN")
    changed = read(shown_config(desk.alice).replace("subject:vpn", "subject:tunnel"))
    end = desk.moment + timedelta(hours=1)
    by_default = run.run(desk.store.location, changed, [], desk.begun, end)
    assert [(one.rule.name, one.rule.state, len(one.firings)) for one in by_default.rules] == [("other", "changed", 0)]
    named = run.run(desk.store.location, changed, ["same"], desk.begun, end)
    assert [(one.rule.name, one.rule.state, len(one.firings)) for one in named.rules] == [("same", "same", 1)]
    assert trial(desk).rules == []
    with pytest.raises(NotFound, match="did you mean 'other'"):
        run.run(desk.store.location, changed, ["othre"], desk.begun, end)


def test_only_the_period_counts(desk: Any) -> None:
    before = opened(desk, "VPN 1")
    desk.later(days=1)
    desk.begun = desk.moment
    inside = opened(desk, "VPN 2")
    conversation.reply(desk.bob, before, "done")
    rules = rule("new", "created", "", "tag:+x"), rule("old", "every", "created>1h", "tag:+y")
    found = trial(desk, *rules)
    assert [(one.asked, [firing.ticket for firing in one.firings]) for one in found.rules] == [
        (1, [inside]),
        (2, [before, inside]),
    ]
    desk.later(days=9)
    opened(desk, "VPN 3")
    until = run.run(desk.store.location, read(shown_config(desk.alice) + rules[0]), [], desk.begun, desk.moment)
    assert [firing.ticket for firing in until.rules[0].firings] == [inside, inside + 1]


def test_processes_come_to_the_same_and_nothing_is_written(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(4):
        opened(desk, f"VPN {n}")
    rules = rule("new", "created", "", "tag:+x"), rule("old", "every", "created>10m", "tag:+y")
    events, alone = len(desk.rows(Event)), trial(desk, *rules)
    monkeypatch.setattr(portions, "ALONE", 0)
    monkeypatch.setattr(portions, "CHUNK", 1)
    assert trial(desk, *rules) == alone
    assert len(alone.rules[0].firings) == len(alone.rules[1].firings) == 4
    assert run_time_rules(desk.system) == [] and len(desk.rows(Event)) == events


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def command(desk: Any, tmp_path: Path) -> Any:
    """Runs `tkt rule try` on a file with these rules besides what is in force."""

    def call(rules: str, *words: str) -> int:
        file = tmp_path / "new.toml"
        file.write_text(shown_config(desk.alice) + rules)
        period = ("--from", "2026-11-01", "--to", "2026-11-08")
        return tkt(["--desk", desk.store.location.target, "rule", "try", str(file), *words, *period])

    return call


def test_the_command(desk: Any, command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for n in range(3):
        opened(desk, f"{HOSTILE} {n}")
    tickets.set_fields(desk.bob, 1, {"team": "network"})
    new = rule("vpn", "created", "subject:vpn", "set:team=network", "reply:Hello\nthere")
    assert command(new + rule("unread", "every", "is:unread", "tag:+x"), "-n", "2") == 0
    out = capsys.readouterr().out
    for words in (
        "3 tickets gone through again",
        "Rule vpn (new): on created, when subject:vpn",
        "would have fired 3 times, on 3 of 3 tickets that were opened (100.0%)",
        "  Mon 2026-11-02             3 ██",
        "people later did the same: 1, something else: 0, left it: 2",
        "Where it would have fired, the last 2 of 3; -n 0 names all",
        "      because of subject:vpn",
        "      team: nothing -> network",
        "      would send a reply: Hello …",
        "not tried: it asks for is:unread, which the history does not hold",
    ):
        assert words in out, words
    assert "\x1b" not in out and "\u202e" not in out and "#1 " not in out
    assert max(map(len, out.splitlines())) <= 80
    assert command(new, "vpn", "-n", "0") == 0
    assert "team: nothing -> network; somebody did the same later" in capsys.readouterr().out


def test_the_command_in_json(desk: Any, command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    opened(desk, HOSTILE)
    assert command(rule("vpn", "created", "", "tag:+vpn"), "--json", "-n", "1") == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    document = json.loads(out)
    [found] = document["rules"]
    assert (document["tickets"], found["rule"], found["state"], found["count"]) == (1, "vpn", "new", 1)
    assert [(one["begin"], one["count"]) for one in found["periods"]][1:3] == [("2026-11-02", 1), ("2026-11-03", 0)]
    assert found["firings"][0] == {
        "ticket": 1, "at": "2026-11-02T09:10:00Z", "subject": HOSTILE, "why": [],
        "actions": [{"action": "tag:+vpn", "verdict": "change", "field": "tag", "old": "", "new": "vpn", "words": "",
                     "later": None}],
    }  # fmt: skip


def test_what_the_command_refuses(desk: Any, command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("") == 0
    assert "is new or changed; name one to try it all the same." in capsys.readouterr().out
    for status, words, rules, said in (
        (3, ["vnp"], rule("vpn", "created", "", "tag:+x"), "there is no rule 'vnp' in this file, did you mean 'vpn'?"),
        (2, [], rule("vpn", "creatd", "", "tag:+x"), "created"),
        (2, [], rule("vpn", "created", "subjct:x", "tag:+x"), "subject"),
    ):
        assert command(rules, *words) == status
        err = capsys.readouterr().err
        assert said in err and "Traceback" not in err

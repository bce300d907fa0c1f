"""What the store says can be written down as a desk.toml that says the same; on both engines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from tkt.config.apply import apply
from tkt.config.changes import Change
from tkt.config.model import Config, Item
from tkt.config.plan import plan
from tkt.config.schema import check, read
from tkt.config.show import current_text, dump, render
from tkt.config.starter import starter
from tkt.store.engine import Store
from tkt.store.tables import Agent

Applying = Callable[[str], list[Change]]
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

_names = st.sampled_from(["a", "b", "c d", 'e"f', "é"])
_words = st.sampled_from(["ann", "ben", "cyd", "dan", "数"])
_lines = st.sampled_from(["note:x", "tag:+vpn", "assign:auto", "reply:a\nb", 'note:"q" \\', "status:waiting"])
_times = st.sampled_from(["15m", "1h", "1h30m", "8h"])
_targets = st.dictionaries(
    st.sampled_from(["urgent", "low", "default"]),
    st.dictionaries(st.sampled_from(["first_response", "resolution"]), _times, min_size=1),
    min_size=1,
)
_steps = st.lists(
    st.fixed_dictionaries({"at": st.sampled_from(["-10m", "+0m"]), "do": st.lists(_lines, min_size=1, max_size=2)}),
    max_size=2,
)


@st.composite
def _policy(draw: st.DrawFn) -> dict[str, object]:
    targets = draw(_targets)
    metric = next(iter(next(iter(targets.values()))))
    optional = {
        "match": st.just("tag:vip"),
        "pause": st.just(["waiting"]),
        "pause_first_response": st.booleans(),
    }
    body = draw(st.fixed_dictionaries({}, optional=optional))
    steps = [{"metric": metric, **step} for step in draw(_steps)]
    return body | {"targets": targets} | ({"steps": steps} if draw(st.booleans()) else {})


_hours = st.dictionaries(st.sampled_from(["mon", "sat"]), st.just(["09:00-12:00", "13:00-18:00"]), min_size=1)
_templates = st.dictionaries(
    st.sampled_from(["confirmation/de", "reply/en", "reply/en/t1", "notification/en/t1"]),
    st.fixed_dictionaries(
        {"text": st.sampled_from(["a {{ message.text }}", "{{ message.text }}\n\n{{ desk.name }}\n"])},
        optional={"html": st.just('<p class="a">{{ message.html }}</p>')},
    ),
)
"""By name, language and team."""


def _template(name: str, body: dict[str, str]) -> dict[str, str]:
    kind, language, *team = name.split("/")
    whole = {"language": language, "subject": "s", **body, **({"team": team[0]} if team else {})}
    if kind != "confirmation":
        return whole
    return {key: value.replace("message", "desk").replace("desk.text", "desk.name") for key, value in whole.items()}


_bodies = {
    "calendar": st.fixed_dictionaries(
        {"timezone": st.sampled_from(["UTC", "Asia/Shanghai"]), "hours": _hours},
        optional={"holidays": st.just({"country": "DE", "extra": ["2026-12-24"]})},
    ),
    "sla": _policy(),
    "rule": st.fixed_dictionaries(
        {"on": st.sampled_from(["created", "every"]), "do": st.lists(_lines, min_size=1, max_size=3)},
        optional={"when": st.sampled_from(["", "tag:a", 'subject:"b c"'])},
    ),
    "macro": st.fixed_dictionaries({"do": st.lists(_lines, min_size=1, max_size=3)}),
}


@st.composite
def _configs(draw: st.DrawFn) -> Config:
    agents = {"zoe": {"email": None, "role": "admin", "skills": []}}
    roles = st.sampled_from(["viewer", "agent", "admin"])
    agent = st.fixed_dictionaries(
        {"email": st.none(), "role": roles, "skills": st.lists(st.sampled_from(["x", "y"]), unique=True)}
    )
    agents |= draw(st.dictionaries(_words, agent, max_size=3))
    members = st.lists(st.sampled_from(sorted(agents)), unique=True).map(sorted)
    team = st.fixed_dictionaries(
        {
            "members": members,
            "calendar": st.sampled_from(["", "24x7"]),
            "assign": st.sampled_from(["manual", "skill"]),
        }
    )
    teams = draw(st.dictionaries(st.sampled_from(["t1", "t2", "t3"]), team))
    found = {"agent": agents, "team": teams}
    found |= {kind: draw(st.dictionaries(_names, body, max_size=3)) for kind, body in _bodies.items()}
    wanted = draw(_templates)
    found["template"] = {
        name: _template(name, body)
        for name, body in wanted.items()
        if "t1" in teams or not name.endswith("/t1")
        if name != "confirmation/de" or "html" not in body
    }
    optional = {
        "name": st.just("Dé\\sk"),
        "confirm": st.sampled_from(["true", "false"]),
        "undo_window": _times,
    }
    desk = draw(st.fixed_dictionaries({}, optional=optional))
    return Config(desk, tuple(Item(kind, name, body) for kind in found for name, body in found[kind].items()))


@given(_configs())
@settings(max_examples=60, deadline=None)
def test_a_configuration_reads_back_from_its_text(config: Config) -> None:
    found = read(render(config))
    assert found.items == config.items
    assert found.desk == config.desk


@given(_configs())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_was_applied_before_the_next_is_in_force_and_can_be_shown(store: Store, config: Config) -> None:
    """Each example is applied upon those before it: additions, changes, moves, retirements and returns."""
    text = render(config)
    with store.transaction() as session:
        apply(session, config, text, "zoe", NOW, "c")
        assert plan(session, config) == []
        shown = check(dump(session))
        assert shown.problems == []
        assert shown.config is not None and plan(session, shown.config) == []
        assert current_text(session) == text


def test_the_full_example_is_shown_whole(store: Store, applied: Applying, full: str) -> None:
    applied(full)
    with store.transaction() as session:
        text = dump(session)
        assert plan(session, read(text)) == []
    assert '[sla.targets]\nurgent = { first_response = "15m", next_response = "1h", resolution = "4h" }\n' in text
    assert '[[team]]\nname = "billing"\n\n' in text
    assert "confirm = false" in text


def test_comments_are_shown_as_long_as_they_are_true(store: Store, applied: Applying) -> None:
    text = '# ours\n[[agent]]\nname = "alice"\nrole = "admin"\n'
    applied(text)
    with store.transaction() as session:
        assert current_text(session) == text
        session.exec(select(Agent)).one().email = "alice@example.com"
    with store.transaction() as session:
        assert 'email = "alice@example.com"' in current_text(session)
        assert "# ours" not in current_text(session)


@pytest.mark.parametrize("agent", ["root", "support", "数"])
@pytest.mark.parametrize("email", ["", "root@example.com"])
def test_a_starter_is_valid(agent: str, email: str) -> None:
    config = read(starter('The "desk"', "Asia/Shanghai", agent, email))
    assert config.admins() == [agent]
    assert config.of("team")[0].body["members"] == [agent]
    assert config.desk["name"] == 'The "desk"'
    assert config.of("agent")[0].body["email"] == (email or None)


def test_every_commented_line_of_a_starter_is_valid_too() -> None:
    """Taking the comment marks off a block gives a table that passes."""
    lines = starter("x", "UTC", "root", "root@example.com").split("\n")
    begin = next(number for number, line in enumerate(lines) if line.startswith("# [[rule]]"))
    uncommented = [line.removeprefix("# ") if not line.startswith("# ---") else "" for line in lines[begin:]]
    others = [line.removeprefix("# ") if " = " in line and line.startswith("# ") else line for line in lines[:begin]]
    assert check("\n".join(others + uncommented)).problems == []

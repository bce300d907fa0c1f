"""A `do` line is read as exactly one action, or refused with a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkt.automation.actions import Action, parse_action
from tkt.errors import UsageError


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("set:team=network", Action("set", "team", "network")),
        ("set: priority = urgent ", Action("set", "priority", "urgent")),
        ("set:field.order_no=a=b", Action("set", "field.order_no", "a=b")),
        ("set:team=", Action("set", "team", "")),
        ("set:due=2h", Action("set", "due", "2h")),
        ("set:due=none", Action("set", "due", "none")),
        ("tag:+vpn", Action("tag", "+", "vpn")),
        ("tag:-vpn/client", Action("tag", "-", "vpn/client")),
        ("assign:auto", Action("assign", "", "auto")),
        ("assign:alice", Action("assign", "", "alice")),
        ("status:waiting", Action("status", "", "waiting")),
        ("notify:ops@example.com", Action("notify", "", "ops@example.com")),
        (
            "reply: Dear all: see http://x.example\nBye ",
            Action("reply", "", "Dear all: see http://x.example\nBye"),
        ),
        ("note:done", Action("note", "", "done")),
    ],
)
def test_an_action_is_read(text: str, action: Action) -> None:
    assert parse_action(text) == action


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "an action is a verb, a colon"),
        ("assign", "an action is a verb, a colon"),
        ("asign:auto", 'did you mean "assign"'),
        ("priority:high", 'write "set:priority=…"'),
        ("quux:now", "known are set, tag"),
        ("set:team", "set needs a key and a value"),
        ("set:tema=x", "set knows priority, team"),
        ("set:field.=x", "set knows priority, team"),
        ("set:priority=", "a priority is urgent, high"),
        ("set:priority=High", "a priority is urgent, high"),
        ("set:subject=", "a subject can't be empty"),
        ("set:due=soon", "is not a time"),
        ("tag:vpn", "a tag is put on with"),
        ("tag:+", "a tag is put on with"),
        ("tag:+two words", "a tag is put on with"),
        ("assign:", "assign needs one of auto, me, none"),
        ("notify:the boss", "notify needs one of assignee"),
        ("status:", "status needs the name"),
        ("reply: \n ", "reply needs a text"),
    ],
)
def test_a_mistake_is_a_sentence(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_action(text)
    assert words in str(caught.value)


_verbs = st.sampled_from(["set:team=", "set:subject=", "tag:+", "assign:", "notify:", "reply:", "note:", ""])


@given(_verbs, st.text(max_size=20))
def test_an_action_written_again_is_the_same(verb: str, rest: str) -> None:
    """Whatever is accepted at all can be written into the history and read again."""
    try:
        action = parse_action(verb + rest)
    except UsageError:
        return
    assert parse_action(str(action)) == action

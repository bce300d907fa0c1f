"""`[[sla.steps]]` and `[[webhook]]`: what they may say, what is pointed at, and that they come back as they were."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tkt.config.schema import check, read
from tkt.config.show import dump, render
from tkt.store.engine import Store

POLICY = """[[sla]]
name = "all"
calendar = "24x7"
[sla.targets]
default = { resolution = "8h" }
[[sla.steps]]
metric = "resolution"
"""
HOOK = '[[webhook]]\nname = "pager"\nurl = "https://pager.example/hook"\n'
DO = 'do = ["notify:assignee"]\n'


def problems(text: str) -> list[str]:
    return [f"{one.line}:{one.column} {one}" for one in check(text).problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (POLICY + 'at = "+0m"\nevery = "30s"\n' + DO, '9:9 "30s" is too often'),
        (POLICY + 'at = "+0m"\nevery = "often"\n' + DO, "9:9 'often' is not a duration"),
        (POLICY + 'at = "+0m"\ntimes = 3\n' + DO, "9:1 times is for a step that repeats"),
        (POLICY + 'at = "+0m"\nuntil = "+3h"\n' + DO, "9:1 until is for a step that repeats"),
        (POLICY + 'at = "+2h"\nevery = "1h"\nuntil = "+1h"\n' + DO, '10:9 "+1h" comes before the step itself'),
        (POLICY + 'at = "+0m"\nevery = "1h"\nuntil = "3h"\n' + DO, '10:9 "3h" needs a sign'),
        (POLICY + 'at = "+0m"\nevery = "1h"\ntimes = 0\n' + DO, "10:9 times can't be 0"),
        (POLICY + 'at = "+0m"\nevery = "1h"\ntimes = "2"\n' + DO, "10:9 times must be a whole number"),
        (POLICY + 'at = "+0m"\nwhen = "team:nobody"\n' + DO, "9:14 there is no team 'nobody'"),
        (POLICY + 'at = "+0m"\nwhen = "assignee:me"\n' + DO, "9:18 'me' names nobody here"),
        (POLICY + 'at = "+0m"\nurgent = 1\n' + DO, "9:10 urgent must be true or false"),
        (POLICY + 'at = "+0m"\ndo = ["webhook:pager"]\n', '9:7 no webhook is named "pager"'),
        (POLICY + 'at = "+0m"\ndo = ["webhook:ftp://host/"]\n', "9:7 a webhook's URL is like"),
        (POLICY + 'at = "+0m"\ndo = ["webhook:"]\n', "9:7 webhook needs a name or a URL"),
        (
            POLICY.replace("24x7", "day") + 'at = "+0m"\nevery = "1d"\n' + DO
            + '[[calendar]]\nname = "day"\ntimezone = "UTC"\nhours = { mon = ["09:00-17:00"] }\n',
            '9:9 "1d" counts open time',
        ),
        (HOOK.replace("https", "gopher"), "3:7 a webhook's URL is like"),
        (HOOK.replace("pager.example", "me:hush@pager.example"), "3:7 a password does not belong in a webhook's URL"),
        (HOOK.replace("pager.example", "pager.example:99999"), '3:7 "https://pager.example:99999/hook" is no URL'),
        (HOOK + 'secret_env = "not a name"\n', "4:14 secret_env is the name of an environment variable"),
        (HOOK + 'secret_env = "A"\nsecret_command = "b"\n', "4:1 one of secret_command and secret_env is enough"),
        (HOOK + 'secret = "hush"\n', '4:1 [[webhook]] has no key "secret"'),
        ('[[webhook]]\nname = "a"\n', "1:1 [[webhook]] needs url"),
        (HOOK.replace('"pager"', '"http://x"'), "2:8 a webhook's name can't look like a URL"),
    ],
)  # fmt: skip
def test_a_mistake_is_pointed_at(text: str, expected: str) -> None:
    found = problems(text)
    assert len(found) == 1 and found[0].startswith(expected), found
    assert "hush" not in found[0]


WHOLE = (
    POLICY
    + 'at = "-1h"\nevery = "20m"\nuntil = "+0m"\ntimes = 4\nwhen = "unanswered>=2"\nurgent = true\n'
    + 'do = ["webhook:pager", "webhook:http://127.0.0.1:8080/x"]\n'
    + HOOK
    + 'secret_env = "PAGER_SECRET"\n'
)


def test_what_is_right_comes_back_as_it_was(store: Store, applied: Callable[..., object]) -> None:
    applied(WHOLE)
    with store.transaction() as session:
        text = dump(session)
    assert render(read(text)) == text
    given, shown = read(WHOLE), read(text)
    for kind in ("sla", "webhook"):
        assert given.of(kind) == shown.of(kind)

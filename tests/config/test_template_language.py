"""A template comes to an end, in little memory, and does what a text needs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkt.config.schema import check
from tkt.config.template_language import FAILURES, LONGEST, environment, filled


def said(source: str, *, html: bool = False, **facts: Any) -> str:
    return filled(environment(html=html).from_string(source), facts)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Hello {{ name }},{% if name %} you{% endif %}", "Hello Ann, you"),
        ("{% for n in range(3) %}{{ loop.index }}{% if not loop.last %}, {% endif %}{% endfor %}", "1, 2, 3"),
        (
            "{{ name|upper }} {{ name|default('you') }} {{ name ~ '!' }} {{ 'ab'|replace('a', 'cc') }}",
            "ANN Ann Ann! ccb",
        ),
        ("{% macro bold(text) %}*{{ text }}*{% endmacro %}{{ bold(name) }}", "*Ann*"),
        ("{% for key, one in {'a': 1}.items() %}{{ key }}{{ one * 100000 }}{% else %}none{% endfor %}", "a100000"),
        (
            "{% set text %}{{ name }}{% endset %}{{ text|length }} {{ '-' * 9 }} {{ name.split('n')|join('m') }}",
            "3 --------- Amm",
        ),
    ],
)
def test_what_a_text_needs(source: str, text: str) -> None:
    assert said(source, name="Ann") == text


@pytest.mark.parametrize(
    "source",
    [
        "{% for n in range(10 ** 9) %}{% endfor %}",
        "{{ 'a' * 10 ** 9 }}",
        "{{ [1] * 10 ** 9 }}",
        "{{ 9 ** 9 ** 9 ** 9 }}",
        "{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}",
        "{% for a in range(1000) %}{{ 'a' * 9999 }}{% endfor %}",
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(100) }}",
        "{% macro m(n) %}{{ m(n) }}{% endmacro %}{{ m(1) }}",
        "{% for a in [1, 2] recursive %}{{ loop([1, 2]) }}{% endfor %}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '{:1000000000}'.format(1) }}",
        "{{ 'a'.ljust(10 ** 9) }}",
        "{{ 'a'|indent(10 ** 9) }}",
        "{{ ('a' * 9999).replace('a', 'b' * 9999) }}",
        "{{ ('a' * 9999)|replace('a', 'b' * 9999, 9000) }}",
        "{{ ('a' * 400000) ~ ('a' * 400000) }}",
        "{{ ('a' * 400000) + ('a' * 400000) }}",
        "{{ range(10 ** 6)|list }}",
        "{{ name.__class__.__mro__ }}",
        "{{ unknown }}",
    ],
)
def test_what_has_no_end_fails_at_once(source: str) -> None:
    with pytest.raises(FAILURES):
        said(source, name="Ann")


@pytest.mark.parametrize(
    "means", ["{{ 1|pprint }}", "{{ 'a'|center(9) }}", "{{ '%s'|format(1) }}", "{{ namespace() }}"]
)
def test_means_that_are_not_there(means: str) -> None:
    with pytest.raises(FAILURES):
        said(means)


@given(st.text(max_size=200))
def test_what_strangers_write_is_no_template_and_no_markup(text: str) -> None:
    assert said("{{ text }}", text=text) == text
    page = said("{{ text }}{{ text ~ text }}{{ text|replace('a', 'b') }}", html=True, text=text)
    assert "<" not in page and ">" not in page


def test_a_long_message_may_be_as_long_as_it_is_told() -> None:
    assert len(said("{{ text }}", text="x" * LONGEST)) == LONGEST
    with pytest.raises(FAILURES):
        said("{{ text }}", text="x" * (LONGEST + 1))


# --- what the check says of it ----------------------------------------------------------------------------------------

HEAD = '[[template]]\nname = "reply"\nlanguage = "en"\n'


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ('text = "Hello"\n', "text leaves out what is to be said: put {{ message.text }} where it belongs"),
        ('text = "{{ message.html }}"\n', "a template knows no message.html: known are text"),
        (
            'text = "{{ message.text }}"\nhtml = "<p>"\n',
            "html leaves out what is to be said: put {{ message.text }} or",
        ),
        ("text = \"{{ message.text }}{{ 'a' * 10 ** 9 }}\"\n", "this template can't be filled in: it "),
        ('text = "{{ message.text }}"\nsubject = "{{ message.text }}"\n', 'a template knows no "message"'),
        ('text = "{{ message.text }}"\nteam = "netwrk"\n', 'no team is named "netwrk": did you mean "network"?'),
    ],
)
def test_what_is_wrong_with_one(more: str, problem: str) -> None:
    found = check(HEAD + more + '[[team]]\nname = "network"\n').problems
    assert [problem in str(one) for one in found] == [True], found


def test_one_for_each_name_language_and_team() -> None:
    text = 'text = "{{ message.text }}"\n'
    team = 'team = "network"\n'
    declared = (
        HEAD + text + HEAD + text + team + HEAD.replace("en", "de") + text + team + '[[team]]\nname = "network"\n'
    )
    config = check(declared).config
    assert config is not None
    assert [one.name for one in config.of("template")] == ["reply/en", "reply/en/network", "reply/de/network"]
    [problem] = check(declared + HEAD + text + team).problems
    assert 'there are two tables [[template]] named "reply/en/network"' in str(problem)

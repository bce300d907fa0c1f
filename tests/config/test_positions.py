"""Every key and value is found where it stands in the text."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkt.config import toml_text
from tkt.config.positions import Path, Places

TEXT = """\
# a comment with [brackets] = "and" more
title = "x"   # behind

[[team]]
name = "one"
members = [ "a", # first
  'b',
  ["c", { deep = 1 }],
]
[[team]]
name = "two"

[[sla]]
[[sla]]
name = "last"
[sla.targets]
urgent = { first_response = "15m", "odd key" = '4h' }
[[sla.steps]]
at = "-10m"
[[sla.steps]]
at = "+0m"
[sla.steps.more]
x = 1979-05-27 07:32:00
[ a . "b.c" ]
d.e.f = \"\"\"
two
"lines\"\"\"\"\"
g = '''it's'''
"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("title",), (2, 9)),
        (("team", 0), (4, 1)),
        (("team", 0, "name"), (5, 8)),
        (("team", 0, "members", 0), (6, 13)),
        (("team", 0, "members", 1), (7, 3)),
        (("team", 0, "members", 2, 1, "deep"), (8, 18)),
        (("team", 1, "name"), (11, 8)),
        (("sla", 0), (13, 1)),
        (("sla", 1, "name"), (15, 8)),
        (("sla", 1, "targets"), (16, 1)),
        (("sla", 1, "targets", "urgent", "odd key"), (17, 48)),
        (("sla", 1, "steps", 0, "at"), (19, 6)),
        (("sla", 1, "steps", 1, "at"), (21, 6)),
        (("sla", 1, "steps", 1, "more", "x"), (23, 5)),
        (("a", "b.c", "d", "e", "f"), (25, 9)),
        (("a", "b.c", "g"), (28, 5)),
    ],
)
def test_values_are_found(path: Path, place: tuple[int, int]) -> None:
    places = Places(TEXT)
    assert places.line_column(places.value(path)) == place


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("team",), (4, 3)),
        (("team", 1, "name"), (11, 1)),
        (("sla", 1, "targets", "urgent"), (17, 1)),
        (("sla", 1, "targets", "urgent", "odd key"), (17, 36)),
        (("a",), (24, 3)),
        (("a", "b.c"), (24, 7)),
        (("a", "b.c", "d", "e"), (25, 3)),
    ],
)
def test_keys_are_found(path: Path, place: tuple[int, int]) -> None:
    places = Places(TEXT)
    assert places.line_column(places.key(path)) == place


def test_what_is_missing_is_found_at_what_is_around_it() -> None:
    places = Places(TEXT)
    assert places.line_column(places.value(("team", 1, "calendar", 3))) == (10, 1)
    assert places.line_column(places.value(("nothing",))) == (1, 1)


def test_lines_end_alike_everywhere() -> None:
    places = Places(TEXT.replace("\n", "\r\n"))
    assert places.line_column(places.value(("a", "b.c", "g"))) == (28, 5)


@pytest.mark.parametrize("quoted", ["'a(b'", '"a(b"', '"""a(b"""', "'''\na(b'''"])
def test_a_character_inside_a_text_is_found(quoted: str) -> None:
    text = f"x = {quoted}"
    places = Places(text)
    assert text[places.inside(("x",), "a(b", 1)] == "("


def test_a_character_behind_escapes_is_found_at_the_text() -> None:
    places = Places(r'x = "\"a("')
    assert places.inside(("x",), '"a(', 2) == 4


_scalars = st.text(max_size=8) | st.booleans() | st.integers(-9, 9)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=4), _values, max_size=4))
def test_every_scalar_of_any_document_is_where_it_is_said_to_be(document: dict[str, Any]) -> None:
    """The text that stands at each place reads as the value with that path."""
    text = toml_text.table("", document.items()).lstrip("\n")
    assert tomllib.loads(text) == document
    places = Places(text)
    for path, value in _leaves(document, ()):
        found = text[places.value(path) :]
        assert found.startswith(toml_text.value(value)) or found.startswith('"""\n')
        assert not isinstance(path[-1], str) or text[places.key(path) :].startswith(toml_text.key(path[-1]))


def _leaves(value: Any, path: Path) -> list[tuple[Path, Any]]:
    if isinstance(value, dict):
        return [leaf for key, one in value.items() for leaf in _leaves(one, (*path, key))]
    if isinstance(value, list):
        return [leaf for index, one in enumerate(value) for leaf in _leaves(one, (*path, index))]
    return [(path, value)]

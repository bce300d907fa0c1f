"""The examples on the pages are right: fences, queries, tables of desk.toml, settings."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from tkt.config.schema import check
from tkt.query.compile import compile_query
from tkt.query.language import check as check_names
from tkt.query.language import parse
from tkt.query.sort import KEYS as SORT_KEYS
from tkt.query.terms import FLAGS, KEYS
from tkt.store.location import Location, parse_location
from tkt.store.read import open_reader
from tkt.store.read_clauses import Vocabulary
from tkt.tui.keymap import keymap

WORDS = {"sh", "console", "toml", "toml add", "toml tkt.toml", "query", "crontab", "text"}
VOCABULARY = Vocabulary(
    teams={"network": 1}, agents={"alice": 1, "bob": 2}, statuses={"new": "open", "open": "open"}, me=1,
    now=1_700_000_000_000_000, zone="Europe/Berlin", fields=("order_no",),
)  # fmt: skip

AROUND = """\
[[agent]]
name = "alice"
role = "admin"
[[agent]]
name = "bob"
[[team]]
name = "network"
[[team]]
name = "support"
[[calendar]]
name = "office"
timezone = "Europe/Berlin"
[calendar.hours]
mon = ["09:00-17:00"]
"""
"""What a desk has that a page's example refers to."""


def test_every_fence_says_what_it_is_for(pages: list[Any]) -> None:
    """Nothing on a page is left out of the tests by a slip of the pen."""
    for page in pages:
        assert {block.word for block in page.blocks} <= WORDS, page.name
        assert len(re.findall(r"^\s*```", page.text, re.MULTILINE)) == 2 * len(page.blocks), page.name


def test_commands_stand_where_they_are_run(pages: list[Any]) -> None:
    """A block of text holds no command line of ours but in other programs' files."""
    for page in pages:
        for block in page.of("text"):
            assert not re.search(r"^(\$ )?tkt ", block.text, re.MULTILINE), f"{page.name}:{block.line}"


def test_queries_are_understood(pages: list[Any], sqlite_location: Location) -> None:
    queries = [query for page in pages for query in _queries(page)]
    assert len(queries) > 30
    with open_reader(sqlite_location, "") as reader:
        for query in queries:
            tree = parse(query)
            check_names(tree, VOCABULARY)
            where = compile_query(tree, VOCABULARY, reader.dialect)
            reader.rows(f"SELECT count(*) FROM ticket t WHERE {where.sql}", where.params)


def test_every_condition_and_mark_has_an_example(pages: list[Any]) -> None:
    (page,) = [one for one in pages if one.name == "docs/query.md"]
    examples = "\n".join(_queries(page))
    for key in KEYS:
        assert re.search(rf"(?<![\w.]){re.escape(key)}[:<>]", examples), key
    for flag in FLAGS:
        assert f"is:{flag}" in examples, flag
    for key in SORT_KEYS:
        assert f"`{key}`" in page.text, key


def test_tables_of_desk_toml_are_in_order(pages: list[Any]) -> None:
    blocks = [(page.name, block) for page in pages for block in page.of("toml", "toml add")]
    assert len(blocks) > 10
    for name, block in blocks:
        problems = check(_whole(block.text)).problems
        assert problems == [], f"{name}:{block.line}"


def test_settings_are_in_order(pages: list[Any]) -> None:
    blocks = [block for page in pages for block in page.of("toml tkt.toml")]
    for block in blocks:
        settings = tomllib.loads(block.text)
        assert set(settings) <= {"store", "keys"}
        parse_location(str(settings.get("store", "desk.db")))
        keymap(settings.get("keys"))
    assert {key for block in blocks for key in tomllib.loads(block.text)} == {"store", "keys"}


def _queries(page: Any) -> list[str]:
    return [line.partition("  #")[0].rstrip() for block in page.of("query") for line in _lines(block)]


def _lines(block: Any) -> list[str]:
    return [line.replace(" # ", "  # ", 1) for line in block.text.splitlines() if line.strip()]


def _whole(example: str) -> str:
    """The example with what it refers to and does not declare itself."""
    tables = tomllib.loads(example)
    declared = {(kind, one["name"]) for kind in tables.keys() - {"desk"} for one in tables[kind]}
    parts = re.split(r"^(?=\[\[)", AROUND, flags=re.MULTILINE)
    kept = [part for part in parts if part and _declares(part) not in declared]
    return example + "\n" + "".join(kept)


def _declares(part: str) -> tuple[str, str]:
    ((kind, tables),) = tomllib.loads(part).items()
    return kind, tables[0]["name"]

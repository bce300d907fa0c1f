"""What there is, is documented; what is documented, there is: commands, options, keys, tables, links."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tkt.channels.mail.mailboxes import EVERY
from tkt.cli.app import build
from tkt.config.model import SETTINGS
from tkt.config.schema import TABLES
from tkt.config.template_check import HTML_FACTS
from tkt.config.template_schema import TEMPLATES
from tkt.store.constants import ROLES
from tkt.tui.help_page import SIGNS

ROOT = Path(__file__).parents[2]
EVERYWHERE = {"--help", "-h", "--desk", "--as"}
"""Options that go with every command."""


def commands() -> Iterator[tuple[str, set[str]]]:
    """Every command that does something, by its whole name, with its options."""
    yield from _below("tkt", typer.main.get_command(build(None)), top=True)


def _below(name: str, command: Any, top: bool = False) -> Iterator[tuple[str, set[str]]]:
    inside = getattr(command, "commands", {})
    if top or not inside:
        own = (one for one in command.params if one.param_type_name == "option")
        yield name, {word for one in own for word in one.opts} - (set() if top else EVERYWHERE)
    for word, one in inside.items():
        yield from _below(f"{name} {word}", one)


def sections(text: str) -> dict[str, str]:
    """The sections of commands.md by the command they are about."""
    parts = re.split(r"^#+ (tkt[^\n]*)$", text, flags=re.MULTILINE)
    return {_command(head): body.split("\n## ")[0] for head, body in zip(parts[1::2], parts[2::2], strict=True)}


def _command(head: str) -> str:
    return " ".join(re.findall(r"(?<![\[\w])[a-z]+(?![\]\w])", head))


@pytest.fixture
def page(pages: list[Any]) -> Callable[[str], str]:
    return lambda name: next(one.text for one in pages if one.name == name)


def test_every_command_is_documented_with_its_options(page: Callable[[str], str]) -> None:
    documented = sections(page("docs/commands.md"))
    there = dict(commands())
    assert documented.keys() == there.keys()
    for name, options in there.items():
        named = set(re.findall(r"(?<![\w-])(?:--[a-z][a-z-]+|-[A-Za-z]\b)", documented[name])) - EVERYWHERE
        assert named == options - EVERYWHERE, name


def test_pages_name_only_commands_and_options_that_exist(pages: list[Any]) -> None:
    there = dict(commands())
    groups = {" ".join(name.split()[:2]) for name in there}
    wrong = [
        f"{one.name}: tkt {words}"
        for one in pages
        for words in re.findall(r"(?:`|^|\$ |\| |&& |\()tkt ([a-z][^`\n|;]*)", one.text, re.MULTILINE)
        if (complaint := _unknown(words, there, groups)) and complaint
    ]
    assert wrong == []


def _unknown(words: str, there: dict[str, set[str]], groups: set[str]) -> bool:
    """Whether a command line names a verb or an option that does not exist."""
    name = "tkt"
    for word in words.split():
        if f"{name} {word}" not in there and not any(known.startswith(f"{name} {word} ") for known in there):
            break
        name += f" {word}"
    if name == "tkt":
        return True
    options = there.get(name, set()) | EVERYWHERE
    unquoted = re.sub(r"'[^']*'|\"[^\"]*\"", "", words)
    return name in groups and not set(re.findall(r"(?<=\s)--[a-z-]+", unquoted)) <= options


def test_the_tables_of_the_queue_are_those_of_the_queue(page: Callable[[str], str]) -> None:
    tables = runpy.run_path(str(ROOT / "docs" / "tables.py"))
    assert page("docs/queue.md") == tables["filled"](page("docs/queue.md")), "run docs/tables.py"


def test_every_sign_of_the_list_is_explained(page: Callable[[str], str]) -> None:
    text = page("docs/queue.md")
    assert [sign for sign, _ in SIGNS if f"`{sign}`" not in text] == []


def test_every_table_and_key_of_desk_toml_is_documented(page: Callable[[str], str]) -> None:
    text = page("docs/desk-toml.md")
    parts = re.split(r"^## \[+([a-z]+)\]+$", text, flags=re.MULTILINE)
    documented = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert documented.keys() == {"desk", *TABLES}
    for kind, keys in _keys().items():
        assert [key for key in keys if not re.search(rf"`{key}[`.]", documented[kind])] == [], kind


def _keys() -> dict[str, tuple[str, ...]]:
    """The keys of each table, as an unknown one makes the checker name them."""
    found = {"desk": SETTINGS}
    for kind, reader in TABLES.items():
        table = getattr(reader, "__self__", None)
        if table is not None:
            found[kind] = tuple(table.keys)
    return found


def test_words_that_can_be_chosen_are_documented(page: Callable[[str], str]) -> None:
    text = page("docs/desk-toml.md")
    facts = [f"{thing}.{fact}" for thing, known in HTML_FACTS.items() for fact in known]
    for word in (*ROLES, *TEMPLATES, *facts, f'"{EVERY}"'):
        assert f"`{word}`" in text, word


def test_links_lead_somewhere(pages: list[Any]) -> None:
    wrong = []
    for one in pages:
        for target in re.findall(r"\]\(([^)\s]+)\)", one.text):
            path, _, anchor = target.partition("#")
            if "://" in target:
                continue
            found = (ROOT / one.name).parent / path if path else ROOT / one.name
            if not found.exists() or (anchor and anchor not in _anchors(found)):
                wrong.append(f"{one.name}: {target}")
    assert wrong == []


def _anchors(path: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_the_picture_is_a_picture_that_needs_nothing_else() -> None:
    picture = (ROOT / "docs" / "queue.svg").read_text("utf-8")
    assert picture.startswith("<svg") and "DEADLINE" in picture
    assert "url(http" not in picture and len(picture) < 60_000

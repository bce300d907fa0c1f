"""The tables of keys and views in queue.md, made from the queue's own tables.

    .venv/bin/python docs/tables.py

rewrites them; a test says when that is due.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tkt.tui.commands import TABLE, Command
from tkt.tui.keymap import shown
from tkt.tui.views import BUILT_IN

PAGE = Path(__file__).with_name("queue.md")


def filled(page: str) -> str:
    """The page with its tables as they should be."""
    for name, lines in (("keys", keys()), ("views", views())):
        before, begins, rest = page.partition(f"<!-- {name} -->\n")
        _, ends, after = rest.partition(f"<!-- end of {name} -->")
        page = before + begins + "\n".join(lines) + "\n" + ends + after
    return page


def keys() -> Iterator[str]:
    for group, commands in TABLE.items():
        yield from ("", f"**{group}**", "", "| key | command | |", "|---|---|---|")
        yield from (_row(command) for command in commands)
    yield ""


def views() -> Iterator[str]:
    yield from ("", "| view | shows |", "|---|---|")
    yield from (f"| {view.name} | {_code([view.query]) or 'everything'} |" for view in BUILT_IN)
    yield ""


def _row(command: Command) -> str:
    name = f":{command.name} {command.usage}".strip()
    return f"| {_code(shown(key) for key in command.keys)} | {_code([name])} | {_plain(command.help)} |"


def _code(words: Iterable[str]) -> str:
    return " ".join(f"`{_plain(word)}`" for word in words if word)


def _plain(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text("utf-8")), "utf-8")

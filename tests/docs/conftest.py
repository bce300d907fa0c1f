"""The documentation as data, and a shell that follows it in an empty home.

What a fenced block is for stands behind its three backticks:

    sh              commands; each must end with status 0
    console         commands behind "$ " with what they print ("…" stands for anything, dates for any date)
    toml            tables of a desk.toml; "toml add": the reader adds them to theirs; "toml tkt.toml": own settings
    query           a query a line, with its meaning behind two blanks and "#"
    crontab         five fields and a command; each command must end with status 0
    text            anything that is not run here: files of other programs, pictures of output

Another word is a mistake, so that nothing is left out unseen.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import termios
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block: the word behind its backticks, its text, and the line where it begins."""

    word: str
    text: str
    line: int


class Page(NamedTuple):
    """One Markdown file; `name` is its path below the repository."""

    name: str
    text: str
    blocks: tuple[Block, ...]

    def of(self, *words: str) -> list[Block]:
        return [block for block in self.blocks if block.word in words]


class Step(NamedTuple):
    """One command as the page has it; `shown` are the lines it is said to print, None where nothing is said."""

    command: str
    shown: list[str] | None
    line: int


class Done(NamedTuple):
    step: Step
    status: int
    printed: list[str]


def read_page(path: Path) -> Page:
    text = path.read_text("utf-8")
    blocks = [Block(one[1].strip(), one[2], text[: one.start()].count("\n") + 1) for one in FENCE.finditer(text)]
    return Page(str(path.relative_to(ROOT)), text, tuple(blocks))


def all_pages() -> list[Page]:
    paths = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [read_page(path) for path in paths]


def steps(block: Block) -> Iterator[Step]:
    """The commands of a block, in order."""
    if block.word == "console":
        yield from _console_steps(block)
        return
    lines = block.text.splitlines()
    place = 0
    while place < len(lines):
        start, command = place, lines[place]
        heredoc = re.search(r"<<\s*'?(\w+)'?", command)
        while command.endswith("\\") or (heredoc and lines[place] != heredoc[1]):
            place += 1
            command += "\n" + lines[place]
        place += 1
        if command.strip() and not command.startswith("#"):
            yield Step(_without_fields(command) if block.word == "crontab" else command, None, block.line + start + 1)


def _console_steps(block: Block) -> Iterator[Step]:
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield Step(command, shown.splitlines(), block.line)


def _without_fields(line: str) -> str:
    """The command of a crontab's line."""
    return line.split(maxsplit=5)[5]


class Shell:
    """Follows a page's commands in one bash, on a terminal of 100 columns, in an empty home."""

    def __init__(self, home: Path, commands: Mapping[str, str], values: Mapping[str, str]) -> None:
        self.home = home
        self.commands = commands
        """What is run in place of a whole command."""
        self.values = values
        """What stands in place of a part of a command or a file."""
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "LOGNAME": "alice",
            "TERM": "xterm",
            "NO_COLOR": "1",
            "COLUMNS": "100",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
        }

    def follow(self, page: Page) -> list[Done]:
        """Run every command of a page, in its order; what each printed and its exit status."""
        script, found = [], []
        for block in page.blocks:
            if block.word == "toml add":
                script.append(f"cat >> desk.toml <<'TOML'\n\n{self.stood_in(block.text)}TOML\n")
            elif block.word in ("sh", "console", "crontab"):
                for step in steps(block):
                    found.append(step)
                    script.append(f"{self.stood_in(step.command)}\n{{ _s=$?; printf '\\036%s\\036' $_s; (exit $_s); }}")
        printed = self._run("\n".join(script)).split("\x1e")
        statuses = [int(one) for one in printed[1::2]]
        texts = [one.strip("\n").split("\n") if one.strip("\n") else [] for one in printed[0::2]]
        assert len(statuses) == len(found), f"the shell ended early: {printed[-1]}"
        return [Done(*one) for one in zip(found, statuses, texts, strict=False)]

    def stood_in(self, text: str) -> str:
        """What is run, or written, in place of what the page has."""
        text = self.commands.get(text, text)
        for written, instead in self.values.items():
            text = text.replace(written, instead)
        return text

    def _run(self, script: str) -> str:
        """What bash prints on its terminal; standard input is empty, so nothing can wait for an answer."""
        ours, theirs = pty.openpty()
        settings = termios.tcgetattr(theirs)
        settings[1] &= ~termios.OPOST
        termios.tcsetattr(theirs, termios.TCSANOW, settings)
        bash = subprocess.Popen(
            ["bash", "-c", script], cwd=self.home, env=self.environment,
            stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
        )  # fmt: skip
        os.close(theirs)
        printed = b"".join(_chunks(ours))
        os.close(ours)
        bash.wait()
        return printed.decode("utf-8")


def _chunks(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # EIO: the last process has closed the terminal
            return
        if not chunk:
            return
        yield chunk


@pytest.fixture(scope="session")
def pages() -> list[Page]:
    return all_pages()


@pytest.fixture
def shell(tmp_path: Path) -> Callable[..., Shell]:
    return lambda commands, values: Shell(tmp_path, commands, values)


@pytest.fixture
def empty_postgres(postgres_server: str) -> Iterator[str]:
    """The URL of an empty database."""
    name = f"docs_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield postgres_server.replace("/postgres?", f"/{name}?")
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

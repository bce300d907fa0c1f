"""Every command of the README and of docs/ works as written, and prints what is shown."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))

COMMANDS = {
    # A test can't install itself: the makefile's recipe is looked at, and what it calls is run.
    "make demo": f"make --dry-run --directory '{ROOT}' demo | grep -q 'tkt demo' && tkt demo",
    # Installing needs a network; what an installation must give is the command.
    "pipx install .": "python -c \"from importlib.metadata import entry_points as e; e(name='tkt')['tkt'].load()\"",
    # The page has moved to a desk on Postgres by then; the mailbox is in its first one.
    "tkt sla report --from 7d --mail boss@example.com --as alice": (
        "tkt --desk ~/.local/share/tkt/desk.db sla report --from 7d --mail boss@example.com --as alice"
    ),
    # It runs until it is told to stop.
    "tkt serve": "tkt serve 2>log & until grep -q serving log || ! kill -0 $!; do sleep 0.1; done; kill $!; wait $!",
}
VALUES = {
    # Servers of somebody else: nothing answers at this port, and no name is looked up.
    "mail.example.com:993": "127.0.0.1:9",
    "mail.example.com:465": "127.0.0.1:9",
    # Where a mail server finds tkt and the desk.
    "/usr/local/bin/tkt --desk /srv/tkt/desk.db": "tkt",
}
"""What a test runs in place of what a page says, and why."""

MOMENT = r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?Z?)?"
MAIL = "From: Ann Lee <ann@example.com>\nTo: support@example.com\nSubject: piped\nMessage-ID: <p@example.com>\n\nhi\n"


@pytest.mark.parametrize("name", PAGES)
def test_commands_work_as_written(name: str, pages: list[Any], follow: Callable[..., list[Any]]) -> None:
    (page,) = [one for one in pages if one.name == name]
    done = follow(page)
    wrong = [complaint for at, one in enumerate(done) if (complaint := _complaint(one, done[at + 1 : at + 2]))]
    assert not wrong, f"{name}\n" + "\n".join(wrong)


@pytest.fixture
def follow(shell: Callable[..., Any], request: pytest.FixtureRequest) -> Callable[..., list[Any]]:
    def follow(page: Any) -> list[Any]:
        urls = set(re.findall(r"postgresql://[\w.@/-]+", page.text))
        postgres = {url: request.getfixturevalue("empty_postgres") for url in urls}
        followed: list[Any] = shell(COMMANDS, VALUES | postgres).follow(page)
        return followed

    return follow


def test_every_stand_in_is_needed(pages: list[Any]) -> None:
    text = "\n".join(page.text for page in pages)
    assert [written for written in (*COMMANDS, *VALUES) if written not in text] == []


def test_the_makefile_has_what_the_pages_name(pages: list[Any]) -> None:
    named = {word for page in pages for word in re.findall(r"`?\bmake ([a-z]+)\b`?$", page.text, re.MULTILINE)}
    named |= {word for page in pages for word in re.findall(r"`make ([a-z]+)`", page.text)}
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"demo", "test"} <= named <= targets


def test_the_key_of_an_agent_opens_their_queue(pages: list[Any], shell: Callable[..., Any]) -> None:
    """The forced command of authorized_keys; without a terminal it prints the help, with one it opens the queue."""
    (command,) = re.findall(r'command="([^"]+)" ssh-', pages[0].text)
    ran = subprocess.run(command, shell=True, env=shell({}, {}).environment, capture_output=True, text=True)
    assert ran.returncode == 0 and "the full-screen queue" in ran.stdout


def test_an_alias_of_postfix_files_a_mail(pages: list[Any], shell: Callable[..., Any]) -> None:
    (command,) = re.findall(r'^support: "\|([^"]+)"$', pages[0].text, re.MULTILINE)
    opened = shell({}, VALUES)
    box = '\n[[mailbox]]\nname = "support"\naddress = "support@example.com"\nimap = "maildir:mail"\n'
    for words in ("tkt init", f"printf '{box}' >> desk.toml; tkt config apply", opened.stood_in(command)):
        ran = subprocess.run(
            words, shell=True, cwd=opened.home, env=opened.environment, input=MAIL, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "1\n"


def _complaint(done: Any, following: list[Any]) -> str:
    """What is wrong with one command, in words; empty when all is well."""
    place = f"line {done.step.line}: {done.step.command}"
    told = bool(following) and following[0].step.command == "echo $?"
    if done.status != 0 and not told:
        return "\n".join([f"{place}\n  ended with status {done.status}:", *done.printed])
    if done.step.shown is not None and not _alike(done.step.shown, done.printed):
        return "\n".join([f"{place}\n  printed:", *done.printed, "  where the page shows:", *done.step.shown])
    return ""


def _alike(shown: list[str], printed: list[str]) -> bool:
    """Whether this is what the page shows: "…" is anything (alone on a line: any lines), a date any date."""
    pattern = "".join("(?:.*\n)*?" if line == "…" else f"{_line(line)}\n" for line in shown)
    text = "".join(f"{line.rstrip()}\n" for line in printed)
    return re.fullmatch(pattern, text) is not None


def _line(shown: str) -> str:
    parts = re.split(rf"(…|{MOMENT})", shown)
    return "".join(".*" if part == "…" else MOMENT if re.fullmatch(MOMENT, part) else re.escape(part) for part in parts)

"""What a command line says before its verb does: which desk, and who acts. Opened only when a command needs it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from tkt.errors import NotAllowed, TktError, UsageError
from tkt.store.location import Location, find_location

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tkt.desk.unit import Desk
    from tkt.store.engine import Store
    from tkt.store.read import Reader


class Chosen:
    """The global options of this run; `main` sets them once, before the verb runs."""

    desk: str | None = None
    agent: str | None = None


_opened: list[Store] = []


def location() -> Location:
    """The desk: --desk, $TKT_DESK, tkt.toml, or the default file."""
    return find_location(Chosen.desk)


def agent_name() -> str:
    """Who acts: --as, $TKT_AGENT, or the operating-system user."""
    name = Chosen.agent or os.environ.get("TKT_AGENT") or _system_user()
    return name.encode("utf-8", "replace").decode()


def reader() -> Reader:
    """The store, for reading. Raises NotFound, StoreUnreachable, WrongSchema."""
    from tkt.store.read import open_reader

    return open_reader(location(), agent_name())


def desk() -> Desk:
    """The desk in the acting agent's name. Raises NotAllowed when they are no agent of it."""
    from tkt.desk.unit import Desk, find_actor
    from tkt.store.engine import Store

    store = _kept(Store(location()))
    return Desk(store, find_actor(store, agent_name()))


def refuse_viewer() -> None:
    """NotAllowed where the acting person is a viewer of this desk."""
    name = agent_name()
    with reader() as opened:
        found = opened.row("SELECT role FROM agent WHERE name = ? AND active", (name,))
    if found is not None and found[0] == "viewer":
        raise NotAllowed(f"{name} is a viewer of this desk and may only read")


def stay() -> None:
    """This process is here for longer than a moment: collect garbage after all (`__main__` has switched that off)."""
    import gc

    gc.freeze()  # what start-up has made stays anyway
    gc.enable()


def system_desk(*, acts: bool = True) -> Desk:
    """The desk in nobody's name, for what runs by itself (mail, SLA checks): cron and mail servers are no agents.

    Somebody who is known to the desk as a viewer may not set it off. Raises NotAllowed.
    """
    if acts:
        refuse_viewer()
    stay()
    from tkt.desk.unit import Desk
    from tkt.store.engine import Store

    return Desk(_kept(Store(location())))


def close() -> None:
    """Give back the connections of this run's desks."""
    while _opened:
        _opened.pop().close()


def _kept(store: Store) -> Store:
    _opened.append(store)
    return store


def number_words(given: Iterable[str]) -> list[str]:
    """The words that name tickets, each once; '-' reads them from standard input, one a line."""
    words = [one for word in given for one in (_words_of_input() if word == "-" else [word])]
    return list(dict.fromkeys(words))


def number_of(word: str) -> int:
    """The ticket number that a word is. Raises UsageError."""
    bare = word.removeprefix("#")
    if not (bare.isascii() and bare.isdigit()) or len(bare) > 18:
        raise UsageError(f"'{word}' is no ticket number")
    return int(bare)


def numbers(given: Iterable[str]) -> list[int]:
    """Ticket numbers from the command line. Raises UsageError for the first word that is none."""
    return list(dict.fromkeys(number_of(word) for word in number_words(given)))


def one_number(given: str) -> int:
    """The only ticket number; '-' reads it from standard input."""
    found = numbers([given])
    if len(found) != 1:
        raise UsageError(f"this takes one ticket number, not {len(found)}")
    return found[0]


def text_of(body: str | None, file: str | None, what: str) -> str | None:
    """The text given by -b or -F ('-' is standard input), None when neither is."""
    if body is not None and file is not None:
        raise UsageError("give the text by -b or by -F, not by both")
    if body is not None:
        return body
    if file is None:
        return None
    if file == "-":
        return sys.stdin.buffer.read().decode("utf-8", "replace")
    return _read_text(file, what)


def read_file(path: str) -> bytes:
    """A file's bytes. Raises NotFound, or TktError when it can't be read."""
    from tkt.errors import NotFound

    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {path}") from error
    except OSError as error:
        raise TktError(f"{path} can't be read: {error.strerror}") from error


def _read_text(path: str, what: str) -> str:
    try:
        return read_file(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text, so it can't be the {what}; attach it instead") from error


def _words_of_input() -> list[str]:
    try:
        return sys.stdin.read().split()
    except UnicodeDecodeError as error:
        raise UsageError("standard input holds no ticket numbers: it is not text") from error


def _system_user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no user name is known for this user id
        return str(os.getuid())

"""Collecting every mistake of a desk.toml, each with its place.

A `Spot` is a value's place in the file: readers go `under` it and report a `problem` at it. Nothing is
raised while checking, so that one run shows all mistakes.

Leaves to others: what counts as a mistake (`tkt.config.readers` and the schema modules).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tkt.config.positions import Path, Places
from tkt.errors import ConfigError
from tkt.safe_text import safe_line

Names = Mapping[str, tuple[str, ...]]
"""By kind ("agent", "team", "calendar", …): the names that the file declares and that are built in."""


class Problems:
    """The mistakes found so far."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self._found: dict[tuple[int, str], ConfigError] = {}

    def add(self, message: str, offset: int) -> None:
        """A sentence without its final stop, at a character of the text; the same one twice counts once."""
        line, column = self.places.line_column(offset)
        self._found.setdefault((offset, message), ConfigError(message, line, column))

    def in_order(self) -> list[ConfigError]:
        """All of them, in the order of the file."""
        return [self._found[place] for place in sorted(self._found)]


class Spot:
    """A place in the file, the names that may be referred to, and where problems go."""

    __slots__ = ("names", "path", "problems")

    def __init__(self, problems: Problems, names: Names, path: Path = ()) -> None:
        self.problems = problems
        self.names = names
        self.path = path

    @property
    def key(self) -> str:
        """The last key of the path: how a message calls this value."""
        return next((part for part in reversed(self.path) if isinstance(part, str)), "the file")

    def under(self, *path: str | int) -> Spot:
        return Spot(self.problems, self.names, self.path + path)

    def problem(self, message: str) -> None:
        """Report a mistake at the value (or, where it is missing, at the table it is missing in)."""
        self.problems.add(message, self.problems.places.value(self.path))

    def problem_at_key(self, message: str) -> None:
        """Report a mistake at the key itself."""
        self.problems.add(message, self.problems.places.key(self.path))

    def problem_inside(self, message: str, value: str, position: int) -> None:
        """Report a mistake at one character of a text value."""
        self.problems.add(message, self.problems.places.inside(self.path, value, position))


def quoted(value: object) -> str:
    """A value as a message shows it: quoted, on one line, without anything that could drive a terminal."""
    return f'"{safe_line(str(value), 60)}"'


def suggestion(word: str, known: Iterable[str]) -> str:
    """`did you mean "team"?`, or, where nothing is near, all that is known."""
    from difflib import get_close_matches

    names = sorted(known)
    near = get_close_matches(word.casefold(), names, n=1, cutoff=0.5)
    if near:
        return f"did you mean {quoted(near[0])}?"
    return f"known are {', '.join(names)}" if names else "none is declared"

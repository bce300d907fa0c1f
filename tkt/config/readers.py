"""What a single value of desk.toml may be: readers that report to a `Spot` and return nothing.

A reader gets a value and its spot, and reports every problem it finds there. Tables put readers behind
their keys (`Table`), so that a table of the contract is written down once, as data.

Leaves to others: which tables and keys there are (`tkt.config.schema`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, time
from typing import Any, NamedTuple

from tkt.config.problems import Spot, quoted, suggestion
from tkt.errors import UsageError
from tkt.times import parse_duration

Reader = Callable[[Any, Spot], None]

LONGEST_NAME = 100
_WORD = re.compile(r"\w[\w.@-]*")
_FIELD_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_EMAIL = re.compile(r"[^\s@<>\"(),:;\[\]\\]+@[^\s@<>\"(),:;\[\]\\.]+(?:\.[^\s@<>\"(),:;\[\]\\.]+)*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LANGUAGE = re.compile(r"[a-z]{2,3}")


class Table(NamedTuple):
    """A table of desk.toml: its title in messages, its keys, which of them it must have, and rules between
    keys."""

    title: str
    keys: Mapping[str, Reader]
    required: tuple[str, ...] = ()
    whole: Callable[[dict[str, Any], Spot], None] | None = None

    def read(self, value: Any, spot: Spot) -> None:
        """Check a value against this table: itself a reader."""
        if not isinstance(value, dict):
            return spot.problem(f"{spot.key} must be a table, not {kind_of(value)}")
        refuse_unknown(value, self.keys, spot, self.title)
        for key in self.required:
            if key not in value:
                spot.problem(f"{self.title} needs {key}")
        for key, reader in self.keys.items():
            if key in value:
                reader(value[key], spot.under(key))
        if self.whole is not None:
            self.whole(value, spot)


def refuse_unknown(
    table: Mapping[str, Any], known: Mapping[str, Any] | tuple[str, ...], spot: Spot, title: str
) -> bool:
    """Report each key that isn't known, with the nearest one that is; whether there was one."""
    unknown = [key for key in table if key not in known]
    for key in unknown:
        spot.under(key).problem_at_key(f"{title} has no key {quoted(key)}: {suggestion(key, known)}")
    return bool(unknown)


def kind_of(value: Any) -> str:
    """What a TOML value is, in words."""
    if isinstance(value, bool):
        return "true or false"
    for type_, words in (
        (str, "text"),
        ((int, float), "a number"),
        (list, "a list"),
        (dict, "a table"),
        ((date, time), "a date or time"),
    ):
        if isinstance(value, type_):
            return words
    return type(value).__name__


def is_text(value: Any, spot: Spot) -> bool:
    """Whether the value is text; reported if not."""
    if isinstance(value, str):
        return True
    spot.problem(f"{spot.key} must be text in quotes, not {kind_of(value)}")
    return False


def block(value: Any, spot: Spot) -> None:
    """A text of any number of lines; not blank."""
    if is_text(value, spot) and not value.strip():
        spot.problem(f"{spot.key} is empty")


def text(value: Any, spot: Spot) -> None:
    """A text of one line; not blank."""
    block(value, spot)
    if isinstance(value, str) and "\n" in value:
        spot.problem(f"{spot.key} must be one line")


def name(value: Any, spot: Spot) -> None:
    """What a thing is called in this file: a line without spaces around it."""
    text(value, spot)
    if isinstance(value, str) and value != value.strip():
        spot.problem(f"{spot.key} has spaces around it")
    if isinstance(value, str) and len(value) > LONGEST_NAME:
        spot.problem(f"{spot.key} is longer than {LONGEST_NAME} characters")


def word(*reserved: str) -> Reader:
    """A name that is typed into commands and queries: one word, and none that means something else there."""

    def read(value: Any, spot: Spot) -> None:
        name(value, spot)
        if not isinstance(value, str) or value != value.strip() or not value:
            return
        if not _WORD.fullmatch(value):
            spot.problem(f"{spot.key} {quoted(value)} must be one word of letters, digits and . _ - @")
        elif value.casefold() in reserved:
            spot.problem(f"{spot.key} can't be {quoted(value)}: commands use that word for something else")

    return read


def field_name(value: Any, spot: Spot) -> None:
    """A custom field's name, as `field.NAME` in queries and templates."""
    if is_text(value, spot) and not _FIELD_NAME.fullmatch(value):
        spot.problem(f"{spot.key} {quoted(value)} must be small letters, digits, _ and -, beginning with a letter")


def boolean(value: Any, spot: Spot) -> None:
    if not isinstance(value, bool):
        spot.problem(f"{spot.key} must be true or false, not {kind_of(value)}")


def whole_number(value: Any, spot: Spot) -> None:
    """A number of things, such as mails: 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int):
        return spot.problem(f"{spot.key} must be a whole number, not {kind_of(value)}")
    if value < 0:
        spot.problem(f"{spot.key} can't be below 0")


def one_of(*words: str) -> Reader:
    def read(value: Any, spot: Spot) -> None:
        if is_text(value, spot) and value not in words:
            spot.problem(f"{spot.key} can't be {quoted(value)}: {suggestion(value, words)}")

    return read


def list_of(reader: Reader, *, filled: bool = False, unique: bool = False) -> Reader:
    """A list; `filled` refuses an empty one, `unique` one that says the same twice."""

    def read(value: Any, spot: Spot) -> None:
        if not isinstance(value, list):
            return spot.problem(f'{spot.key} must be a list, such as ["…"], not {kind_of(value)}')
        if filled and not value:
            spot.problem(f"{spot.key} is empty")
        for index, one in enumerate(value):
            reader(one, spot.under(index))
            if unique and one in value[:index]:
                spot.under(index).problem(f"{spot.key} names {quoted(one)} twice")

    return read


def reference(kind: str) -> Reader:
    """The name of something that this file declares (or that is built in)."""

    def read(value: Any, spot: Spot) -> None:
        if is_text(value, spot):
            refer(kind, value, spot)

    return read


def refer(kind: str, value: str, spot: Spot) -> None:
    """Report a name that nothing of this kind has."""
    known = spot.names.get(kind, ())
    if value not in known:
        spot.problem(f"no {kind} is named {quoted(value)}: {suggestion(value, known)}")


def duration(value: Any, spot: Spot) -> None:
    """A duration of real time, such as "20s"."""
    if is_text(value, spot):
        seconds(value, spot)


def seconds(value: str, spot: Spot) -> int | None:
    """The length of a duration; None, reported, where it is none."""
    try:
        return parse_duration(value)
    except UsageError as error:
        spot.problem(sentence(error))
        return None


def timezone(value: Any, spot: Spot) -> None:
    from zoneinfo import ZoneInfo, available_timezones

    if not is_text(value, spot):
        return
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):  # OSError: the name of a directory of the zone database
        near = suggestion(value, available_timezones())
        hint = near if near.startswith("did") else "write one like Europe/Berlin"
        spot.problem(f"{quoted(value)} is not a time zone: {hint}")


def email(value: Any, spot: Spot) -> None:
    """A bare mail address, as mailboxes and agents have one."""
    if is_text(value, spot) and not is_email(value):
        spot.problem(f"{quoted(value)} is not a mail address: write one like alice@example.com")


def is_email(value: str) -> bool:
    return bool(_EMAIL.fullmatch(value))


def language(value: Any, spot: Spot) -> None:
    """An ISO 639 code."""
    if is_text(value, spot) and not _LANGUAGE.fullmatch(value):
        spot.problem(f"{quoted(value)} is not a language: write a code such as en, de or zh")


def variable(value: Any, spot: Spot) -> None:
    """The name of an environment variable that holds a secret. Somebody may have written the secret itself there: it is
    not repeated.
    """
    if is_text(value, spot) and not _VARIABLE.fullmatch(value):
        shown = "what stands here" if value else quoted(value)
        spot.problem(f"{spot.key} is the name of an environment variable, not {shown}")


def pattern(value: Any, spot: Spot) -> None:
    """A regular expression in Python's spelling."""
    if not is_text(value, spot):
        return
    try:
        re.compile(value)
    except re.error as error:
        spot.problem_inside(f"this pattern can't be read: {error.msg}", value, error.pos or 0)


def sentence(error: Exception) -> str:
    """Another part's sentence without its final stop, as the messages here are written."""
    return str(error).removesuffix(".")

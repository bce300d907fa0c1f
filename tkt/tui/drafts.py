"""Texts that were begun and not sent: one file each under `$XDG_STATE_HOME/tkt/drafts`, so that neither quitting nor
a killed terminal loses them. They belong to the user who runs tkt and are readable by nobody else.

A file looks like a mail: lines `Cc:` and `Attach:`, an empty line, the text.
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import NamedTuple

from tkt.store.location import Location, state_folder

KINDS = ("reply", "note")


class Draft(NamedTuple):
    """What was begun: the text, addresses that were added, paths of files to attach."""

    text: str = ""
    cc: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        return not (self.text.strip() or self.cc or self.files)


class Drafts:
    """The drafts of one desk, by ticket and kind ("reply" or "note")."""

    def __init__(self, location: Location) -> None:
        self._location = location

    @cached_property
    def folder(self) -> str:
        """Where they are."""
        from hashlib import sha256

        desk = sha256(f"{self._location.dialect}:{self._location.shown}".encode()).hexdigest()[:12]
        return os.path.join(state_folder(), "drafts", desk)

    @cached_property
    def _kept(self) -> set[tuple[int, str]]:
        """Tickets and kinds that have a draft."""
        try:
            names = os.listdir(self.folder)
        except OSError:
            return set()
        parts = [name.removesuffix(".txt").split(".") for name in names if name.endswith(".txt")]
        return {(int(part[0]), part[1]) for part in parts if part[0].isdecimal() and part[-1] in KINDS}

    def kinds(self) -> dict[int, list[str]]:
        """Which kinds of drafts there are, by ticket."""
        found: dict[int, list[str]] = {}
        for number, kind in sorted(self._kept):
            found.setdefault(number, []).append(kind)
        return found

    def read(self, number: int, kind: str) -> Draft:
        """The draft, empty when there is none."""
        try:
            with open(self._path(number, kind), encoding="utf-8") as file:
                return _parsed(file.read())
        except OSError:
            return Draft()

    def keep(self, number: int, kind: str, draft: Draft) -> None:
        """Write the draft in one step; an empty one is removed. Raises OSError when the folder can't be written."""
        if draft.empty:
            self.drop(number, kind)
            return
        from tempfile import mkstemp

        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        handle, path = mkstemp(dir=self.folder)
        try:
            with open(handle, "w", encoding="utf-8", errors="replace") as file:
                file.write(_written(draft))
            os.replace(path, self._path(number, kind))
        except OSError:
            os.unlink(path)
            raise
        self._kept.add((number, kind))

    def drop(self, number: int, kind: str) -> None:
        self._kept.discard((number, kind))
        if os.path.exists(self._path(number, kind)):
            os.unlink(self._path(number, kind))

    def _path(self, number: int, kind: str) -> str:
        return os.path.join(self.folder, f"{number}.{kind}.txt")


def _written(draft: Draft) -> str:
    heads = [f"Cc: {address}" for address in draft.cc] + [f"Attach: {path}" for path in draft.files]
    return "\n".join([*heads, "", draft.text])


def _parsed(written: str) -> Draft:
    head, _, text = written.partition("\n\n") if not written.startswith("\n") else ("", "", written[1:])
    lines = [line.partition(": ") for line in head.split("\n")]
    cc, files = (tuple(value for name, _, value in lines if name == wanted) for wanted in ("Cc", "Attach"))
    return Draft(text, cc, files)

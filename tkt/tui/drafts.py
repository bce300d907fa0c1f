"""Texts that were begun and not sent: one file each under `$XDG_STATE_HOME/tkt/drafts`, so that neither quitting nor
a killed terminal loses them. They belong to the user who runs tkt and are readable by nobody else.
"""

from __future__ import annotations

import os
from functools import cached_property

from tkt.store.location import Location


class Drafts:
    """The drafts of one desk, by ticket and kind ("reply" or "note")."""

    def __init__(self, location: Location) -> None:
        self._location = location

    @cached_property
    def folder(self) -> str:
        """Where they are."""
        from hashlib import sha256

        state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
        desk = sha256(f"{self._location.dialect}:{self._location.shown}".encode()).hexdigest()[:12]
        return os.path.join(state, "tkt", "drafts", desk)

    def read(self, number: int, kind: str) -> str:
        """The draft, empty when there is none."""
        try:
            with open(self._path(number, kind), encoding="utf-8") as file:
                return file.read()
        except OSError:
            return ""

    def keep(self, number: int, kind: str, text: str) -> None:
        """Write the draft in one step; an empty one is removed. Raises OSError when the folder can't be written."""
        if not text.strip():
            self.drop(number, kind)
            return
        from tempfile import mkstemp

        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        handle, path = mkstemp(dir=self.folder)
        try:
            with open(handle, "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
            os.replace(path, self._path(number, kind))
        except OSError:
            os.unlink(path)
            raise

    def drop(self, number: int, kind: str) -> None:
        if os.path.exists(self._path(number, kind)):
            os.unlink(self._path(number, kind))

    def _path(self, number: int, kind: str) -> str:
        return os.path.join(self.folder, f"{number}.{kind}.txt")

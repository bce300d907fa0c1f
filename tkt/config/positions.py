"""Where each key and value of a TOML text stands, so that a mistake can be pointed at.

`tomllib` reads TOML but forgets places, and so do tomlkit, tomli and rtoml (they keep layout, or nothing).
This scanner runs over a text that `tomllib` has accepted already: it decides nothing about validity, it
only finds out at which character the thing with a given key path begins.

A path is a tuple of keys and, inside arrays and arrays of tables, indices: `("team", 0, "members", 1)`.

Leaves to others: the values themselves (`tomllib`) and what they should be (`tkt.config.schema`).
"""

from __future__ import annotations

import re
import tomllib

Path = tuple[str | int, ...]

_SPACE = re.compile(r"[ \t]*")
_FILLER = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'  # up to two quotes may stand before the closing three
    r"|'''.*?'''(?:'{0,2})"
    rf"|{_QUOTED.pattern}"
    r"|[^,\]}\n#]*",
    re.DOTALL,
)
_QUOTES = ('"""\n', "'''\n", '"""', "'''", '"', "'")


class Places:
    """The places of one text. `line_column` turns an offset into what a person reads; both count from 1."""

    def __init__(self, text: str) -> None:
        """Raises ValueError or IndexError for a text that `tomllib` would refuse."""
        self.text = text.replace("\r\n", "\n")
        scanner = _Scanner(self.text)
        self._keys = scanner.keys
        self._values = scanner.values

    def key(self, path: Path) -> int:
        """The offset of the key that ends this path, else of the nearest thing around it."""
        return self._keys[path] if path in self._keys else self.value(path)

    def value(self, path: Path) -> int:
        """The offset of the value at this path, else of the nearest table or list around it."""
        while path and path not in self._values:
            path = path[:-1]
        return self._values.get(path, 0)

    def inside(self, path: Path, value: str, position: int) -> int:
        """The offset of a character of a text value; the start of the value where escapes blur the place."""
        start = self.value(path)
        quote = next((quote for quote in _QUOTES if self.text.startswith(quote, start)), "")
        exact = quote and self.text.startswith(value, start + len(quote))
        return start + len(quote) + position if exact else start

    def line_column(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1."""
        before = self.text[:offset]
        return before.count("\n") + 1, offset - before.rfind("\n")


class _Scanner:
    """One pass over the text; `keys` and `values` map key paths to offsets."""

    def __init__(self, text: str) -> None:
        self.keys: dict[Path, int] = {}
        self.values: dict[Path, int] = {}
        self._text = text
        self._at = 0
        self._tables: dict[Path, int] = {}
        self._table: Path = ()
        self._document()

    def _document(self) -> None:
        self._skip(_FILLER)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                self._header()
            else:
                self._pair(self._table)
            self._skip(_FILLER)

    def _header(self) -> None:
        start = self._at
        width = 2 if self._text.startswith("[[", start) else 1
        self._at += width
        keys = self._dotted_key()
        self._at += width
        self._table = self._entered(keys) if width == 1 else self._appended(keys)
        self.values[self._table] = start

    def _entered(self, keys: list[tuple[str, int]]) -> Path:
        """The path of a table header; a name that stands for an array of tables means its last one."""
        path: Path = ()
        for key, offset in keys:
            path += (key,)
            self.keys.setdefault(path, offset)
            self.values.setdefault(path, offset)
            if path in self._tables:
                path += (self._tables[path],)
        return path

    def _appended(self, keys: list[tuple[str, int]]) -> Path:
        """The path of the new table that a `[[header]]` begins."""
        key, offset = keys[-1]
        path = (*self._entered(keys[:-1]), key)
        self.keys.setdefault(path, offset)
        self.values.setdefault(path, offset)
        self._tables[path] = self._tables.get(path, -1) + 1
        table = (*path, self._tables[path])
        self.keys[table] = offset
        return table

    def _pair(self, table: Path) -> None:
        path = table
        for key, offset in self._dotted_key():
            path += (key,)
            self.keys.setdefault(path, offset)
            self.values.setdefault(path, offset)
        self._at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: Path) -> None:
        self.values[path] = self._at
        opening = self._text[self._at]
        if opening == "[":
            self._array(path)
        elif opening == "{":
            self._inline_table(path)
        else:
            self._skip(_SCALAR)

    def _array(self, path: Path) -> None:
        index = 0
        self._step_over()
        while self._text[self._at] != "]":
            self._value((*path, index))
            index += 1
            self._skip(_FILLER)
            if self._text[self._at] == ",":
                self._step_over()
        self._at += 1

    def _inline_table(self, path: Path) -> None:
        self._step_over()
        while self._text[self._at] != "}":
            self._pair(path)
            self._skip(_FILLER)
            if self._text[self._at] == ",":
                self._step_over()
        self._at += 1

    def _dotted_key(self) -> list[tuple[str, int]]:
        """The keys of `a."b c".d`, each with its offset; ends behind the spaces that follow."""
        keys = [self._key()]
        while self._text[self._at] == ".":
            self._at += 1
            keys.append(self._key())
        return keys

    def _key(self) -> tuple[str, int]:
        self._skip(_SPACE)
        start = self._at
        quoted = self._text[start] in "\"'"
        self._skip(_QUOTED if quoted else _BARE)
        token = self._text[start : self._at]
        self._skip(_SPACE)
        return (tomllib.loads(f"key = {token}")["key"] if quoted else token), start

    def _step_over(self) -> None:
        """Past one character and the blanks, comments and line ends behind it."""
        self._at += 1
        self._skip(_FILLER)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise ValueError(f"not TOML at character {self._at}")
        self._at = match.end()

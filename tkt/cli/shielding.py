"""Query terms and tags that begin with '-' (`-tag:spam`), told apart from options.

The option parser would take them for clusters of options; they are marked before it and unmarked after it.
"""

from __future__ import annotations

import re

_TERM = r"-(?!n\d*$)[^-\s].+"


def is_term(word: str) -> bool:
    """Whether a word that may be an option is a query term; `-n5` is an option."""
    return word[:1] == "-" and re.fullmatch(_TERM, word, re.DOTALL) is not None


def shielded(words: list[str], with_value: set[str]) -> list[str]:
    """The words with those that begin with '-' and are no options so marked that the option parser lets them pass; see
    `unshielded`. A word after an option that takes a value (`--sort -priority`) is that value.
    """
    before = ["", *words]
    return [f"\0{word}" if is_term(word) and before[at] not in with_value else word for at, word in enumerate(words)]


def unshielded(words: list[str] | None) -> str:
    """The query that stood on the command line."""
    return " ".join(as_given(words))


def as_given(words: list[str] | None) -> list[str]:
    """The words as they stood on the command line; bytes that were no UTF-8 become question marks."""
    return [word.removeprefix("\0").encode("utf-8", "replace").decode() for word in words or []]

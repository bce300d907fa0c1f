"""Text that both engines can keep, whoever wrote it."""

from __future__ import annotations

import re

_UNKEPT = re.compile("[\\0\ud800-\udfff]")


def storable(text: str) -> str:
    """The text with U+FFFD where a character can't be stored: NUL (Postgres refuses it), and lone surrogates (bytes of
    the command line that were not UTF-8).
    """
    return text if text.isprintable() else _UNKEPT.sub("\ufffd", text)

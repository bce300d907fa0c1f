"""How mail servers mark what they take for spam.

Only a plain verdict counts: scores and levels mean what the server's administrator makes of them. Believed is the
topmost field of each name, because later servers write above earlier ones. A forged mark harms nobody but its sender.

    X-Spam-Flag: YES                            SpamAssassin, and many who imitate it
    X-Spam-Status: Yes, score=…                 SpamAssassin
    X-Spam: Yes                                 Rspamd
    X-Forefront-Antispam-Report: …;SFV:SPM;…    Microsoft: the filter took it for spam
    X-MS-Exchange-Organization-SCL: 5 to 9      Exchange: spam, or very likely so; below 5 it is not
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_MARKS = {
    "x-spam-flag": ("X-Spam-Flag", re.compile(r"(?:yes|true)\b", re.IGNORECASE)),
    "x-spam-status": ("X-Spam-Status", re.compile(r"yes\b", re.IGNORECASE)),
    "x-spam": ("X-Spam", re.compile(r"yes\s*\Z", re.IGNORECASE)),
    "x-forefront-antispam-report": ("X-Forefront-Antispam-Report", re.compile(r"(?:.*;)?\s*SFV:SPM\s*(?:;|\Z)", re.S)),
    "x-ms-exchange-organization-scl": ("X-MS-Exchange-Organization-SCL", re.compile(r"[5-9]\s*\Z")),
}


def mark_in(fields: Iterable[tuple[str, str]]) -> str:
    """The name of the field by which a server marked the message as spam, or "". `fields` are (lower-case name,
    value), the topmost first."""
    seen: set[str] = set()
    for name, value in fields:
        if name in _MARKS and name not in seen:
            seen.add(name)
            written, pattern = _MARKS[name]
            if pattern.match(value):
                return written
    return ""

"""Addresses in header fields: From, To, Reply-To and their kin, in every form that mailers send.

Promises: any text gives a list; `email` is "" or holds an @ with something on both sides, in lower case, fit
for comparing; `name` is decoded, one line. Source: RFC 5322 section 3.4, read generously (obsolete routes,
groups, comments as names, missing brackets and quotes, `"box@example.com" <>`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from tkt.channels.mail.reading.headers import decode_words
from tkt.desk.addresses import same_address

ADDRESSES_LIMIT = 1000
VALUE_LIMIT = 200_000
NAME_LIMIT = 200
BOX_LIMIT = 320  # RFC 3696 erratum 1690: 64 characters, the @, 255
ESCAPES_LIMIT = 50_000_000
"""Backslashes in a value times its length. Beyond, they say nothing: from each, the end of a quote or of a comment that
has none might be looked for."""

_SIMPLE = re.compile(r'(?:"([^"\\<>@,;=]*)"\s*+|([^"\\<>()@,;:]*))<([^\s<>()",;:@]+@[A-Za-z0-9.-]+)>\Z')
_BARE = re.compile(r'[^\s<>()",;:@]+@[A-Za-z0-9.-]+\Z')
_QUOTED_LOCAL = re.compile(r'"[^"\\<>@]{1,64}"@[^\s<>()",;:@]{1,255}')
_ADDRESS = re.compile(r"[^\s<>()\[\]\",;:@]{1,128}@[^\s<>()\",;:@']{1,255}")
_TOKEN = re.compile(
    r'"(?:[^"\\]++|\\.)*+"|<[^<>]*>|=\?[^?\s]{1,60}\?[bqBQ]\?[^?]*\?='
    r"|\((?:[^()\\]++|\\.|\((?:[^()\\]++|\\.)*+\))*+\)|[,;:]|[^\"<(,;:=]+|.",
    re.DOTALL,
)
# What is not seen must not make two addresses of one.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_COMMENT = re.compile(r"\([^()]*\)")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


class Address(NamedTuple):
    """One person or box. `email` is lower case and "" if there is none; `name` may be ""."""

    name: str
    email: str


def parse_addresses(value: str) -> tuple[Address, ...]:
    """The addresses in a field's raw value, in order; entries with neither address nor name are dropped."""
    value = value[:VALUE_LIMIT].strip()
    if not value:
        return ()
    if found := _SIMPLE.match(value):
        return (_address(decode_words(found[1] or found[2] or ""), found[3]),)
    if _BARE.match(value):
        return (_address("", value),)
    if value.count("\\") * len(value) > ESCAPES_LIMIT:
        value = value.replace("\\", "")
    entries = map(_read_entry, islice(_entries(value), ADDRESSES_LIMIT))
    return tuple(entry for entry in entries if entry.name or entry.email)


def _entries(value: str) -> Iterator[list[str]]:
    """The tokens of each mailbox; a group's name is left out, its members are kept."""
    tokens: list[str] = []
    for token in _TOKEN.findall(value):
        if token in (",", ";"):
            yield tokens
            tokens = []
        elif token == ":" and tokens and tokens[-1].lower().endswith("mailto"):
            tokens[-1] = tokens[-1][: -len("mailto")] or " "
        elif token == ":" and not any("@" in part for part in tokens):
            tokens = []
        else:
            tokens.append(token)
    yield tokens


def _read_entry(tokens: list[str]) -> Address:
    words, comments, box = [], [], ""
    for token in tokens:
        if token[0] == "<" and len(token) > 1:
            box = _box(token[1:-1]) or box
        elif token[0] == "(" and len(token) > 1:
            comments.append(token[1:-1])
        elif token[0] == '"' and len(token) > 1:
            words.append(_QUOTED_PAIR.sub(r"\1", token[1:-1]))
        else:
            words.append(token)
    name = decode_words("".join(words))
    if not box and (quoted := _QUOTED_LOCAL.search("".join(tokens))):
        name, box = "", quoted[0]
    elif not box:
        name, box = _box_in_name(name)
    elif "<" in name:
        name = name.strip(" <>")
    return _address(name or decode_words("".join(comments)), box)


def _box(text: str) -> str:
    """The address between the brackets; routes, `mailto:`, quotes and trailing dots are dropped."""
    text = decode_words(_COMMENT.sub("", text) if "(" in text else text)
    found = _QUOTED_LOCAL.findall(text) or _ADDRESS.findall(text)
    return str(found[-1]) if found else ""


def _box_in_name(name: str) -> tuple[str, str]:
    """An address that stands where the name should be, and the name that is left."""
    found = _ADDRESS.search(name)
    if found is None:
        return name, ""
    return (name[: found.start()] + name[found.end() :]).strip(" <>()[]\"'"), found[0]


def _address(name: str, box: str) -> Address:
    if len(name) > 1 and name[0] == name[-1] and name[0] in "'\"":
        name = name[1:-1].strip()
    if not (box.isascii() and box.isprintable()):
        box = _UNSEEN.sub("", box)
    email = box.strip(" .'").lower().removeprefix("mailto:")
    if email[-1:] == "]" and "[" not in email:
        email = email.strip("]")
    local, _, domain = email.rpartition("@")
    email = same_address(f"{local}@{domain}") if local and domain and len(email) <= BOX_LIMIT else ""
    return Address("" if name.lower() == email else name[:NAME_LIMIT], email)

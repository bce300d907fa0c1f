"""What our own mail server says of where a message comes from: Authentication-Results (RFC 8601), no other's word.

Anybody can write such a field. Believed are only those that carry the name of our server (`mailbox.authserv`), stand
where our servers write, above the first Received that is none of theirs, and stand together: the topmost run of them.
In that run the topmost field that tells of a method has the last word. That our server removes fields in its own name
from what comes in (RFC 8601 section 5, as every one does that is set up to write them) is what the rest rests on.
ARC (RFC 8617), the word of servers on the way, is not read. What does not keep to the grammar says nothing, and so do
two verdicts that contradict each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tkt.channels.mail.reading.headers import Headers, read_fields
from tkt.channels.mail.reading.mime import HEADER_LIMIT

FIELD = "authentication-results"
LONGEST = 16_384
"""Characters of one field that are read; a longer one says nothing."""

_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?", re.IGNORECASE)
_METHOD = re.compile(r"([a-z][a-z0-9-]*)(?:/(\d+))?=([a-z]+)", re.IGNORECASE)
_PROPERTY = re.compile(r"([a-z]+)\.([a-z0-9_-]+)=(.*)", re.IGNORECASE | re.DOTALL)
_EQUALS = re.compile(r"\s*([=/])\s*")
_SPACED_DOT = re.compile(r"(?<!\S)([a-z]+)\s*\.\s*(?=[a-z0-9_-]+=)", re.IGNORECASE)
_POLICY = re.compile(r"\bp(?:olicy)?\s*=\s*(none|quarantine|reject)\b", re.IGNORECASE)
_BY = re.compile(r"\bby\s+([^\s;()]+)", re.IGNORECASE)
_POLICY_PROPERTIES = ("policy.published-domain-policy", "policy.dmarc", "policy.policy")


class Result(NamedTuple):
    """What one method found: `method` "dmarc", `result` "pass", `properties` such as "header.from"; lower case but for
    the values of properties. `comment` is the text of the comments beside it.
    """

    method: str
    result: str
    properties: dict[str, str] = {}
    comment: str = ""


class AuthenticationResults(NamedTuple):
    """One field: who wrote it, and what it says."""

    authserv: str
    results: tuple[Result, ...]


class Verdict(NamedTuple):
    """What our server says of DMARC (RFC 7489) for the domain in From: `result` is "pass", "fail" …, or "" where it
    says nothing; `policy` is what the domain asks for: none, quarantine, reject, or "".
    """

    result: str = ""
    policy: str = ""

    @property
    def failed(self) -> bool:
        return self.result == "fail"

    @property
    def unwanted(self) -> bool:
        """The domain itself asks that such a message be kept out."""
        return self.failed and self.policy in ("quarantine", "reject")


def read_results(value: str) -> AuthenticationResults | None:
    """One field's value, unfolded; None where it breaks the grammar of RFC 8601 section 2.2. A result that breaks it
    is left out."""
    parts = _parts(value) if len(value) <= LONGEST else None
    if not parts:
        return None
    head, *rest = parts
    words = head.text.split()
    version = words[1:] or ["1"]
    if not words or not _HOST.fullmatch(words[0]) or version != ["1"] or not rest:
        return None
    if [part.text.lower() for part in rest] == ["none"]:
        return AuthenticationResults(words[0].lower(), ())
    results = tuple(one for one in map(_result, rest) if one is not None)
    return AuthenticationResults(words[0].lower(), results) if results else None


def dmarc(raw: bytes, authserv: str, domain: str) -> Verdict:
    """The verdict on a message as it came in, whose From names this domain. Nothing where we have no server's name."""
    told = (tuple(one for one in field.results if one.method == "dmarc") for field in believed(raw, authserv))
    said = next(filter(None, told), ())
    if not said or len({one.result for one in said}) > 1 or not all(_speaks_of(one, domain) for one in said):
        return Verdict()
    found = said[0]
    named = [found.properties[name] for name in _POLICY_PROPERTIES if name in found.properties]
    policy = next(iter(named), "").lower() or next(iter(_POLICY.findall(found.comment)), "").lower()
    return Verdict(found.result, policy)


def believed(raw: bytes, authserv: str) -> Iterator[AuthenticationResults]:
    """What our own server says of a message, its latest word first."""
    if not authserv:
        return
    for value in _run(trusted_fields(raw, authserv), authserv.lower()):
        if (read := read_results(value)) is not None:
            yield read


def mentions(headers: Headers, authserv: str, word: str = "") -> bool:
    """Whether any field may be our server's and hold this word: only then the rest is worth its cost."""
    fields = map(str.lower, headers.raw_all(FIELD)) if authserv else ()
    return any(authserv.lower() in value and word in value for value in fields)


def trusted_fields(raw: bytes, authserv: str) -> list[tuple[str, str]]:
    """The fields (lower-case name, unfolded value), in order, that stand where only our own servers write: above the
    first Received that is not theirs. A server further on than ours, whose name we don't know, writes above ours.
    """
    fields = list(_in_order(raw))
    received = [at for at, (name, _) in enumerate(fields) if name == "received"]
    ours = [at for at in received if _is_ours(fields[at][1], authserv.lower())]
    foreign = [at for at in received if at not in ours and (not ours or at > ours[0])]
    return fields[: foreign[0]] if foreign else fields


def _in_order(raw: bytes) -> Iterator[tuple[str, str]]:
    """The fields of the message itself, one by one."""
    head = re.split(rb"\r?\n\r?\n", raw[:HEADER_LIMIT].lstrip(b"\r\n"), maxsplit=1)[0]
    for line in re.split(r"\r?\n(?![ \t])", head.decode("ascii", "surrogateescape")):
        fields = Headers(read_fields(line)[0])
        for name in fields.names():
            yield name, fields.raw(name)


def _is_ours(received: str, authserv: str) -> bool:
    """Whether a server of ours wrote this Received field (RFC 5321 section 4.4): the one that checks, one below its
    name, or one beside it.
    """
    by = _BY.search(received)
    host = by[1].lower().rstrip(".") if by else ""
    parent = authserv.partition(".")[2] if authserv.count(".") >= 2 else authserv
    return host == authserv or host.endswith((f".{authserv}", f".{parent}"))


def _run(fields: Iterable[tuple[str, str]], authserv: str) -> Iterator[str]:
    """The values of the topmost run of our server's fields: it ends at a Received, or at another server's field."""
    begun = False
    for name, value in fields:
        if name == FIELD and _names(value, authserv):
            begun = True
            yield value
        elif begun and name in (FIELD, "received"):
            return


def _names(value: str, authserv: str) -> bool:
    parts = _parts(value[:LONGEST])
    return bool(parts) and (parts or [])[0].text.lower().split()[:1] == [authserv]


class _Part(NamedTuple):
    """What stands between two semicolons, without its comments; quoted text is in `quoted`, by its stand-in."""

    text: str
    comment: str
    quoted: tuple[str, ...]


def _parts(value: str) -> list[_Part] | None:
    """The field cut at its semicolons; comments nest, quotation marks protect (RFC 5322 section 3.2). None for what
    never closes."""
    parts: list[_Part] = []
    text: list[str] = []
    comments: list[str] = []
    quoted: list[str] = []
    at = 0
    while at <= len(value):
        mark = value[at : at + 1]
        if mark in ("", ";"):
            parts.append(_Part(" ".join("".join(text).split()), " ".join(comments), tuple(quoted)))
            text, comments, quoted = [], [], []
        elif mark in '("':
            end = _closing(value, at)
            if end < 0:
                return None
            inside = re.sub(r"\\(.)", r"\1", value[at + 1 : end], flags=re.DOTALL)
            if mark == "(":
                comments.append(inside)
                text.append(" ")
            else:
                text.append(f"\0{len(quoted)}\0")
                quoted.append(inside)
            at = end
        else:
            text.append(mark)
        at += 1
    return parts


def _closing(value: str, start: int) -> int:
    """Where the comment or the quoted text that begins at `start` ends; -1 if it does not."""
    depth, at = 0, start
    while at < len(value):
        mark = value[at]
        if mark == "\\":
            at += 1
        elif value[start] == '"':
            if mark == '"' and at > start:
                return at
        elif mark in "()":
            depth += 1 if mark == "(" else -1
            if depth == 0:
                return at
        at += 1
    return -1


def _result(part: _Part) -> Result | None:
    first, *rest = _SPACED_DOT.sub(r"\1.", _EQUALS.sub(r"\1", part.text)).split() or [""]
    method = _METHOD.fullmatch(first)
    if method is None or method[2] not in (None, "1"):
        return None
    properties: dict[str, str] = {}
    for word in rest:
        if "=" not in word:
            return None
        if found := _PROPERTY.fullmatch(word):
            name = f"{found[1]}.{found[2]}".lower()
            properties.setdefault(name, _unquoted(found[3], part.quoted))
    return Result(method[1].lower(), method[3].lower(), properties, part.comment)


def _unquoted(value: str, quoted: tuple[str, ...]) -> str:
    return re.sub(r"\0(\d+)\0", lambda found: quoted[int(found[1])], value)


def _speaks_of(result: Result, domain: str) -> bool:
    """Whether the result is about this domain: one that names another (a second From field) says nothing."""
    from tkt.desk.addresses import same_address

    named = result.properties.get("header.from", "").rpartition("@")[2].rstrip(".")
    return not named or same_address(f"x@{named}") == same_address(f"x@{domain}")

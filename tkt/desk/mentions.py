"""Whom a note names: `@alice` means the agent, `@network` everybody in the team.

A mention stands by itself: not inside a mail address, a web address, code between backticks, or a line that quotes
somebody (">"). Case does not matter, punctuation may follow, and so may Chinese, Japanese or Korean text, which puts no
space between words. A name that nobody here has stays text, and `remarks` says so to whoever wrote it. Only notes are
read for mentions: a public reply would show them to the customer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from tkt.store.analyser import UNSPACED

if TYPE_CHECKING:
    from tkt.desk.unit import Desk

MOST_UNKNOWN = 3
"""So many unknown names are remarked upon; a pasted log may have hundreds."""

_APART = "<>()\"',;:"
_NOT_READ = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`"  # code
    r"|^[ \t]*>[^\n]*"  # a quoted line
    r"|\b[a-z][a-z0-9+.-]{1,20}://\S*|\bmailto:\S*"  # a web address (RFC 3986)
    rf"|(?<![^\s{_APART}])[^\s@{_APART}]+(?<![{UNSPACED}])@[\w-]+(?:\.[\w-]+)+",  # a mail address
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
_NAMED = re.compile(rf"(?<![^\W{UNSPACED}])(?<![@/.+=-])@(\w[\w.@-]*)")
_FOLLOWS = re.compile(f"[{UNSPACED}]")
_TRAILING = ".-@"


class Mentions(NamedTuple):
    """Names as the desk spells them, each once, in the text's order; `unknown` as they were written."""

    agents: list[str]
    teams: list[str]
    unknown: list[str]


def find(text: str, agents: Iterable[str], teams: Iterable[str]) -> Mentions:
    """Whom this text mentions, of these agents and teams. A name that an agent and a team share means both."""
    known_agents, known_teams = _folded(agents), _folded(teams)
    found = Mentions([], [], [])
    for written in _NAMED.findall(_blanked(text)):
        name = _known(written, known_agents.keys() | known_teams.keys())
        for known, named in ((known_agents, found.agents), (known_teams, found.teams)):
            if name in known and known[name] not in named:
                named.append(known[name])
        bare = written.rstrip(_TRAILING)
        if not name and bare not in found.unknown:
            found.unknown.append(bare)
    return found


def places(text: str, names: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Where in the text these names are mentioned: (start, end), the sign included."""
    known = _folded(names).keys()
    blanked = _blanked(text)
    for match in _NAMED.finditer(blanked):
        name = _known(match[1], known)
        if name:
            yield match.start(), match.start(1) + len(name)


def remarks(desk: Desk, text: str, kind: str = "note") -> list[str]:
    """What somebody should know who has just written this: one sentence for each name that tells nobody."""
    if "@" not in text:
        return []
    with desk.look() as change:
        agents, teams = change.definitions.agents, change.definitions.teams
    found = find(text, agents, teams)
    if kind != "note":
        return [f"@{name} is not told of it: only a note tells colleagues" for name in (*found.agents, *found.teams)]
    return [_unknown(name, [*agents, *teams]) for name in found.unknown[:MOST_UNKNOWN]]


def _unknown(name: str, known: list[str]) -> str:
    import difflib

    folded = _folded(known)
    close = difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
    hint = f"; did you mean @{folded[close[0]]}?" if close else ""
    return f"no agent or team is named @{name}{hint}"


def _blanked(text: str) -> str:
    """The text with blanks, as many, where no mention is read."""
    return _NOT_READ.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def _folded(names: Iterable[str]) -> dict[str, str]:
    """Names by their casefolded form; of two that differ in case only, the first."""
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(name.casefold(), name)
    return found


def _known(written: str, known: Iterable[str]) -> str:
    """The (folded) name that was written, "" if it is none. Unspaced script may follow without a mark between."""
    folded = written.casefold()
    begun = [name for name in known if folded.startswith(name) and _may_end(folded, len(name))]
    return max(begun, key=len, default="")


def _may_end(text: str, at: int) -> bool:
    return not text[at:].strip(_TRAILING) or _FOLLOWS.match(text, at) is not None

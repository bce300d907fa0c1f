"""The phrases of a query in the search index's own notation; light, since every read may need it."""

from __future__ import annotations

from collections.abc import Iterable


def match_text(phrases: Iterable[Iterable[str]], dialect: str) -> str:
    """All of these phrases, as FTS5's MATCH or as a tsquery. Terms hold neither quotes nor operators."""
    if dialect == "sqlite":
        return " AND ".join(f'"{" ".join(phrase)}"' for phrase in phrases)
    quoted = ([f"'{term}'" for term in phrase] for phrase in phrases)
    return " & ".join(f"({' <-> '.join(terms)})" for terms in quoted)

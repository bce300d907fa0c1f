"""The search index, written: a document per subject and message, in the transaction that writes the text.

A document's id is `doc_id(number, position)`; position 0 is the subject. SQLite keeps them in an FTS5 table
without content, Postgres in tsvectors; both hold the analyser's terms with their positions, so phrases are
found alike. Leaves to others: what a query says to the index (`tkt.store.match`).

FTS5 without content can't look up what it indexed: to remove a document its text must be given again,
exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tkt.store.analyser import index_terms
from tkt.store.constants import DOC_SHIFT
from tkt.store.rows import run, run_many

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

_ADD = {
    "sqlite": "INSERT INTO search (rowid, terms) VALUES (?, ?)",
    "postgresql": "INSERT INTO search (doc, terms) VALUES (?, CAST(? AS tsvector))"
    " ON CONFLICT (doc) DO UPDATE SET terms = excluded.terms",
}
_REMOVE = {
    "sqlite": "INSERT INTO search (search, rowid, terms) VALUES ('delete', ?, ?)",
    "postgresql": "DELETE FROM search WHERE doc = ?",
}


def doc_id(number: int, position: int) -> int:
    """The id of a ticket's document: position 0 is the subject, others count its entries."""
    return number << DOC_SHIFT | position


def add_document(session: Session | Connection, number: int, position: int, text: str) -> None:
    """Index a text in this transaction. The document must not be there yet (remove it first)."""
    add_documents(session, [(number, position, text)])


def add_documents(session: Session | Connection, documents: Iterable[tuple[int, int, str]]) -> None:
    """The same for several of (number, position, text), in the order of their ids: FTS5 makes a segment of what it has
    when an id is no higher than the last."""
    connection, dialect = _connection(session)
    terms = sorted((doc_id(number, position), index_terms(text)) for number, position, text in documents)
    run_many(connection, _ADD[dialect], [(doc, _document(found, dialect)) for doc, found in terms if found])


def remove_document(session: Session | Connection, number: int, position: int, old_text: str) -> None:
    """Take a text out of the index; `old_text` is exactly what was indexed."""
    terms = index_terms(old_text)
    if not terms:
        return
    connection, dialect = _connection(session)
    document: tuple[Any, ...] = (doc_id(number, position),)
    if dialect == "sqlite":
        document = (*document, _document(terms, dialect))
    run(connection, _REMOVE[dialect], document)


def replace_document(session: Session | Connection, number: int, position: int, old_text: str, text: str) -> None:
    """Index another text in an old one's place (a changed subject)."""
    if old_text != text:
        remove_document(session, number, position, old_text)
        add_document(session, number, position, text)


def move_document(session: Session | Connection, old: tuple[int, int], new: tuple[int, int], text: str) -> None:
    """Put a document under another (number, position): its entry moved to another ticket."""
    remove_document(session, *old, text)
    add_document(session, *new, text)


def _document(terms: list[str], dialect: str) -> str:
    if dialect == "sqlite":
        return " ".join(terms)
    return " ".join(f"'{term}':{position}" for position, term in enumerate(terms, 1))


def _connection(session: Session | Connection) -> tuple[Connection, str]:
    connection = session if hasattr(session, "exec_driver_sql") else session.connection()
    return connection, connection.dialect.name  # type: ignore[return-value, union-attr]

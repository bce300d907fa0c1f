"""The conversation of a ticket: its messages, their files, and the raw mails behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tkt.errors import NotFound
from tkt.store.read_blobs import content
from tkt.store.read_tickets import in_portions, marks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tkt.store.read import Reader


class File(NamedTuple):
    """An attachment without its bytes; `size` in bytes. `inline` files belong to the text (images of an HTML mail);
    `logo`: an image of a signature, which has come before.
    """

    id: int
    name: str
    type: str
    size: int
    inline: bool
    logo: bool


class Message(NamedTuple):
    """One entry. `author` is shown; `withdrawn_at` is set when it was taken back. Moments are microseconds UTC."""

    id: int
    position: int
    kind: str
    at: int
    author: str
    author_address: str
    recipients: list[str]
    text: str
    message_id: str | None
    machine: str
    delivery: str
    has_raw: bool
    withdrawn_at: int | None
    attachments: list[File]


_SELECT = """
SELECT e.id, e.position, e.kind, e.at,
       coalesce(nullif(e.author, ''), a.name, nullif(p.name, ''), e.author_address), e.author_address,
       CAST(e.recipients AS TEXT), e.text, e.message_id, e.machine, e.delivery, e.raw IS NOT NULL,
       e.withdrawn_at
FROM entry e LEFT JOIN agent a ON a.id = e.agent_id LEFT JOIN person p ON p.id = e.person_id
"""


def conversation(reader: Reader, number: int, after_position: int = 0, limit: int | None = None) -> list[Message]:
    """The ticket's messages, oldest first; with `limit` the newest of them. Withdrawn ones are there, and marked."""
    sql = f"{_SELECT}WHERE e.ticket = ? AND e.position > ? ORDER BY e.position DESC"
    params = [number, after_position]
    if limit is not None:
        sql, params = f"{sql} LIMIT ?", [*params, limit]
    rows = reader.rows(sql, params)[::-1]
    files = _files(reader, [row[0] for row in rows])
    return [_message(row, files.get(row[0], [])) for row in rows]


def attachment(reader: Reader, identifier: int) -> bytes:
    """The bytes of a `File`. Raises NotFound."""
    row = reader.row("SELECT digest FROM attachment WHERE id = ?", (identifier,))
    if row is None:
        raise NotFound(f"there is no attachment {identifier}")
    return content(reader.rows, reader.dialect, row[0])


def raw_mail(reader: Reader, number: int, entry: int | None = None) -> bytes:
    """The mail as it came: of this entry (its id), else the one that opened the ticket. Raises NotFound."""
    sql = (
        "SELECT e.raw FROM entry e WHERE e.raw IS NOT NULL"
        f" AND e.ticket = ?{'' if entry is None else ' AND e.id = ?'} ORDER BY e.position LIMIT 1"
    )
    row = reader.row(sql, (number,) if entry is None else (number, entry))
    if row is None:
        what = f"ticket {number}" if entry is None else f"entry {entry} of ticket {number}"
        raise NotFound(f"{what} did not come by mail, or does not exist")
    return content(reader.rows, reader.dialect, row[0])


def _files(reader: Reader, entries: Sequence[int]) -> dict[int, list[File]]:
    found: dict[int, list[File]] = {}
    for some in in_portions(entries):
        sql = (
            "SELECT entry_id, id, name, type, size, inline, logo FROM attachment"
            f" WHERE entry_id IN ({marks(some)}) ORDER BY entry_id, id"
        )
        for entry, *file, inline, logo in reader.rows(sql, some):
            found.setdefault(entry, []).append(File._make([*file, bool(inline), bool(logo)]))
    return found


def _message(row: tuple[Any, ...], files: list[File]) -> Message:
    import json

    return Message._make([*row[:6], json.loads(row[6]), *row[7:11], bool(row[11]), row[12], files])

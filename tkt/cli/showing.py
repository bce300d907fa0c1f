"""`tkt show`: a ticket as text, as JSON, as the raw mail, or its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tkt.cli import context, output

if TYPE_CHECKING:
    from tkt.store.read import Reader


def show_ticket(number: str, *, json: bool = False, full: bool = False, raw: bool = False, save: str = "") -> int:
    """Print one ticket; see `reading.show`. Only a terminal gets it folded. Raises NotFound, UsageError."""
    one = context.one_number(number)
    with context.reader() as reader:
        if save:
            from tkt.saving import save_files

            for path in save_files(reader, one, save):
                output.line(path)
        elif raw:
            _show_raw(reader, one)
        else:
            _show_document(reader, one, json, full or not output.on_terminal())
    return 0


def _show_document(reader: Reader, number: int, json: bool, full: bool) -> None:
    from tkt.store.read_documents import ticket_document

    document = ticket_document(reader, number)
    if json:
        output.as_json(document)
    else:
        from tkt.cli.ticket_text import print_ticket

        print_ticket(document, full=full)


def _show_raw(reader: Reader, number: int) -> None:
    from tkt.store.read_entries import raw_mail

    data = raw_mail(reader, number)
    if output.on_terminal():
        output.line(data.decode("utf-8", "replace"))
    else:
        output.raw_bytes(data)

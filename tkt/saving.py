"""Saving the files of a ticket into a folder: under safe names, never over a file that is there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tkt.errors import NotFound, TktError
from tkt.safe_text import safe_filename

if TYPE_CHECKING:
    from tkt.store.read import Reader

MOST_ALIKE = 1000
"""How many files of one name a folder may get; more is an attack, not a conversation."""


def save_files(reader: Reader, number: int, folder: str) -> list[str]:
    """Write every attachment of a ticket into `folder`, which is made if need be; the paths written.

    Raises NotFound when the ticket has none, TktError when the folder can't be written.
    """
    from tkt.store.read_entries import attachment, conversation

    files = [file for message in conversation(reader, number) for file in message.attachments]
    if not files:
        raise NotFound(f"#{number} has no attachments")
    try:
        os.makedirs(folder, exist_ok=True)
        return [_write(folder, file.name, attachment(reader, file.id)) for file in files]
    except OSError as error:
        raise TktError(f"{folder} can't be written: {error.strerror}") from error


def _write(folder: str, name: str, content: bytes) -> str:
    """Write under the first free of name.ext, name-2.ext, name-3.ext …"""
    stem, extension = os.path.splitext(safe_filename(name))
    for count in range(1, MOST_ALIKE + 1):
        path = os.path.join(folder, f"{stem}-{count}{extension}" if count > 1 else f"{stem}{extension}")
        try:
            with open(path, "xb") as file:  # refuses a file or a link that is there
                file.write(content)
            return path
        except FileExistsError:
            continue
    raise TktError(f"{folder} has too many files named {stem}{extension}")

"""Which images are logos of signatures: seen before, small, and part of the mail's layout.

An image is a logo when all of this holds:

- it came with a message from outside (an `inbound` entry; machines' messages too);
- its type is image/*, and it has at most LOGO_SIZE bytes;
- it belongs to the layout: it is inline, or has a Content-ID, or a name that mailers give to such images (image001.png,
  Outlook-abc.png, logo.gif);
- the same bytes came before with an inbound entry, of any ticket.

So the first mail with a logo shows it as what it is, an image, and every later one folds it. A picture that somebody
sends as a file stays a file however often it comes. Logos are kept and can be saved like all files; they are not
counted in `Ticket.attachments`.
"""

from __future__ import annotations

import re

from sqlmodel import Session

from tkt.store.rows import rows
from tkt.store.tables import Attachment, Entry

LOGO_SIZE = 100_000
"""Bytes; what is larger is a picture that somebody wants to be seen."""

_NAME = re.compile(
    r"(?:image\d{3,4}|outlook-[\w-]{1,60}|(?:[\w-]{1,30}[-_ ])?logo(?:[-_ ]?\w{1,12})?)"
    r"\.(?:png|gif|jpe?g|bmp|svg|webp)",
    re.IGNORECASE,
)
_SEEN = (
    "SELECT 1 FROM attachment a JOIN entry e ON e.id = a.entry_id"
    " WHERE a.digest = ? AND e.id < ? AND e.kind = 'inbound' LIMIT 1"
)


def is_logo(session: Session, entry: Entry, file: Attachment) -> bool:
    """Is this new file of `entry` a logo? Asks the store only for an image that could be one."""
    if entry.kind != "inbound" or not file.type.lower().startswith("image/") or not 0 < file.size <= LOGO_SIZE:
        return False
    if not (file.inline or file.content_id or _NAME.fullmatch(file.name)):
        return False
    return bool(rows(session, _SEEN, (file.digest, entry.id)))


def counts(file: Attachment) -> bool:
    """Does the file count as an attachment of its ticket? What belongs to the text, and logos, don't."""
    return not (file.inline or file.logo)

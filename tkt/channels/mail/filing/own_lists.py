"""Mailing lists that are our own mailboxes: an address such as support@example.com that a list server distributes.

What customers write there carries a list's fields, as all its mail does. It is judged as if no list had been on its
way; every other list stays a machine.
"""

from __future__ import annotations

import re

from tkt.channels.mail.mailboxes import mailboxes
from tkt.channels.mail.reading.classify import LIST, Machine
from tkt.channels.mail.reading.headers import Headers
from tkt.channels.mail.reading.parse import ParsedMail
from tkt.desk.addresses import same_address
from tkt.desk.unit import Change

_POST = re.compile(r"<mailto:([^>?\s]{3,320})")
_IDENTIFIER = re.compile(r"<([^<>\s]{3,320})>\s*$")


def machine_of(change: Change, mail: ParsedMail) -> Machine | None:
    """The machine that sent the mail, one of our own lists aside."""
    machine = mail.machine
    if machine is None or machine.kind != LIST or not _is_ours(change, mail.headers):
        return machine
    return machine.behind


def _is_ours(change: Change, headers: Headers) -> bool:
    """By the address that posts to the list (RFC 2369), or by its name made of it (RFC 2919)."""
    addresses = {same_address(box.address) for box in mailboxes(change.definitions) if box.address}
    posted = {same_address(address) for address in _POST.findall(headers.raw("list-post"))}
    named = _IDENTIFIER.findall(headers.raw("list-id").lower())
    return not addresses.isdisjoint(posted) or any(address.replace("@", ".") in named for address in addresses)

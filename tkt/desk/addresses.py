"""Mail addresses as they are stored and compared: one person's address has one form, however a mailer wrote it.

Promises: case does not count, neither do quotes that are not needed (`"ann"@example.com`), nor whether a domain beyond
ASCII came as `xn--…` (its A-labels, RFC 5890) or in its own letters: the own letters are kept, because people read
them. `ascii_domain` gives the form for the wire.
"""

from __future__ import annotations

import re
import unicodedata

from tkt.errors import UsageError

_DOTS = str.maketrans({"\u3002": ".", "\uff0e": ".", "\uff61": "."})
"""Full stops of other scripts, which separate labels too (RFC 3490 section 3.1)."""

_QUOTED = re.compile(r'"([^\s"\\()<>\[\]:;@,.]++(?:\.[^\s"\\()<>\[\]:;@,.]++)*+)"@')
"""A local part in quotes that means the same without them: a dot-atom (RFC 5321 section 4.1.2)."""


def is_address(address: str) -> bool:
    """Whether a mail could be sent there: local part, @, domain, no separators (RFC 5321 section 4.1.2)."""
    local, _, domain = address.strip().strip("<>").rpartition("@")
    written = address.strip()
    return bool(local and domain) and written.isprintable() and not any(mark in written for mark in " <>,;")


def normal_address(address: str) -> str:
    """The address as it is stored and compared. UsageError if it is none."""
    address = address.strip().strip("<>").lower()
    if not is_address(address):
        raise UsageError(f"'{address}' is no mail address")
    return same_address(address)


def same_address(address: str) -> str:
    """The one form of an address, whatever it is: lower case, no needless quotes, the domain in its own letters."""
    address = address.lower()
    if address.startswith('"') and (quoted := _QUOTED.match(address)):
        address = f"{quoted[1]}{address[quoted.end() - 1 :]}"
    if address.isascii() and "xn--" not in address:
        return address
    local, at, domain = address.rpartition("@")
    labels = unicodedata.normalize("NFKC", domain).lower().translate(_DOTS).split(".")
    return f"{unicodedata.normalize('NFC', local)}{at}{'.'.join(map(_own_letters, labels))}"


def ascii_domain(address: str) -> str:
    """The address with its domain in the ASCII form that every server knows (RFC 5891), as it is if it has none."""
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{'.'.join(map(_a_label, domain.split('.')))}"


def without_detail(address: str) -> str:
    """The address without its "+detail" (RFC 5233)."""
    local, at, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}{at}{domain}"


def _own_letters(label: str) -> str:
    """An A-label in its own letters. One that does not stand for exactly this label (`xn--example-` is no `example`)
    stays as it is: it is another domain."""
    if not label.startswith("xn--"):
        return label
    try:
        letters = label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label
    exact = not letters.isascii() and unicodedata.normalize("NFKC", letters).lower() == letters
    return letters if exact and is_address(f"a@{letters}") and _a_label(letters) == label else label


def _a_label(label: str) -> str:
    """A label for the wire. Characters stay what they are: ß is not made ss, which would be another domain
    (RFC 5891 section 4.4, and how browsers do it)."""
    if label.isascii():
        return label
    return "xn--" + unicodedata.normalize("NFKC", label).lower().encode("punycode").decode("ascii")

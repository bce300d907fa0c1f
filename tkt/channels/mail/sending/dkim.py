"""Signing what leaves, by the mailbox's key (RFC 6376, and RFC 8463 for Ed25519 keys).

Relaxed canonicalisation of headers and body, over those headers that say who wrote what to whom; From is signed once
more than it is there, so that nobody can add a second one. The signature is made of the bytes as they leave: whatever
comes after it changes nothing. Each attempt is signed anew, at its own time (t=, RFC 6376 section 3.5): a retry differs
in that field alone, which no server compares.

The key is a file that only the sender reads: RSA as PEM, Ed25519 as PEM or as the 32 bytes in base64. Ed25519 needs the
library PyNaCl (`tkt[ed25519]`).
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from email.parser import BytesHeaderParser
from typing import Any

from tkt.channels.mail.mailboxes import Dkim
from tkt.errors import MailboxUnusable

HEADERS = (
    *("From", "Reply-To", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References"),
    *("MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Auto-Submitted"),
)
"""What is signed of a mail, as far as it has it (RFC 6376 section 5.4.1)."""

_PEM = re.compile(rb"-----BEGIN ([A-Z ]*)PRIVATE KEY-----(.*?)-----END", re.DOTALL)
_ED25519 = bytes.fromhex("302e020100300506032b657004220420")
"""How a PKCS #8 private key of Ed25519 begins (RFC 8410 section 7); 32 bytes follow."""


class Signer:
    """Signs for one mailbox; its key is read once."""

    def __init__(self, mailbox: str, settings: Dkim) -> None:
        self._where = f"mailbox {mailbox}: the DKIM key {settings.key}"
        self._settings = settings
        self._key: bytes | None = None
        self._algorithm = b""

    def sign(self, content: bytes) -> bytes:
        """The mail with its DKIM-Signature before it. Raises MailboxUnusable when the key can't be used."""
        import dkim  # it brings a DNS library along: only for those who sign

        if self._key is None:
            self._key, self._algorithm = self._read()
        there = {name.lower() for name in BytesHeaderParser().parsebytes(content)}
        signed = [name.lower().encode() for name in HEADERS if name.lower() in there]
        try:
            signature: Any = dkim.sign(
                content,
                self._settings.selector.encode("idna"),
                self._settings.domain.encode("idna"),
                self._key,
                canonicalize=(b"relaxed", b"relaxed"),
                signature_algorithm=self._algorithm,
                include_headers=[*signed, b"from"],
            )
        except (dkim.DKIMException, UnicodeError, ValueError, TypeError) as error:
            raise MailboxUnusable(f"{self._where} can't sign: {error}") from None
        return bytes(signature) + content

    def _read(self) -> tuple[bytes, bytes]:
        """(key, algorithm)."""
        try:
            with open(os.path.expanduser(self._settings.key), "rb") as file:
                text = file.read(100_000)
        except OSError as error:
            raise MailboxUnusable(f"{self._where} can't be read: {error.strerror}") from None
        seed = self._seed(text)
        if seed is None:
            self._refuse_unless_rsa(text)
            return text, b"rsa-sha256"
        try:
            import nacl.signing  # noqa: F401  (dkimpy looks for it by itself, and does not say so)
        except ImportError:
            raise MailboxUnusable(f"{self._where} is of Ed25519, which needs 'pip install tkt[ed25519]'") from None
        return base64.b64encode(seed), b"ed25519-sha256"

    def _seed(self, text: bytes) -> bytes | None:
        """The 32 bytes of an Ed25519 key; None for what is none."""
        found = _PEM.search(text)
        try:
            held = base64.b64decode(b"".join((found[2] if found else text).split()), validate=True)
        except binascii.Error:
            return None
        if found is None:
            return held if len(held) == 32 else None
        return held[len(_ED25519) :] if held.startswith(_ED25519) and len(held) == len(_ED25519) + 32 else None

    def _refuse_unless_rsa(self, text: bytes) -> None:
        from dkim.crypto import UnparsableKeyError, parse_pem_private_key

        if b"ENCRYPTED" in text:
            raise MailboxUnusable(f"{self._where} has a passphrase: keep it in a file of its own without one")
        try:
            parse_pem_private_key(text)
        except (UnparsableKeyError, ValueError, LookupError, TypeError) as error:
            raise MailboxUnusable(f"{self._where} is no RSA or Ed25519 private key in PEM: {error}") from None

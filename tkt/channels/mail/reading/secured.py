"""Signed and encrypted mail: what is signed is read, what is encrypted is said to be so.

S/MIME (RFC 8551): the message inside an opaque signature is unwrapped. PGP (RFC 4880, 3156): the armour around signed
text is taken off. No signature is verified, nothing is decrypted; the mail as it came is kept by whoever stores it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

SMIME_TYPES = ("application/pkcs7-mime", "application/x-pkcs7-mime")
SIGNATURE_TYPES = ("application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature")
ENCRYPTED = "[This mail is encrypted ({}): the desk can't read it. What was encrypted is attached.]"

_SIGNED_BEGIN = "-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE_BEGIN, _SIGNATURE_END = "-----BEGIN PGP SIGNATURE-----", "-----END PGP SIGNATURE-----"
_MESSAGE_BEGIN, _MESSAGE_END = "-----BEGIN PGP MESSAGE-----", "-----END PGP MESSAGE-----"
_ARMOUR_HEADERS = re.compile(
    r"[ \t]*\n(?:(?:Hash|Charset|Comment|Version|NotDashEscaped)[ \t]*:[^\n]*\n)*(?:[ \t]*\n)?"
)


class Smime(NamedTuple):
    """What a CMS object (RFC 5652) is, "signed" or "encrypted", and the message in a signed one."""

    kind: str
    content: bytes


def read_smime(data: bytes) -> Smime | None:
    """What `data` is; None for anything that is no CMS object with a message in it."""
    from asn1crypto import cms  # loaded only for such mail

    try:
        info = cms.ContentInfo.load(data)
        kind = info["content_type"].native
        if kind in ("enveloped_data", "authenticated_enveloped_data", "encrypted_data"):
            return Smime("encrypted", b"")
        if kind != "signed_data":
            return None
        content = info["content"]["encap_content_info"]["content"]
        inside = bytes(content) if content.native is not None else b""
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
        return None
    return Smime("signed", inside) if inside else None


def without_armour(text: str) -> str:
    """`text` with what PGP put around signed text taken off (RFC 4880 section 7)."""
    if _SIGNED_BEGIN not in text:
        return text
    before, *signed = text.split(_SIGNED_BEGIN)
    return "".join([before, *map(_signed_text, signed)])


def _signed_text(text: str) -> str:
    start = _ARMOUR_HEADERS.match(text)
    words, armour, behind = text[start.end() if start else 0 :].partition(_SIGNATURE_BEGIN)
    words = words.removeprefix("- ").replace("\n- ", "\n")
    return words + behind.partition(_SIGNATURE_END)[2].removeprefix("\n") if armour else words


def take_encrypted(text: str) -> tuple[str, list[str]]:
    """`text` with a remark in place of each PGP message in it, and those messages."""
    messages: list[str] = []
    pieces, at = [], 0
    while (start := text.find(_MESSAGE_BEGIN, at)) >= 0 and (end := text.find(_MESSAGE_END, start)) >= 0:
        pieces += [text[at:start], ENCRYPTED.format("PGP")]
        at = end + len(_MESSAGE_END)
        messages.append(text[start:at])
    return "".join([*pieces, text[at:]]), messages

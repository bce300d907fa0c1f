"""Names of attached files: what the sender chose, made fit for any folder, or one made up from the kind of file."""

from __future__ import annotations

import re

from tkt.channels.mail.reading.mime import Part, read_message

NAME_LIMIT = 200

_EXTENSIONS = {
    "text/plain": "txt",
    "text/html": "html",
    "text/csv": "csv",
    "text/calendar": "ics",
    "text/vcard": "vcf",
    "text/x-vcard": "vcf",
    "text/rfc822-headers": "txt",
    "image/jpeg": "jpg",
    "image/jpg": "jpg",
    "image/svg+xml": "svg",
    "image/tiff": "tif",
    "audio/mpeg": "mp3",
    "audio/x-wav": "wav",
    "video/quicktime": "mov",
    "application/pdf": "pdf",
    "application/zip": "zip",
    "application/json": "json",
    "application/xml": "xml",
    "application/gzip": "gz",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/ms-tnef": "dat",
    "application/pkcs7-signature": "p7s",
    "application/x-pkcs7-signature": "p7s",
    "application/pkcs7-mime": "p7m",
    "application/x-pkcs7-mime": "p7m",
    "application/pgp-signature": "asc",
    "application/pgp-keys": "asc",
    "application/pgp-encrypted": "txt",
    "application/ics": "ics",
    "message/rfc822": "eml",
    "message/global": "eml",
    "message/delivery-status": "txt",
    "message/disposition-notification": "txt",
    "message/feedback-report": "txt",
}
_EXTENSION = re.compile(r"[a-z0-9]{1,5}\Z")
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# Devices of Windows, whatever stands behind the dot.
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)", re.IGNORECASE)
_PEEK = 65_536


def safe_name(name: str) -> str:
    """The last component of a file name that a stranger chose, fit for any folder; "" if nothing is left."""
    name = _UNSAFE.sub("", name[:4000]).replace("\\", "/").rpartition("/")[2].strip(" .")
    if _RESERVED.match(name):
        name = f"_{name}"
    while len(name.encode("utf-8", "replace")) > NAME_LIMIT:
        stem, dot, extension = name.rpartition(".")
        name = f"{stem[:-1]}.{extension}" if dot and stem and len(extension) < 16 else name[:-1]
    return name


def made_up_name(part: Part, number: int) -> str:
    """A name for a part that has none: the subject of an attached mail, else its kind and its number."""
    if part.content_type in ("message/rfc822", "message/global"):
        inner = part.children[0] if part.children else read_message(part.content()[:_PEEK])
        subject = inner.headers.text("subject").replace("/", "-").replace("\\", "-")
        if name := safe_name(subject[:80].strip(" .") + ".eml") if subject.strip(" .") else "":
            return name
    return name_by_kind(part.content_type, number)


def name_by_kind(content_type: str, number: int) -> str:
    """A name such as "image-2.png"."""
    main, _, sub = content_type.partition("/")
    extension = _EXTENSIONS.get(content_type) or (sub if _EXTENSION.match(sub) else "bin")
    stem = main if main in ("image", "audio", "video", "message") else "attachment"
    return f"{stem}-{number}.{extension}"

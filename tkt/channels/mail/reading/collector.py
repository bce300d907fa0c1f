"""One walk over the parts of a message: which are its text, which are files, which only wrap others.

Signed content is read in place of its signature, a signed or Outlook wrapper (S/MIME, winmail.dat) in place of the
file that it is; what can't be opened stays a file. Alternatives that show the same content in another way (AMP,
watch) are left out. Nothing here is rendered or decoded beyond what that takes.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tkt.channels.mail.reading.file_names import safe_name
from tkt.channels.mail.reading.headers import parse_parameters
from tkt.channels.mail.reading.mime import Part, read_message
from tkt.channels.mail.reading.secured import ENCRYPTED, SIGNATURE_TYPES, SMIME_TYPES, read_smime
from tkt.channels.mail.reading.text_parts import read_enriched, read_plain
from tkt.channels.mail.reading.tnef import is_tnef, read_tnef

WRAPPERS_LIMIT = 5

_READABLE = ("text/plain", "text/html", "text/markdown", "text/enriched", "text/richtext")
_OTHER_VIEWS = ("text/x-amp-html", "text/watch-html")
_HTML_START = re.compile(r"\s*<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,80}/[A-Za-z0-9!#$&^_.+-]{1,80}\Z")
_CALENDARS = ("text/calendar", "application/ics")


class Segment(NamedTuple):
    """A stretch of the body, in one form or both."""

    plain: str = ""
    html: str = ""


class FileFound(NamedTuple):
    """A file that is no part of its own, or a part; `name` is safe, "" if there is none."""

    name: str
    content_type: str
    content_id: str
    location: str
    source: Part | bytes


class Collector:
    """Walks the parts once: text into segments, files into `files`, what is read if no text is there into `spare`."""

    def __init__(self) -> None:
        self.files: list[FileFound] = []
        self.calendars: list[Part] = []
        self.spare: list[Segment] = []
        self._wrappers = 0

    def read(self, part: Part) -> list[Segment]:
        """The text in `part` and below."""
        kind = part.content_type
        if part.children and part.main_type == "multipart":
            return self._read_multipart(part, kind)
        if part.main_type == "multipart" or _is_text(part):
            return self._read_text(part)
        if kind in SMIME_TYPES and (segments := self._read_smime(part)) is not None:
            return segments
        name = _file_name(part)
        if is_tnef(kind, name) and self._read_tnef(part):
            return []
        if kind in _CALENDARS:
            return self._keep_calendar(part, name)
        self.files.append(_file(part, name))
        return []

    def _read_multipart(self, part: Part, kind: str) -> list[Segment]:
        children = part.children
        if kind == "multipart/alternative":
            return self._read_alternative(children)
        if kind == "multipart/signed":
            children = [child for child in children if child.content_type not in SIGNATURE_TYPES] or children
        elif kind == "multipart/encrypted":
            return self._read_encrypted(children)
        elif kind == "multipart/appledouble":
            children = [child for child in children if child.content_type != "application/applefile"] or children
        return [segment for child in children for segment in self.read(child)]

    def _read_alternative(self, children: list[Part]) -> list[Segment]:
        """The plainest and the richest form of the same content, side by side."""
        forms = [self.read(child) for child in children if child.content_type not in _OTHER_VIEWS]
        plain = next((form for form in forms if form and not any(s.html for s in form)), [])
        rich = next((form for form in reversed(forms) if any(s.html for s in form)), [])
        if not plain or not rich:
            return plain or rich
        if len(plain) == 1 and all(s.html and not s.plain for s in rich):
            return [Segment(plain[0].plain, "\n".join(s.html for s in rich))]
        if len(rich) > len(plain):
            return rich
        joined = "\n\n".join(s.plain for s in plain if s.plain), "\n".join(s.html for s in rich if s.html)
        return [Segment(*joined)]

    def _read_encrypted(self, children: list[Part]) -> list[Segment]:
        """PGP/MIME (RFC 3156): the control part is left out, what is encrypted is a file."""
        for child in children:
            if child.content_type != "application/pgp-encrypted":
                name = _file_name(child) or "encrypted.asc"
                self.files.append(_file(child, name))
        return [Segment(ENCRYPTED.format("PGP"))]

    def _read_smime(self, part: Part) -> list[Segment] | None:
        """What is inside a signature; None if the part is to stay the file that it is."""
        self._wrappers += 1
        smime = read_smime(part.content()) if self._wrappers <= WRAPPERS_LIMIT else None
        if smime is None:
            return None
        if smime.kind == "encrypted":
            self.files.append(_file(part, _file_name(part) or "smime.p7m"))
            return [Segment(ENCRYPTED.format("S/MIME"))]
        return self.read(read_message(smime.content, is_own=False))

    def _read_tnef(self, part: Part) -> bool:
        """Whether the part was opened; its text counts only if the message has no other."""
        self._wrappers += 1
        tnef = read_tnef(part.content()) if self._wrappers <= WRAPPERS_LIMIT else None
        if tnef is None:
            return False
        for file in tnef.files:
            kind = file.content_type.lower() if _TYPE.match(file.content_type) else "application/octet-stream"
            content_id = file.content_id.strip("<> ")
            self.files.append(FileFound(safe_name(file.name), kind, content_id, "", file.content))
        if tnef.text.strip() or tnef.html:
            self.spare.append(Segment(tnef.text, tnef.html))
        return True

    def _keep_calendar(self, part: Part, name: str) -> list[Segment]:
        """An invitation is often there twice, as another form of the text and as a file: the named one is kept."""
        self.calendars.append(part)
        for number, file in enumerate(self.files):
            if file.content_type in _CALENDARS and _is_same(file.source, part):
                self.files[number] = file if file.name else _file(part, name)
                return []
        self.files.append(_file(part, name))
        return []

    def _read_text(self, part: Part) -> list[Segment]:
        text = part.text()
        if part.content_type == "text/html" or _HTML_START.match(text):
            return [Segment(html=text)]
        if part.content_type in ("text/enriched", "text/richtext"):
            return [Segment(read_enriched(text))]
        is_flowed = part.parameters.get("format", "").lower() == "flowed"
        plain = read_plain(text, is_flowed, part.parameters.get("delsp", "").lower() == "yes")
        for file in plain.files:
            kind = "application/pgp-encrypted" if file.name.endswith(".asc") else "application/octet-stream"
            self.files.append(FileFound(safe_name(file.name), kind, "", "", file.content))
        return [Segment(plain.words)]


def _is_text(part: Part) -> bool:
    """Is the part shown as text: a readable type, neither named nor sent as an attachment?"""
    if part.content_type not in _READABLE:
        return False
    disposition, parameters = parse_parameters(part.headers.raw("content-disposition"))
    named = "filename" in parameters or ("name" in part.parameters and disposition != "inline" and not part.is_root)
    return disposition != "attachment" and not named


def _file_name(part: Part) -> str:
    _, parameters = parse_parameters(part.headers.raw("content-disposition"))
    return safe_name(parameters.get("filename", "") or part.parameters.get("name", ""))


def _file(part: Part, name: str) -> FileFound:
    headers = part.headers
    content_id = headers.raw("content-id")[:1000].strip("<> \t")
    return FileFound(name, part.content_type, content_id, headers.raw("content-location")[:1000], part)


def _is_same(source: Part | bytes, part: Part) -> bool:
    other = source.content() if isinstance(source, Part) else source
    return other.replace(b"\r", b"").strip() == part.content().replace(b"\r", b"").strip()

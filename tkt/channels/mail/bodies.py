"""What a person reads of a message, and what is attached to it.

The plain part is preferred to the HTML beside it, unless it is empty or only says that there is HTML. Text
parts that stand one after another are all shown. Every other part is an attachment, with a name that can't
leave a folder. Alternatives that show the same content in another way (AMP, watch) are left to the raw
message.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tkt.channels.mail.headers import parse_parameters
from tkt.channels.mail.html_text import html_to_text
from tkt.channels.mail.mime import Part

TEXT_LIMIT = 1_000_000
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
    "message/rfc822": "eml",
    "message/global": "eml",
    "message/delivery-status": "txt",
    "message/disposition-notification": "txt",
    "message/feedback-report": "txt",
}
_EXTENSION = re.compile(r"[a-z0-9]{1,5}\Z")
_READABLE = ("text/plain", "text/html", "text/markdown", "text/enriched", "text/richtext")
_OTHER_VIEWS = ("text/x-amp-html", "text/watch-html")
_STUB = re.compile(
    r"\bhtml\b|\bbrowser\b|view (?:this|it) (?:email|message|online)|does(?: not|n't) support|"
    r"multi-?part message|im webbrowser|navigateur|navegador|浏览器|ブラウザ",
    re.IGNORECASE,
)
_STUB_LENGTH = 300
_HTML_START = re.compile(r"\s*<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
_MARKUP_TAG = re.compile(r"<[^<>]{1,200}>")
_UNSAFE_IN_NAME = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Attachment(NamedTuple):
    """A part that is no text of the message; an `inline` one is shown in it, often by its `content_id`."""

    name: str
    content_type: str
    content: bytes
    inline: bool
    content_id: str


class Body(NamedTuple):
    """The text to read, the HTML as sent ("" if none), the attachments in the message's order."""

    text: str
    html: str
    attachments: tuple[Attachment, ...]


class _Segment(NamedTuple):
    """A stretch of the body, in one form or both."""

    plain: str = ""
    html: str = ""


def read_body(root: Part) -> Body:
    """The best text, the HTML and the attachments of a message. Raises nothing."""
    collector = _Collector()
    segments = _merge_twins(collector.read(root))
    markup = "\n".join(segment.html for segment in segments if segment.html)
    text = "\n\n".join(part for part in map(_readable, segments) if part).strip("\n")
    attachments = [_attach(part, number, markup) for number, part in enumerate(collector.attached, 1)]
    if len(text) > TEXT_LIMIT:
        attachments.append(Attachment("full-text.txt", "text/plain", text.encode(), False, ""))
        text = text[:TEXT_LIMIT]
    return Body(text, markup, tuple(attachments))


class _Collector:
    """Walks the parts once: text into segments, everything else into `attached`."""

    def __init__(self) -> None:
        self.attached: list[Part] = []

    def read(self, part: Part) -> list[_Segment]:
        if part.content_type == "multipart/alternative":
            return self._read_alternative(part)
        if part.main_type == "multipart" and part.children:
            return [segment for child in part.children for segment in self.read(child)]
        if part.main_type == "multipart" or _is_text(part):
            return [_text_segment(part)]
        self.attached.append(part)
        return []

    def _read_alternative(self, part: Part) -> list[_Segment]:
        """The plainest and the richest form of the same content, side by side."""
        forms = [self.read(child) for child in part.children if child.content_type not in _OTHER_VIEWS]
        plain = next((form for form in forms if form and not any(s.html for s in form)), [])
        rich = next((form for form in reversed(forms) if any(s.html for s in form)), [])
        if not plain or not rich:
            return plain or rich
        if len(plain) == 1 and all(s.html and not s.plain for s in rich):
            return [_Segment(plain[0].plain, "\n".join(s.html for s in rich))]
        return rich if len(rich) > len(plain) else [_Segment(_join(plain), _join_html(rich))]


def _join(segments: list[_Segment]) -> str:
    return "\n\n".join(segment.plain for segment in segments if segment.plain)


def _join_html(segments: list[_Segment]) -> str:
    return "\n".join(segment.html for segment in segments if segment.html)


def _is_text(part: Part) -> bool:
    """Is the part shown as text: a readable type, neither named nor sent as an attachment?"""
    if part.content_type not in _READABLE:
        return False
    disposition, parameters = parse_parameters(part.headers.raw("content-disposition"))
    named = "filename" in parameters or ("name" in part.parameters and disposition != "inline")
    return disposition != "attachment" and not named


def _text_segment(part: Part) -> _Segment:
    text = part.text()
    if part.content_type == "text/html" or _HTML_START.match(text):
        return _Segment(html=text)
    if part.content_type in ("text/enriched", "text/richtext"):
        return _Segment(_MARKUP_TAG.sub("", text))
    if part.parameters.get("format", "").lower() == "flowed":
        return _Segment(unflow(text, part.parameters.get("delsp", "").lower() == "yes"))
    return _Segment(text)


def unflow(text: str, delete_space: bool) -> str:
    """Format=flowed text with its paragraphs on one line each (RFC 3676 section 4)."""
    lines: list[str] = []
    open_depth = -1
    for line in text.split("\n"):
        words = line.lstrip(">")
        depth, words = len(line) - len(words), words.removeprefix(" ")
        soft = words.endswith(" ") and words != "-- "
        joined = words[:-1] if soft and delete_space else words
        if depth == open_depth and words != "-- ":
            lines[-1] += joined
        else:
            lines.append((">" * depth + " " if depth else "") + joined)
        open_depth = depth if soft else -1
    return "\n".join(lines)


def _merge_twins(segments: list[_Segment]) -> list[_Segment]:
    """Two parts that a mailer should have sent as alternatives become one segment."""
    if len(segments) != 2 or any(segment.plain and segment.html for segment in segments):
        return segments
    plain = next((segment.plain for segment in segments if segment.plain), "")
    markup = next((segment.html for segment in segments if segment.html), "")
    if plain and markup and _opening(plain) == _opening(html_to_text(markup)):
        return [_Segment(plain, markup)]
    return segments


def _opening(text: str) -> str:
    return "".join(text.split())[:200]


def _readable(segment: _Segment) -> str:
    """The segment's text, without white space around its lines' ends that nobody sees."""
    plain = segment.plain.strip("\n").rstrip()
    if not segment.html or (plain.strip() and not (len(plain) < _STUB_LENGTH and _STUB.search(plain))):
        return plain
    return html_to_text(segment.html) or plain


def _attach(part: Part, number: int, markup: str) -> Attachment:
    disposition, parameters = parse_parameters(part.headers.raw("content-disposition"))
    content_id = part.headers.raw("content-id").strip("<> \t")
    name = safe_name(parameters.get("filename", "") or part.parameters.get("name", ""))
    inline = disposition == "inline" or bool(content_id and f"cid:{content_id}" in markup)
    name = name or _made_up_name(part, number)
    return Attachment(name, part.content_type, part.content(), inline, content_id)


def safe_name(name: str) -> str:
    """The last component of a file name that a stranger chose, fit for any folder; "" if nothing is left."""
    name = _UNSAFE_IN_NAME.sub("", name).replace("\\", "/").rpartition("/")[2].strip(" .")
    while len(name.encode("utf-8", "replace")) > NAME_LIMIT:
        stem, dot, extension = name.rpartition(".")
        name = f"{stem[:-1]}.{extension}" if dot and stem and len(extension) < 16 else name[:-1]
    return name


def _made_up_name(part: Part, number: int) -> str:
    """A name for a part that has none: the subject of an attached mail, else its kind and its number."""
    subject = part.children[0].headers.text("subject") if part.children else ""
    if subject:
        return safe_name(subject.replace("/", "-").replace("\\", "-")[:80] + ".eml")
    main, _, sub = part.content_type.partition("/")
    extension = _EXTENSIONS.get(part.content_type) or (sub if _EXTENSION.match(sub) else "bin")
    stem = main if main in ("image", "audio", "video", "message") else "attachment"
    return f"{stem}-{number}.{extension}"

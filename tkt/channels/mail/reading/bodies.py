"""What a person reads of a message, and what is attached to it.

The plain part is preferred to the HTML beside it, unless it is empty, only says that there is HTML, or leaves out
images that stand in the HTML. Text parts that stand one after another are all shown. Every other part is an
attachment, with a name that can't leave a folder. Where an attached image stands in the text there is
"[image: NAME]", and the attachment is `inline`; one that the text doesn't show is an attachment like others,
whatever its sender calls it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple
from urllib.parse import unquote

from tkt.channels.mail.reading.calendars import calendar_text
from tkt.channels.mail.reading.collector import Collector, FileFound, Segment
from tkt.channels.mail.reading.file_names import made_up_name, name_by_kind
from tkt.channels.mail.reading.html_text import html_to_text
from tkt.channels.mail.reading.mime import Part

TEXT_LIMIT = 1_000_000

_STUB = re.compile(
    r"\bhtml\b|\bbrowser\b|view (?:this|it) (?:email|message|online)|does(?: not|n't) support|"
    r"multi-?part message|im webbrowser|navigateur|navegador|浏览器|ブラウザ",
    re.IGNORECASE,
)
_STUB_LENGTH = 300
# An address of a file within the message (RFC 2392), and how Outlook puts an image into plain text.
_SHOWN = re.compile(r"\bsrc\s*=\s*[\"']?\s*([^\"'\s>]{1,1000})", re.IGNORECASE)
_PLAIN_MARK = re.compile(r"\[cid:([^\]\s]{1,500})\]")


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


def read_body(root: Part, content: Callable[[Part], bytes] = Part.content) -> Body:
    """The best text, the HTML and the attachments of a message. Raises nothing.

    `content` gives an attached part's bytes; `Part.later` leaves them where they are.
    """
    collector = Collector()
    segments = _merge_twins(collector.read(root))
    if collector.spare and not any(map(_has_words, segments)):
        segments = collector.spare
    markup = "\n".join([segment.html for segment in segments if segment.html])
    names = [file.name or _made_up(file, number) for number, file in enumerate(collector.files, 1)]
    images = _images(collector.files, names, segments, markup) if names else {}
    text = "\n\n".join(filter(None, [_readable(segment, images) for segment in segments])).strip("\n")
    if not text and collector.calendars:
        text = next(filter(None, (calendar_text(part.text()) for part in collector.calendars[:5])), "")
    attachments = [
        Attachment(name, file.content_type, _bytes(file, content), _is_shown(file, images, name), file.content_id)
        for file, name in zip(collector.files, names, strict=True)
    ]
    if len(text) > TEXT_LIMIT:
        attachments.append(Attachment("full-text.txt", "text/plain", text.encode(), False, ""))
        text = text[:TEXT_LIMIT]
    return Body(text, markup, tuple(attachments))


def _has_words(segment: Segment) -> bool:
    return bool(segment.html or segment.plain.strip())


def _made_up(file: FileFound, number: int) -> str:
    if isinstance(file.source, Part):
        return made_up_name(file.source, number)
    return name_by_kind(file.content_type, number)


def _bytes(file: FileFound, content: Callable[[Part], bytes]) -> bytes:
    return content(file.source) if isinstance(file.source, Part) else file.source


def _images(files: list[FileFound], names: list[str], segments: Iterable[Segment], markup: str) -> dict[str, str]:
    """The name of each file that the text shows, by what it is called there ("cid:..." or a location, lower case)."""
    shown = {unquote(address).lower() for address in _SHOWN.findall(markup)} if markup else set()
    for segment in segments:
        shown.update(f"cid:{address.lower()}" for address in _PLAIN_MARK.findall(segment.plain))
    images: dict[str, str] = {}
    for file, name in zip(files, names, strict=True):
        for address in _addresses(file):
            if address in shown:
                images.setdefault(address, name)
    return images


def _addresses(file: FileFound) -> list[str]:
    named = (f"cid:{file.content_id}" if file.content_id else "", file.location)
    return [address.lower() for address in named if address]


def _is_shown(file: FileFound, images: Mapping[str, str], name: str) -> bool:
    return any(images.get(address) == name for address in _addresses(file)) if images else False


def _merge_twins(segments: list[Segment]) -> list[Segment]:
    """Two parts that a mailer should have sent as alternatives become one segment."""
    if len(segments) != 2 or any(segment.plain and segment.html for segment in segments):
        return segments
    plain = next((segment.plain for segment in segments if segment.plain), "")
    markup = next((segment.html for segment in segments if segment.html), "")
    if plain and markup and _opening(plain) == _opening(html_to_text(markup)):
        return [Segment(plain, markup)]
    return segments


def _opening(text: str) -> str:
    return "".join(text.split())[:200]


def _readable(segment: Segment, images: Mapping[str, str]) -> str:
    """The segment's text, without white space around its lines' ends that nobody sees."""
    plain = segment.plain.strip("\n").rstrip()
    if images and plain:
        plain = _PLAIN_MARK.sub(lambda found: f"[image: {images.get('cid:' + found[1].lower(), found[1])}]", plain)
    if not segment.html:
        return plain
    is_stub = not plain.strip() or (len(plain) < _STUB_LENGTH and _STUB.search(plain))
    if not is_stub and not _leaves_out_images(plain, segment.html, images):
        return plain
    return html_to_text(segment.html, images) or plain


def _leaves_out_images(plain: str, markup: str, images: Mapping[str, str]) -> bool:
    """Does the HTML show attached images of which the plain text says nothing?"""
    if not images:
        return False
    shown = (images.get(unquote(address).lower(), "") for address in _SHOWN.findall(markup))
    return any(name and f"[image: {name}]" not in plain for name in shown)

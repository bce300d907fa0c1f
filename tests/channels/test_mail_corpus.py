"""The corpus: each NAME.eml, as it may lie in a mailbox, gives what NAME.toml beside it says.

Keys of the .toml: subject, sender (its address), name (its name), to and cc (addresses), recipients (how many in To),
date, text, html, attachments (name, type, content or base64, inline, content_id), or unparseable (words of the
reason). What isn't named isn't looked at, except that there are no attachments unless some are named.
"""

from __future__ import annotations

import base64
import pickle
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tkt.channels.mail.reading.parse import Attachment, ParsedMail, Unparseable, parse

CORPUS = Path(__file__).parent / "corpus"
MAILS = sorted(CORPUS.glob("*.eml"))


def read(path: Path) -> tuple[bytes, dict[str, Any]]:
    """A mail and what is expected of it."""
    return path.read_bytes(), tomllib.loads(path.with_suffix(".toml").read_text(encoding="utf-8"))


def found(parsed: ParsedMail) -> dict[str, Any]:
    """The mail in the words of the .toml files."""
    return {
        "subject": parsed.subject,
        "sender": parsed.sender.email,
        "name": parsed.sender.name,
        "to": [one.email for one in parsed.to],
        "cc": [one.email for one in parsed.cc],
        "recipients": len(parsed.to),
        "date": parsed.date.astimezone(UTC) if parsed.date else None,
        "text": parsed.text,
        "html": parsed.html,
    }


def described(item: Attachment) -> dict[str, Any]:
    return {
        "name": item.name,
        "type": item.content_type,
        "content": item.content.decode("utf-8", "replace"),
        "base64": base64.b64encode(item.content).decode(),
        "inline": item.inline,
        "content_id": item.content_id,
    }


def test_the_corpus_is_there() -> None:
    assert len(MAILS) > 250
    assert {path.stem for path in MAILS} == {path.stem for path in CORPUS.glob("*.toml")}


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_corpus(path: Path) -> None:
    raw, expected = read(path)
    if reason := expected.get("unparseable"):
        with pytest.raises(Unparseable, match=reason):
            parse(raw)
        return
    parsed = parse(raw)
    if "date" in expected:
        expected["date"] = datetime.fromisoformat(expected["date"])
    files = expected.pop("attachments", [])
    assert {key: found(parsed)[key] for key in expected} == expected
    shown = [described(item) for item in parsed.attachments]
    assert [{key: one[key] for key in file} for one, file in zip(shown, files, strict=False)] == files
    assert len(shown) == len(files), shown
    assert pickle.loads(pickle.dumps(parsed)).text == parsed.text

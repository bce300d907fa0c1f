"""A folder of machine mails of many makers, each with what it is; see machine/expected.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tkt.channels.mail.reading.parse import parse

FOLDER = Path(__file__).parent / "machine"
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "expected.toml").read_text("utf-8"))


def test_every_message_has_its_expectation() -> None:
    assert {path.stem for path in FOLDER.glob("*.eml")} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_what_it_is(name: str, line_end: bytes) -> None:
    wanted = EXPECTED[name]
    found = parse((FOLDER / f"{name}.eml").read_bytes().replace(b"\n", line_end)).machine
    assert found is not None
    assert (found.kind, wanted.get("reason", "") in found.reason) == (wanted["kind"], True), found
    if found.kind == "bounce":
        assert found.bounce is not None
        assert list(found.bounce.recipients) == wanted["recipients"]
        assert (found.bounce.worst.action, found.bounce.status) == (wanted["action"], wanted.get("status", ""))
        assert found.bounce.original_message_id == wanted.get("original", found.bounce.original_message_id)
    assert (found.feedback.kind if found.feedback else "") == wanted.get("feedback", "")
    if found.feedback is not None:
        assert list(found.feedback.recipients) == wanted["recipients"]
        assert found.feedback.original_message_id == wanted["original"]

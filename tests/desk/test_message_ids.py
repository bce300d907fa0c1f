"""Signed names: only what we signed is ours."""

from __future__ import annotations

from tkt.desk.message_ids import make_message_id, make_token, read_message_id, read_token


def test_only_what_we_signed_is_ours() -> None:
    made = make_message_id("s", "d.example", 42, "r")
    assert read_message_id("s", made) == (42, "r")
    assert read_message_id("s", f" {made[1:-1]} ") == (42, "r")
    for wrong in (made.replace("-42-", "-43-"), made.replace("tkt-r", "tkt-c"), made + "x", "", "<x@y>"):
        assert read_message_id("s", wrong) is None
    assert read_message_id("other", made) is None and read_message_id("", made) is None


def test_only_our_tokens_lead_to_a_ticket() -> None:
    token = make_token("s", 42)
    assert read_token("s", token) == 42
    for wrong in (token.replace("42.", "43."), "42.", "42", "", "٤٢.x", "9" * 30 + ".x"):
        assert read_token("s", wrong) is None
    assert read_token("other", token) is None

"""Whose word on a sender is believed, and what it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkt.channels.mail.filing.authentication import Verdict, dmarc, read_results

SERVER = "mx.desk.example"
PASS = "Authentication-Results: mx.desk.example; dmarc=pass header.from=desk.example"
FAIL = "Authentication-Results: mx.desk.example; dmarc=fail (p=reject dis=none) header.from=desk.example"
OURS = "Received: from relay.example (relay.example [192.0.2.1])\r\n\tby mx.desk.example (Postfix) with ESMTPS id 1"
INSIDE = "Received: from mx.desk.example by imap.desk.example with LMTP id 2"
THEIRS = "Received: from laptop by relay.example with ESMTPSA id 3"
FORGED = "Received: from nowhere by mx.desk.example with ESMTP id 4"
SUBJECT = "From: Alice <alice@desk.example>\r\nSubject: Hello"
REST = f"{SUBJECT}\r\n\r\nText\r\nAuthentication-Results: mx.desk.example; dmarc=pass"


def verdict(*fields: str, authserv: str = SERVER) -> str:
    return dmarc("\r\n".join((*fields, REST)).encode(), authserv, "desk.example").result


def test_a_field_of_many_methods() -> None:
    found = read_results(
        'mx.desk.example; dkim=pass (2048-bit key; "odd (nested) words") header.d=desk.example header.b="a;b+/=";'
        " spf=softfail (domain of x does not (really) designate 192.0.2.1) smtp.mailfrom=x@relay.example;"
        " dmarc=pass (p=none dis=none) header.from=desk.example; action=none;"
    )
    assert found is not None
    assert [(one.method, one.result) for one in found.results] == [
        ("dkim", "pass"), ("spf", "softfail"), ("dmarc", "pass"), ("action", "none")
    ]  # fmt: skip
    assert found.results[0].properties == {"header.d": "desk.example", "header.b": "a;b+/="}
    assert found.results[1].properties == {"smtp.mailfrom": "x@relay.example"}


def test_the_standards_example_that_is_all_comments() -> None:
    """RFC 8601 appendix B.7."""
    found = read_results(
        "foo.example.net (foobar) 1 (baz); dkim (Because I like it) / 1 (One yay) = (wait for it) fail"
        " policy (A dot can go here) . (like that) expired (this surprised me) = (as I wasn't expecting it) 1362471462"
    )
    assert found is not None
    assert found.authserv == "foo.example.net"
    [result] = found.results
    assert (result.method, result.result, result.properties) == ("dkim", "fail", {"policy.expired": "1362471462"})


@pytest.mark.parametrize(
    "value",
    [
        "",
        ";",
        "mx.desk.example",
        "mx.desk.example 2; dmarc=pass",
        "mx.desk.example; dmarc",
        "mx.desk.example; dmarc=",
        "mx.desk.example; dmarc pass",
        "mx.desk.example; dmarc=pass really",
        "mx.desk.example; (dmarc=pass",
        'mx.desk.example; dmarc=pass reason="never closed',
        "spf=pass smtp.mailfrom=desk.example; dmarc=pass",
        "mx.desk.example; dmarc/2=pass",
        "mx.desk.example; " + "dmarc=pass; " * 2000,
    ],
)
def test_what_breaks_the_grammar_says_nothing(value: str) -> None:
    assert read_results(value) is None


def test_no_result() -> None:
    assert read_results("mx.desk.example 1; none") == ("mx.desk.example", ())


@given(st.text(alphabet='mx.dek; =()"\\/1 passdmarcfail\0é'))
def test_any_value_is_read_or_refused(value: str) -> None:
    read_results(value)
    read_results(f"mx.desk.example; {value}")


@pytest.mark.parametrize(
    ("fields", "result"),
    [
        ((PASS, OURS, THEIRS), "pass"),
        ((OURS, PASS, THEIRS), "pass"),
        ((INSIDE, OURS, PASS, THEIRS), "pass"),
        (("Received: by 2001:db8::1 with SMTP id 9", OURS, PASS, THEIRS), "pass"),
        ((PASS.upper().replace("AUTHENTICATION", "authentication"), OURS), "pass"),
        ((PASS.replace("; ", ";\r\n\t"), OURS), "pass"),
        ((OURS, THEIRS, PASS), ""),
        ((OURS, FAIL, PASS), "fail"),
        ((OURS, FAIL, FORGED, PASS), "fail"),
        ((OURS, "Authentication-Results: mx.desk.example; spf=none", FORGED, PASS), ""),
        ((OURS, "Authentication-Results: mx.desk.example; dkim=pass header.d=desk.example", PASS), "pass"),
        ((OURS, PASS.replace("mx.desk.example", "mx.evil.example")), ""),
        ((OURS, PASS.replace("mx.desk.example", "mx.evil.example"), PASS), "pass"),
        ((OURS, "ARC-Authentication-Results: i=1; mx.desk.example; dmarc=pass header.from=desk.example"), ""),
        ((OURS, PASS.replace("header.from=desk.example", "header.from=evil.example")), ""),
        ((OURS, PASS + "; dmarc=fail header.from=desk.example"), ""),
        ((PASS, THEIRS), "pass"),
        ((THEIRS, PASS), ""),
        ((), ""),
    ],
)
def test_whose_word_is_believed(fields: tuple[str, ...], result: str) -> None:
    assert verdict(*fields) == result


def test_without_our_servers_name_nobody_is_believed() -> None:
    assert verdict(PASS, OURS, authserv="") == ""


@pytest.mark.parametrize(
    "field",
    [
        "dmarc=fail (p=REJECT sp=NONE dis=NONE) header.from=desk.example",
        'dmarc=fail reason="SPF not aligned (relaxed)" (policy=reject) header.from=desk.example',
        "dmarc=fail policy.published-domain-policy=reject header.from=desk.example",
    ],
)
def test_what_the_domain_asks_for(field: str) -> None:
    raw = f"Authentication-Results: mx.desk.example; {field}\r\n{OURS}\r\n{REST}".encode()
    assert dmarc(raw, SERVER, "desk.example") == Verdict("fail", "reject")
    assert dmarc(raw, SERVER, "desk.example").unwanted

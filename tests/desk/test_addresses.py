"""One person's address has one form, however a mailer wrote it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkt.channels.mail.reading.addresses import parse_addresses
from tkt.desk.addresses import ascii_domain, normal_address, same_address
from tkt.errors import UsageError


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Ann@Customer.Example", "ann@customer.example"),
        ("ann@XN--MLLER-KVA.example", "ann@müller.example"),
        ("ann@Müller.example", "ann@müller.example"),
        ("ann@mu\u0308ller.example", "ann@müller.example"),
        ("ann@xn--strae-oqa.example", "ann@straße.example"),
        ("ann@例え。example", "ann@例え.example"),
        ("ann@ｃustomer.example", "ann@customer.example"),
    ],
)
def test_an_address_has_one_form(written: str, kept: str) -> None:
    assert normal_address(f" <{written}> ") == kept
    assert parse_addresses(f"Ann <{written}>")[0].email == kept


@pytest.mark.parametrize("label", ["xn--example-", "xn--a-ecp", "xn--", "xn--\xfc", "xn--99999999"])
def test_a_label_that_stands_for_no_other_is_left(label: str) -> None:
    """`xn--example-` decodes to "example", which is somebody else's domain."""
    assert same_address(f"ann@{label}.com") == f"ann@{label}.com"


@given(st.text(min_size=1).filter(lambda text: "@" not in text))
def test_the_form_is_final_and_the_wire_leads_back_to_it(domain: str) -> None:
    once = same_address(f"ann@{domain}")
    assert same_address(once) == once
    assert ascii_domain(once).isascii()
    if once.partition("@")[2].replace(".", "").isalnum():
        assert same_address(ascii_domain(once)) == once


def test_the_wire_names_the_same_domain() -> None:
    """The older IDNA makes "strasse" of it, which is another domain."""
    assert ascii_domain("ann@straße.example") == "ann@xn--strae-oqa.example"
    assert ascii_domain("jörg@customer.example") == "jörg@customer.example"


@pytest.mark.parametrize("written", ["", "ann", "@x", "a b@c", "a@b,c@d"])
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(UsageError):
        normal_address(written)

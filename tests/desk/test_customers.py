"""Customers and companies: what is said of them, the policy they have for themselves, and what follows for tickets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tkt.cli.main import run
from tkt.desk import configure, customers, reconsidering, tickets
from tkt.errors import Conflict, NotAllowed, NotFound, UsageError
from tkt.sla.match import document, lines, match
from tkt.store.read import open_reader
from tkt.store.read_people import companies, customer
from tkt.store.read_people import customers as listed
from tkt.store.tables import Clock, ClockSpan, Event

PROMISES = """
[[sla]]
name = "vip"
match = "customer.tier:vip"
targets = { default = { resolution = "4h" } }

[[sla]]
name = "standard"
match = ""
targets = { default = { resolution = "8h" } }

[[sla]]
name = "gold"
match = "tag:never"
targets = { default = { resolution = "1h" } }
"""


@pytest.fixture
def shop(office: Any) -> Any:
    office.declare(PROMISES)
    for who in ("ann", "ben"):
        tickets.create(office.alice, "help", text="please", requester=(who.title(), f"{who}@acme.example"))
    customers.add_company(office.sue, "Acme", {})
    for who in ("ann", "ben"):
        customers.set_customer(office.sue, f"{who}@acme.example", {"company": "Acme"})
    return office


def hours(office: Any) -> list[int]:
    """What is promised on the tickets, in hours."""
    return [clock.target_seconds // 3600 for clock in office.rows(Clock)]


def matched(office: Any, number: int) -> Any:
    with open_reader(office.store.location) as reader:
        return match(reader, number)


def test_the_policy_of_a_customer_goes_before_that_of_the_company_and_those_that_match(shop: Any) -> None:
    customers.set_company(shop.sue, "Acme", {"tier": "vip"})
    assert hours(shop) == [4, 4]
    customers.set_company(shop.sue, "Acme", {"sla": "gold"})
    assert hours(shop) == [1, 1]
    customers.set_customer(shop.sue, "ANN@acme.example", {"sla": "standard"})
    assert hours(shop) == [8, 1]
    third = tickets.create(shop.alice, "more", text="x", requester=("Ann", "ann@acme.example"))
    assert hours(shop) == [8, 1, 8]
    assert third.number == 3
    customers.set_customer(shop.sue, "ann@acme.example", {"sla": "none"})
    assert hours(shop) == [1, 1, 1]
    customers.set_company(shop.sue, "Acme", {"sla": "", "tier": ""})
    assert hours(shop) == [8, 8, 8]


def test_who_asks_is_told_whose_policy_it_is(shop: Any) -> None:
    customers.set_company(shop.sue, "Acme", {"sla": "gold"})
    customers.set_customer(shop.sue, "ann@acme.example", {"sla": "vip"})
    assert document(matched(shop, 1))["policies"][0]["own"] == "customer"
    assert "  gold: the company's own policy, which goes before those of the file" in list(lines(matched(shop, 2)))
    assert (matched(shop, 1).chosen, matched(shop, 2).chosen) == ("vip", "gold")


def test_a_policy_that_is_gone_is_nobodys(shop: Any) -> None:
    customers.set_company(shop.sue, "Acme", {"sla": "gold"})
    text = configure.shown_config(shop.system)
    without = text[: text.index('[[sla]]\nname = "gold"')]
    _, warnings = configure.plan_config(shop.alice, without)
    assert warnings == ["sla gold is the policy of their own of 1 customers or companies: others will match them"]
    configure.apply_config(shop.alice, without)
    assert hours(shop) == [8, 8]
    assert matched(shop, 1).chosen == "standard"


def test_a_change_is_in_the_log_and_in_the_ledger(shop: Any) -> None:
    shop.later(hours=2)
    customers.set_customer(shop.sue, "ann@acme.example", {"tier": "vip"})
    found = [(one.actor, one.field, one.old, one.new) for one in shop.rows(Event, Event.verb == "customer")]
    assert found[-1] == ("sue", "customer ann@acme.example tier", "", "vip")
    last = shop.rows(ClockSpan, ClockSpan.target_seconds == 4 * 3600)[-1]
    assert last.cause == "configuration (customer ann@acme.example: tier)"
    assert last.started_at == shop.moment.replace(microsecond=last.started_at.microsecond)
    assert customers.set_customer(shop.sue, "ann@acme.example", {"tier": "vip"}) == []


def test_finished_tickets_keep_what_they_had(shop: Any) -> None:
    tickets.set_status(shop.alice, 1, "resolved")
    customers.set_company(shop.sue, "Acme", {"sla": "gold"})
    assert hours(shop) == [8, 1]


def test_what_an_earlier_change_has_marked_is_judged_by_the_customer_of_then(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = configure.shown_config(shop.system).replace('"8h"', '"6h"')
    monkeypatch.setattr(reconsidering, "settle", lambda *_: 0)  # as if killed before the first batch
    shop.later(hours=1)
    configure.apply_config(shop.alice, text)
    shop.later(hours=1)
    customers.set_company(shop.sue, "Acme", {"tier": "vip"})
    monkeypatch.undo()
    reconsidering.settle(shop.system)
    assert [span.target_seconds // 3600 for span in shop.rows(ClockSpan, ClockSpan.clock_id == 1)] == [8, 6, 4]
    begun = [span.started_at for span in shop.rows(ClockSpan, ClockSpan.clock_id == 1)]
    assert [(one - begun[0]) // timedelta(hours=1) for one in begun] == [0, 1, 2]


@pytest.mark.parametrize(
    ("who", "wanted", "error", "words"),
    [
        ("ann@acme.example", {"sla": "golf"}, NotFound, "no policy 'golf', did you mean 'gold'"),
        ("ann@acme.example", {"company": "Acne"}, NotFound, "no company 'Acne', did you mean 'Acme'"),
        ("ann@acme.example", {"teir": "x"}, UsageError, "did you mean 'tier'"),
        ("ann@acme.example", {"name": ""}, UsageError, "name can't be empty"),
        ("eve@acme.example", {"tier": "x"}, NotFound, "no customer has the address"),
    ],
)
def test_mistakes_are_named(shop: Any, who: str, wanted: dict[str, str], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        customers.set_customer(shop.sue, who, wanted)


def test_supervisors_only(shop: Any) -> None:
    for change in (
        lambda: customers.set_customer(shop.bob, "ann@acme.example", {"tier": "vip"}),
        lambda: customers.set_company(shop.bob, "Acme", {"tier": "vip"}),
        lambda: customers.add_company(shop.bob, "New", {}),
    ):
        with pytest.raises(NotAllowed):
            change()
    with pytest.raises(Conflict, match="already"):
        customers.add_company(shop.sue, "Acme", {})


def test_lists(shop: Any) -> None:
    customers.set_customer(shop.sue, "ann@acme.example", {"tier": "vip"})
    with open_reader(shop.store.location) as reader:
        assert companies(reader) == [("Acme", "", "", 2)]
        ann = ("Ann", ["ann@acme.example"], "Acme", "vip", "", 1)
        assert [customer(reader, "Ann@acme.example"), customer(reader, "x@y.example")] == [ann, None]
        assert listed(reader, "ann", 0) == [ann]
        assert (
            [one.name for one in listed(reader, "acme", 0)]
            == ["Ben", "Ann"]
            == [one.name for one in listed(reader, "", 2)]
        )
        assert [one.name for one in listed(reader, "", 1)] == ["Ben"]


def test_on_the_command_line(shop: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def tkt(*words: str) -> tuple[int, str]:
        status = run(["--desk", shop.store.location.target, "--as", "sue", *words])
        return status, capsys.readouterr().out

    assert (
        tkt("customer", "set", "ann@acme.example", "tier=vip", "sla=gold")[1] == "ann@acme.example: tier, sla changed\n"
    )
    assert tkt("company", "add", "Beta", "tier=vip") == (0, "company Beta added\n")
    assert tkt("company", "set", "Beta", "tier=vip") == (0, "Beta: nothing to change\n")
    assert "tier: vip\nsla: gold\n" in tkt("customer", "show", "ann@acme.example")[1]
    assert '"customers": 2' in tkt("company", "list", "--json")[1]
    assert tkt("customer", "list", "ben")[1].split("\n")[1].startswith("Ben")
    assert tkt("customer", "set", "ann@acme.example", "vip")[0] == 2
    assert tkt("customer", "show", "eve@acme.example")[0] == 3

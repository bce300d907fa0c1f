"""What the check lets a template ask for is there when the template is filled in."""

from __future__ import annotations

from tkt.config.template_check import FACTS
from tkt.desk import tickets
from tkt.desk.templates import render_text
from tkt.desk.unit import Desk
from tkt.store.engine import Store
from tkt.store.location import Location


def test_every_known_fact_can_be_filled_in(sqlite_location: Location) -> None:
    store = Store(sqlite_location)
    template = " ".join(f"{{{{ {name}.{fact} }}}}" for name, facts in FACTS.items() for fact in facts)
    with Desk(store).change() as change:
        ticket = tickets.create(change.desk, "Broken VPN", requester=("Ann", "ann@example.com"))
        told = render_text(change, ticket, template)
    store.close()
    assert "Ann ann@example.com" in told
    assert "{{" not in told

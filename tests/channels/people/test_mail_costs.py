"""What knowing the sender costs: statements, not times, so that it holds on any machine."""

from __future__ import annotations

from typing import Any

OURS = "Received: from relay.example by mx.desk.example with ESMTPS id 1\r\n"
PASS = "Authentication-Results: mx.desk.example; dmarc=pass header.from=customer.example\r\n"


def statements(post: Any, **mail: str) -> list[str]:
    """The statements that the driver runs for one mail from somebody new."""
    found: list[str] = []
    with post.desk.store.transaction() as session:
        driver = session.connection().connection.dbapi_connection
    driver.set_trace_callback(lambda sql: None if sql.startswith("--") else found.append(sql))
    outcome = post.mail(**mail)
    driver.set_trace_callback(None)
    assert outcome.state == "ticket"
    return found


def test_an_ordinary_mail_pays_nothing_for_what_it_is_not(sqlite_post: Any) -> None:
    """Its sender's standing is asked for once, with whether they are blocked; the raw message is not read again."""
    statements(sqlite_post, sender="first@customer.example")
    plain = statements(sqlite_post, sender="plain@customer.example")
    marked = statements(sqlite_post, sender="marked@customer.example", above=OURS + PASS, X_Spam_Status="No, score=0")
    assert len(marked) == len(plain), "\n".join(marked)
    assert sum("FROM address_state" in one for one in plain) == 1
    assert not any("ticket_team" in one or "ticket_tag" in one for one in plain)

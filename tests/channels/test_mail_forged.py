"""Mail that pretends to be another's, or ours, and mail that is made to keep its reader busy."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import col, select

from tkt.channels.mail import gateway
from tkt.channels.mail.receiving import intake
from tkt.channels.mail.receiving.intake import Outcome
from tkt.desk import conversation
from tkt.desk.unit import Desk, find_actor
from tkt.store.tables import Address, Entry, Outbox, Ticket

Letter = Callable[..., bytes]
Declare = Callable[..., None]

ORDER = "Please send 20 boxes.\r\n\r\nTo the office, not to the store.\r\n-- \r\nCarol"
FOOTER = f"{'_' * 47}\r\nstaff mailing list\r\nstaff@lists.example"


def rows(desk: Desk, table: Any, key: Any) -> list[Any]:
    with desk.store.transaction() as session:
        return list(session.exec(select(table).order_by(key)))


def come_in(desk: Desk, mailbox: str, name: str, mail: bytes) -> Outcome:
    [stored] = intake.store(desk, mailbox, [(name, mail)])
    return intake.process(desk, stored)


def with_file(letter: Letter, content: str, **headers: str) -> bytes:
    body = (
        f"--b\r\nContent-Type: text/plain\r\n\r\n{ORDER}\r\n--b\r\nContent-Type: text/csv\r\n"
        f"Content-Disposition: attachment; filename=order.csv\r\n\r\n{content}\r\n--b--"
    )
    return letter("Order", text=body, MIME_Version="1.0", Content_Type="multipart/mixed; boundary=b", **headers)


# --- copies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "forged",
    ["Please send 10 boxes.", "", "Please send 20 boxes.", f"{ORDER}!", ORDER.replace("not to", "and to")],
    ids=["another", "empty", "cut", "longer", "changed"],
)
def test_who_knows_everything_of_a_mail_can_not_make_it_disappear(
    desk: Desk, declare: Declare, letter: Letter, forged: str
) -> None:
    """Sender, subject, date and Message-ID are known to everybody who was sent the mail too."""
    declare(desk)
    known = "<order@customer.example>"
    first = come_in(desk, "support", "1", letter("Order", text=forged, Message_ID=known))
    real = come_in(desk, "support", "2", letter("Order", text=ORDER, Message_ID=known))
    assert (first.state, real.state) == ("ticket", "ticket")
    assert "not to the store" in rows(desk, Entry, col(Entry.id))[1].text


def test_nor_its_attachment(desk: Desk, declare: Declare, letter: Letter) -> None:
    declare(desk)
    mails = [with_file(letter, content, Message_ID="<order@customer.example>") for content in ("10", "20", "20")]
    outcomes = [come_in(desk, "support", str(number), mail) for number, mail in enumerate(mails)]
    assert [one.state for one in outcomes] == ["ticket", "ticket", "duplicate"]
    assert outcomes[2].ticket == outcomes[1].ticket


@pytest.mark.parametrize("list_first", [False, True])
def test_a_mailing_lists_copy_is_the_same_mail(desk: Desk, declare: Declare, letter: Letter, list_first: bool) -> None:
    """With the footer that lists append, and lines broken anew."""
    declare(desk)
    known = "<order@customer.example>"
    direct = letter("Order", text=ORDER, Message_ID=known)
    by_list = letter("Order", text=f"{ORDER.replace('20 boxes', f'20{chr(10)}boxes')}\r\n{FOOTER}", Message_ID=known)
    pair = (by_list, direct) if list_first else (direct, by_list)
    first, second = (come_in(desk, "support", str(number), mail) for number, mail in enumerate(pair))
    assert (first.state, second.state, second.ticket) == ("ticket", "duplicate", first.ticket)


# --- ourselves, in other spellings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spelt",
    ['"support"@desk.example', '"Support"@DESK.example', "support+x@desk.example", '"support+x"@desk.example'],
)
def test_our_own_address_is_no_customer_however_it_is_spelt(
    desk: Desk, declare: Declare, letter: Letter, spelt: str
) -> None:
    declare(desk, smtp="smtp+plain://localhost:1")
    assert gateway.ingest(desk, letter(sender=f"Support <{spelt}>")).state == "ticket"
    assert rows(desk, Address, col(Address.address)) == rows(desk, Outbox, col(Outbox.id)) == []
    [ticket] = rows(desk, Ticket, col(Ticket.number))
    assert ticket.requester_id is None


def test_quotes_that_an_address_needs_are_kept(desk: Desk, declare: Declare, letter: Letter) -> None:
    declare(desk)
    gateway.ingest(desk, letter(sender='"ann..lee"@customer.example'))
    gateway.ingest(desk, letter(sender='"ann.lee"@customer.example'))
    known = [one.address for one in rows(desk, Address, col(Address.address))]
    assert known == ['"ann..lee"@customer.example', "ann.lee@customer.example"]


def test_an_agent_with_a_detail_writes_a_note_too(desk: Desk, declare: Declare, letter: Letter) -> None:
    declare(desk, smtp="smtp+plain://localhost:1")
    first = gateway.ingest(desk, letter())
    reply = conversation.reply(desk.acting(find_actor(desk.store, "alice")), first.ticket or 0, "Try again.")
    answer = letter("Re", "Alice <alice+work@desk.example>", "He is difficult.", In_Reply_To=reply.message_id or "")
    assert gateway.ingest(desk, answer).ticket == first.ticket
    entry = rows(desk, Entry, col(Entry.id))[-1]
    assert (entry.kind, entry.author) == ("note", "alice")


def test_an_agent_with_a_detail_can_not_be_forged_either(desk: Desk, declare: Declare, letter: Letter) -> None:
    declare(desk, authserv="mx.desk.example")
    failed = "mx.desk.example; dmarc=fail header.from=desk.example"
    outcome = gateway.ingest(desk, letter(sender="alice+x@desk.example", Authentication_Results=failed))
    assert outcome.state == "quarantined" and "alice" in outcome.reason


# --- work without end -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gap", [" ", "=1 ", '="<>" ', "='>'/"], ids=["bare", "plain", "quoted", "slashed"])
def test_a_tag_of_attributes_alone_is_read(sqlite_desk: Desk, declare: Declare, letter: Letter, gap: str) -> None:
    """libxml2 compares each attribute with all before it: 60,000 of them take it minutes."""
    declare(sqlite_desk)
    crowd = "".join(f"a{number}{gap}" for number in range(60_000))
    mail = letter(text=f"<p>Where is it?</p><a {crowd}>Here</a>", Content_Type="text/html")
    assert gateway.ingest(sqlite_desk, mail).state == "ticket"
    [entry] = rows(sqlite_desk, Entry, col(Entry.id))
    assert entry.text.startswith("Where is it?")


def test_a_large_page_of_ordinary_tags_is_laid_out(sqlite_desk: Desk, declare: Declare, letter: Letter) -> None:
    declare(sqlite_desk)
    row = f'<tr><td style="{html.escape("font-family: Arial")}" width=10 nowrap>one</td><td>two</td></tr>'
    gateway.ingest(sqlite_desk, letter(text=f"<table>{row * 500}</table>", Content_Type="text/html"))
    [entry] = rows(sqlite_desk, Entry, col(Entry.id))
    assert entry.text.count("one") == 500 and "one two" in " ".join(entry.text.replace("|", " ").split())


@pytest.mark.parametrize("opened", ['"\\', "(\\", '"\\" (\\('], ids=["quote", "comment", "both"])
def test_quotes_that_never_end_are_read(sqlite_desk: Desk, declare: Declare, letter: Letter, opened: str) -> None:
    declare(sqlite_desk)
    mail = letter(To=f"support@desk.example, {opened * 50_000} <ann@customer.example>")
    assert gateway.ingest(sqlite_desk, mail).state == "ticket"


def test_a_name_without_end_is_cut(sqlite_desk: Desk, declare: Declare, letter: Letter) -> None:
    declare(sqlite_desk)
    gateway.ingest(sqlite_desk, letter(sender=f'"{"Carol " * 9_000}" <carol@customer.example>'))
    [entry] = rows(sqlite_desk, Entry, col(Entry.id))
    assert entry.author.startswith("Carol Carol") and len(entry.author) <= 200

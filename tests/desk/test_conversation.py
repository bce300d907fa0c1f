"""What is said on a ticket: who gets a reply, what stays inside, what a customer's message moves."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import col

from tkt.desk import conversation, tickets
from tkt.desk.conversation import COPIED_LIMIT, Message, Upload
from tkt.desk.message_ids import read_message_id
from tkt.errors import Conflict, TktError, UsageError
from tkt.query.listing import listing
from tkt.store.read import open_reader
from tkt.store.read_tickets import page_numbers
from tkt.store.tables import Blob, Follower, Ticket
from tkt.times import to_micros

ANN = "ann@customer.example"
ASKED = Message("It is down.", "Ann", ANN, message_id="<1@customer.example>", recipients=("support@desk.example",))


def asked(office: Any, message: Message = ASKED, **more: Any) -> int:
    """A customer's ticket, as a channel makes it."""
    made = tickets.create(office.customer(message.address), "VPN", message=message, channel="mail", **more)
    assert made.number is not None
    return made.number


def said(office: Any, number: int, text: str, **more: Any) -> Any:
    message = Message(text, **{"author": "Ann", "address": ANN, **more})
    return conversation.receive(office.customer(message.address), number, message)


def found(office: Any, query: str) -> list[int]:
    with open_reader(office.store.location) as reader:
        made = listing(reader, query, now=to_micros(office.moment))
        return page_numbers(reader, made.where, made.sort)


# --- replies ----------------------------------------------------------------------------------------------------------


def test_a_reply_waits_in_the_outbox_for_its_undo_window(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = asked(office)
    entry = conversation.reply(office.bob, number, "Try again.")
    [mail] = office.mails("reply")
    assert (mail.state, mail.mailbox, mail.recipients, mail.entry_id) == ("waiting", "support", [ANN], entry.id)
    assert (mail.next_at - office.moment).total_seconds() == 20
    assert mail.mail["from_name"] == "Example Support" and mail.mail["from_address"] == "support@desk.example"
    assert (mail.mail["to"], mail.mail["cc"], mail.mail["text"]) == ([ANN], [], "Try again.")
    assert mail.mail["subject"] == f"Re: VPN [#{number}]" and mail.mail["auto"] == ""
    assert mail.mail["in_reply_to"] == "<1@customer.example>"
    assert mail.mail["references"] == ["<1@customer.example>"]
    signed = read_message_id("the secret of the tests", mail.message_id)
    assert signed is not None and (signed.ticket, signed.kind) == (number, "r")
    [_, shown] = office.document(number)["entries"]
    assert (shown["kind"], shown["author"], shown["delivery"]) == ("reply", "bob", "waiting")


def test_the_undo_window_is_the_desks(office: Any, mailbox: str) -> None:
    office.declare(mailbox, people="[desk]\nname='D'\nundo_window='5m'\n[[agent]]\nname='bob'\nrole='admin'\n")
    conversation.reply(office.bob, asked(office), "Try again.")
    assert (office.mails("reply")[0].next_at - office.moment).total_seconds() == 300


def test_the_first_reply_opens_the_ticket(office: Any) -> None:
    number = asked(office)
    office.later(minutes=5)
    conversation.reply(office.bob, number, "Try again.")
    document = office.document(number)
    assert (document["status"], document["first_response_at"]) == ("open", "2026-11-02T09:05:00Z")
    office.later(minutes=5)
    conversation.reply(office.bob, number, "And?", status="waiting")
    document = office.document(number)
    assert (document["status"], document["first_response_at"]) == ("waiting", "2026-11-02T09:05:00Z")
    assert office.ticket(number).unanswered_since is None and not office.ticket(number).unread


def test_the_thread_goes_on_and_notes_stay_inside(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = asked(office)
    conversation.note(office.bob, number, "secret: her router is old")
    first = conversation.reply(office.bob, number, "Try again.")
    said(office, number, "Still down.", message_id="<2@customer.example>")
    conversation.note(office.alice, number, "secret: let us send a new one")
    conversation.reply(office.alice, number, "We send a new one.")
    mail = office.mails("reply")[-1].mail
    assert mail["in_reply_to"] == "<2@customer.example>"
    assert mail["references"] == ["<1@customer.example>", first.message_id, "<2@customer.example>"]
    assert not any("secret" in str(one.mail) for one in office.mails())


def test_all_who_take_part_get_the_reply_and_nobody_of_ours(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    copied = (("Bo", "bo@customer.example"), ("", "support@desk.example"), ("", "bob@desk.example"), ("", "no address"))
    number = asked(office, ASKED._replace(cc=copied))
    conversation.reply(office.alice, number, "Try again.", cc=["Chris@other.example"])
    mail = office.mails("reply")[0]
    assert (mail.mail["to"], mail.mail["cc"]) == ([ANN], ["bo@customer.example", "chris@other.example"])
    said(office, number, "I have it too.", author="Bo", address="bo@customer.example")
    conversation.reply(office.alice, number, "Thanks.")
    mail = office.mails("reply")[-1]
    assert mail.mail["to"] == ["bo@customer.example"]
    assert mail.mail["cc"] == [ANN, "chris@other.example"]


def test_an_answer_goes_where_it_is_wanted(office: Any) -> None:
    number = asked(office, ASKED._replace(reply_to="office@customer.example"))
    conversation.reply(office.alice, number, "Try again.")
    assert office.mails("reply")[0].mail["to"] == ["office@customer.example"]


def test_a_reply_to_address_of_ours_is_not_answered(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = asked(office, ASKED._replace(reply_to="support@desk.example"))
    conversation.reply(office.alice, number, "Try again.")
    assert office.mails("reply")[0].mail["to"] == [ANN]


def test_without_a_customer_the_reply_stays_on_the_ticket(office: Any) -> None:
    number = tickets.create(office.alice, "Ours").number
    entry = conversation.reply(office.alice, number, "For the record.")
    assert (entry.recipients, entry.delivery, office.mails()) == ([], "", [])


def test_files_go_with_the_reply_and_are_stored_once(office: Any) -> None:
    number = asked(office)
    picture = Upload("a b.png", "image/png", b"\x89PNG", inline=True, content_id="x")
    conversation.reply(office.alice, number, "See.", attachments=[Upload("..", "text/plain", b"same"), picture])
    conversation.note(office.alice, number, "Seen.", attachments=[Upload("copy.txt", "text/plain", b"same")])
    files = [file for entry in office.document(number)["entries"] for file in entry["attachments"]]
    assert [(file["name"], file["size"]) for file in files] == [("attachment", 4), ("a b.png", 4), ("copy.txt", 4)]
    assert len(office.rows(Blob)) == 2
    assert office.ticket(number).attachments == 2  # what belongs to the text is no attachment


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_an_empty_text_is_refused(office: Any, text: str) -> None:
    number = asked(office)
    for act in (conversation.reply, conversation.note):
        with pytest.raises(TktError, match="empty") as caught:
            act(office.alice, number, text)
        assert caught.value.exit_status == 1
    assert len(office.entries(number)) == 1


def test_what_is_wrong_with_a_reply_leaves_nothing_behind(office: Any) -> None:
    number = asked(office)
    with pytest.raises(UsageError):
        conversation.reply(office.alice, number, "x", status="done", cc=["c@d.example"])
    with pytest.raises(UsageError):
        conversation.reply(office.alice, number, "x", cc=["nobody"])
    assert (office.mails(), office.rows(Follower), len(office.entries(number))) == ([], [], 1)


def test_a_merged_ticket_is_answered_where_it_went(office: Any) -> None:
    number, other = asked(office), asked(office)
    with office.store.transaction() as session:
        session.get(Ticket, number).merged_into = other
    with pytest.raises(Conflict, match=f"merged into #{other}"):
        conversation.reply(office.alice, number, "x")
    with pytest.raises(Conflict, match=f"merged into #{other}"):
        tickets.set_status(office.alice, number, "open")


# --- notes ------------------------------------------------------------------------------------------------------------


def test_a_note_moves_nothing(office: Any) -> None:
    number = asked(office)
    waiting_since = office.ticket(number).unanswered_since
    conversation.note(office.bob, number, "hm")
    ticket = office.ticket(number)
    assert (ticket.status, ticket.first_response_at, ticket.unanswered_since) == ("new", None, waiting_since)
    assert (office.mails(), ticket.version) == ([], 2)


# --- what comes in ----------------------------------------------------------------------------------------------------


def test_what_waits_for_a_third_party_goes_on_waiting_when_the_customer_writes(office: Any) -> None:
    number = asked(office)
    conversation.reply(office.bob, number, "The parts are ordered.", status="on-hold")
    said(office, number, "Thank you.", message_id="<2@customer.example>")
    ticket = office.ticket(number)
    assert (ticket.status, ticket.unread) == ("on-hold", True)


@pytest.mark.parametrize("status", ["waiting", "resolved"])
def test_a_customers_message_opens_what_had_stopped(office: Any, status: str) -> None:
    number = asked(office)
    conversation.reply(office.bob, number, "Done.", status=status)
    office.later(hours=1)
    said(office, number, "No.", message_id="<2@customer.example>")
    ticket = office.ticket(number)
    assert (ticket.status, ticket.status_kind, ticket.resolved_at) == ("open", "open", None)
    assert (ticket.unread, ticket.unanswered_since) == (True, office.moment)
    assert (ANN, "status", "status", status, "open", "") in office.history(number)


def test_the_oldest_unanswered_message_counts(office: Any) -> None:
    number = asked(office)
    conversation.reply(office.bob, number, "Hm.")
    office.later(hours=1)
    said(office, number, "And?")
    since = office.moment
    office.later(hours=1)
    said(office, number, "Hello?")
    assert office.ticket(number).unanswered_since == since
    assert office.ticket(number).status == "open"


def test_machine_mail_moves_nothing(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = asked(office)
    tickets.assign(office.alice, number, "bob")
    conversation.reply(office.bob, number, "Done.", status="resolved")
    before, mails = office.ticket(number), len(office.mails())
    said(office, number, "I am away.", machine="auto-reply: Auto-Submitted", cc=(("X", "x@y.example"),))
    after = office.ticket(number)
    for name in ("status", "resolved_at", "unread", "unanswered_since", "first_response_at"):
        assert getattr(after, name) == getattr(before, name)
    assert (len(office.mails()), office.rows(Follower)) == (mails, [])
    assert office.entries(number)[-1].machine == "auto-reply: Auto-Submitted"


def test_who_writes_or_is_copied_takes_part(office: Any) -> None:
    number = asked(office)
    said(office, number, "Me too.", author="Bo", address="Bo@customer.example", cc=(("C", "c@d.example"), ("", ANN)))
    followers = [(one.address, one.name) for one in office.rows(Follower)]
    assert followers == [("bo@customer.example", "Bo"), ("c@d.example", "C")]
    assert sum(event.verb == "follow" for event in office.events(number)) == 2


@pytest.mark.parametrize("opening", [True, False])
@pytest.mark.parametrize(("copied", "joined"), [(COPIED_LIMIT, COPIED_LIMIT), (COPIED_LIMIT + 1, 0)])
def test_a_mailing_s_recipients_do_not_take_part(office: Any, opening: bool, copied: int, joined: int) -> None:
    cc = tuple(("", f"person{one}@list.example") for one in range(copied))
    number = asked(office, ASKED._replace(cc=(*cc, ("", ANN))) if opening else ASKED)
    if not opening:
        said(office, number, "Hello all.", cc=(*cc, ("", ANN)))
    assert len(office.rows(Follower)) == joined
    skipped = [(one.field, one.new) for one in office.events(number) if one.verb == "skipped"]
    assert skipped == ([] if joined else [("followers", f"{copied} other recipients")])


def test_who_writes_to_many_takes_part_all_the_same(office: Any) -> None:
    number = asked(office)
    many = tuple(("", f"person{one}@list.example") for one in range(COPIED_LIMIT + 1))
    said(office, number, "Me too.", author="Bo", address="bo@customer.example", cc=many)
    assert [one.address for one in office.rows(Follower)] == ["bo@customer.example"]


def test_an_address_that_is_none_is_filed_all_the_same(office: Any) -> None:
    number = asked(office, Message("hm", "Somebody", "not an address"))
    assert (office.ticket(number).requester_id, office.entries(number)[0].author) == (None, "Somebody")
    said(office, number, "again", author="", address="also none")
    assert len(office.entries(number)) == 2


# --- full text --------------------------------------------------------------------------------------------------------


def test_texts_subjects_and_file_names_are_found(office: Any) -> None:
    bill = Upload("C:\\temp\\Rechnung.pdf", "a/b", b"x")
    number = asked(office, ASKED._replace(text="密码错误", attachments=(bill,)))
    conversation.note(office.bob, number, "her Fritzbox is old")
    for query in ("密码", "rechnung", "fritzbox", "vpn"):
        assert found(office, query) == [number], query
    tickets.set_fields(office.bob, number, {"subject": "Drucker"})
    assert (found(office, "vpn"), found(office, "drucker")) == ([], [number])


def test_a_long_thread_keeps_its_references_short(sqlite_office: Any, mailbox: str) -> None:
    sqlite_office.declare(mailbox)
    number = asked(sqlite_office)
    for n in range(2, 40):
        said(sqlite_office, number, "more", message_id=f"<{n}@customer.example>")
    conversation.reply(sqlite_office.bob, number, "Enough.")
    mail = sqlite_office.mails("reply", number)[0].mail
    assert len(mail["references"]) == 20 and mail["references"][-1] == mail["in_reply_to"] == "<39@customer.example>"


def test_entries_are_counted_from_one(office: Any) -> None:
    number = asked(office)
    for n in range(3):
        conversation.note(office.bob, number, f"note {n}")
    assert [one.position for one in office.entries(number)] == [1, 2, 3, 4]
    assert office.rows(Ticket, col(Ticket.entries) == 4)

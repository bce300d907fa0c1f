"""What a desk sends by itself is limited: to one address, to everybody, and to who repeats the same words."""

from __future__ import annotations

import threading
from typing import Any

from tkt.desk import automatic, conversation, tickets
from tkt.desk.conversation import Message
from tkt.desk.unit import Actor, Desk
from tkt.store.tables import AddressState, Event

ANN = "ann@customer.example"
WELCOME = '[[rule]]\nname = "hello"\non = "created"\nwhen = ""\ndo = ["reply:We have it."]\n'
ANSWER = '[[rule]]\nname = "answer"\non = "inbound"\nwhen = ""\ndo = ["reply:Thank you."]\n'
LIMITED = '[desk]\nname = "D"\nautomatic_limit = 3\n'
LEADERS = "".join(
    f'[[agent]]\nname = "{name}"\nemail = "{name}@desk.example"\nrole = "{role}"\n'
    for name, role in (("alice", "admin"), ("bob", "agent"), ("sue", "supervisor"))
)


def mailed(office: Any, subject: str = "VPN", address: str = ANN, text: str = "Help", **more: Any) -> int:
    message = Message(text, "Ann", address)
    made = tickets.create(office.customer(address), subject, message=message, channel="mail", confirm=True, **more)
    assert made.number is not None
    return made.number


def skipped(office: Any) -> list[tuple[str, str]]:
    return [(one.field, one.new) for one in office.rows(Event, Event.verb == "skipped")]


def counted(office: Any, address: str = ANN) -> int:
    return sum(one.automatic_count for one in office.rows(AddressState, AddressState.address == address))


def test_confirmations_and_rules_share_the_limit_of_an_address(office: Any, mailbox: str) -> None:
    office.declare(mailbox, WELCOME)
    for subject in ("One", "Two", "Three", "Four"):
        mailed(office, subject)
    assert len(office.mails("confirmation")) + len(office.mails("reply")) == automatic.PER_ADDRESS == counted(office)
    assert {reason for _, reason in skipped(office)} == {automatic.TOO_MANY}
    mailed(office, "Another", "bo@customer.example")
    assert counted(office, "bo@customer.example") == 2
    assert counted(office, "") == automatic.PER_ADDRESS + 2


def test_what_people_write_is_neither_counted_nor_held_back(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = mailed(office)
    for _ in range(9):
        conversation.reply(office.alice, number, "Please wait.")
    assert (len(office.mails("reply")), counted(office), counted(office, "")) == (9, 1, 1)


def test_notices_to_staff_are_not_counted_others_are(office: Any, mailbox: str) -> None:
    notify = '[[rule]]\nname = "n"\non = "inbound"\nwhen = ""\ndo = ["notify:bob", "notify:shop@partner.example"]\n'
    office.declare(mailbox, notify)
    number = mailed(office)
    for n in range(9):
        conversation.receive(office.customer(ANN), number, Message(f"More {n}", "Ann", ANN))
    to = [one.recipients[0] for one in office.mails("notification")]
    assert (to.count("bob@desk.example"), to.count("shop@partner.example")) == (9, automatic.PER_ADDRESS)
    assert skipped(office) == [("notify shop@partner.example", automatic.TOO_MANY)] * 4


def test_everybody_together_is_limited_and_leading_people_are_told_once(office: Any, mailbox: str) -> None:
    office.declare(mailbox, people=LIMITED + LEADERS)
    for n in range(6):
        mailed(office, address=f"c{n}@customer.example")
    assert len(office.mails("confirmation")) == 3
    assert skipped(office) == [("confirmation", automatic.TOO_MANY_ALTOGETHER)] * 3
    [told] = office.mails("notification")
    assert (told.recipients, told.ticket) == (["sue@desk.example"], 4)
    assert "3 mails by itself within the hour" in str(told.mail)
    office.later(hours=1, seconds=1)
    for n in range(5):
        mailed(office, address=f"d{n}@customer.example")
    assert (len(office.mails("confirmation")), len(office.mails("notification"))) == (6, 2)


def test_who_repeats_the_same_words_is_confirmed_no_more(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    for n in range(12):
        mailed(office, f"Your request #{n}", text=f"We got your request #{n}.\n")
        office.later(minutes=20)  # slower than the limit of an hour
    assert len(office.mails("confirmation")) == automatic.REPEATED
    assert {reason for _, reason in skipped(office)} == {automatic.REPETITION}
    mailed(office, "Your request", text="Something else is broken.")
    assert len(office.mails("confirmation")) == automatic.REPEATED + 1
    office.later(days=2)
    mailed(office, "Your request #99", text="We got your request #99.")
    assert len(office.mails("confirmation")) == automatic.REPEATED + 2


def test_who_repeats_the_same_words_gets_no_replies_by_rules(office: Any, mailbox: str) -> None:
    office.declare(mailbox, ANSWER)
    number = mailed(office, text="It is broken.")
    for n in range(12):
        office.later(minutes=20)
        conversation.receive(office.customer(ANN), number, Message(f"You find this under #{n}.", "Ann", ANN))
    assert len(office.mails("reply")) == automatic.REPEATED
    assert {one for one in skipped(office) if one[1] == automatic.REPETITION}


def test_a_reply_by_a_rule_leaves_out_who_had_enough(office: Any, mailbox: str) -> None:
    office.declare(mailbox, ANSWER)
    number = mailed(office, text="It is broken.")
    for n in range(3):
        mailed(office, f"Other {n}")
    conversation.receive(office.customer("bo@customer.example"), number, Message("Me too", "Bo", "bo@customer.example"))
    conversation.receive(office.customer("bo@customer.example"), number, Message("Hello", "Bo", "bo@customer.example"))
    first, second = office.mails("reply")
    assert (first.mail["to"], first.mail["cc"]) == (["bo@customer.example"], [ANN])
    assert (second.mail["to"], second.mail["cc"]) == (["bo@customer.example"], [])
    assert (f"reply to {ANN}", automatic.TOO_MANY) in skipped(office)


def test_writers_at_once_neither_wait_for_each_other_for_good_nor_lose_counts(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    start, errors = threading.Barrier(6), []

    def work(me: int) -> None:
        desk = Desk(office.store, Actor("customer", ANN), office.now)
        start.wait(10)
        for n in range(4):
            for address in (ANN, f"c{me}@customer.example"):
                message = Message(f"{me} {n} {'x' * n * me}", "Ann", address)
                try:
                    tickets.create(desk, f"Subject of {'abcdef'[me]}", message=message, channel="mail", confirm=True)
                except Exception as error:  # whatever it is, the test is to show it
                    errors.append(error)

    workers = [threading.Thread(target=work, args=(me,)) for me in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert errors == []
    sent = [one.recipients[0] for one in office.mails("confirmation")]
    assert len(sent) == counted(office, "")
    assert sent.count(ANN) == counted(office)
    assert automatic.PER_ADDRESS <= sent.count(ANN) < automatic.PER_ADDRESS + len(workers)

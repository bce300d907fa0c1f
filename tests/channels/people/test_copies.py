"""One mail to several of our mailboxes is one ticket, which concerns the teams of them all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tkt.channels.mail.receiving import intake
from tkt.desk.unit import SYSTEM, Desk
from tkt.store.engine import Store
from tkt.store.tables import Ticket

BOTH = "support@desk.example, sales@desk.example"


def delivered_to(box: str, mail: bytes) -> bytes:
    """The copy for one mailbox: other servers wrote other trace fields above it."""
    trace = f"Delivered-To: {box}@desk.example\r\nReceived: by {box}.desk.example with LMTP id {box}\r\n"
    return trace.encode() + mail


@pytest.mark.parametrize("first", ["support", "sales"])
def test_both_copies_are_one_ticket_of_the_first_team(post: Any, first: str) -> None:
    mail = post.letter(To="undisclosed-recipients:;")
    second = "sales" if first == "support" else "support"
    filed = post.take(delivered_to(first, mail), first)
    copy = post.take(delivered_to(second, mail), second)
    assert (filed.state, copy.state, copy.ticket) == ("ticket", "duplicate", filed.ticket)
    own = {"support": "network", "sales": "sales"}
    assert post.teams(filed.ticket) == [own[first], own[second]]
    assert post.told(filed.ticket) == {"bob@desk.example" if second == "sales" else "alice@desk.example"}
    assert post.ticket(filed.ticket).mailbox == first


def test_one_copy_with_the_other_mailbox_in_its_header_concerns_both(post: Any) -> None:
    filed = post.mail(To="sales@desk.example", Cc="Support <SUPPORT+x@desk.example>", box="sales")
    assert post.teams(filed.ticket) == ["sales", "network"]
    assert post.told(filed.ticket) == {"alice@desk.example"}
    [notification] = post.outbox("notification")
    assert "concerns network too" in notification.mail["text"]


def test_the_team_is_told_once(post: Any) -> None:
    mail = post.letter(To=BOTH)
    filed = post.take(delivered_to("support", mail))
    post.take(delivered_to("sales", mail), "sales")
    post.take(mail, "sales")
    assert post.teams(filed.ticket) == ["network", "sales"]
    assert len(post.outbox("notification")) == 1
    assert len(post.events(filed.ticket, "set")) == 1


def test_an_answer_copied_to_another_mailbox_concerns_its_team(post: Any) -> None:
    filed = post.mail("Broken")
    post.mail("Re: Broken", In_Reply_To=post.reply(filed.ticket), Cc="sales@desk.example")
    assert post.teams(filed.ticket) == ["network", "sales"]


def test_a_mailing_lists_footer_makes_no_second_ticket(post: Any) -> None:
    mail = post.letter(Message_ID="<one@customer.example>", Date="Mon, 02 Nov 2026 08:00:00 +0000")
    through_list = mail + b"_______\r\nlist@lists.example: to leave, write to list-leave@lists.example\r\n"
    filed = post.take(mail)
    copy = post.take(through_list, "sales")
    assert (copy.state, copy.ticket, post.teams(filed.ticket)) == ("duplicate", filed.ticket, ["network", "sales"])


def test_copies_without_a_message_id_are_known_by_what_they_say(post: Any) -> None:
    mail = post.letter(Message_ID="")
    filed = post.take(delivered_to("support", mail))
    copy = post.take(delivered_to("sales", mail), "sales")
    assert (copy.state, copy.ticket) == ("duplicate", filed.ticket)
    again = post.letter(Message_ID="", Date="Mon, 02 Nov 2026 08:00:01 +0000")
    assert post.take(delivered_to("sales", again), "sales").state == "ticket"
    undated = post.letter("Form", Message_ID="", Date="")
    states = [post.take(delivered_to(box, undated), box).state for box in ("support", "sales")]
    assert states == ["ticket", "ticket"]


def test_a_device_that_never_changes_its_message_id_is_heard(post: Any) -> None:
    for hour in range(intake.COPIES_COMPARED + 5):
        mail = post.letter("Scan", Message_ID="<scanner@lan>", Date=f"Mon, 02 Nov 2026 {hour:02}:00:00 +0000")
        assert post.take(mail).state == "ticket"
        assert post.take(mail + b"\r\n").state == "duplicate"


def test_a_mailbox_with_a_domain_beyond_ascii_is_found_in_either_spelling(post: Any) -> None:
    post.declare(
        '[[mailbox]]\nname = "büro"\naddress = "info@xn--bro-hoa.example"\nteam = "sales"\nimap = "maildir:/nowhere"\n'
    )
    for address in ("info@büro.example", "INFO@xn--bro-hoa.example"):
        filed = post.mail(address, To=f"support@desk.example, {address}")
        assert post.teams(filed.ticket) == ["network", "sales"]


def test_spam_and_machines_call_nobody(post: Any) -> None:
    spam = post.mail(
        "Offer", X_Spam_Flag="YES", To=BOTH, above="Received: by mx.desk.example with SMTP\r\n", box="sales"
    )
    away = post.mail("Away", Auto_Submitted="auto-replied", To=BOTH)
    assert post.teams(spam.ticket) == ["sales"]
    assert post.teams(away.ticket) == ["network", "sales"]
    assert post.outbox("notification") == []


def test_two_processes_with_a_copy_each_make_one_ticket(post: Any, clock: Any, letter: Callable[..., bytes]) -> None:
    for turn in range(5):
        mail = letter(f"Both {turn}", To="undisclosed-recipients:;")
        outcomes: dict[str, intake.Outcome] = {}
        barrier = threading.Barrier(2)

        def take(
            box: str, turn: int = turn, mail: bytes = mail, barrier: Any = barrier, outcomes: Any = outcomes
        ) -> None:
            store = Store(post.desk.store.location)
            desk = Desk(store, SYSTEM, clock)
            [stored] = intake.store(desk, box, [(str(turn), delivered_to(box, mail))])
            barrier.wait()
            outcomes[box] = intake.process(desk, stored)
            store.close()

        threads = [threading.Thread(target=take, args=(box,)) for box in ("support", "sales")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(one.state for one in outcomes.values()) == ["duplicate", "ticket"]
        [number] = {one.ticket for one in outcomes.values()}
        first = next(box for box, one in outcomes.items() if one.state == "ticket")
        assert set(post.teams(number)) == {"network", "sales"}
        assert post.ticket(number).mailbox == first
    assert len(post.rows(Ticket)) == 5

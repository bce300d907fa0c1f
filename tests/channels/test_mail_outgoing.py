"""What has not left: why, calling it back while others send, trying it again, letting it be."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from tkt.channels.mail import gateway
from tkt.channels.mail.reading.parse import parse
from tkt.channels.mail.sending.deliver import deliver
from tkt.channels.mail.sending.outgoing import OutgoingStatus, drop, in_words, outgoing, retry
from tkt.desk import conversation, tickets
from tkt.desk.conversation import Upload
from tkt.desk.undo import redo, undo
from tkt.desk.unit import Desk, find_actor
from tkt.errors import Conflict, NotFound
from tkt.store.engine import Store
from tkt.store.tables import Entry, Event, Outbox, Ticket

ANN, BO = "ann@customer.example", "bo@customer.example"


@pytest.fixture
def office(desk: Desk, declare: Callable[..., None], postman: Any) -> Desk:
    declare(desk, **postman.body())
    return desk


@pytest.fixture
def alice(office: Desk) -> Desk:
    return office.acting(find_actor(office.store, "alice"))


def answered(alice: Desk, text: str = "Try again.", **more: Any) -> int:
    number = tickets.create(alice, "VPN", requester=("Ann", ANN)).number or 0
    conversation.reply(alice, number, text, **more)
    return number


def unsent(desk: Desk) -> list[OutgoingStatus]:
    with desk.look() as change:
        return outgoing(change.session, desk.now())


def stored(desk: Desk, table: Any) -> Any:
    with desk.store.transaction() as session:
        return session.exec(select(table).order_by(*table.__table__.primary_key.columns)).all()[-1]


def later(clock: Any, **span: float) -> None:
    clock.now += timedelta(**span)


# --- calling back -----------------------------------------------------------------------------------------------------


def test_a_reply_to_several_with_all_that_goes_with_it_is_called_back_and_sent_again(
    office: Desk, alice: Desk, postman: Any, clock: Any
) -> None:
    number = answered(alice, cc=[BO], status="resolved", attachments=[Upload("a.txt", "text/plain", b"x")])
    [held] = unsent(office)
    assert (held.recipients, in_words(held, clock.now)) == ((ANN, BO), "in 20 s")
    assert held.why == f"can still be called back: 'tkt undo {number}'"
    undo(alice)
    later(clock, minutes=1)
    assert (deliver(office), unsent(office), postman.received) == ([], [], [])
    assert stored(office, Ticket).status == "new"
    redo(alice)
    assert deliver(office) == []
    later(clock, seconds=20)
    assert [one.state for one in deliver(office)] == ["sent"]
    [envelope] = postman.received
    assert envelope.rcpt_tos == [ANN, BO]
    mail = parse(envelope.content)
    assert [(one.name, one.content) for one in mail.attachments] == [("a.txt", b"x")]
    assert stored(office, Ticket).status == "resolved"
    with pytest.raises(Conflict, match=f"the mail to {ANN}, {BO} has left already"):
        undo(alice)


def test_what_is_leaving_is_not_called_back(office: Desk, alice: Desk, postman: Any) -> None:
    answered(alice)
    postman.script = ["stall"]
    store = Store(office.store.location)
    sender = threading.Thread(target=deliver, args=(Desk(store, now=office.now),), kwargs={"now_all": True})
    sender.start()
    while stored(office, Outbox).state != "sending":
        pass
    with pytest.raises(Conflict, match="is leaving right now and can't be called back"):
        undo(alice)
    sender.join()
    store.close()
    assert stored(office, Outbox).state == "sent"
    assert stored(office, Entry).withdrawn_at is None


def test_undo_and_a_sender_at_the_same_moment_agree(office: Desk, alice: Desk, postman: Any, clock: Any) -> None:
    """Each reply was either called back or sent, whoever was first; neither waits for the other for ever."""
    numbers = [answered(alice, f"Answer {n}") for n in range(12)]
    later(clock, minutes=1)
    stores = [Store(office.store.location) for _ in range(2)]
    sender = threading.Thread(target=deliver, args=(Desk(stores[0], now=clock),))

    def call_back() -> None:
        other = Desk(stores[1], alice.actor, clock)
        for number in reversed(numbers):
            with suppress(Conflict):
                undo(other, number)

    caller = threading.Thread(target=call_back)
    for thread in (sender, caller):
        thread.start()
    for thread in (sender, caller):
        thread.join()
    for store in stores:
        store.close()
    deliver(office)
    with office.store.transaction() as session:
        rows = session.exec(select(Outbox).where(Outbox.kind == "reply")).all()
        withdrawn = {one.id: one.withdrawn_at is not None for one in session.exec(select(Entry))}
    assert {(row.state, withdrawn[row.entry_id]) for row in rows} <= {("recalled", True), ("sent", False)}
    assert len(postman.received) == sum(row.state == "sent" for row in rows)


@pytest.mark.parametrize(("trouble", "words"), [("drop", "may have left"), ("451 no", "")])
def test_what_may_have_arrived_is_not_called_back(
    office: Desk, alice: Desk, postman: Any, trouble: str, words: str
) -> None:
    answered(alice)
    postman.script = [trouble]
    deliver(office, now_all=True)
    if words:
        with pytest.raises(Conflict, match=words):
            undo(alice)
    else:
        undo(alice)
        assert stored(office, Outbox).state == "recalled"


def test_what_arrived_in_part_is_not_called_back(office: Desk, alice: Desk, postman: Any) -> None:
    answered(alice, cc=[BO])
    postman.refused = {BO: "450 greylisted"}
    deliver(office, now_all=True)
    with pytest.raises(Conflict, match=f"the mail to {ANN}, {BO} has left already"):
        undo(alice)


# --- in words ---------------------------------------------------------------------------------------------------------


def test_why_each_waits(office: Desk, alice: Desk, postman: Any, clock: Any) -> None:
    number = answered(alice)
    later(clock, minutes=1)
    assert (unsent(office)[0].why, in_words(unsent(office)[0], clock.now)) == (
        "leaves with the next round of 'tkt serve', or by 'tkt mail send'",
        "now",
    )
    postman.script = ["451 busy"] * 4
    for _ in range(4):
        deliver(office, now_all=True)
    [one] = unsent(office)
    assert (in_words(one, clock.now), one.attempts) == ("in 15 min", 4)
    assert "451 busy" in one.why
    postman.script = ["554 spam"]
    deliver(office, now_all=True)
    [one] = unsent(office)
    assert one.why == f"{ANN}: 554 spam; 'tkt mail retry {one.id}' tries again, 'tkt mail drop {one.id}' lets it be"
    assert (in_words(one, clock.now), one.ticket) == ("", number)


# --- trying again, letting be -----------------------------------------------------------------------------------------


def test_a_failed_mail_is_tried_again_and_is_the_same_mail(office: Desk, alice: Desk, postman: Any, clock: Any) -> None:
    number = answered(alice, cc=[BO])
    postman.script = ["554 not yet", "451 nor now"]
    deliver(office, now_all=True)
    failed = stored(office, Outbox)
    assert (failed.state, stored(office, Ticket).undelivered) == ("failed", True)
    later(clock, days=9)
    assert retry(office, failed.id) == f"{ANN}, {BO}"
    assert stored(office, Entry).delivery == "waiting"
    assert [one.state for one in deliver(office)] == ["waiting"]  # it is not given up for its age
    later(clock, hours=1)
    assert [one.state for one in deliver(office)] == ["sent"]
    [envelope] = postman.received
    assert parse(envelope.content).message_id == failed.message_id
    assert stored(office, Entry).delivery == "sent"
    assert [event.actor for event in office_events(office, number) if event.verb == "retried"] == ["tkt"]
    with pytest.raises(Conflict, match="is gone already"):
        retry(office, failed.id)


def office_events(desk: Desk, number: int) -> list[Event]:
    with desk.store.transaction() as session:
        return list(session.exec(select(Event).where(Event.ticket == number)))


def test_who_got_it_gets_it_no_second_time(office: Desk, alice: Desk, postman: Any, clock: Any) -> None:
    answered(alice, cc=[BO])
    postman.refused = {BO: "450 greylisted"}
    deliver(office, now_all=True)
    postman.refused = {BO: "550 unknown"}
    later(clock, hours=1)
    assert [one.state for one in deliver(office)] == ["failed"]
    postman.refused = {}
    assert retry(office, stored(office, Outbox).id) == BO
    deliver(office)
    assert [envelope.rcpt_tos for envelope in postman.received] == [[ANN], [BO]]


def test_a_mail_that_came_back_from_one_of_several_is_answered_anew(office: Desk, alice: Desk) -> None:
    answered(alice, cc=[BO])
    deliver(office, now_all=True)
    with office.store.transaction() as session:
        row = session.exec(select(Outbox)).one()
        row.state, row.mail = "failed", row.mail | {"returned": True}  # its bounce
    with pytest.raises(Conflict, match="came back, but not from everybody"):
        retry(office, stored(office, Outbox).id)


def bounce_from_ann(desk: Desk) -> bytes:
    """Of the latest mail."""
    head = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail Returned to Sender\n"
    return f"{head}\n<{ANN}>: 550 5.1.1 unknown\n\nMessage-ID: {stored(desk, Outbox).message_id}\n".encode()


def test_a_bounce_from_one_keeps_it_from_nobody_else(office: Desk, alice: Desk, postman: Any, clock: Any) -> None:
    answered(alice, cc=[BO])
    postman.refused = {BO: "450 greylisted"}
    deliver(office, now_all=True)
    gateway.ingest(office, bounce_from_ann(office))
    assert (stored(office, Outbox).state, stored(office, Ticket).undelivered) == ("waiting", True)
    postman.refused = {}
    later(clock, hours=1)
    deliver(office)
    assert [envelope.rcpt_tos for envelope in postman.received] == [[ANN], [BO]]
    assert (stored(office, Outbox).state, stored(office, Ticket).undelivered) == ("failed", True)


def test_who_is_given_up_shows_though_another_got_it(office: Desk, alice: Desk, postman: Any, clock: Any) -> None:
    answered(alice, cc=[BO])
    postman.refused = {BO: "450 greylisted"}
    later(clock, days=6)
    assert [one.state for one in deliver(office)] == ["sent"]
    assert stored(office, Ticket).undelivered


def test_what_was_let_be_stays_so_whatever_is_taken_back(office: Desk, alice: Desk) -> None:
    answered(alice)
    drop(office, stored(office, Outbox).id)
    undo(alice)
    redo(alice)
    assert (stored(office, Outbox).state, deliver(office, now_all=True)) == ("dropped", [])


def test_a_mail_that_is_let_be(office: Desk, alice: Desk, postman: Any) -> None:
    answered(alice)
    postman.script = ["554 no"]
    deliver(office, now_all=True)
    failed = stored(office, Outbox)
    assert drop(office, failed.id) == ANN
    assert (unsent(office), deliver(office, now_all=True)) == ([], [])
    assert (stored(office, Ticket).undelivered, stored(office, Entry).delivery) == (False, "failed")
    for act in (drop, retry):
        with pytest.raises(Conflict, match="is dropped"):
            act(office, failed.id)
        with pytest.raises(NotFound, match="there is no mail 99"):
            act(office, 99)


def test_what_is_being_sent_is_left_alone(office: Desk, alice: Desk) -> None:
    answered(alice)
    with office.store.transaction() as session:
        session.exec(select(Outbox)).one().state = "sending"
    for act in (drop, retry):
        with pytest.raises(Conflict, match="is being sent right now"):
            act(office, stored(office, Outbox).id)


# --- one mail must not hold up others ---------------------------------------------------------------------------------


def test_a_mail_over_which_the_connection_breaks_holds_up_nothing(office: Desk, alice: Desk, postman: Any) -> None:
    for n in range(3):
        answered(alice, f"Answer {n}")
    postman.script = ["drop"]
    assert [one.state for one in deliver(office, now_all=True)] == ["waiting", "sent", "sent"]
    postman.script = ["drop"] * 5
    for n in range(4):
        answered(alice, f"More {n}")
    tried = deliver(office, now_all=True)
    assert [one.state for one in tried] == ["waiting"] * 2  # twice in a row: it is the server


def test_a_mail_that_can_t_be_written_down_holds_up_nothing(office: Desk, alice: Desk, postman: Any) -> None:
    for _ in range(2):
        answered(alice)
    with office.store.transaction() as session:
        row = session.exec(select(Outbox).order_by(Outbox.id)).first()  # type: ignore[arg-type]
        assert row is not None
        row.mail = {key: value for key, value in row.mail.items() if key != "from_address"} | {"to": 7}
    first, second = deliver(office, now_all=True)
    assert (first.state, second.state) == ("failed", "sent")
    assert "can't be written" in first.error

"""From a note that names a colleague to their answer: out by SMTP, back in through a Maildir."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from tkt.channels.mail import gateway
from tkt.channels.mail.reading.parse import ParsedMail, parse
from tkt.channels.mail.sending.deliver import deliver
from tkt.desk import conversation, undo
from tkt.desk.unit import Desk, find_actor
from tkt.store.tables import Agent, Entry, Follower, Watcher

CAROL = "carol@customer.example"


class Post:
    """A desk with one mailbox whose mails all really leave and come in; it has ticket #1 of Carol's."""

    def __init__(self, desk: Desk, letter: Callable[..., bytes], maildir: Any, postman: Any, clock: Any) -> None:
        self.desk, self.letter, self.maildir, self.postman, self.clock = desk, letter, maildir, postman, clock
        with desk.store.transaction() as session:
            session.add(Agent(name="bob", email="bob@desk.example", role="agent"))
        self.alice, self.bob = (desk.acting(find_actor(desk.store, name)) for name in ("alice", "bob"))
        self.write("VPN", f"Carol <{CAROL}>", "It does not work.", Message_ID="<vpn@customer.example>")
        self.sent()

    def write(self, *args: str, **headers: str) -> None:
        """A mail comes in."""
        self.maildir.deliver(self.letter(*args, **headers))
        gateway.pull(self.desk)

    def sent(self) -> list[tuple[str, ParsedMail]]:
        """What leaves within the next minute: (recipient, mail)."""
        self.clock.now += timedelta(minutes=1)
        before = len(self.postman.received)
        deliver(self.desk)
        return [(", ".join(one.rcpt_tos), parse(one.content)) for one in self.postman.received[before:]]

    def notified(self, text: str = "@bob, do you know this?") -> ParsedMail:
        """Alice writes a note; the mail that Bob gets."""
        conversation.note(self.alice, 1, text)
        [(to, mail)] = self.sent()
        assert to == "bob@desk.example"
        return mail

    def answer(self, mail: ParsedMail, text: str, sender: str = "Bob <bob@desk.example>") -> None:
        quoted = "".join(f"> {line}\n" for line in mail.text.splitlines())
        words = f"{text}\n\nOn Mon, 2 Nov 2026 at 10:00, Example Support <support@desk.example> wrote:\n{quoted}"
        references = " ".join([*mail.references, mail.message_id])
        self.write(f"Re: {mail.subject}", sender, words, In_Reply_To=mail.message_id, References=references)

    def entries(self) -> list[tuple[str, str]]:
        """(kind, author) of all but the first."""
        with self.desk.store.transaction() as session:
            found = session.exec(select(Entry).where(Entry.ticket == 1).order_by(col(Entry.position))).all()
            return [(one.kind, one.author) for one in found[1:]]

    def people(self) -> tuple[list[int], list[str]]:
        """(ids of watchers, addresses of followers)."""
        with self.desk.store.transaction() as session:
            watchers = session.exec(select(Watcher.agent_id).order_by(col(Watcher.agent_id))).all()
            return list(watchers), list(session.exec(select(Follower.address)).all())


@pytest.fixture
def post(desk: Desk, declare: Any, letter: Callable[..., bytes], maildir: Any, postman: Any, clock: Any) -> Post:
    declare(desk, imap=f"maildir:{maildir.path}", **postman.body())
    return Post(desk, letter, maildir, postman, clock)


def test_a_notification_as_it_is_delivered(post: Post) -> None:
    mail = post.notified()
    assert mail.subject == "VPN [#1]"
    assert mail.in_reply_to == mail.references == ("<vpn@customer.example>",)
    assert mail.headers.raw("auto-submitted") == "auto-generated"
    assert mail.text.strip().split("\n\n") == [
        "alice mentioned you:",
        "@bob, do you know this?",
        '#1 "VPN": new, normal priority, assigned to nobody',
        'Answer this mail to write an internal note; begin with a line "#public" to answer the customer instead.',
        "-- \n#1: tkt show 1",
    ]
    again = post.notified("@bob?")
    assert again.references[:1] == mail.references  # one conversation in Bob's mail program
    assert again.message_id != mail.message_id


def test_an_answer_stays_inside(post: Post) -> None:
    post.answer(post.notified(), "I will look into it, @alice.")
    assert post.entries() == [("note", "alice"), ("note", "bob")]
    [(to, mail)] = post.sent()
    assert to == "alice@desk.example" and mail.text.startswith("bob mentioned you:\n\nI will look into it, @alice.")
    assert post.people() == ([1, 3], [])  # Alice and Bob follow it from now on


def test_what_is_quoted_mentions_nobody_again(post: Post) -> None:
    mail = post.notified("@bob, @alice waits for it")
    post.answer(mail, "Done.")
    assert [to for to, _ in post.sent()] == []


def test_a_public_answer_reaches_the_customer_without_what_was_said_inside(post: Post) -> None:
    post.answer(post.notified("@bob, she pays late"), "#public\nPlease try again now.")
    assert post.entries() == [("note", "alice"), ("reply", "bob")]
    [(to, mail)] = post.sent()
    assert (to, mail.text.strip()) == (CAROL, "Please try again now.")
    assert mail.in_reply_to == ("<vpn@customer.example>",)


def test_an_outsider_who_was_forwarded_a_notification(post: Post) -> None:
    mail = post.notified("@bob, she pays late")
    post.answer(mail, "#public\nHello Carol, I am a friend of Bob.", "Dora <dora@elsewhere.example>")
    assert post.entries() == [("note", "alice"), ("note", "Dora")]
    assert post.people()[1] == []
    assert [to for to, _ in post.sent()] == ["bob@desk.example"]  # who follows hears of it; neither Carol nor Dora does
    conversation.reply(post.alice, 1, "We are on it.")
    assert CAROL in [to for to, _ in post.sent()]


def test_the_answer_of_another_agent_than_the_one_who_was_told(post: Post) -> None:
    post.answer(post.notified(), "#public\nI say this.", "Alice <alice@desk.example>")
    assert post.entries() == [("note", "alice"), ("note", "alice")]
    sent = post.sent()
    assert CAROL not in [to for to, _ in sent]
    [told] = [mail for to, mail in sent if to == "alice@desk.example"]
    assert "was kept as an internal note" in told.text


def test_a_note_that_is_taken_back_in_time_tells_nobody(post: Post) -> None:
    conversation.note(post.alice, 1, "@bob look")
    undo.undo(post.alice)
    assert post.sent() == []
    undo.redo(post.alice)
    assert [to for to, _ in post.sent()] == ["bob@desk.example"]


def test_who_follows_hears_of_the_customers_answer(post: Post) -> None:
    mail = post.notified()
    post.write("Re: VPN", f"Carol <{CAROL}>", "Any news?", In_Reply_To=mail.in_reply_to[0])
    [(to, told)] = post.sent()
    assert to == "bob@desk.example" and told.text.startswith("Carol wrote:\n\nAny news?")

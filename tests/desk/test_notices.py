"""Who of the desk is told of what: mentions, assignments, messages, notes, SLA steps; what each has muted."""

from __future__ import annotations

from typing import Any

import pytest

from tkt.desk import conversation, followers, sla_check, tickets, undo
from tkt.desk.configure import mute, retire_agent
from tkt.desk.conversation import Message
from tkt.desk.message_ids import read_message_id
from tkt.errors import NotAllowed, NotFound, UsageError
from tkt.store.tables import Agent, Outbox, Team, TicketTeam

ANN = "ann@customer.example"


def mailed(office: Any, subject: str = "VPN", address: str = ANN, **more: Any) -> int:
    message = Message("Help", "Ann", address)
    made = tickets.create(office.customer(address), subject, message=message, channel="mail", confirm=True, **more)
    assert made.number is not None
    return made.number


def told(office: Any) -> list[tuple[str, str]]:
    """(address, why) of every notification: its text up to how the ticket stands."""
    return [(one.recipients[0], one.mail["text"].split("\n\n#")[0]) for one in office.mails("notification")]


def heard(office: Any) -> list[str]:
    """Who has got a notification, in order, by the names of the tests' agents."""
    return [address.partition("@")[0] for address, _ in told(office)]


# --- messages and answers ---------------------------------------------------------------------------------------------


def test_a_customers_message(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = mailed(office, assignee=None, team="network")
    tickets.assign(office.bob, number, "me")
    conversation.receive(office.customer(ANN), number, Message("Hello? \x1b[2J", "Ann \x1b]0;x\x07", ANN))
    [mail] = office.mails("notification")
    assert mail.recipients == ["bob@desk.example"]
    assert mail.mail["auto"] == "auto-generated"
    assert mail.mail["text"].splitlines() == [
        "Ann  wrote:",
        "",
        "Hello? ",
        "",
        f'#{number} "VPN": new, normal priority, assigned to bob, team network',
        "",
        'Answer this mail to write an internal note; begin with a line "#public" to answer the customer instead.',
        "",
        "-- ",
        f"#{number}: tkt show {number}",
    ]
    signed = read_message_id("the secret of the tests", mail.message_id)
    assert signed is not None and (signed.kind, signed.ticket) == ("n", number)


def test_a_promise_is_told_in_the_desks_time(sqlite_office: Any, mailbox: str) -> None:
    promise = '[[sla]]\nname="all"\nmatch=""\n[sla.targets]\ndefault = { resolution = "4h" }\n'
    sqlite_office.declare(mailbox, promise)
    tickets.create(sqlite_office.alice, "VPN", assignee="bob")
    assert "due 2026-11-02 14:00 (Europe/Berlin)" in sqlite_office.mails("notification")[0].mail["text"]


def test_a_long_message_is_cut(sqlite_office: Any, mailbox: str) -> None:
    sqlite_office.declare(mailbox)
    number = mailed(sqlite_office, team="network")
    tickets.assign(sqlite_office.bob, number, "me")
    conversation.receive(sqlite_office.customer(ANN), number, Message("x" * 5000, "Ann", ANN))
    [(_, why)] = told(sqlite_office)
    assert why == f"Ann wrote:\n\n{'x' * 2000} …\n\n[3,000 more characters on the ticket]"


def test_the_teams_hear_of_it_while_nobody_has_the_ticket(office: Any, mailbox: str) -> None:
    rule = '[[rule]]\nname = "lost"\non = "changed"\nwhen = "category:lost"\ndo = ["notify:team"]\n'
    office.declare(mailbox, '[[team]]\nname = "field"\nmembers = ["sue", "alice"]\n', rule)
    number = mailed(office, team="network")
    [field] = office.rows(Team, Team.name == "field")
    with office.store.transaction() as session:
        session.add(TicketTeam(ticket=number, team_id=field.id))
    conversation.receive(office.customer(ANN), number, Message("Hello?", "Ann", ANN))
    assert heard(office) == ["alice", "bob", "carol", "sue"]
    tickets.take(office.bob, number)
    conversation.receive(office.customer(ANN), number, Message("Still there?", "Ann", ANN))
    assert heard(office)[4:] == ["bob"]
    tickets.set_fields(office.system, number, {"category": "lost"})
    assert heard(office)[5:] == ["alice", "bob", "carol", "sue"]  # "the team" means both


def test_who_follows_hears_of_messages_notes_and_answers(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = mailed(office, team="network")
    tickets.take(office.bob, number)
    followers.follow(office.sue, number)
    conversation.receive(office.customer(ANN), number, Message("Hello?", "Ann", ANN))
    assert told(office) == [(f"{name}@desk.example", "Ann wrote:\n\nHello?") for name in ("bob", "sue")]
    conversation.reply(office.bob, number, "It works again.")
    conversation.note(office.alice, number, "The router was old.")
    assert told(office)[2:] == [
        ("sue@desk.example", "bob answered the customer:\n\nIt works again."),
        ("bob@desk.example", "alice wrote a note:\n\nThe router was old."),
        ("sue@desk.example", "alice wrote a note:\n\nThe router was old."),
    ]
    followers.unfollow(office.sue, number)
    conversation.note(office.bob, number, "Done.")
    assert len(told(office)) == 5


def test_what_rules_and_machines_say_is_no_news(office: Any, mailbox: str) -> None:
    say = '[[rule]]\nname = "all"\non = "inbound"\nwhen = ""\ndo = ["note:seen", "reply:We have it."]\n'
    office.declare(mailbox, say)
    number = mailed(office, team="network")
    followers.follow(office.sue, number)
    conversation.receive(office.customer(ANN), number, Message("away", "Ann", ANN, machine="auto-reply: x"))
    assert told(office) == []
    conversation.receive(office.customer(ANN), number, Message("Hello?", "Ann", ANN))
    assert heard(office) == ["alice", "bob", "carol", "sue"]


def test_whom_to_tell_is_one_question(office: Any, mailbox: str, statements: Any) -> None:
    office.declare(mailbox, '[[team]]\nname = "field"\nmembers = ["sue"]\n')
    number = mailed(office, team="network")
    customer = office.customer(ANN)
    conversation.receive(customer, number, Message("Hello?", "Ann", ANN))
    for name in ("bob", "sue", "carol"):
        followers.follow(office.sue, number, [name])
    statements()
    conversation.receive(customer, number, Message("Hello?", "Ann", ANN))
    asked = [one for one in statements() if "watcher" in one or "team_member" in one or "ticket_team" in one]
    assert len(asked) == 1, "\n".join(asked)


# --- mentions ---------------------------------------------------------------------------------------------------------


def test_a_mention_in_a_note(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = mailed(office, team="network")
    conversation.note(office.alice, number, "@Bob, her router is old")
    assert told(office) == [("bob@desk.example", "alice mentioned you:\n\n@Bob, her router is old")]
    events = [event[:5] for event in office.history(number) if event[1] in ("mention", "follow")]
    assert events == [("alice", "mention", "agent", None, "bob"), ("alice", "follow", "watcher", None, "bob")]
    conversation.receive(office.customer(ANN), number, Message("Hello?", "Ann", ANN))
    assert heard(office)[1:] == ["alice", "bob", "carol"]
    tickets.take(office.alice, number)
    conversation.receive(office.customer(ANN), number, Message("Still there?", "Ann", ANN))
    assert heard(office)[4:] == ["alice", "bob"]


def test_a_team_is_mentioned(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = mailed(office)
    conversation.note(office.alice, number, "@network and @sue: who knows this router?")
    why = "alice mentioned {}:\n\n@network and @sue: who knows this router?"
    assert told(office) == [
        ("sue@desk.example", why.format("you")),
        ("bob@desk.example", why.format("the team network")),
        ("carol@desk.example", why.format("the team network")),
    ]
    assert office.document(number)["watchers"] == ["sue"]


def test_one_mail_for_a_mention_of_somebody_who_follows(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = mailed(office)
    followers.follow(office.bob, number)
    conversation.note(office.alice, number, "@bob @network look")
    assert told(office) == [
        ("bob@desk.example", "alice mentioned you:\n\n@bob @network look"),
        ("carol@desk.example", "alice mentioned the team network:\n\n@bob @network look"),
    ]


def test_mentions_that_tell_nobody(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = mailed(office)
    retire_agent(office.alice, "sue")
    conversation.note(office.alice, number, "@alice @sue @nobody bob@desk.example `@bob`")
    conversation.reply(office.alice, number, "Ask @bob")
    conversation.note(office.alice, number, "> @bob look\nYes.", own_words="Yes. @carol")
    assert told(office) == [("carol@desk.example", "alice mentioned you:\n\n> @bob look\nYes.")]


def test_a_note_that_opens_a_ticket_and_one_that_closes_it(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = tickets.create(office.alice, "Move", text="@bob please").number
    tickets.set_status(office.alice, number, "closed", text="@carol done")
    assert heard(office) == ["bob", "carol", "bob"]
    assert office.document(number)["watchers"] == ["bob", "carol"]


def test_a_rules_note_mentions(office: Any, mailbox: str) -> None:
    office.declare(mailbox, '[[rule]]\nname = "all"\non = "created"\nwhen = ""\ndo = ["note:@bob please look"]\n')
    mailed(office)
    assert told(office) == [("bob@desk.example", "tkt mentioned you:\n\n@bob please look")]


def test_an_undone_note_tells_nobody(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = mailed(office)
    conversation.note(office.alice, number, "@bob look")
    assert office.document(number)["watchers"] == ["bob"]
    undo.undo(office.alice)
    assert [one.state for one in office.mails("notification")] == ["recalled"]
    assert office.document(number)["watchers"] == []
    undo.redo(office.alice)
    assert [one.state for one in office.mails("notification")] == ["waiting"]
    assert office.document(number)["watchers"] == ["bob"]


def test_what_has_left_is_not_called_back(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = mailed(office)
    conversation.note(office.alice, number, "@bob look")
    with office.store.transaction() as session:
        session.get_one(Outbox, office.mails("notification")[0].id).state = "sent"
    undo.undo(office.alice)
    undo.redo(office.alice)
    assert [one.state for one in office.mails("notification")] == ["sent"]


# --- rules, assignments, steps ----------------------------------------------------------------------------------------


def test_one_mail_per_person_and_change(office: Any, mailbox: str) -> None:
    twice = '[[rule]]\nname = "all"\non = "inbound"\nwhen = ""\ndo = ["notify:assignee", "notify:team", "notify:bob"]\n'
    office.declare(mailbox, twice)
    number = mailed(office, team="network")
    tickets.assign(office.bob, number, "me")
    conversation.receive(office.customer(ANN), number, Message("Hello?", "Ann", ANN))
    found = dict(told(office))
    assert len(told(office)) == 3
    assert "Ann wrote" in found["bob@desk.example"] and "rule all" in found["bob@desk.example"]
    assert found["alice@desk.example"].startswith("rule all")
    events = [event[2] for event in office.history(number) if event[1] == "notify"]
    assert events == ["assignee", "team", "bob"]


def test_nobody_is_told_of_what_they_did_themselves(office: Any, mailbox: str) -> None:
    office.declare(mailbox, '[[rule]]\nname = "all"\non = "changed"\nwhen = ""\ndo = ["notify:team"]\n')
    number = tickets.create(office.sue, "VPN", team="network").number
    tickets.assign(office.bob, number, "me")
    assert [address for address, _ in told(office)] == ["alice@desk.example", "carol@desk.example"]


def test_an_assignment_is_told(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = tickets.create(office.alice, "VPN", assignee="bob").number
    assert told(office) == [("bob@desk.example", "alice assigned this ticket to you.")]
    tickets.set_fields(office.bob, number, {"assignee": "alice"})
    tickets.take(office.alice, number)
    assert [address for address, _ in told(office)] == ["bob@desk.example", "alice@desk.example"]


@pytest.mark.parametrize(
    ("whom", "heard"),
    [
        ("supervisor", ["sue@desk.example"]),
        ("network", ["alice@desk.example", "bob@desk.example", "carol@desk.example"]),
        ("empty", []),
        ("boss@other.example", ["boss@other.example"]),
        ("carol", ["carol@desk.example"]),
    ],
)
def test_whom_a_rule_may_tell(sqlite_office: Any, mailbox: str, whom: str, heard: list[str]) -> None:
    sqlite_office.declare(mailbox, f'[[rule]]\nname = "all"\non = "created"\nwhen = ""\ndo = ["notify:{whom}"]\n')
    tickets.create(sqlite_office.system, "VPN")
    assert [address for address, _ in told(sqlite_office)] == heard


def test_a_desk_that_sends_no_mail_tells_nobody(office: Any) -> None:
    tickets.create(office.alice, "VPN", assignee="bob")
    assert office.mails() == []


def test_a_rules_assignment_is_told(office: Any, mailbox: str) -> None:
    office.declare(mailbox, '[[rule]]\nname = "all"\non = "created"\nwhen = ""\ndo = ["assign:bob"]\n')
    mailed(office)
    assert told(office) == [("bob@desk.example", "tkt assigned this ticket to you (rule all).")]


STEPS = """
[[sla]]
name = "all"
match = ""
[sla.targets]
default = { first_response = "1h" }
[[sla.steps]]
metric = "first_response"
at = "-10m"
do = ["notify:assignee", "notify:supervisor"]
"""


def test_steps_are_told(office: Any, mailbox: str) -> None:
    office.declare(mailbox, STEPS)
    number = mailed(office, team="network")
    tickets.take(office.bob, number)
    office.later(minutes=50)
    sla_check.check(office.system)
    why = "SLA all, first_response -10m"
    assert told(office) == [("bob@desk.example", why), ("sue@desk.example", why)]


# --- what each has muted ----------------------------------------------------------------------------------------------


def test_each_agent_chooses(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    assert mute(office.bob, "me", ["reply", "assigned"]) == ["assigned", "reply"]
    number = mailed(office, team="network")
    tickets.assign(office.alice, number, "bob")
    conversation.receive(office.customer(ANN), number, Message("Hello?", "Ann", ANN))
    conversation.note(office.alice, number, "and so on")
    assert told(office) == []
    conversation.note(office.alice, number, "@bob look")
    assert heard(office) == ["bob"]
    assert mute(office.bob, "bob", ["mention"], ["reply"]) == ["mention", "assigned"]
    conversation.note(office.alice, number, "@bob look again")
    assert told(office)[1:] == [("bob@desk.example", "alice wrote a note:\n\n@bob look again")]
    mute(office.bob, "me", ["reply"])
    conversation.note(office.alice, number, "@bob look again and again")
    assert len(told(office)) == 2


def test_whom_a_mention_makes_follow_does_not_hear_of_the_same_note(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    mute(office.bob, "me", ["mention"])
    number = mailed(office)
    conversation.note(office.alice, number, "@bob look")
    assert (told(office), office.document(number)["watchers"]) == ([], ["bob"])


def test_what_has_to_be_known_is_not_muted(office: Any, mailbox: str) -> None:
    office.declare(mailbox, STEPS, '[[rule]]\nname = "r"\non = "created"\nwhen = ""\ndo = ["notify:bob"]\n')
    for desk in (office.bob, office.sue):
        mute(desk, "me", ["mention", "assigned", "reply", "sla"])
    number = mailed(office, team="network")
    assert told(office) == [("bob@desk.example", "rule r")]
    tickets.take(office.bob, number)
    office.later(minutes=50)
    sla_check.check(office.system)
    assert heard(office) == ["bob", "sue"]  # a reminder can be muted, an escalation can't


def test_only_an_admin_chooses_for_others(office: Any) -> None:
    assert mute(office.alice, "bob", ["sla"]) == ["sla"]
    with pytest.raises(NotAllowed):
        mute(office.sue, "bob", ["reply"])
    with pytest.raises(UsageError, match="known: mention, assigned, reply, sla"):
        mute(office.bob, "me", ["everything"])
    with pytest.raises(NotFound):
        mute(office.alice, "dave", ["sla"])
    office.declare("")  # desk.toml knows nothing of it
    assert office.rows(Agent, Agent.name == "bob")[0].muted == ["sla"]

"""Tickets with everything that belongs to them, as rows: what a desk of some years holds, made from a seed.

Of all tickets 5% are open and 3% wait, among the newer ones; the rest are resolved or closed. Or all are open. Finished
clocks are met or breached; those of open tickets run, a fifth of them broken already; those of waiting ones stand
still. All deadlines that are not broken lie in the future: nothing is due until time has passed.
"""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

from bench.desk_file import AGENTS, CALENDAR, POLICY, TEAMS
from bench.texts import LANGUAGES, MARK, RARE_TICKETS, RARE_WORD, TOPICS, Topic, Writer
from tkt.store.analyser import index_terms
from tkt.store.constants import DOC_SHIFT, NEVER

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
YEARS = 3 * 365 * DAY
"""How old the oldest ticket is."""
NEWER = 0.85
"""Open and waiting tickets are among those after this part of all."""
TEXTS = 1_500
"""Different messages; a ticket's own reference makes each its own."""

COLUMNS = {
    "ticket": (
        "number", "subject", "status", "status_kind", "priority", "type", "category", "channel", "mailbox", "language",
        "team_id", "assignee_id", "requester_id", "created_at", "updated_at", "first_response_at", "resolved_at",
        "closed_at", "unanswered_since", "due_at", "unread", "undelivered", "breached", "attachments", "entries",
        "version",
    ),
    "ticket_tag": ("ticket", "tag"),
    "entry": (
        "id", "ticket", "position", "kind", "at", "agent_id", "person_id", "author", "author_address", "reply_to",
        "recipients", "text", "message_id", "machine", "delivery",
    ),
    "event": ("at", "change", "actor", "ticket", "entry", "verb", "field", "old", "new", "cause"),
    "clock": (
        "id", "ticket", "metric", "cycle", "policy_id", "calendar_id", "state", "started_at", "target_seconds",
        "carried_seconds", "used_seconds", "running_since", "due_at", "next_check_at", "met_at", "breached_at",
        "by_change", "reason",
    ),
    "clock_span": (
        "clock_id", "state", "started_at", "ended_at", "seconds", "policy_id", "calendar_id", "target_seconds", "cause",
    ),
}  # fmt: skip
"""The columns that are written; those left out are NULL."""


class Names(NamedTuple):
    """The ids that the store gave to what desk.toml declares, by name."""

    agents: dict[str, int]
    teams: dict[str, int]
    policies: dict[str, int]
    calendars: dict[str, int]


class Text(NamedTuple):
    """A message and its search terms; both hold MARK where the ticket's own reference goes."""

    text: str
    terms: str


class Life(NamedTuple):
    """What a ticket has been through; moments in microseconds, None for what has not happened."""

    status: str
    kind: str
    created: int
    answered: int | None
    resolved: int | None
    due: int
    breached: bool


class TicketRows:
    """Makes tickets one after another into `rows`, by table, and `documents`; who takes them away clears them."""

    def __init__(self, tickets: int, people: int, names: Names, seed: int, now: int, all_open: bool) -> None:
        self.tickets = tickets
        self.all_open = all_open
        self.people = people
        self.names = names
        self.now = now
        self.random = Random(seed)
        self.writer = Writer(self.random)
        self.rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in COLUMNS}
        self.documents: list[tuple[int, str]] = []
        self._languages = [language for language, share in LANGUAGES.items() for _ in range(share)]
        self._questions = self._texts(sentences=5)
        self._answers = self._texts(sentences=2)
        self._subjects = {
            (topic, language): " ".join(index_terms(f"{topic.subject(language)} {MARK}"))
            for topic in TOPICS
            for language in LANGUAGES
        }
        self._rare_every = max(1, tickets // RARE_TICKETS)
        self._entries = self._clocks = 0

    def add(self, number: int) -> None:
        """One ticket more."""
        random = self.random
        topic, language = random.choice(TOPICS), random.choice(self._languages)
        reference = f"r{number}" if number % self._rare_every else f"{RARE_WORD} r{number}"
        life = self._life(number / self.tickets)
        person = 1 + int(self.people * random.random() ** 2)
        team = random.choice(TEAMS)
        agent = AGENTS[random.randrange(len(AGENTS))] if life.kind != "open" or random.random() < 0.6 else ""
        subject = f"{topic.subject(language)} {reference}"
        self.documents.append((number << DOC_SHIFT, self._subjects[topic, language].replace(MARK, reference)))
        entries = self._conversation(number, topic, language, reference, life, person, agent)
        changed = self._story(number, subject, life, agent, entries)
        self._promises(number, life)
        for tag in topic.tags:
            self.rows["ticket_tag"].append((number, tag))
        priority = random.choices((1, 2, 3, 4), (10, 70, 15, 5))[0]
        closed = life.resolved if life.kind == "closed" else None
        channel = "mail" if random.random() < 0.85 else "cli"
        self.rows["ticket"].append((
            number, subject, life.status, life.kind, priority, random.choice(("incident", "request", "")),
            topic.category, channel, "support" if channel == "mail" else "", language, self.names.teams[team],
            self.names.agents.get(agent), person, life.created, changed, life.answered, life.resolved, closed,
            life.created if life.kind == "open" and life.answered is None else None, life.due,
            int(life.status == "new"), 0, int(life.breached), 0, entries, 3,
        ))  # fmt: skip

    def _life(self, age: float) -> Life:
        random, now = self.random, self.now
        draw = random.random()
        if self.all_open or (age > NEWER and draw < 0.05 / (1 - NEWER)):
            return self._open_life()
        created = now - int((1 - age * 0.97) * YEARS) - int(random.random() * DAY)
        answered = created + int((0.2 + 6 * random.random()) * HOUR)
        if age > NEWER and draw < 0.08 / (1 - NEWER):
            status = random.choice(("waiting", "waiting", "on-hold"))
            return Life(status, "waiting", created, answered, None, NEVER, False)
        resolved = answered + int(random.random() ** 2 * 10 * DAY)
        status = "resolved" if age > 0.97 else "closed"
        return Life(status, status, created, answered, resolved, NEVER, random.random() < 0.12)

    def _open_life(self) -> Life:
        random, now = self.random, self.now
        created = now - int((0.1 + random.random() ** 2 * 20) * DAY)
        answered = created + int(0.09 * DAY) if random.random() < 0.5 else None
        late = random.random() < 0.2
        due = now - int(random.random() * DAY) if late else now + int((0.5 + 120 * random.random()) * HOUR)
        return Life("open" if answered else "new", "open", created, answered, None, due, late)

    # --- conversation and history -----------------------------------------------------------------------------------

    def _conversation(
        self, number: int, topic: Topic, language: str, reference: str, life: Life, person: int, agent: str
    ) -> int:
        """The customer's message and, if there was one, the answer; how many that is."""
        question = self.random.choice(self._questions[topic, language])
        self._entry(number, 1, "inbound", life.created, (None, person, *person_of(person)), question, reference)
        if life.answered is None:
            return 1
        answer = self.random.choice(self._answers[topic, language])
        by = agent or AGENTS[0]
        self._entry(number, 2, "reply", life.answered, (self.names.agents[by], None, by, ""), answer, reference)
        return 2

    def _entry(
        self, number: int, position: int, kind: str, at: int, writer: tuple[int | None, int | None, str, str],
        text: Text, reference: str,
    ) -> None:  # fmt: skip
        """`writer`: id of the agent or of the person, name, address."""
        self._entries += 1
        words = text.text.replace(MARK, reference)
        delivery = "sent" if kind == "reply" else ""
        message_id = f"<{number}.{position}@mail.example>"
        self.rows["entry"].append(
            (self._entries, number, position, kind, at, *writer, "", "[]", words, message_id, "", delivery)
        )
        self.documents.append((number << DOC_SHIFT | position, text.terms.replace(MARK, reference)))

    def _story(self, number: int, subject: str, life: Life, agent: str, entries: int) -> int:
        """The events of the ticket's life; the moment of the last one."""
        first = self._entries - entries + 1
        customer = "customer"
        self._event(life.created, f"{number:015x}a", customer, number, None, "create", "", None, subject)
        self._event(life.created, f"{number:015x}a", customer, number, first, "inbound", "", None, None)
        if life.answered is None:
            return life.created
        by = agent or AGENTS[0]
        self._event(life.answered, f"{number:015x}b", by, number, first + 1, "reply", "", None, None)
        if life.resolved is None:
            return life.answered
        self._event(life.resolved, f"{number:015x}c", by, number, None, "status", "status", "open", life.status)
        return life.resolved

    def _event(
        self, at: int, change: str, actor: str, number: int, entry: int | None, verb: str, field: str,
        old: str | None, new: str | None,
    ) -> None:  # fmt: skip
        self.rows["event"].append((at, change, actor, number, entry, verb, field, _json(old), _json(new), ""))

    # --- promises ---------------------------------------------------------------------------------------------------

    def _promises(self, number: int, life: Life) -> None:
        start, answered, resolved = life.created, life.answered, life.resolved
        if answered is None:
            self._clock(number, "first_response", start, life.due, "running", None, 4, breached=life.breached)
            self._clock(number, "resolution", start, life.due + 3 * DAY, "running", None, 24)
            return
        self._clock(number, "first_response", start, start + 7 * HOUR, "met", answered, 4)
        if resolved is not None:
            due = start if life.breached else resolved + HOUR
            self._clock(number, "resolution", start, due, "met", resolved, 24, breached=life.breached)
        elif life.kind == "waiting":
            self._clock(number, "resolution", start, None, "paused", None, 24)
        else:
            self._clock(number, "resolution", start, life.due, "running", None, 24, breached=life.breached)

    def _clock(
        self, number: int, metric: str, start: int, due: int | None, state: str, met: int | None, hours: int,
        breached: bool = False,
    ) -> None:  # fmt: skip
        self._clocks += 1
        policy, calendar = self.names.policies[POLICY], self.names.calendars[CALENDAR]
        running = state == "running"
        used = 0 if running else hours * 1800
        word, broken = ("breached", due) if breached else (state, None)
        check = due if word == "running" else None
        self.rows["clock"].append((
            self._clocks, number, metric, 1, policy, calendar, word, start, hours * 3600, 0, used,
            start if running else None, due, check, met, broken, 0, "",
        ))  # fmt: skip
        span = "paused" if state == "paused" else "running"
        self.rows["clock_span"].append(
            (self._clocks, span, start, met, used, policy, calendar, hours * 3600, "created")
        )

    def _texts(self, sentences: int) -> dict[tuple[Topic, str], list[Text]]:
        found = {}
        each = TEXTS // (len(TOPICS) * len(LANGUAGES))
        for topic in TOPICS:
            for language in LANGUAGES:
                texts = [self.writer.message(language, topic, sentences) for _ in range(each)]
                found[topic, language] = [Text(text, " ".join(index_terms(text))) for text in texts]
        return found


def person_of(number: int) -> tuple[str, str]:
    """(name, address) of a customer."""
    return f"Customer {number}", f"customer{number}@company{number % 997}.example"


def _json(value: str | None) -> str:
    if value is None:
        return "null"
    return f'"{value}"'

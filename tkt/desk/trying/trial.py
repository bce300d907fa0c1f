"""One ticket's history gone through again with rules that were not there: when each would have fired, why, what it
would have changed, and what the people of the desk did about the same field afterwards.

A rule that answers something is asked where it would have stood in the change: after what was done, and between what
the rules of that time did, which the history has under their names. One that runs by time is asked at the scheduler's
ticks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from sqlmodel import Session

from tkt.desk.firing import holds, in_turn, rule_of
from tkt.desk.trying.effects import CHANGE, Done, Effect, carry_out
from tkt.desk.trying.ticks import worth_asking
from tkt.desk.trying.tried import Order, PastRule, Tried, by_time
from tkt.query.evaluate import Facts, matches
from tkt.query.reasons import hits
from tkt.sla.replaying.customer_past import Turn
from tkt.sla.replaying.eras import Eras
from tkt.sla.replaying.past import Past, PastEvent
from tkt.sla.replaying.replay import BY_TIME, Play
from tkt.sla.replaying.ticket_past import NO_FIELDS
from tkt.store.definitions import Definitions
from tkt.store.read_clauses import Vocabulary
from tkt.times import from_micros, to_micros

_NOT_THEIR_OWN = ("rule ", "SLA ", "matrix ", "undo", "redo")
"""Beginnings of the causes of what nobody decided at that moment."""


_Part = tuple[str | None, list[PastEvent]]
"""Events of one change, with the name of the rule that caused them."""


class Bench(NamedTuple):
    """What every ticket's trial needs to know. `start` and `end` of the period and `interval` between the scheduler's
    ticks in microseconds; `definitions` are those of the file; `promises` says whether a rule asks for what clocks say.
    """

    rules: tuple[Tried, ...]
    order: Order
    definitions: Definitions
    start: int
    end: int
    interval: int
    zone: str
    promises: bool


class Outcome(NamedTuple):
    """An effect, and what the first person who changed the same field later made of it (None: nobody did)."""

    effect: Effect
    later: str | None


class Firing(NamedTuple):
    """A rule would have fired on a ticket, at a moment in microseconds UTC, for these parts of its condition."""

    at: int
    ticket: int
    subject: str
    why: tuple[str, ...]
    outcomes: tuple[Outcome, ...]


class OnTicket(NamedTuple):
    """What a rule came to on one ticket: whether it was asked in the period, and when it would have fired."""

    asked: bool
    firings: list[Firing]


def try_on(session: Session, past: Past, eras: Eras, bench: Bench) -> list[OnTicket]:
    """What each of the rules comes to on a ticket. Raises TktError where the history can't be gone through."""
    trial = Trial(session, past, eras, bench)
    trial.run()
    return [OnTicket(one.asked, one.firings) for one in trial.states]


class _State:
    """One rule on its way through the ticket's history."""

    def __init__(self, rule: Tried) -> None:
        self.rule = rule
        self.done = Done()
        self.asked = False
        self.resting = False
        """A rule that runs by time has fired, and nothing else has happened since."""
        self.ticked = 0
        """Up to which tick it has been asked, if it runs by time."""
        self.firings: list[Firing] = []


class Trial(Play):
    """One ticket going through its history, and the rules with it."""

    def __init__(self, session: Session, past: Past, eras: Eras, bench: Bench) -> None:
        super().__init__(session, past, eras, promises=bench.promises)
        self.bench = bench
        self.states = [_State(rule) for rule in bench.rules]
        self._of = {one.rule.name: one for one in self.states}
        self._running = [one for one in self.states if by_time(one.rule)]
        for state in self._running:
            state.ticked = self._last_tick(past.events[0].at)
        self._seen = 0
        """The id of the last event that has happened."""
        self._undone = {event.undoes for event in past.events if event.undoes}

    def run(self) -> None:
        for _, group in groupby(self.past.events, key=lambda event: event.change):
            events = list(group)
            self._wait_until(events[0].id)
            if events[0].at >= self.bench.end:
                break
            self._pass_time(events[0].at, before=events)
            self.change(events)
        else:
            self._wait_until(None)
        self._pass_time(self.bench.end - 1)

    def meet(self, what: int | Turn) -> None:
        at = what.at if isinstance(what, Turn) else to_micros(self.eras.all[what].at)
        self._pass_time(min(at, self.bench.end - 1))
        super().meet(what)

    # --- what answers a change ------------------------------------------------------------------------------------

    def go_through(self, events: Sequence[PastEvent], hear: Callable[[PastEvent], str]) -> None:
        happenings: list[str] = []
        (_, direct), *caused = _by_rule(events)
        self._happen(direct, hear, happenings)
        for state in self._running:
            state.resting = state.resting and any(event.verb == BY_TIME for event in events)
        if happenings and not any(event.undoes for event in events):  # taking back what rules answered sets none off
            self.ticket.updated_at = from_micros(events[0].at)
            self._answer(events[0].at, happenings, caused, hear)
        for _, left in caused:
            self._happen(left, hear, [])

    def _answer(self, at: int, happenings: list[str], caused: list[_Part], hear: Callable[[PastEvent], str]) -> None:
        """Ask each rule in its turn. Of one of the past the next part of the change tells whether it fired."""
        fired: set[str] = set()
        for rule in in_turn(self.bench.order.at(at), lambda one: one.on, happenings):
            if isinstance(rule, PastRule):
                if caused and caused[0][0] == rule.name:
                    self._happen(caused.pop(0)[1], hear, happenings)
            elif rule.name not in fired and self._ask(self._of[rule.name], at):
                fired.add(rule.name)

    def _happen(self, events: Sequence[PastEvent], hear: Callable[[PastEvent], str], happenings: list[str]) -> None:
        for event in events:
            word = hear(event)
            self._seen = event.id
            if word and word not in happenings:
                happenings.append(word)
            for state in self.states if word == "changed" else ():
                state.done.forget(event)

    # --- what runs by time ----------------------------------------------------------------------------------------

    def _pass_time(self, until: int, before: Sequence[PastEvent] = ()) -> None:
        """Ask the rules that run by time at the ticks up to this moment, at which that change comes."""
        tick = self._last_tick(until)
        for state in self._running:
            last = tick - self.bench.interval * (tick == until and self._comes_later(state.rule, before))
            if last > state.ticked:
                state.asked = state.asked or last >= self.bench.start
                self._watch(state, last)
                state.ticked = last

    def _comes_later(self, rule: Tried, change: Sequence[PastEvent]) -> bool:
        """Whether the change at this tick is of a rule that runs before this one."""
        first = change[0] if change and change[0].verb == BY_TIME else None
        return first is not None and self.bench.order.precedes(first.at, first.field, rule)

    def _watch(self, state: _State, until: int) -> None:
        if state.resting:
            return
        facts, bench = self._facts(state), self.bench
        for tick in worth_asking(state.rule.condition, facts, state.ticked, until, bench.interval, bench.zone):
            if self._ask(state, tick):
                state.resting = True
                return

    def _last_tick(self, moment: int) -> int:
        return moment // self.bench.interval * self.bench.interval

    # --- one rule at one moment -----------------------------------------------------------------------------------

    def _ask(self, state: _State, at: int) -> bool:
        """Whether the rule fires now; if so, it is noted with all that belongs to it."""
        inside = self.bench.start <= at < self.bench.end
        state.asked = state.asked or inside
        facts = self._facts(state)
        vocabulary = Vocabulary(now=at, zone=self.bench.zone)
        if not holds(state.rule.condition, facts, vocabulary):
            return False
        ticket, bench = self.ticket, self.bench
        why = tuple(hits(state.rule.condition, lambda part: matches(part, facts, vocabulary))) if inside else ()
        merged = ticket.merged_into is not None
        found = carry_out(state.rule.actions, facts, ticket.subject, state.done, bench.definitions, merged=merged)
        outcomes = [Outcome(effect, self._later(effect) if inside else None) for effect in found]
        if inside:
            state.firings.append(Firing(at, ticket.number or 0, ticket.subject, why, tuple(outcomes)))
        return True

    def _facts(self, state: _State) -> Facts:
        return state.done.on(self.ticket.facts(self._said), self.bench.definitions)

    def _later(self, effect: Effect) -> str | None:
        """What the first person who changed the same field after this moment made of it."""
        if effect.verdict != CHANGE:
            return None
        return next((value for event in self._of_people() if (value := _made_of(effect, event)) is not None), None)

    def _of_people(self) -> Iterator[PastEvent]:
        """What people of the desk did from here on, and nobody took back."""
        people = self.eras.names.agents.values()
        for event in self.past.events:
            by_them = event.actor in people and not event.cause.startswith(_NOT_THEIR_OWN)
            if event.id > self._seen and by_them and event.change not in self._undone and event.verb not in NO_FIELDS:
                yield event


def _by_rule(events: Sequence[PastEvent]) -> list[_Part]:
    """The parts of a change: what was done, then what each rule made of it."""
    parts: list[_Part] = [(rule_of(events[0].cause), [])]
    for event in events:
        rule = rule_of(event.cause)
        if rule is not None and rule != parts[-1][0]:
            parts.append((rule, []))
        parts[-1][1].append(event)
    return parts


def _made_of(effect: Effect, event: PastEvent) -> str | None:
    """What an event made of the field that an effect would have changed; None if it is about something else."""
    if event.field != effect.field:
        return None
    if effect.field != "tag":
        return "" if event.new is None else str(event.new)
    tag = effect.new or effect.old
    return (event.new or "") if tag in (event.old, event.new) else None

"""Rules at work: those that answer what happened to a ticket, and those that run by time.

A rule fires at most once per ticket and change, so rules that trigger rules come to an end; whatever a rule does
stands in the history with the rule as its cause. A time rule (`on = "every"`) fires again on a ticket only after
something other than itself has happened to it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlmodel import col, select

from tkt.automation.actions import Action, parse_action
from tkt.desk.actions import perform
from tkt.desk.facts import ticket_facts, vocabulary
from tkt.desk.unit import SYSTEM, Change, Desk, Touched
from tkt.query.compile import compile_query
from tkt.query.evaluate import matches
from tkt.query.language import parse
from tkt.store.definitions import Declared
from tkt.store.tables import Event, Ticket


def answer(change: Change, touched: Touched) -> None:
    """Let every rule that answers what has happened to this ticket fire, in the file's order."""
    while touched.happenings:
        happening = touched.happenings.pop(0)
        for rule in change.definitions.of("rule"):
            if rule.body["on"] == happening and rule.name not in touched.fired:
                _fire_if_matching(change, touched, rule)


def run_time_rules(desk: Desk) -> list[tuple[str, int]]:
    """Fire the rules of `on = "every"` on the tickets they match: (rule, number) of each that fired."""
    fired = []
    for rule in _time_rules(desk):
        for number in _candidates(desk, rule):
            with desk.change(f"rule {rule.name}", actor=SYSTEM) as change:
                ticket = change.ticket(number)
                if _still_matches(change, ticket, rule) and not _rests(change, number, rule):
                    change.record("rule", ticket=ticket, field=rule.name)
                    _carry_out(change, change.touch(ticket), rule)
                    fired.append((rule.name, number))
    return fired


def _fire_if_matching(change: Change, touched: Touched, rule: Declared) -> None:
    if not _still_matches(change, touched.ticket, rule):
        return
    touched.fired.add(rule.name)
    with change.because(f"rule {rule.name}", SYSTEM):
        _carry_out(change, touched, rule)


def _carry_out(change: Change, touched: Touched, rule: Declared) -> None:
    touched.fired.add(rule.name)
    assert touched.ticket.number is not None
    for action in _actions(change, rule):
        perform(change.desk, touched.ticket.number, action)


def _still_matches(change: Change, ticket: Ticket, rule: Declared) -> bool:
    return matches(_condition(change, rule), ticket_facts(change, ticket), vocabulary(change))


def _condition(change: Change, rule: Declared) -> Any:
    """The rule's `when`, parsed once per configuration."""
    return _cached(change, ("rule when", rule.id), lambda: parse(str(rule.body.get("when", ""))))


def _actions(change: Change, rule: Declared) -> list[Action]:
    found: list[Action] = _cached(
        change, ("rule do", rule.id), lambda: [parse_action(one) for one in rule.body.get("do", [])]
    )
    return found


def _cached(change: Change, key: tuple[str, int], make: Any) -> Any:
    cache = change.definitions.cache
    if key not in cache:
        cache[key] = make()
    return cache[key]


def _time_rules(desk: Desk) -> list[Declared]:
    with desk.change() as change:
        return [rule for rule in change.definitions.of("rule") if rule.body["on"] == "every"]


def _candidates(desk: Desk, rule: Declared) -> list[int]:
    """The numbers of the tickets that match the rule now."""
    with desk.change() as change:
        condition = compile_query(_condition(change, rule), vocabulary(change), desk.store.dialect)
        found = text(f"SELECT t.number FROM ticket t WHERE {numbered(condition.sql)} ORDER BY t.number")
        named = {f"p{at}": value for at, value in enumerate(condition.params)}
        return [row[0] for row in change.session.connection().execute(found, named)]


def numbered(sql: str) -> str:
    """The read side's `?` parameters as SQLAlchemy's `:p0`, `:p1` …"""
    first, *rest = sql.replace(":", "\\:").split("?")
    return first + "".join(f":p{at}{part}" for at, part in enumerate(rest))


def _rests(change: Change, number: int, rule: Declared) -> bool:
    """Whether nothing has happened to the ticket since this rule fired on it."""
    last = select(Event.cause).where(Event.ticket == number).order_by(col(Event.id).desc()).limit(1)
    return change.session.exec(last).first() == f"rule {rule.name}"

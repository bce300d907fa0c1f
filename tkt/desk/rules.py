"""Rules at work: those that answer what happened to a ticket, and those that run by time.

When a rule fires is defined in `tkt.desk.firing`: at most once per ticket and change, so rules that trigger rules come
to an end; whatever a rule does stands in the history with the rule as its cause. A time rule (`on = "every"`) fires
again on a ticket only after something else than time rules has happened to it, so two of them never set each other
off for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from tkt.automation.actions import Action, parse_action
from tkt.desk.actions import perform
from tkt.desk.facts import ticket_facts, vocabulary
from tkt.desk.firing import BY_TIME, cause_of, holds, in_turn
from tkt.desk.unit import SYSTEM, Change, Desk, Touched
from tkt.query.compile import compile_query
from tkt.query.language import parse
from tkt.store.definitions import Declared
from tkt.store.tables import Ticket


def answer(change: Change, touched: Touched) -> None:
    """Let every rule that answers what has happened to this ticket fire, in the file's order."""
    for rule in in_turn(change.definitions.of("rule"), _on, touched.happenings):
        if rule.name not in touched.fired:
            _fire_if_matching(change, touched, rule)


def run_time_rules(desk: Desk) -> list[tuple[str, int]]:
    """Fire the rules of `on = "every"` on the tickets they match: (rule, number) of each that fired."""
    fired = []
    for rule in _time_rules(desk):
        for number in _candidates(desk, rule):
            with desk.change(cause_of(rule.name), actor=SYSTEM) as change:
                ticket = change.ticket(number)
                if _still_matches(change, ticket, rule) and _awake(change, rule, f"t.number = {number}"):
                    change.record("rule", ticket=ticket, field=rule.name)
                    _carry_out(change, change.touch(ticket), rule)
                    fired.append((rule.name, number))
    return fired


def _fire_if_matching(change: Change, touched: Touched, rule: Declared) -> None:
    if not _still_matches(change, touched.ticket, rule):
        return
    touched.fired.add(rule.name)
    with change.because(cause_of(rule.name), SYSTEM):
        _carry_out(change, touched, rule)


def _carry_out(change: Change, touched: Touched, rule: Declared) -> None:
    touched.fired.add(rule.name)
    assert touched.ticket.number is not None
    for action in _actions(change, rule):
        perform(change.desk, touched.ticket.number, action)


def _still_matches(change: Change, ticket: Ticket, rule: Declared) -> bool:
    return holds(_condition(change, rule), ticket_facts(change, ticket), vocabulary(change))


def _on(rule: Declared) -> str:
    return str(rule.body["on"])


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
    with desk.look() as change:
        return [rule for rule in change.definitions.of("rule") if _on(rule) == BY_TIME]


def _candidates(desk: Desk, rule: Declared) -> list[int]:
    """The numbers of the tickets that match the rule now and on which it does not rest."""
    with desk.look() as change:
        condition = compile_query(_condition(change, rule), vocabulary(change), desk.store.dialect)
        named = {f"p{at}": value for at, value in enumerate(condition.params)}
        return _awake(change, rule, numbered(condition.sql), named)


# The rule's last firing on a ticket comes before the last change that no time rule made.
_AWAKE = """
coalesce((SELECT max(f.id) FROM event f WHERE f.ticket = t.number AND f.verb = 'rule' AND f.field = :rule), 0)
< (SELECT max(e.id) FROM event e WHERE e.ticket = t.number AND NOT EXISTS
   (SELECT 1 FROM event r WHERE r.change = e.change AND r.verb = 'rule'))
"""


def _awake(change: Change, rule: Declared, where: str, params: Mapping[str, Any] | None = None) -> list[int]:
    """Those of these tickets to which something has happened since the rule fired on them."""
    found = text(f"SELECT t.number FROM ticket t WHERE {where} AND {_AWAKE} ORDER BY t.number")
    return [row[0] for row in change.session.connection().execute(found, {**(params or {}), "rule": rule.name})]


def numbered(sql: str) -> str:
    """The read side's `?` parameters as SQLAlchemy's `:p0`, `:p1` …"""
    first, *rest = sql.replace(":", "\\:").split("?")
    return first + "".join(f":p{at}{part}" for at, part in enumerate(rest))

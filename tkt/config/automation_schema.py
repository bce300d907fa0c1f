"""`[[rule]]`, `[[macro]]`, `[[view]]`, `[[webhook]]` and what they share: queries and `do` lines.

Leaves to others: the grammar of a query (`tkt.query.language`) and of an action (`tkt.automation.actions`).
"""

from __future__ import annotations

from typing import Any

from tkt.automation.actions import (
    ASSIGN_WORDS,
    CLEARING,
    NOTIFY_WORDS,
    Action,
    check_url,
    is_url,
    parse_action,
)
from tkt.config.problems import Spot, quoted, suggestion
from tkt.config.readers import (
    Reader,
    Table,
    is_email,
    is_text,
    list_of,
    name,
    one_of,
    refer,
    sentence,
    text,
    variable,
)
from tkt.config.template_check import check_template
from tkt.errors import QueryError, UsageError
from tkt.query.language import Vocabulary, check, parse
from tkt.query.sort import parse_sort

TRIGGERS = ("created", "replied", "inbound", "changed", "every")


def query(*, by_a_person: bool = False) -> Reader:
    """A query whose names this file declares; the empty one is everything.

    Only a view is looked at by a person, so only there `assignee:me` means somebody.
    """

    def read(value: Any, spot: Spot) -> None:
        if not is_text(value, spot):
            return
        try:
            check(parse(value), _vocabulary(spot, by_a_person))
        except QueryError as error:
            _report(error, value, spot)

    return read


def _report(error: QueryError, value: str, spot: Spot) -> None:
    hint = f": did you mean {quoted(error.hint)}?" if error.hint else ""
    spot.problem_inside(sentence(error) + hint, value, error.position)


def _vocabulary(spot: Spot, by_a_person: bool) -> Vocabulary:
    """The names that a query of this file may use; it is only checked here, so ids and kinds don't matter."""
    teams, agents, statuses, fields = (spot.names.get(kind, ()) for kind in ("team", "agent", "status", "field"))
    return Vocabulary(
        teams=dict.fromkeys(teams, 0),
        agents=dict.fromkeys(agents, 0),
        statuses=dict.fromkeys(statuses, ""),
        me=0 if by_a_person else None,
        fields=fields,
    )


def action(*, by_a_person: bool) -> Reader:
    """A `do` line. Only a macro is run by a person, so only there `assign:me` means somebody."""

    def read(value: Any, spot: Spot) -> None:
        if not is_text(value, spot):
            return
        try:
            found = parse_action(value)
        except UsageError as error:
            return spot.problem(sentence(error))
        if found.verb == "assign" and found.value == "me" and not by_a_person:
            return spot.problem('"assign:me" is for macros: nobody runs this; name an agent or write "assign:auto"')
        _check_names(found, spot)

    return read


def actions(*, by_a_person: bool = False) -> Reader:
    return list_of(action(by_a_person=by_a_person), filled=True)


def _check_names(found: Action, spot: Spot) -> None:
    if found.verb == "set":
        _check_set(found, spot)
    elif found.verb == "assign" and found.value not in ASSIGN_WORDS:
        refer("agent", found.value, spot)
    elif found.verb == "status":
        refer("status", found.value, spot)
    elif found.verb == "notify":
        _check_notified(found.value, spot)
    elif found.verb == "webhook" and not is_url(found.value):
        refer("webhook", found.value, spot)
    elif found.verb in ("reply", "note"):
        check_template(found.value, spot)


def _webhook_name(value: Any, spot: Spot) -> None:
    name(value, spot)
    if isinstance(value, str) and is_url(value):
        spot.problem("a webhook's name can't look like a URL")


def _webhook_url(value: Any, spot: Spot) -> None:
    if not is_text(value, spot):
        return
    try:
        check_url(value)
    except UsageError as error:
        spot.problem(sentence(error))


def _whole_webhook(webhook: dict[str, Any], spot: Spot) -> None:
    if "secret_command" in webhook and "secret_env" in webhook:
        spot.under("secret_env").problem_at_key("one of secret_command and secret_env is enough: remove one")


def _check_set(found: Action, spot: Spot) -> None:
    if found.key == "team" and found.value not in CLEARING:
        refer("team", found.value, spot)
    elif found.key.startswith("field."):
        refer("field", found.key.removeprefix("field."), spot)


def _check_notified(whom: str, spot: Spot) -> None:
    known = (*NOTIFY_WORDS, *spot.names.get("agent", ()), *spot.names.get("team", ()))
    if whom not in known and not is_email(whom):
        spot.problem(f"notify can't reach {quoted(whom)}: {suggestion(whom, known)}")


def _whole_view(view: dict[str, Any], spot: Spot) -> None:
    """The order fits the query: `rank` needs words to rank by."""
    if not isinstance(view.get("sort"), str) or not isinstance(view.get("query"), str):
        return
    try:
        tree = parse(view["query"])
    except QueryError:
        return  # reported where the query itself is read
    try:
        parse_sort(view["sort"], tree)
    except QueryError as error:
        _report(error, view["sort"], spot.under("sort"))


RULE = Table(
    "[[rule]]",
    {"name": name, "on": one_of(*TRIGGERS), "when": query(), "do": actions()},
    required=("name", "on", "do"),
)
MACRO = Table("[[macro]]", {"name": name, "do": actions(by_a_person=True)}, required=("name", "do"))
VIEW = Table(
    "[[view]]",
    {"name": name, "query": query(by_a_person=True), "sort": text},
    required=("name", "query"),
    whole=_whole_view,
)
WEBHOOK = Table(
    "[[webhook]]",
    {"name": _webhook_name, "url": _webhook_url, "secret_command": text, "secret_env": variable},
    required=("name", "url"),
    whole=_whole_webhook,
)

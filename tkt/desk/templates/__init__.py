"""Whatever a customer reads: templates per language, shipped here, overridable by `[[template]]` in desk.toml.

Jinja2 in its sandbox: a template sees the ticket's facts and nothing else. What strangers wrote (their names, the
subject) is data for it, never template text. A shipped file's first line is the subject, the rest the text.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tkt.desk import outbox, people
from tkt.desk.unit import Change
from tkt.errors import UsageError
from tkt.store.constants import PRIORITY_NAMES
from tkt.store.tables import Ticket

LANGUAGES = ("en", "de", "zh")


def render(change: Change, ticket: Ticket, name: str, language: str) -> tuple[str, str]:
    """(subject, text) of a template in a language, in English where it is not to be had."""
    subject, text = _declared(change, name, language) or _shipped(name, language if language in LANGUAGES else "en")
    return " ".join(render_text(change, ticket, subject).split()), render_text(change, ticket, text)


def render_text(change: Change, ticket: Ticket, template: str) -> str:
    """A template's text with the ticket's facts. Raises UsageError when the template asks for what there is not."""
    try:
        return _compiled(template).render(_facts(change, ticket))
    except (TemplateError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise UsageError(f"the template can't be filled in: {error}") from error


@lru_cache(maxsize=256)
def _compiled(template: str) -> Template:
    """A template compiled once, not once per mail."""
    return _environment().from_string(template)


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)


def _declared(change: Change, name: str, language: str) -> tuple[str, str] | None:
    for one in change.definitions.of("template"):
        if one.name.split("/")[0] == name and one.body.get("language", "en") == language:
            return str(one.body["subject"]), str(one.body["text"])
    return None


@cache
def _shipped(name: str, language: str) -> tuple[str, str]:
    subject, _, text = (files(__package__) / f"{name}.{language}.txt").read_text("utf-8").partition("\n")
    return subject, text.lstrip("\n")


def _facts(change: Change, ticket: Ticket) -> dict[str, Any]:
    customer = people.requester_of(change, ticket)
    definitions = change.definitions
    return {
        "desk": {"name": definitions.setting("desk.name", "Support")},
        "requester": {
            "name": customer.name if customer else "",
            "email": customer.address if customer else "",
        },
        "agent": {"name": change.actor.name},
        "ticket": {
            "number": ticket.number,
            "subject": ticket.subject,
            "tagged_subject": outbox.tagged_subject(ticket),
            "status": ticket.status,
            "priority": PRIORITY_NAMES[ticket.priority],
            "team": definitions.team_names.get(ticket.team_id or 0, ""),
            "assignee": definitions.agent_names.get(ticket.assignee_id or 0, ""),
        },
    }

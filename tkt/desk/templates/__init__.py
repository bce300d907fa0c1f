"""Whatever the desk's mails say around a message, or instead of one: templates per language and team, shipped here,
overridable by `[[template]]` in desk.toml.

Jinja2 in its sandbox: a template sees the ticket's facts and nothing else. What strangers wrote (their names, the
subject, a message) is data for it, never template text; in HTML it is escaped. A template that can't be filled in never
keeps a mail from leaving: the shipped text takes its place, and the ticket's history says so.

Which one, of a name: that of the customer's language and the ticket's team; that of the language; the shipped one of
that language; that of the desk's language and the team; that of the desk's language; the shipped one. Staff read the
desk's language. A shipped file's first line is the subject, the rest the text. Around a message nothing is shipped:
without a template of desk.toml it leaves as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import Template

from tkt.config.template_language import FAILURES, environment, filled
from tkt.config.template_schema import CONFIRMATION, NOTIFICATION
from tkt.desk import outbox, people
from tkt.desk.outbox import Words
from tkt.desk.templates.simple_html import to_html
from tkt.desk.unit import Change
from tkt.errors import UsageError
from tkt.store.constants import PRIORITY_NAMES
from tkt.store.tables import Ticket

LANGUAGES = ("en", "de", "zh")
"""Those that are shipped; the first is for everybody else."""


class _Source(NamedTuple):
    """The templates of one mail; `name` is theirs in desk.toml."""

    subject: str
    text: str
    html: str = ""
    name: str = ""


def words(change: Change, ticket: Ticket, name: str, message: str = "", by: str = "") -> Words:
    """A mail about the ticket: the template `name` (of `tkt.config.template_schema`) around `message`, which the agent
    `by` wrote (the actor, if nobody else). Raises nothing for a template that can't be filled in.
    """
    desk_language = change.definitions.setting("desk.language", LANGUAGES[0])
    language = desk_language if name == NOTIFICATION else ticket.language or desk_language
    bare = Words(outbox.bare_subject(name, ticket), message)
    source = next(_sources(change, ticket, name, language, desk_language), None)
    if source is None:
        return bare
    facts = _facts(change, ticket, message, by)
    try:
        return _fill(source, bare, facts)
    except FAILURES as error:
        change.record("skipped", ticket=ticket, field=f"template {source.name}", new=str(error))
    return _fill(_shipped(language), bare, facts) if name == CONFIRMATION else bare


def render_text(change: Change, ticket: Ticket, template: str) -> str:
    """A text of a rule or macro with the ticket's facts. Raises UsageError when it can't be filled in."""
    try:
        return filled(_compiled(template), _facts(change, ticket))
    except FAILURES as error:
        raise UsageError(f"the template can't be filled in: {error}") from error


def _fill(source: _Source, bare: Words, facts: dict[str, Any]) -> Words:
    """Raises FAILURES."""
    subject = " ".join(filled(_compiled(source.subject), facts).split()) if source.subject else bare.subject
    html = _filled_html(source.html, facts) if source.html else ""
    return Words(subject, filled(_compiled(source.text), facts), html)


def _filled_html(source: str, facts: dict[str, Any]) -> str:
    message = {"text": facts["message"]["text"], "html": to_html(facts["message"]["text"])}
    return filled(_compiled(source, html=True), facts | {"message": message})


@lru_cache(maxsize=256)
def _compiled(template: str, *, html: bool = False) -> Template:
    """A template compiled once, not once per mail."""
    return environment(html=html).from_string(template)


def _sources(change: Change, ticket: Ticket, name: str, language: str, desk_language: str) -> Iterator[_Source]:
    """The templates that fit, the best first; none for a message that leaves as it is."""
    team = change.definitions.team_names.get(ticket.team_id or 0, "")
    yield from _declared(change, name, language, team)
    if name == CONFIRMATION and language in LANGUAGES:
        yield _shipped(language)
    yield from _declared(change, name, desk_language, team)
    if name == CONFIRMATION:
        yield _shipped(desk_language)


def _declared(change: Change, name: str, language: str, team: str) -> Iterator[_Source]:
    """Those of desk.toml: the team's, then everybody's."""
    for full_name in (f"{name}/{language}/{team}", f"{name}/{language}"):
        if (one := change.definitions.named("template", full_name)) is not None:
            body = one.body
            yield _Source(str(body.get("subject", "")), str(body["text"]), str(body.get("html", "")), full_name)


@cache
def _shipped(language: str) -> _Source:
    """The shipped confirmation in a language, in English where there is none."""
    name = f"confirmation.{language if language in LANGUAGES else LANGUAGES[0]}.txt"
    subject, _, text = (files(__package__) / name).read_text("utf-8").partition("\n")
    return _Source(subject, text.lstrip("\n"))


def _facts(change: Change, ticket: Ticket, message: str = "", by: str = "") -> dict[str, Any]:
    customer = people.requester_of(change, ticket)
    definitions = change.definitions
    return {
        "desk": {"name": definitions.setting("desk.name", "Support")},
        "requester": {
            "name": customer.name if customer else "",
            "email": customer.address if customer else "",
        },
        "agent": {"name": by or change.actor.name},
        "ticket": {
            "number": ticket.number,
            "subject": ticket.subject,
            "tagged_subject": outbox.tagged_subject(ticket),
            "status": ticket.status,
            "priority": PRIORITY_NAMES[ticket.priority],
            "team": definitions.team_names.get(ticket.team_id or 0, ""),
            "assignee": definitions.agent_names.get(ticket.assignee_id or 0, ""),
        },
        "message": {"text": message},
    }

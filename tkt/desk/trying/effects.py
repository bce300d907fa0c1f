"""What a tried rule would have done to a ticket, action by action, and what it has done in the trial so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tkt.automation.actions import CLEARING, Action
from tkt.desk import values
from tkt.errors import UsageError
from tkt.query.evaluate import Facts
from tkt.sla.replaying.past import PastEvent
from tkt.store.constants import PRIORITIES, PRIORITY_NAMES
from tkt.store.definitions import Definitions

CHANGE, SAME, ACT, SKIP = "change", "same", "act", "skip"

_ACTS = {
    "notify": "would notify {}",
    "webhook": "would call the webhook {}",
    "note": "would write a note: {}",
    "reply": "would send a reply: {}",
}


class Effect(NamedTuple):
    """What one action comes to. `verdict` is "change" (`field` from `old` to `new`), "same" (it is so already), "act"
    (what it does besides, in `words`), "skip" (it can't be done, for the reason in `words`). Fields and values are in
    the history's words; "" is nobody and nothing. A tag goes from its name to "" or back.
    """

    action: str
    verdict: str
    field: str = ""
    old: str = ""
    new: str = ""
    words: str = ""


class Done:
    """What a rule did in the trial and nobody has changed since."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.tags: dict[str, bool] = {}

    def on(self, facts: Facts, definitions: Definitions) -> Facts:
        """The ticket with it."""
        if not self.values and not self.tags:
            return facts
        own = {name.removeprefix("field."): value for name, value in self.values.items() if name.startswith("field.")}
        status = self.values.get("status", facts.status)
        return facts._replace(
            team=self.values.get("team", facts.team),
            category=self.values.get("category", facts.category),
            type=self.values.get("type", facts.type),
            assignee=self.values.get("assignee", facts.assignee),
            status=status,
            status_kind=definitions.statuses.get(status, "open") if "status" in self.values else facts.status_kind,
            priority=PRIORITIES[self.values["priority"]] if "priority" in self.values else facts.priority,
            fields={name: value for name, value in {**facts.fields, **own}.items() if value},
            tags=facts.tags.union(tag for tag, on in self.tags.items() if on)
            - {tag for tag, on in self.tags.items() if not on},
        )

    def note(self, effect: Effect) -> None:
        """The rule has done this."""
        if effect.verdict == CHANGE and effect.field == "tag":
            self.tags[effect.new or effect.old] = bool(effect.new)
        elif effect.verdict == CHANGE:
            self.values[effect.field] = effect.new

    def forget(self, event: PastEvent) -> None:
        """The history has changed the same."""
        if event.field == "tag":
            self.tags.pop(event.old, None)
            self.tags.pop(event.new, None)
        else:
            self.values.pop(event.field, None)


def carry_out(
    actions: Sequence[Action], facts: Facts, subject: str, done: Done, definitions: Definitions, *, merged: bool
) -> Iterator[Effect]:
    """What the actions come to, one after another, each on what those before it have done; noted in `done`.
    `definitions` are those of the file.
    """
    for action in actions:
        effect = _effect(action, done.on(facts, definitions), subject, definitions, merged)
        done.note(effect)
        yield effect


def _effect(action: Action, facts: Facts, subject: str, definitions: Definitions, merged: bool) -> Effect:
    name = str(action)
    if action.verb in ("reply", "status") and merged:
        return Effect(name, SKIP, words="the ticket was merged into another")
    if action.verb in _ACTS:
        return Effect(name, ACT, words=_ACTS[action.verb].format(action.value))
    if action.verb == "tag":
        on, tag = action.key == "+", action.value.lower()
        if on == (tag in facts.tags):
            return Effect(name, SAME, "tag", tag if on else "", tag if on else "")
        return Effect(name, CHANGE, "tag", "" if on else tag, tag if on else "")
    if action.verb == "assign" and action.value == "auto":
        return _chosen(name, facts)
    if action.verb == "set" and action.key == "due":
        return Effect(name, ACT, words=f"would set due to {action.value or 'none'}")
    try:
        field, old, new = _field(action, facts, subject, definitions)
    except UsageError as error:
        return Effect(name, SKIP, words=str(error))
    return Effect(name, SAME if old == new else CHANGE, field, old, new)


def _chosen(name: str, facts: Facts) -> Effect:
    """Whom a team's way of assigning would have chosen depends on what everybody had then."""
    if not facts.team:
        return Effect(name, SKIP, words="it has no team, so nobody can be chosen")
    return Effect(name, ACT, words=f"would assign somebody of {facts.team}")


def _field(action: Action, facts: Facts, subject: str, definitions: Definitions) -> tuple[str, str, str]:
    """The field, what it is and what it would be. Raises UsageError for a value that the ticket's field does not
    take."""
    value = action.value
    if action.verb == "assign":
        return "assignee", facts.assignee, "" if value == "none" else value
    if action.verb == "status":
        return "status", facts.status, value
    match action.key:
        case "team":
            return "team", facts.team, "" if value in CLEARING else value
        case "priority":
            return "priority", PRIORITY_NAMES[facts.priority], value
        case "category":
            return "category", facts.category, values.category(value)
        case "type":
            return "type", facts.type, values.plain(value)
        case "subject":
            return "subject", subject, values.plain(value)
    own = action.key.removeprefix("field.")
    return action.key, facts.fields.get(own, ""), values.field(definitions, own, value, facts.type) or ""

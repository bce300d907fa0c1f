"""`[[template]]`: the texts of the desk's mails in other words, one table for each name, language and team.

Leaves to others: which of several is taken (`tkt.desk.templates`), what a template may ask for (`template_check`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tkt.config.problems import Spot
from tkt.config.readers import Table, block, language, one_of, reference
from tkt.config.template_check import FACTS, HTML_FACTS, MESSAGE_FACTS, check_template, needs_message

CONFIRMATION, REPLY, NOTIFICATION = TEMPLATES = ("confirmation", "reply", "notification")
"""The texts that can be put into other words. The last two are put around a message."""


def template_name(table: Mapping[str, Any]) -> str:
    """What tells a template from others: "reply/de/network" for a team's, "reply/de" for everybody's."""
    parts = (table["name"], table.get("language", ""), table.get("team", ""))
    return "/".join(map(str, parts)).removesuffix("/")


def _whole_template(table: dict[str, Any], spot: Spot) -> None:
    around = table.get("name") in (REPLY, NOTIFICATION)
    if not around and "subject" not in table:
        spot.problem("[[template]] needs subject")
    for key, facts in (("subject", FACTS), ("text", MESSAGE_FACTS), ("html", HTML_FACTS)):
        source = table.get(key)
        if isinstance(source, str):
            known = facts if around else FACTS
            check_template(source, spot.under(key), known, html=key == "html")
            if around and key != "subject":
                needs_message(source, spot.under(key), facts)


TEMPLATE = Table(
    "[[template]]",
    {
        "name": one_of(*TEMPLATES),
        "language": language,
        "team": reference("team"),
        "subject": block,
        "text": block,
        "html": block,
    },
    required=("name", "language", "text"),
    whole=_whole_template,
)

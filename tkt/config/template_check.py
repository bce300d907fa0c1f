"""Whether a template of desk.toml can be filled in, before a customer's mail depends on it.

Templates are Jinja in a sandbox that refuses unknown names, so a slip such as `{{ requester.nmae }}` would
only show when the text is to leave; here it shows at `config check`, and so does whatever fails when the template is
filled in with example facts.

Leaves to others: what a template may do (`template_language`), filling them in (`tkt.desk.templates`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tkt.config.problems import Spot, quoted, suggestion

if TYPE_CHECKING:
    from jinja2 import nodes

Facts = Mapping[str, tuple[str, ...]]

FACTS: Facts = {
    "desk": ("name",),
    "requester": ("name", "email"),
    "agent": ("name",),
    "ticket": ("number", "subject", "tagged_subject", "status", "priority", "team", "assignee"),
}
"""What a template may ask for: `{{ ticket.number }}` and so on."""

MESSAGE_FACTS: Facts = {**FACTS, "message": ("text",)}
"""What one that is put around a message may ask for besides: what the agent wrote, or what happened."""

HTML_FACTS: Facts = {**FACTS, "message": ("text", "html")}
"""The same where the template is HTML: `message.html` is the message as paragraphs, links and quotes."""


def check_template(source: str, spot: Spot, facts: Facts = FACTS, *, html: bool = False) -> None:
    """Report a text that Jinja can't read, or that asks for what there is not."""
    from jinja2 import TemplateSyntaxError

    from tkt.config.template_language import environment

    try:
        template = environment(html=html).from_string(source)  # finds unknown filters too, parsing alone does not
    except TemplateSyntaxError as error:
        where = f" in its line {error.lineno}" if "\n" in source else ""
        return spot.problem(f"this template can't be read{where}: {(error.message or '').removesuffix('.')}")
    if _check_facts(environment().parse(source), spot, facts):
        _try_out(template, spot, facts)


def needs_message(source: str, spot: Spot, facts: Facts) -> None:
    """Report a template that would leave out the message that it is put around."""
    from jinja2 import TemplateSyntaxError
    from jinja2.meta import find_undeclared_variables

    from tkt.config.template_language import environment

    try:
        asked = find_undeclared_variables(environment().parse(source))
    except TemplateSyntaxError:
        return  # reported already
    if "message" not in asked:
        wanted = " or ".join(f"{{{{ message.{fact} }}}}" for fact in facts["message"])
        spot.problem(f"{spot.key} leaves out what is to be said: put {wanted} where it belongs")


def _check_facts(tree: nodes.Template, spot: Spot, facts: Facts) -> bool:
    """Whether all that it asks for is there; what is not is reported."""
    from jinja2.meta import find_undeclared_variables
    from jinja2.nodes import Getattr, Name

    asked = find_undeclared_variables(tree)
    unknown = sorted(asked - facts.keys())
    for name in unknown:
        spot.problem(f"a template knows no {quoted(name)}: {suggestion(name, facts)}")
    missing = [
        (node.node.name, node.attr)
        for node in tree.find_all(Getattr)
        if isinstance(node.node, Name) and node.node.name in asked & facts.keys()
        if node.attr not in facts[node.node.name]
    ]
    for name, attribute in missing:
        spot.problem(f"a template knows no {name}.{attribute}: {suggestion(attribute, facts[name])}")
    return not unknown and not missing


def _try_out(template: Any, spot: Spot, facts: Facts) -> None:
    from tkt.config.template_language import FAILURES, filled

    examples: dict[str, dict[str, Any]] = {
        name: {fact: 1042 if fact == "number" else f"example {fact}" for fact in known} for name, known in facts.items()
    }
    try:
        filled(template, examples)
    except FAILURES as error:
        spot.problem(f"this template can't be filled in: {str(error).removesuffix('.')}")

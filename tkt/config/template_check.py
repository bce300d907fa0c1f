"""Whether a template of desk.toml can be filled in, before a customer's mail depends on it.

Templates are Jinja in a sandbox that refuses unknown names, so a slip such as `{{ requester.nmae }}` would
only show when the text is to leave; here it shows at `config check`.

Leaves to others: filling them in (`tkt.desk.templates`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tkt.config.problems import Spot, quoted, suggestion

if TYPE_CHECKING:
    from jinja2 import nodes

FACTS: dict[str, tuple[str, ...]] = {
    "desk": ("name",),
    "requester": ("name", "email"),
    "agent": ("name",),
    "ticket": ("number", "subject", "tagged_subject", "status", "priority", "team", "assignee"),
}
"""What a template may ask for: `{{ ticket.number }}` and so on."""


def check_template(source: str, spot: Spot) -> None:
    """Report a text that Jinja can't read, or that asks for what there is not."""
    from jinja2 import TemplateSyntaxError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment()
    try:
        environment.compile(source)  # finds unknown filters and tests, which parsing alone does not
    except TemplateSyntaxError as error:
        where = f" in its line {error.lineno}" if "\n" in source else ""
        return spot.problem(f"this template can't be read{where}: {(error.message or '').removesuffix('.')}")
    _check_facts(environment.parse(source), spot)


def _check_facts(tree: nodes.Template, spot: Spot) -> None:
    from jinja2.meta import find_undeclared_variables
    from jinja2.nodes import Getattr, Name

    asked = find_undeclared_variables(tree)
    for name in sorted(asked - FACTS.keys()):
        spot.problem(f"a template knows no {quoted(name)}: {suggestion(name, FACTS)}")
    for node in tree.find_all(Getattr):
        if isinstance(node.node, Name) and node.node.name in asked & FACTS.keys():
            known = FACTS[node.node.name]
            if node.attr not in known:
                spot.problem(f"a template knows no {node.node.name}.{node.attr}: {suggestion(node.attr, known)}")

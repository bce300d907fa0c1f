"""What a template may do: Jinja in its sandbox, with an end in sight.

A template sees the facts that it is given and nothing else. The sandbox keeps it from Python; here it is also kept from
running for ever and from eating memory: STEPS rounds of loops and calls, texts of at most LONGEST characters, no counts
above LARGEST, and none of the few means that get around that (`format`, `namespace`, `center` …). Whoever writes a
desk.toml is trusted: this guards against slips, such as `range(10 ** 9)`.

Leaves to others: which facts there are (`template_check`), filling them in (`tkt.desk.templates`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, wraps
from typing import Any

from jinja2 import StrictUndefined, TemplateError, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

STEPS = 10_000
"""Rounds of loops and calls, all together, in one filling in."""

LONGEST = 500_000
"""Characters of any text that a template makes; a message that is wrapped may have as many."""

LARGEST = 10_000
"""The largest count that an operation on texts and lists may be given."""

FAILURES = (TemplateError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What filling in a template may raise."""

_REFUSED_FILTERS = ("format", "center", "batch", "slice", "pprint", "xmlattr", "filesizeformat", "random", "tojson")
_REFUSED_GLOBALS = ("namespace", "cycler", "joiner", "lipsum")
_REFUSED_METHODS = ("translate", "expandtabs")
_STEPS_LEFT = "_steps"


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """Compiles templates; what they make is given out by `filled`."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, *, html: bool = False) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=html, keep_trailing_newline=False)
        self.filters = {name: _limited(one) for name, one in self.filters.items() if name not in _REFUSED_FILTERS}
        self.filters["_counted"] = _counted
        self.filters["_fitting"] = _fitting
        for name in _REFUSED_GLOBALS:
            self.globals.pop(name, None)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        watched = _Watch().visit(super()._parse(source, name, filename))
        assert isinstance(watched, nodes.Template)
        return watched

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:
        _take_step(context)
        _refuse_large((*args, *kwargs.values()))
        if getattr(obj, "__name__", "") == "replace" and isinstance(getattr(obj, "__self__", None), str):
            _refuse_growth(obj.__self__, *args)
        return _fitting(super().call(context, obj, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "%" and isinstance(left, str):
            raise SecurityError("a template can't format with %")
        if operator in ("*", "**"):
            _refuse_product(operator, left, right)
        return _fitting(super().call_binop(context, operator, left, right))

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        if super().wrap_str_format(value) is not None:
            raise SecurityError("a template can't format with .format")
        return None

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return attr not in _REFUSED_METHODS and bool(super().is_safe_attribute(obj, attr, value))


@cache
def environment(*, html: bool = False) -> TemplateEnvironment:
    """The one for texts, and the one for HTML, in which whatever is filled in is escaped."""
    return TemplateEnvironment(html=html)


def filled(template: Any, facts: dict[str, Any], longest: int = LONGEST) -> str:
    """What a compiled template says with these facts, in at most so many characters. Raises FAILURES."""
    parts, length = [], 0
    for part in template.generate(**facts, **{_STEPS_LEFT: [STEPS]}):
        length += len(part)
        if length > longest:
            raise SecurityError(f"it makes a text of more than {longest:,} characters")
        parts.append(part)
    return "".join(parts)


def _take_step(context: Context) -> None:
    left: list[int] = context.get(_STEPS_LEFT, [STEPS])
    left[0] -= 1
    if left[0] < 0:
        raise SecurityError(f"it takes more than {STEPS:,} rounds of its loops")


@pass_context
def _counted(context: Context, values: Any) -> Iterator[Any]:
    for value in values:
        _take_step(context)
        yield value


def _fitting(value: Any) -> Any:
    if isinstance(value, (str, list, tuple)) and len(value) > LONGEST:
        raise SecurityError(f"it makes a text of more than {LONGEST:,} characters")
    return value


def _limited(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that is given no large count and makes no long text; its marks for Jinja stay."""

    @wraps(function)
    def limited(*args: Any, **kwargs: Any) -> Any:
        _refuse_large((*args, *kwargs.values()))
        if function.__name__ == "do_replace":
            _refuse_growth(*args[1:])  # the first is Jinja's own
        return _fitting(function(*args, **kwargs))

    return limited


def _refuse_large(values: Any) -> None:
    for value in values:
        if isinstance(value, int) and abs(value) > LARGEST:
            raise SecurityError(f"it counts to more than {LARGEST:,}")


def _refuse_growth(text: Any, old: Any = "", new: Any = "", *_count: Any) -> None:
    """A replacement is measured before it is made: it can multiply a text by its own length."""
    if (str(text).count(str(old)) + 1) * len(str(new)) > LONGEST:
        raise SecurityError(f"it makes a text of more than {LONGEST:,} characters")


def _refuse_product(operator: str, left: Any, right: Any) -> None:
    """A product or power is judged by its factors."""
    if operator == "**":
        return _refuse_large((left, right))
    for one, count in ((left, right), (right, left)):
        if isinstance(one, (str, list, tuple)) and isinstance(count, int) and len(one) * count > LONGEST:
            raise SecurityError(f"it makes a text of more than {LONGEST:,} characters")


class _Watch(NodeTransformer):
    """Puts a counter on what every loop goes over, and a measure on every `a ~ b`."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "_counted", [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return nodes.Filter(node, "_fitting", [], [], None, None, lineno=node.lineno)

"""What the queue can show: the built-in views, and those that desk.toml declares."""

from __future__ import annotations

from typing import NamedTuple


class View(NamedTuple):
    """A named query with its order (in the words of `tkt list --sort`, empty for the usual one)."""

    name: str
    query: str
    sort: str = ""


BUILT_IN = (
    View("Open", "kind:open"),
    View("Mine", "assignee:me kind:open,waiting"),
    View("Unassigned", "is:unassigned kind:open"),
    View("Late", "is:overdue kind:open,waiting"),
    View("Unread", "is:unread", "-updated"),
    View("Waiting", "kind:waiting", "updated"),
    View("All", "", "-number"),
)


class Asked(NamedTuple):
    """What the queue shows now: a view, with another query than its own while a filter is on."""

    view: View
    query: str

    @property
    def filtered(self) -> bool:
        return self.query != self.view.query

    @property
    def title(self) -> str:
        return self.query if self.filtered else self.view.name


def next_view(views: tuple[View, ...], current: View, step: int) -> View:
    """The neighbour of a view, around the ends."""
    names = [view.name for view in views]
    place = names.index(current.name) if current.name in names else 0
    return views[(place + step) % len(views)]

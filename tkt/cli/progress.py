"""A progress bar for long work, on a terminal; nothing in a pipe. Rich is imported when there is something to show."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any


@contextmanager
def bar(description: str) -> Iterator[Callable[[int, int], None]]:
    """What to call with how many of how many are done; the bar goes when the block ends."""
    with ExitStack() as stack:
        shown: list[Any] = []

        def advance(count: int, total: int) -> None:
            if not sys.stderr.isatty() or not total:
                return
            if not shown:
                shown.append(stack.enter_context(_rich()))
                shown.append(shown[0].add_task(description, total=total))
            shown[0].update(shown[1], completed=count, total=total)

        yield advance


def _rich() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)

"""The full-screen queue: how soon it shows something, how much memory it takes, what a key press writes."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

from bench.figures import Figure
from bench.processes import PYTHON, TKT
from bench.terminal import LINES, Terminal

GROUP = "the queue, x an empty Textual app"
EMPTY_APP = "from textual.app import App\nApp().run()"


def measure(small: str, large: str, rounds: int, env: Mapping[str, str], sizes: tuple[str, str]) -> list[Figure]:
    """Opens each `rounds` times, in turn, and takes the best."""
    desks = dict(zip(sizes, (small, large), strict=True))
    subjects = {size: _first_subject(desk, env) for size, desk in desks.items()}
    empty: list[float] = []
    painted: dict[str, list[float]] = {size: [] for size in sizes}
    filled: dict[str, list[float]] = {size: [] for size in sizes}
    for _ in range(rounds + 1):
        empty.append(_open_empty(env))
        for size, desk in desks.items():
            first, rows = _open(desk, subjects[size], env)
            painted[size].append(first)
            filled[size].append(rows)
    return [*_times(min(empty), painted, filled, sizes), *_footprint(large, subjects[sizes[1]], env, sizes[1])]


def _times(
    empty: float, painted: dict[str, list[float]], filled: dict[str, list[float]], sizes: tuple[str, str]
) -> list[Figure]:
    small, large = (min(filled[size]) for size in sizes)
    found = [Figure(GROUP, "an empty Textual app", 1.0, "x", detail=_shown(empty))]
    for size in sizes:
        first = min(painted[size])
        found.append(Figure(GROUP, f"first paint, {size}", first / empty, "x", detail=_shown(first)))
    found.append(Figure(GROUP, f"first tickets, {sizes[0]}", small / empty, "x", detail=_shown(small)))
    found.append(Figure(GROUP, f"first tickets, {sizes[1]}", large / empty, "x", 1.7, detail=_shown(large)))
    found.append(Figure("the queue, x the small desk's", f"first tickets, {sizes[1]}", large / small, "x", 1.2))
    return found


def _footprint(desk: str, subject: bytes, env: Mapping[str, str], size: str) -> list[Figure]:
    terminal = _started(desk, env)
    terminal.wait_for(lambda text: subject in text, "the first ticket")
    terminal.settle(1.5)
    key = min(terminal.press("j") for _ in range(5))
    terminal.press("p")
    alone = min(terminal.press("j") for _ in range(5))
    memory = terminal.memory() / 2**20
    terminal.close("q")
    return [
        Figure("a key press", "j", key, "bytes", detail="until all is quiet, the preview of the ticket included"),
        Figure("a key press", "j without preview", alone, "bytes"),
        Figure("memory", f"the queue, {size}", memory, "MB"),
    ]


def _open(desk: str, subject: bytes, env: Mapping[str, str]) -> tuple[float, float]:
    """Seconds until the screen is drawn, and until the first ticket stands on it."""
    terminal = _started(desk, env)
    first = terminal.wait_for(lambda text: b"tkt" in text, "its title")
    rows = terminal.wait_for(lambda text: subject in text, "the first ticket")
    terminal.settle(0.3)
    terminal.close("q")
    return first, rows


def _open_empty(env: Mapping[str, str]) -> float:
    """Seconds until an app without a widget has painted every line of its screen."""
    terminal = Terminal([PYTHON, "-c", EMPTY_APP], env)
    took = terminal.wait_for(lambda text: text.count(b"\n") >= LINES - 1, "an empty screen")
    terminal.settle(0.3)
    terminal.close("\x11")
    return took


def _started(desk: str, env: Mapping[str, str]) -> Terminal:
    return Terminal([TKT, "--desk", desk], env)


def _first_subject(desk: str, env: Mapping[str, str]) -> bytes:
    """What the queue shows first: the reference of the most urgent open ticket."""
    command = [TKT, "--desk", desk, "list", "kind:open", "-n", "1", "--tsv", "--columns", "subject"]
    out = subprocess.run(command, env=dict(env), capture_output=True, check=True).stdout
    return out.splitlines()[1][:12]


def _shown(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"

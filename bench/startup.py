"""What a command costs, as multiples of an empty Python and of importing SQLModel, at two sizes of desk."""

from __future__ import annotations

from collections.abc import Mapping

from bench.figures import Figure
from bench.processes import PYTHON, TKT, Timed, interleaved, peak_memory

GROUP = "start-up, x python -c pass"
SHOWN = "500"
"""A ticket that every desk has."""


def measure(small: str, large: str, rounds: int, env: Mapping[str, str], sizes: tuple[str, str]) -> list[Figure]:
    """`small` and `large` are the paths of desks; `sizes` what to call them."""
    python = {"pass": [PYTHON, "-c", "pass"], "sqlmodel": [PYTHON, "-c", "import sqlmodel"]}
    light = {"version": [TKT, "--version"], "verbs": [TKT, "_complete", "li"]}
    for size, desk in (("small", small), ("large", large)):
        at = [TKT, "--desk", desk]
        light |= {
            f"names {size}": [TKT, "_complete", "--desk", desk, "assign", SHOWN, "a"],
            f"list {size}": [*at, "list"],
            f"show {size}": [*at, "show", SHOWN],
        }
    module = {"module": [PYTHON, "-m", "tkt", "--desk", small, "list"]}
    fast = interleaved({"pass": python["pass"], **light, **module}, rounds, {**env, "TKT_DESK": small})
    new = {"new small": [TKT, "--desk", small, "new", "x"], "new large": [TKT, "--desk", large, "new", "x"]}
    slow = interleaved({**python, **new}, max(3, rounds // 3), env)
    memory = peak_memory([TKT, "--desk", large, "list"], env) / 2**20
    return [*_light(fast, sizes), *_heavy(slow, sizes), Figure("memory", f"tkt list, {sizes[1]}", memory, "MB")]


def _light(timed: dict[str, Timed], sizes: tuple[str, str]) -> list[Figure]:
    base = timed["pass"].best

    def figure(name: str, key: str, aim: float | None) -> Figure:
        return Figure(GROUP, name, timed[key].best / base, "x", aim, detail=timed[key].shown)

    small, large = sizes
    found = [
        Figure(GROUP, "python -c pass", 1.0, "x", detail=timed["pass"].shown),
        figure("tkt --version", "version", 2),
        figure("complete a verb", "verbs", 4),
        figure(f"complete an agent, {small}", "names small", 4),
        figure(f"complete an agent, {large}", "names large", 4),
    ]
    for verb in ("list", "show"):
        found.append(figure(f"tkt {verb}, {small}", f"{verb} small", 6))
        found.append(figure(f"tkt {verb}, {large}", f"{verb} large", 6))
    found.append(figure(f"python -m tkt list, {small}", "module", None))
    return found


def _heavy(timed: dict[str, Timed], sizes: tuple[str, str]) -> list[Figure]:
    group, base = "start-up, x python -c 'import sqlmodel'", timed["sqlmodel"].best
    found = [Figure(group, "import sqlmodel", 1.0, "x", detail=timed["sqlmodel"].shown)]
    for size, key in zip(sizes, ("new small", "new large"), strict=True):
        found.append(Figure(group, f"tkt new, {size}", timed[key].best / base, "x", 1.3, detail=timed[key].shown))
    found.append(Figure(group, "python -c pass", timed["pass"].best / base, "x", detail=timed["pass"].shown))
    return found

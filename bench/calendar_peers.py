"""What PyPI's businesstimedelta and business-duration need for the same cases; run by an environment that has them.

Reads JSON {"hours": [9, 17], "holidays": ["2026-01-01", …], "rounds": 20, "cases": [{"start", "end", "seconds"}, …]},
moments in UTC without a zone, which neither library knows. Prints, for each case, the best time of each library for
`add` and `between` in seconds and what it answered. Nothing of tkt is imported here.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import date, datetime
from datetime import time as clock
from typing import Any

import businesstimedelta  # type: ignore[import-not-found]
from business_duration import businessDuration  # type: ignore[import-not-found]


def main() -> None:
    given = json.loads(sys.stdin.read())
    opens, closes = (clock(hour) for hour in given["hours"])
    holidays = {date.fromisoformat(day): "holiday" for day in given["holidays"]}
    workday = businesstimedelta.WorkDayRule(start_time=opens, end_time=closes, working_days=[0, 1, 2, 3, 4])
    rules = businesstimedelta.Rules([workday, businesstimedelta.HolidayRule(holidays)])
    answers = []
    for case in given["cases"]:
        start, end = datetime.fromisoformat(case["start"]), datetime.fromisoformat(case["end"])
        length = businesstimedelta.BusinessTimeDelta(rules, seconds=case["seconds"])
        ways: dict[str, Callable[[], Any]] = {
            "businesstimedelta add": lambda start=start, length=length: (start + length).isoformat(),
            "businesstimedelta between": lambda start=start, end=end: _seconds(rules.difference(start, end)),
            "business-duration between": lambda start=start, end=end: round(
                businessDuration(start, end, opens, closes, holidaylist=holidays, unit="min") * 60
            ),
        }
        answers.append({name: _timed(way, given["rounds"]) for name, way in ways.items()})
    print(json.dumps(answers))


def _seconds(found: Any) -> int:
    return int(found.hours * 3600 + found.seconds)


def _timed(way: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    best = float("inf")
    for _ in range(rounds):
        begun = time.perf_counter()
        answer = way()
        best = min(best, time.perf_counter() - begun)
    return best, answer


if __name__ == "__main__":
    main()

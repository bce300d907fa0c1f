"""Public holidays by country and subdivision, from the `holidays` library.

The library takes some 100 ms to load, so it is imported when a country is first asked for, never before. A stored
calendar keeps the holidays of the years around its making (`to_keep`): its clocks then load no library, and a
later release of the library changes no deadline that was promised.

Leaves to others: what a holiday does to a calendar (`tkt.sla.calendar`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

PublicHolidays = Callable[[str, str, int], Mapping[date, str]]
"""(country, subdivision or "", year) -> the days of that year that are holidays, each with its name."""

KEPT = "public_holidays"
"""The key under which a stored calendar keeps its holidays: {"2026": {"2026-01-01": "New Year's Day", …}, …}."""

YEARS_BEFORE, YEARS_AFTER = 1, 5
"""The years that are kept, counted from the one in which the calendar is stored; others come from the library."""


def to_keep(country: str, subdivision: str, year: int) -> dict[str, dict[str, str]]:
    """The holidays to keep with a calendar that is stored in `year`."""
    years = range(year - YEARS_BEFORE, year + YEARS_AFTER + 1)
    return {
        str(one): {day.isoformat(): name for day, name in in_year(country, subdivision, one).items()} for one in years
    }


def from_kept(kept: Mapping[str, Mapping[str, str]]) -> PublicHolidays:
    """Holidays as they were kept, from the library for other years."""

    def look_up(country: str, subdivision: str, year: int) -> Mapping[date, str]:
        days = kept.get(str(year))
        if days is None:
            return in_year(country, subdivision, year)
        return {date.fromisoformat(day): name for day, name in days.items()}

    return look_up


def in_year(country: str, subdivision: str, year: int) -> dict[date, str]:
    """The holidays of one year, named in English where the library can.

    `country` is an ISO 3166-1 code ("DE"), `subdivision` an ISO 3166-2 one without its country ("BE") or
    empty. Only for those that `country_problem` and `subdivision_problem` accept.
    """
    import holidays

    found = holidays.country_holidays(country, subdiv=subdivision or None, years=year, expand=False, language="en_US")
    # Only what falls into the year: a calendar may not depend on which other years were looked at before.
    return {day: name for day, name in found.items() if day.year == year}


def country_problem(country: str) -> str:
    """Why this country can't be used, as a sentence, or an empty string."""
    import holidays

    known = holidays.list_supported_countries()
    if country in known:
        return ""
    if country.upper() in known:
        return f'"{country}" is not a country code: write "{country.upper()}".'
    return f'No holidays are known for the country "{country}": write a two-letter code such as "DE".'


def subdivision_problem(country: str, subdivision: str) -> str:
    """Why this part of a known country can't be used, as a sentence, or an empty string."""
    import holidays

    known = holidays.list_supported_countries()[country]
    if subdivision in known:
        return ""
    if not known:
        return f'The country "{country}" has the same holidays everywhere: leave out the subdivision.'
    return f'"{subdivision}" is not a subdivision of "{country}": write one of {", ".join(known)}.'

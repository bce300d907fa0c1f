"""Whether a store has the schema this tkt was written for; light, since every read asks it."""

from __future__ import annotations

from tkt.errors import TktError, WrongSchema
from tkt.store.constants import SCHEMA
from tkt.store.location import Location


def refuse_other_schema(found: str, location: Location) -> None:
    """WrongSchema unless the store stands at the migration this code was written for."""
    if found == SCHEMA:
        return
    if found > SCHEMA:
        raise WrongSchema(f"{location.shown} was written by a newer tkt (schema {found}); upgrade tkt")
    place = f"{location.shown} has schema {found or 'none'}, not {SCHEMA}"
    raise WrongSchema(f"{place}; 'tkt doctor --upgrade' mends it")


def damaged(location: Location, words: str) -> TktError:
    """The error for a file that SQLite can't make sense of."""
    return TktError(f"the file {location.shown} is damaged ({words}); restore a backup")


def not_a_desk(location: Location) -> WrongSchema:
    """The error for a file or database that tkt did not make."""
    return WrongSchema(f"{location.shown} is not a desk of tkt; 'tkt init' makes one")

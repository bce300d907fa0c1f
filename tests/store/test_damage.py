"""A damaged file is said to be damaged, by every door to it, in one sentence."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tkt.errors import TktError
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.store.read import open_reader


@pytest.fixture
def damaged(sqlite_location: Location) -> Location:
    with open(sqlite_location.target, "r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 200_000)
    return sqlite_location


def test_reading(damaged: Location) -> None:
    with pytest.raises(TktError, match="damaged"), open_reader(damaged) as reader:
        reader.rows("SELECT * FROM ticket, entry, event")


def test_writing(damaged: Location) -> None:
    store = Store(damaged)
    with pytest.raises(TktError, match="damaged"), store.transaction() as session:
        session.connection().execute(text("INSERT INTO setting (key, value) VALUES ('a', 'b')"))
    store.close()

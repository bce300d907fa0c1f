"""What one run of the queue is given: where the desk is, who looks, keys, clock. Makes the parts that need it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from tkt.errors import TktError
from tkt.store.location import Location
from tkt.times import utcnow
from tkt.tui.acts import Acts
from tkt.tui.drafts import Drafts
from tkt.tui.ending import Ending
from tkt.tui.live import Change, Live
from tkt.tui.source import Source
from tkt.tui.views import BUILT_IN, Asked


class Session:
    def __init__(
        self,
        location: Location,
        actor_name: str,
        keys: Mapping[str, str],
        *,
        query: str = "",
        now: Callable[[], datetime] = utcnow,
        redraw: Callable[[], None] = lambda: None,
        serving: bool = False,
        ending: Ending | None = None,
    ) -> None:
        self.location = location
        self.actor_name = actor_name
        self.keys = keys
        self.now = now
        self.redraw = redraw
        self.serving = serving
        """Whether a scheduler runs in this process."""
        self.ending = ending or Ending()
        self.asked = Asked(BUILT_IN[0], query or BUILT_IN[0].query)
        self.drafts = Drafts(location)
        self._live: Live | None = None

    def source(self) -> Source:
        return Source(self.location, self.actor_name, self.now)

    def acts(self) -> Acts:
        return Acts(self.location, self.actor_name, self.now)

    def follow(self, changed: Callable[[Change], object], away: Callable[[TktError | None], object]) -> None:
        """Begin to tell what others do."""
        self._live = Live(self.location, changed, away)
        self._live.start()

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live.join(2)

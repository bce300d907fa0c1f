"""What does not work now: one line in the log when it begins, one when it is over, and the exit status meanwhile."""

from __future__ import annotations

import logging
import threading
import time

from tkt.errors import TktError, worst
from tkt.safe_text import safe_line

log = logging.getLogger("tkt")


class Troubles:
    """What does not work now, by subject ("the store", "mailbox support"): told when it begins and when it is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._errors: dict[str, tuple[Exception, float]] = {}

    def report(self, subject: str, error: Exception) -> None:
        """It does not work. Logged unless it is known; another kind of error is news."""
        with self._lock:
            known = self._errors.get(subject)
            self._errors[subject] = error, time.monotonic()
        if known is not None and type(known[0]) is type(error):
            return
        if isinstance(error, TktError):
            words = safe_line(str(error))
            log.warning("%s", words if words.startswith(subject) else f"{subject}: {words}")
        else:
            log.error("%s: this is a bug in tkt", subject, exc_info=error)

    def over(self, subject: str, began: float) -> None:
        """It works: what was begun at `began` (monotonic seconds), after the last report, went well."""
        with self._lock:
            known = self._errors.get(subject)
            if known is None or known[1] >= began:
                return
            del self._errors[subject]
        log.info("%s: working again", subject)

    def __contains__(self, subject: str) -> bool:
        with self._lock:
            return subject in self._errors

    def exit_status(self) -> int:
        """The worst of what does not work, 0 when all does."""
        with self._lock:
            found = [error for error, _ in self._errors.values()]
        return worst([error if isinstance(error, TktError) else TktError(str(error)) for error in found])

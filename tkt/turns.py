"""The threads of a scheduler: the turns of its jobs, and what they begin beside them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from apscheduler.executors.base import BaseExecutor, run_job

from tkt.errors import TryAgain


class Turns(BaseExecutor):  # type: ignore[misc]
    """Each turn of a job in a thread of its own, which does not keep the process from ending."""

    def __init__(self) -> None:
        super().__init__()
        self._threads: dict[str, threading.Thread] = {}
        self._beginning = threading.Lock()

    def wait(self, seconds: float | None) -> list[str]:
        """Wait until all turns have ended, at most so long; the names of those that have not."""
        end = None if seconds is None else time.monotonic() + seconds
        with self._beginning:
            begun = list(self._threads.items())
        for _, thread in begun:
            thread.join(None if end is None else max(0.0, end - time.monotonic()))
        return [name for name, thread in begun if thread.is_alive()]

    def begin(self, name: str, work: Callable[[], None]) -> None:
        """Do something in a thread of this name. Called by the timer and by turns. Raises TryAgain where no thread can
        be had (a limit of the system's, memory).
        """
        thread = threading.Thread(target=work, name=name, daemon=True)
        with self._beginning:
            try:
                thread.start()
            except RuntimeError as error:
                raise TryAgain(f"no thread for {name}: {error}") from error
            self._threads = {other: one for other, one in self._threads.items() if one.is_alive()} | {name: thread}

    def _do_submit_job(self, job: object, run_times: list[object]) -> None:
        name = str(getattr(job, "id", ""))
        self.begin(name, lambda: self._run(job, name, run_times))

    def _run(self, job: object, name: str, run_times: list[object]) -> None:
        self._run_job_success(name, run_job(job, "default", run_times, self._logger.name))

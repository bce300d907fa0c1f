"""The demo's desk is thrown away, however the demo ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PATIENCE_SECONDS = 40


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_demo_that_is_told_to_end_leaves_nothing(surroundings: Path, number: int) -> None:
    moment = surroundings / "moment"
    moment.mkdir()
    demo = subprocess.Popen(
        [sys.executable, "-m", "tkt", "demo"], env=os.environ | {"TMPDIR": str(moment)}, stdout=subprocess.DEVNULL
    )
    end = time.monotonic() + PATIENCE_SECONDS
    while not list(moment.glob("tkt-demo-*/mail")):
        assert demo.poll() is None and time.monotonic() < end, "the demo never began"
        time.sleep(0.01)
    demo.send_signal(number)
    assert demo.wait(PATIENCE_SECONDS) == 130
    assert list(moment.iterdir()) == []

"""What a key press costs on the line, measured through a real terminal. Textual's own would be 1,400 bytes for `j` and
15,000 for a prompt.
"""

from __future__ import annotations

import os
import signal


def test_bytes_of_a_key_press(terminal):
    terminal.wait_for(b"VPN is down")
    terminal.read(1.0)
    assert terminal.press(b"j") < 1500  # with another ticket in the preview
    terminal.press(b"p")
    for key in (b"j", b"j", b"k"):
        assert terminal.press(key) < 500
    assert terminal.press(b":") < 1000
    assert terminal.press(b"a") < 300
    assert terminal.press(b"\x1b") < 1000
    assert terminal.press(b"c") < 3000
    assert terminal.press(b"x") < 150
    assert terminal.press(b"y") < 150


def test_it_draws_anew_after_the_shell_had_the_terminal(terminal):
    terminal.wait_for(b"VPN is down")
    terminal.read(1.0)
    terminal.press(b"\x1a")
    os.kill(terminal.process, signal.SIGCONT)
    assert b"VPN is down" in terminal.wait_for(b"enter read")


def test_refreshing_draws_anew(terminal):
    terminal.wait_for(b"VPN is down")
    terminal.read(1.0)
    os.write(terminal.file, b"R")
    assert b"SUBJECT" in terminal.wait_for(b"VPN is down")


def test_it_draws_before_the_store_answers_and_leaves_the_terminal_as_it_was(terminal):
    written = terminal.wait_for(b"VPN is down")
    assert written.index(b"SUBJECT") < written.index(b"VPN is down")
    assert b"?1000h" not in written  # no mouse
    os.write(terminal.file, b"q")
    left = terminal.wait_for(b"\x1b[?1049l")
    assert b"\x1b[?25h" in left + terminal.read()

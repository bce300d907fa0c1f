"""Ports: free ones, silent ones, and wires that pass everything on until they are cut."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise AssertionError(f"the mail server stopped at once: {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"nothing answers on port {port}")


class Listener:
    """A port whose connections go to `_serve`, each in a thread of its own."""

    def __init__(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        raise NotImplementedError


class Wire(Listener):
    """A port that passes everything on to another one, and cuts a connection after so many bytes towards us."""

    def __init__(self, target: int, after: int, port: int = 0) -> None:
        self.target, self.after, self.cuts = target, after, 0
        super().__init__(port)

    def _serve(self, client: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self.target))
        threading.Thread(target=self._pass, args=(client, server, 0), daemon=True).start()
        self._pass(server, client, self.after)

    def _pass(self, source: socket.socket, sink: socket.socket, limit: int) -> None:
        passed = 0
        with source, sink, suppress(OSError):
            while data := source.recv(1024):
                sink.sendall(data)
                passed += len(data)
                if limit and passed > limit:
                    self.cuts += 1
                    break
            for one in (source, sink):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def wire() -> Iterator[Callable[..., Wire]]:
    """wire(target port, after=bytes, port=…): 0 bytes is a wire that is never cut."""
    wires: list[Wire] = []

    def make(target: int, after: int = 0, port: int = 0) -> Wire:
        wires.append(Wire(target, after, port))
        return wires[-1]

    yield make
    for one in wires:
        one.close()


@pytest.fixture
def unused_port() -> int:
    return free_port()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])

"""Samples and idle connections on loopback: what the kernel says of acknowledgements, FIN and RST."""

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

import pytest

from probes.net.real import SystemNetwork
from probes.path.idle import bracket, hold
from probes.path.samples import sample
from probes.path.waits import End

T = TypeVar("T")
HOME = "127.0.0.1"
WAIT = 0.3
BANNER = b"SSH-2.0-OpenSSH_9.2\r\n"
Serve = Callable[..., int]


def within(scene: Callable[[SystemNetwork], Awaitable[T]]) -> T:
    """Play the scene on a network of its own."""

    async def main() -> T:
        return await scene(SystemNetwork())

    return asyncio.run(main())


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers that greet and then do one thing with each connection; gives their port."""
    listeners: list[socket.socket] = []
    accepted: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def accept(listener: socket.socket, greeting: bytes, then: Callable[[socket.socket], Any] | None) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            accepted.append(connection)
            with suppress(OSError):  # a sample is gone at once
                connection.sendall(greeting)
            if then is not None:
                then(connection)

    def start(greeting: bytes = b"", then: Callable[[socket.socket], Any] | None = None) -> int:
        listener = socket.create_server((HOME, 0), backlog=64)
        listeners.append(listener)
        threads.append(threading.Thread(target=accept, args=(listener, greeting, then), daemon=True))
        threads[-1].start()
        return int(listener.getsockname()[1])

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join()
    for listener in listeners:
        listener.close()
    for connection in accepted:
        connection.close()


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("greeting", [b"", BANNER])
def test_a_live_server_acknowledges(serve: Serve, greeting: bytes) -> None:
    """Though it never answers: its kernel does."""
    port = serve(greeting)
    held = within(lambda network: hold(HOME, port, WAIT, 2.0, network))
    assert held.end is End.LIVED
    assert WAIT <= held.idle < WAIT + 0.2


@pytest.mark.parametrize(("then", "end"), [(socket.socket.close, End.CLOSED), (reset, End.RESET)])
def test_a_server_that_ends_it(serve: Serve, then: Callable[[socket.socket], Any], end: End) -> None:
    """Its FIN or RST is seen when it comes, not at the end of the wait."""
    port = serve(BANNER, then)
    held = within(lambda network: hold(HOME, port, 60.0, 2.0, network))
    assert held.end is end
    assert held.idle < 1.0


def test_a_bracket_on_a_path_that_keeps_everything(serve: Serve) -> None:
    """Eight connections live; the greeting is no answer to what is sent."""
    port = serve(BANNER)
    found = within(lambda network: bracket(HOME, port, WAIT, network, 2.0))
    assert [wait.end for wait in found.waits] == [End.LIVED] * 8
    assert (found.works, found.dropped) == (True, None)


def test_samples_of_an_open_and_of_a_closed_port(serve: Serve) -> None:
    """Both answer; only the RST is a refusal."""
    port = serve()
    with socket.create_server((HOME, 0)) as taken:
        closed = taken.getsockname()[1]
    open_ = within(lambda network: sample(HOME, port, 3, network))
    refused = within(lambda network: sample(HOME, closed, 3, network))
    assert open_ is not None
    assert refused is not None
    assert (open_.sent, open_.answered, open_.refused) == (3, 3, 0)
    assert (refused.sent, refused.answered, refused.refused) == (3, 3, 3)
    assert all(0 < rtt < 0.5 for rtt in (*open_.rtts, *refused.rtts))


def test_samples_of_a_port_whose_queue_is_full() -> None:
    """The kernel drops SYNs to a listener that accepts nobody."""
    with socket.create_server((HOME, 0), backlog=0) as listener, socket.socket() as first:
        first.connect(listener.getsockname())
        port = listener.getsockname()[1]
        found = within(lambda network: sample(HOME, port, 2, network))
    assert found is not None
    assert (found.sent, found.answered, found.median) == (2, 0, None)


def test_bytes_are_acknowledged_beside_the_repeats(serve: Serve) -> None:
    """A short handshake repeats nothing, and what was sent counts once it is acknowledged."""
    port = serve()

    async def scene(network: SystemNetwork) -> tuple[int | None, int]:
        connection = await network.connect(HOME, port, network.now() + 2)
        before = connection.acked() or 0
        connection.keep_alive(1)
        await connection.send(b"hello", network.now() + 2)
        while connection.acked() == before:
            await network.pause(0.001)
        repeated, acked = connection.repeated(), connection.acked() or 0
        connection.close()
        return repeated, acked - before

    assert within(scene) == (0, 5)


def test_the_least_round_trip_is_known_once_bytes_are_acknowledged(serve: Serve) -> None:
    """That of the handshake alone is not taken; a connection that is handed on keeps what was known."""
    port = serve()

    async def scene(network: SystemNetwork) -> tuple[float | None, float | None, float | None]:
        connection = await network.connect(HOME, port, network.now() + 2)
        bare = connection.least_rtt()
        await connection.send(b"hello", network.now() + 2)
        while connection.least_rtt() is None:
            await network.pause(0.001)
        after = connection.least_rtt()
        connection.detach().close()
        return bare, after, connection.least_rtt()

    bare, after, detached = within(scene)
    assert bare is None
    assert after is not None
    assert detached is not None
    assert 0 < detached <= after < 0.5

"""The network through real sockets on loopback: what the kernel says becomes what the table reads."""

import asyncio
import socket
import struct
import subprocess
import sys
import textwrap
import threading
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from typing import Any, TypeVar

import pytest

from probes.net.base import ConnectFailed, PeerClosed, PeerReset, TimedOut
from probes.net.real import SystemNetwork
from probes.net.threads import Threads

T = TypeVar("T")


def within(scene: Callable[[SystemNetwork], Awaitable[T]]) -> T:
    """Play the scene on a network of its own."""

    async def main() -> T:
        return await scene(SystemNetwork())

    return asyncio.run(main())


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A listening socket; its backlog completes handshakes without an accept."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


def test_connect_tells_both_ends(listener: socket.socket) -> None:
    """Our own end is what a firewall's log shows."""

    async def scene(network: SystemNetwork) -> tuple[str, int]:
        connection = await network.connect("127.0.0.1", listener.getsockname()[1], network.now() + 5)
        connection.close()
        return connection.source.address, connection.source.port

    address, port = within(scene)
    with listener.accept()[0] as accepted:
        assert accepted.getpeername() == (address, port)


def test_a_reset_after_the_handshake_is_not_a_refusal(listener: socket.socket) -> None:
    """The port was open, even if the RST came before anybody looked at the socket."""

    async def scene(network: SystemNetwork) -> PeerReset:
        connecting = asyncio.ensure_future(
            network.connect("127.0.0.1", listener.getsockname()[1], network.now() + 5)
        )
        await asyncio.sleep(0)  # the SYN is out, and the kernel has answered it
        with listener.accept()[0] as accepted:
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection = await connecting
        with pytest.raises(PeerReset):
            await connection.send(b"hello", network.now() + 5)
        with pytest.raises(PeerReset) as caught:
            await connection.receive(network.now() + 5)
        connection.close()
        return caught.value

    assert within(scene).received == 0


def test_what_came_before_a_reset_is_heard(listener: socket.socket) -> None:
    """A banner lies in the socket, though the reset that followed it was met while sending."""

    async def scene(network: SystemNetwork) -> tuple[bytes, int]:
        connection = await network.connect("127.0.0.1", listener.getsockname()[1], network.now() + 5)
        with listener.accept()[0] as accepted:
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            accepted.sendall(b"busy")
        with pytest.raises(PeerReset):
            await connection.send(b"hello", network.now() + 5)
        heard = await connection.receive(network.now() + 5)
        with pytest.raises(PeerReset) as caught:
            await connection.receive(network.now() + 5)
        connection.close()
        return heard, caught.value.received

    assert within(scene) == (b"busy", 4)


def test_a_closed_port_is_an_rst() -> None:
    """Refused without an ICMP error in the queue."""

    async def scene(network: SystemNetwork) -> ConnectFailed:
        with pytest.raises(ConnectFailed) as caught:
            await network.connect("127.0.0.1", 1, network.now() + 5)
        return caught.value

    failed = within(scene)
    assert (failed.icmp, failed.local) == (None, False)


@pytest.mark.parametrize("act", ["close", "reset"])
def test_the_peers_end_is_told_from_its_reset(listener: socket.socket, act: str) -> None:
    """FIN and RST are different failures."""

    async def scene(network: SystemNetwork) -> type[Exception]:
        connection = await network.connect("127.0.0.1", listener.getsockname()[1], network.now() + 5)
        accepted = listener.accept()[0]
        if act == "reset":
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        accepted.close()
        with pytest.raises((PeerClosed, PeerReset)) as caught:
            await connection.receive(network.now() + 5)
        connection.close()
        return caught.type

    assert within(scene) is (PeerReset if act == "reset" else PeerClosed)


def test_what_is_sent_after_the_peers_end_does_not_make_it_a_reset(listener: socket.socket) -> None:
    """The peer closed; its kernel answers our bytes with an RST, and the next send meets a broken pipe."""

    async def scene(network: SystemNetwork) -> type[Exception]:
        connection = await network.connect("127.0.0.1", listener.getsockname()[1], network.now() + 5)
        listener.accept()[0].close()
        await connection.send(b"hello", network.now() + 5)
        with pytest.raises((PeerClosed, PeerReset)) as caught:
            await connection.send(b"hello?", network.now() + 5)
        connection.close()
        return caught.type

    assert within(scene) is PeerClosed


def test_silence_ends_at_the_deadline(listener: socket.socket) -> None:
    """And says how many bytes had come, and how long ago."""

    async def scene(network: SystemNetwork) -> TimedOut:
        connection = await network.connect("127.0.0.1", listener.getsockname()[1], network.now() + 5)
        with listener.accept()[0] as accepted:
            accepted.send(b"abc")
            assert await connection.receive(network.now() + 5) == b"abc"
            with pytest.raises(TimedOut) as caught:
                await connection.receive(network.now() + 0.05)
        connection.close()
        return caught.value

    assert within(scene).received == 3


def test_a_given_up_thread_does_not_hold_up_the_end() -> None:
    """A blocking call that never returns leaves the process free to exit."""
    program = """
        import asyncio, threading
        from probes.net.base import TimedOut
        from probes.net.threads import Threads

        async def main():
            try:
                await Threads(1).call(threading.Event().wait, timeout=0.05)
            except TimedOut:
                print("given up")

        asyncio.run(main())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=20
    )
    assert done.stdout == "given up\n"


def test_a_threads_own_exception_comes_through() -> None:
    """Whatever the blocking call raised, also a TimeoutError of its own."""

    def fail() -> None:
        raise TimeoutError("mine")

    async def main() -> None:
        await Threads().call(fail, timeout=5)

    with pytest.raises(TimeoutError, match="mine"):
        asyncio.run(main())


def test_no_more_threads_is_not_the_targets_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is raised as what it is, and the place is free again."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def main() -> str:
        threads = Threads(1)
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            with pytest.raises(RuntimeError, match="new thread"):
                await threads.call(str, timeout=5)
        return await asyncio.wait_for(threads.call(str, 7, timeout=5), 5)

    assert asyncio.run(main()) == "7"


def test_out_of_descriptors_it_slows_down(listener: socket.socket) -> None:
    """With 40 descriptors 300 checks still all pass: our own limit is not the network's failure."""
    program = f"""
        import asyncio, resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
        from netcheck.limits import Gate
        from probes.contract import Target, Timing
        from probes.ladder import look
        from probes.net.real import SystemNetwork

        async def climb(ladder):
            await ladder.connect({listener.getsockname()[1]})
            await asyncio.sleep(0)  # on loopback a connection is done before the next one is begun

        async def main():
            gate = Gate(concurrency=1000, per_host=1000)
            network = SystemNetwork(gate)
            target = Target("127.0.0.1", None)
            looks = (look(target, Timing(2, 8), network, (), climb) for _ in range(300))
            outcomes = await asyncio.gather(*looks)
            print({{outcome.ascents[0].cause for outcome in outcomes}}, gate.shortages > 0, gate.limit < 40)

        asyncio.run(main())
    """
    listener.listen(1000)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "{None} True True\n", done.stderr


Answers = Callable[[socket.socket, Any, int], None]


def asked(answers: Answers, seconds: float) -> bytes:
    """What an exchange with this UDP server gives; `answers` is told who asked, and how often so far."""

    async def scene(network: SystemNetwork) -> bytes:
        numbers = count(1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            loop = asyncio.get_running_loop()
            loop.add_reader(server, lambda: answers(server, server.recvfrom(512)[1], next(numbers)))
            try:
                until = network.now() + seconds
                return await network.exchange(server.getsockname(), b"who", until, fitting)
            finally:
                loop.remove_reader(server)

    def fitting(data: bytes) -> bytes | None:
        return data if data == b"you" else None

    return within(scene)


def test_a_datagram_that_does_not_fit_is_passed_over() -> None:
    """A forged or stray one ends nothing: the right one behind it is heard."""

    def answers(server: socket.socket, peer: Any, number: int) -> None:
        server.sendto(b"me", peer)
        server.sendto(b"you", peer)

    assert asked(answers, 5.0) == b"you"


def test_a_lost_datagram_is_sent_again() -> None:
    """Only the third one is answered."""

    def answers(server: socket.socket, peer: Any, number: int) -> None:
        if number == 3:
            server.sendto(b"you", peer)

    assert asked(answers, 0.2) == b"you"


def test_a_late_answer_to_the_first_datagram_counts() -> None:
    """It comes when we have asked again, to the port of the first question."""
    peers: list[Any] = []

    def answers(server: socket.socket, peer: Any, number: int) -> None:
        peers.append(peer)
        if number == 2:
            server.sendto(b"you", peers[0])

    assert asked(answers, 0.2) == b"you"


def test_strange_datagrams_end_in_a_timeout() -> None:
    """However many there are."""

    def answers(server: socket.socket, peer: Any, number: int) -> None:
        for _ in range(50):
            server.sendto(b"me", peer)

    with pytest.raises(TimedOut) as caught:
        asked(answers, 0.05)
    assert caught.value.elapsed >= 0.05

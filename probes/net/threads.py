"""The one bridge to blocking libraries: a call in a thread of its own, given up at its deadline.

The threads are daemons: a lookup that hangs in the C library can't be stopped, and must not keep the
process from ending, as the threads of `concurrent.futures` would.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from probes.net.base import TimedOut

T = TypeVar("T")

MOST_THREADS = 64


class Threads:
    """Calls blocking functions, so many at once at the most."""

    def __init__(self, most: int = MOST_THREADS) -> None:
        self._places = asyncio.Semaphore(most)

    async def call(self, function: Callable[..., T], *args: Any, timeout: float) -> T:
        """The function's result or exception; TimedOut after `timeout` seconds of its running.

        Waiting for a free thread does not count. A thread that was given up keeps its place until it
        ends. RuntimeError where this machine has no more threads: not the target's fault.
        """
        loop = asyncio.get_running_loop()
        await self._places.acquire()
        done: asyncio.Future[T] = loop.create_future()
        thread = threading.Thread(
            target=_run, args=(loop, done, self._places.release, function, args), daemon=True
        )
        began = loop.time()
        try:
            thread.start()
        except RuntimeError:
            self._places.release()
            raise
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.shield(done)
        except TimeoutError:
            if done.done():  # the function's own TimeoutError
                raise
            done.add_done_callback(_forget)
            raise TimedOut(loop.time() - began) from None
        except asyncio.CancelledError:
            done.add_done_callback(_forget)
            raise


def _run(
    loop: asyncio.AbstractEventLoop,
    done: asyncio.Future[Any],
    release: Callable[[], None],
    function: Callable[..., Any],
    args: tuple[Any, ...],
) -> None:
    result: Any = None
    raised: BaseException | None = None
    try:
        result = function(*args)
    except BaseException as error:
        raised = error
    try:
        loop.call_soon_threadsafe(_finish, done, release, result, raised)
    except RuntimeError:  # the loop is closed: nobody waits any more
        pass


def _finish(
    done: asyncio.Future[Any], release: Callable[[], None], result: Any, raised: BaseException | None
) -> None:
    release()
    if done.cancelled():
        return
    if raised is None:
        done.set_result(result)
    else:
        done.set_exception(raised)


def _forget(done: asyncio.Future[Any]) -> None:
    """Mark a late exception as seen, so that asyncio does not report it."""
    if not done.cancelled():
        done.exception()

"""Several processes of the app on one port: started again when they die, replaced one by one at SIGHUP, ended together."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import PIPE, Process

from prometheus_client.multiprocess import mark_process_dead

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
READY_S = 60.0
AGAIN_S, AGAIN_CAP_S = 1.0, 30.0
"""Before another is started in place of one that never answered; doubled each time."""
LATE_S = 5.0
"""Beyond its own limits, before a worker that should have left is killed."""


class Supervisor:
    """`count` workers, each made by `command` with the listener's and a pipe's descriptor behind it."""

    def __init__(self, count: int, command: list[str], listener: socket.socket, patience_s: float) -> None:
        self.count, self.command, self.listener = count, command, listener
        self.patience_s = patience_s + LATE_S
        self.workers: set[Process] = set()
        """Those that answer."""
        self._alive: set[Process] = set()
        """Also those that are only starting, or finishing their streams."""
        self._watches: set[asyncio.Task[None]] = set()
        self._replacing: asyncio.Task[None] | None = None
        self._leave = asyncio.Event()
        self._failures = 0

    async def run(self) -> int:
        """Until SIGTERM; 1 where no worker ever answered."""
        loop = asyncio.get_running_loop()
        for sig in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sig, self._leave.set)
        loop.add_signal_handler(signal.SIGHUP, self._replace_all)
        started = await asyncio.gather(*(self._start() for _ in range(self.count)))
        if all(started):
            print("listening on http://{}:{}".format(*self.listener.getsockname()[:2]), flush=True)
            await self._leave.wait()
        await self._end()
        return 0 if all(started) else 1

    async def _start(self) -> Process | None:
        """A worker that answers; None where it ended before, or was too slow."""
        ready, told = os.pipe()
        descriptors = (self.listener.fileno(), told)
        flags = ("--fd", ",".join(map(str, descriptors)))
        process = await asyncio.create_subprocess_exec(*self.command, *flags, stdin=PIPE, pass_fds=descriptors)
        self._alive.add(process)
        os.close(told)
        answers = await _is_told(ready)
        if not answers:
            await self._stop(process)
            return None
        self._failures = 0
        self.workers.add(process)
        watch = asyncio.create_task(self._watch(process))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)
        return process

    async def _watch(self, process: Process) -> None:
        code = await process.wait()
        self._alive.discard(process)
        mark_process_dead(process.pid)  # type: ignore[no-untyped-call]
        if process not in self.workers:
            return
        self.workers.discard(process)
        while not self._leave.is_set():
            print(f"worker {process.pid} ended with {code}; another one is started", file=sys.stderr, flush=True)
            if await self._start():
                return
            self._failures += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._leave.wait(), min(AGAIN_CAP_S, AGAIN_S * 2.0 ** min(self._failures, 10)))

    def _replace_all(self) -> None:
        if self._replacing is None or self._replacing.done():
            self._replacing = asyncio.create_task(self._replace())

    async def _replace(self) -> None:
        """One after the other; a worker goes when another answers in its place."""
        for old in list(self.workers):
            if self._leave.is_set() or not await self._start():
                print("no new worker answers; the others stay", file=sys.stderr, flush=True)
                return
            self.workers.discard(old)
            await self._stop(old)

    async def _stop(self, process: Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self.patience_s)
        except TimeoutError:
            process.kill()
            await process.wait()
        self._alive.discard(process)

    async def _end(self) -> None:
        if self._replacing is not None:
            self._replacing.cancel()
        self.workers.clear()
        for watch in list(self._watches):
            watch.cancel()
        await asyncio.gather(*(self._stop(process) for process in list(self._alive)))


async def _is_told(ready: int) -> bool:
    """Whether the other end says something, before it is closed or too much time has passed."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[bool] = loop.create_future()

    def hear() -> None:
        if not told.done():
            told.set_result(bool(os.read(ready, 1)))

    loop.add_reader(ready, hear)
    try:
        return await asyncio.wait_for(told, READY_S)
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(ready)
        os.close(ready)


def supervise(count: int, command: list[str], listener: socket.socket, patience_s: float) -> int:
    """Runs the workers until SIGTERM; what they count is put together in a folder that goes with them."""
    made = None if FOLDER in os.environ else tempfile.mkdtemp(prefix="reference-app-metrics-")
    os.environ.setdefault(FOLDER, made or "")

    async def run() -> int:
        return await Supervisor(count, command, listener, patience_s).run()

    try:
        return asyncio.run(run())
    finally:
        if made:
            shutil.rmtree(made, ignore_errors=True)

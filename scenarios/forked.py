"""Workers forked by `--processes`: a port of their own, and an end when their master's has come."""

import argparse
import os
import socket
from functools import cache, partial
from typing import Any

import gevent
import psutil

from records.lifeline import end_with


def prepare(parser: Any) -> None:
    """To be called with Locust's parser, before it forks.

    On Locust's usual port, 5557 on every interface, the workers of a second run would join the first one's.
    """
    flags = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    flags.add_argument("--processes", default=os.environ.get("LOCUST_PROCESSES"))
    flags.add_argument("--worker", action="store_true")
    asked, _ = flags.parse_known_args()
    if asked.processes and not asked.worker:
        port = _port()
        parser.set_defaults(master_bind_host="127.0.0.1", master_bind_port=port, master_port=port)


@cache
def _port() -> int:
    """Once for all the parsers that Locust makes: the web UI makes one for every page."""
    # Also when the master is killed, and before its workers have reached it: Locust's own would load on for a minute.
    os.register_at_fork(after_in_child=partial(end_with, os.getpid()))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def forked() -> "list[psutil.Process]":
    """The children of this process: in Locust's `init`, on a master, the workers that it forked."""
    return list(psutil.Process().children())


def await_end(workers: "list[psutil.Process]", within_s: float) -> bool:
    """Whether all have ended in time; without reaping them, which Locust does when it exits."""
    with gevent.Timeout(within_s, False):
        while any(_runs(worker) for worker in workers):
            gevent.sleep(0.05)
        return True
    return False


def _runs(worker: psutil.Process) -> bool:
    try:
        return bool(worker.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False

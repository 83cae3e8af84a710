"""Reads the folders of a large run in as many processes as there are cores; each hands its tables back through a pipe."""

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from records.bad_input import BadInput
from records.lifeline import end_with
from reports.reading import Order, PairRead, read_pair

HERE = str(Path(__file__).resolve().parents[1])
LARGE = 1 << 26
"""Bytes of rows from which a second process is worth its start."""


def read_all(orders: Sequence[Order]) -> list[PairRead]:
    """What all of these folders tell, in this order."""
    count = min(_cores(), len(orders))
    if count < 2 or sum(map(_bytes, orders)) < LARGE:
        return [read_pair(order) for order in orders]
    with _children([list(orders[number::count]) for number in range(count)]) as answers:
        return [_answer(answers[number % count]) for number in range(len(orders))]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _bytes(order: Order) -> int:
    return sum(path.stat().st_size for path in order.folder.path.glob("*.jsonl"))


@contextmanager
def _children(shares: Sequence[list[Order]]) -> Iterator[list[IO[bytes]]]:
    """A process for each share, and what it says; none of them is left behind."""
    # -P: whatever folder we are called from, these are our own rooms.
    command = [sys.executable, "-P", "-c", "from reports.side_by_side import serve; serve()", str(os.getpid())]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((HERE, *filter(None, [os.environ.get("PYTHONPATH")])))}
    # In a session of its own: Ctrl-C is for us, and we end them.
    children = [
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        for _ in shares
    ]
    try:
        for child, share in zip(children, shares, strict=True):
            assert child.stdin
            with child.stdin:
                pickle.dump(share, child.stdin)
        yield [child.stdout for child in children if child.stdout]
    finally:
        for child in children:
            child.kill()
            child.wait()
            for pipe in filter(None, (child.stdin, child.stdout)):
                pipe.close()


def serve() -> None:
    """What such a process does."""
    end_with(int(sys.argv[1]))
    out = os.fdopen(os.dup(1), "wb")
    for order in pickle.load(sys.stdin.buffer):
        _hand_over(_told(order), out)


def _told(order: Order) -> PairRead | BadInput:
    try:
        return read_pair(order)
    except BadInput as error:
        return error


def _hand_over(told: PairRead | BadInput, out: IO[bytes]) -> None:
    """The object, then the arrays that it holds: without a copy of them."""
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(told, protocol=5, buffer_callback=buffers.append)
    raws: list[Any] = [buffer.raw() for buffer in buffers]
    pickle.dump((len(head), [raw.nbytes for raw in raws]), out)
    out.write(head)
    for raw in raws:
        out.write(raw)
    out.flush()


def _answer(out: IO[bytes]) -> PairRead:
    try:
        length, lengths = pickle.load(out)
    except EOFError:
        raise RuntimeError("A process that read a part of the run ended early: what it printed says why.") from None
    head, buffers = _exactly(out, length), [_exactly(out, one) for one in lengths]
    told = pickle.loads(head, buffers=buffers)
    if isinstance(told, BadInput):
        raise told
    return told  # type: ignore[no-any-return]


def _exactly(out: IO[bytes], count: int) -> bytearray:
    found = bytearray(count)
    view = memoryview(found)
    while view:
        read: Any = out.readinto(view)  # type: ignore[attr-defined]
        if not read:
            raise RuntimeError("A process that read a part of the run ended early: what it printed says why.")
        view = view[read:]
    return found

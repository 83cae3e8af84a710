"""Where a cut cuts."""

import pytest

from faults.actions import Message, Sever
from faults.kinds.cut import cut

FIRST, THIRD, END = Message(0, 0, b"abcd"), Message(2, 8, b"ijkl"), Message(3, 12, b"", last=True)


@pytest.mark.parametrize(
    ("message", "where", "actions"),
    [
        (FIRST, {"at": 2}, [b"abcd"]),
        (THIRD, {"at": 2}, [Sever(False)]),
        (THIRD, {"at": 2, "reset": True}, [Sever(True)]),
        (END, {"at": 3}, [Sever(False)]),
        (END, {"at": 4}, [b""]),
        (FIRST, {"after_bytes": 10}, [b"abcd"]),
        (THIRD, {"after_bytes": 10}, [b"ij", Sever(False)]),
        (THIRD, {"after_bytes": 12}, [b"ijkl", Sever(False)]),
        (FIRST, {"after_bytes": 0}, [b"", Sever(False)]),
        (END, {"after_bytes": 13}, [b""]),
        (THIRD, {"at": 2, "after_bytes": 10}, [Sever(False)]),
        (THIRD, {"at": 3, "after_bytes": 10}, [b"ij", Sever(False)]),
        (THIRD, {}, [b"ijkl"]),
        (END, {"reset": True}, [Sever(True)]),
    ],
)
def test_cut(message, where, actions):
    assert list(cut(message, **where)) == actions

"""No answer at all."""

from faults.actions import Request, Sever
from faults.kinds.drop import drop


def test_drop():
    assert list(drop(Request("r"))) == [Sever(reset=False)]
    assert list(drop(Request("r"), reset=True)) == [Sever(reset=True)]

"""A provider that is not there."""

from faults.actions import Refuse, Request
from faults.kinds.refuse import refuse


def test_refuse():
    assert list(refuse(Request("r"), 2.5)) == [Refuse(2.5)]

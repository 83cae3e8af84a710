"""The kinds of fault there are: a file each, and its line in the list here."""

from faults.actions import Kind
from faults.kinds.answer import answer
from faults.kinds.cut import cut
from faults.kinds.drop import drop
from faults.kinds.latency import latency, slow_first_token
from faults.kinds.stall import stall

KINDS: tuple[Kind, ...] = (answer, cut, drop, latency, slow_first_token, stall)

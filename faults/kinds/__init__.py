"""The kinds of fault there are: a file each, and its line in the list here."""

from faults.actions import Kind
from faults.kinds.answer import answer
from faults.kinds.capacity import capacity
from faults.kinds.cold_load import cold_load
from faults.kinds.content_filter import content_filter
from faults.kinds.content_type import wrong_content_type
from faults.kinds.cut import cut
from faults.kinds.delivery import buffered, slow_drip, split_frames
from faults.kinds.drop import drop
from faults.kinds.edge_page import edge_page
from faults.kinds.ending import linger, silent_truncation
from faults.kinds.frame import duplicated, empty_choices, junk_line, malformed, reordered
from faults.kinds.hang import hang
from faults.kinds.latency import latency, slow_first_token
from faults.kinds.overload import overloaded, slow_down
from faults.kinds.prompt_filter import prompt_filter
from faults.kinds.quota import quota
from faults.kinds.rate_limit import quota_spent, rate_limit
from faults.kinds.refuse import refuse
from faults.kinds.stall import masked_stall, stall
from faults.kinds.stream_error import runner_death, stream_error
from faults.kinds.tool_call import truncated_tool_call

KINDS: tuple[Kind, ...] = (
    answer,
    buffered,
    capacity,
    cold_load,
    content_filter,
    cut,
    drop,
    duplicated,
    edge_page,
    empty_choices,
    hang,
    junk_line,
    latency,
    linger,
    malformed,
    masked_stall,
    overloaded,
    prompt_filter,
    quota,
    quota_spent,
    rate_limit,
    refuse,
    reordered,
    runner_death,
    silent_truncation,
    slow_down,
    slow_drip,
    slow_first_token,
    split_frames,
    stall,
    stream_error,
    truncated_tool_call,
    wrong_content_type,
)

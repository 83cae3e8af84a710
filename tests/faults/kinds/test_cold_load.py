"""Who waits for a model to be loaded, and how long."""

from faults.actions import Pause, Request
from faults.kinds.cold_load import cold_load

LOAD = {"seconds": 30.0, "keep_alive_s": 300.0}


def a_call(at_s, state, model="llama3.2", **more):
    return cold_load(Request("r", path="/api/chat", model=model, at_s=at_s), state, **(LOAD | more))


def waits(at_s, state, **more):
    return [action.seconds for action in a_call(at_s, state, **more)]


def test_the_first_call_loads_and_the_next_do_not():
    state = {}

    assert [waits(at_s, state) for at_s in (0, 31, 330, 629)] == [[30.0], [], [], []]


def test_idle_too_long():
    """Counted from when it was last asked for, and every model by itself."""
    state = {}
    waits(0, state)

    assert waits(331, state) == [30.0]
    assert waits(400, state, model="other") == [30.0]
    assert waits(401, state) == []


def test_keep_alive_0_unloads_at_once():
    state = {}

    assert [waits(at_s, state, keep_alive_s=0.0) for at_s in (0, 40, 80)] == [[30.0]] * 3


def test_calls_that_come_meanwhile_wait_for_the_rest_of_it():
    state = {}
    loader = a_call(0, state)
    assert next(loader) == Pause(30.0)
    second, third = a_call(10, state), a_call(29.5, state)
    assert (next(second), next(third)) == (Pause(20.0), Pause(0.5))

    # Their timers end at the same moment, in any order.
    assert [next(one, "through") for one in (third, loader, second)] == ["through"] * 3
    assert waits(31, state) == []


def test_who_leaves_ends_the_loading():
    """The next one loads anew; who waited does so too when the time is up."""
    state = {}
    loader = a_call(0, state)
    next(loader)
    waiting = a_call(10, state)
    assert next(waiting) == Pause(20.0)
    loader.close()

    other = a_call(12, state)
    assert next(other) == Pause(30.0)
    assert next(waiting) == Pause(12.0)
    assert next(other, "through") == next(waiting, "through") == "through"


def test_who_waited_for_nothing_loads():
    state = {}
    loader = a_call(0, state)
    next(loader)
    waiting = a_call(10, state)
    next(waiting)
    loader.close()

    assert next(waiting) == Pause(30.0)
    assert next(waiting, "through") == "through"
    assert waits(61, state) == []

"""Who has a place, and who is next."""

from hypothesis import given
from hypothesis import strategies as st

from faults.places import Places


def test_first_come_first_served():
    places, told = Places(1), []
    first, second, third = (lambda: told.append(1)), (lambda: told.append(2)), (lambda: told.append(3))
    for ready in (first, second, third):
        places.enter(ready)

    assert (told, places.free, places.waiting) == ([1], 0, 2)
    places.leave(second)  # gave up
    places.leave(first)
    assert (told, places.waiting) == ([1, 3], 0)
    places.leave(first)
    places.leave(third)
    assert places.free == 1


@given(count=st.integers(1, 4), steps=st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=60))
def test_never_more_inside_than_there_are_places(count, steps):
    places, inside, entered = Places(count), set(), {}
    for enters, who in steps:
        if enters and who not in entered:
            entered[who] = lambda who=who: inside.add(who)
            places.enter(entered[who])
        elif not enters and who in entered:
            places.leave(entered.pop(who))
            inside.discard(who)

        assert inside <= entered.keys()
        assert len(inside) == min(count, len(entered))
        assert (places.free, places.waiting) == (count - len(inside), len(entered) - len(inside))

"""Names of conversations: no two users, kinds or ids ever share one."""

import pytest

from reference_app.conversation.threads import new_session, thread_of

GOOD = "0123456789abcdef" * 2


def test_names_of_users_do_not_meet():
    """A colon or a blank in a name makes no other user's thread."""
    assert (
        len({thread_of(user, kind, GOOD) for user in ("", "a", "a:chat", "a%3Achat", "A") for kind in ("chat", "graph")}) == 10
    )


@pytest.mark.parametrize("name", ["", "x", GOOD + "\n", GOOD.upper(), GOOD[1:], "../" * 11])
def test_what_the_app_has_not_made_is_no_name(name):
    """Whoever asks for it is told what one looks like."""
    with pytest.raises(ValueError, match="32 hexadecimal"):
        thread_of("a", "chat", name)


def test_a_new_one_is_new():
    assert len({new_session() for _ in range(1000)}) == 1000 and thread_of("", "chat", new_session())

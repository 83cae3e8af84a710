"""What a conversation is called: by its user, its kind and an id of its own, so that no two users, or tabs, ever share one."""

import re
import uuid
from urllib.parse import quote

SESSION = r"^[0-9a-f]{32}$"
"""What users name a conversation by; only the app makes one."""


def new_session() -> str:
    """An id that cannot be guessed."""
    return uuid.uuid4().hex


def thread_of(user: str, kind: str, session: str) -> str:
    """The key of a conversation in a store. Another user's session of the same id is another thread.

    >>> thread_of("ann:b", "chat", "0" * 32)
    'ann%3Ab:chat:00000000000000000000000000000000'
    """
    if not re.fullmatch(SESSION, session):
        raise ValueError(f"a session is 32 hexadecimal digits, got {session!r}")
    # Quoted: a colon in a user's name must not end it.
    return f"{quote(user, safe='')}:{kind}:{session}"

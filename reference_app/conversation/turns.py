"""One turn of a conversation at a time: who asks twice at once is answered in the order of asking."""

import asyncio
from weakref import WeakValueDictionary

from reference_app.call import Account
from reference_app.errors import Refused


class Turns:
    """Within this process. Who has waited for `wait_s` is refused: the answer before theirs may never end."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        # Weak: a lock is there for as long as somebody holds it, or waits.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def take(self, thread: str, account: Account) -> None:
        """Returns when it is this request's turn, which lasts until the request has ended."""
        lock = self._locks.setdefault(thread, asyncio.Lock())
        try:
            async with asyncio.timeout(self.wait_s):
                await lock.acquire()
        except TimeoutError as error:
            told = f"This conversation has been answering another question for {self.wait_s:g} s; ask again after that."
            raise Refused(409, told, retry_after_s=1) from error
        account.held.append(lock.release)

    def __len__(self) -> int:
        return len(self._locks)

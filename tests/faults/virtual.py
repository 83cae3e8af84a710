"""An event loop on virtual time: when nothing is left to do, the next timer is due."""

import asyncio
import selectors


class _Jumping(selectors.SelectSelector):
    now_s = 1000.0

    def select(self, timeout=None):
        if timeout is None:
            raise RuntimeError("it would wait for ever")
        self.now_s += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self):
        return self._jumping.now_s


def run_virtually(main):
    """The result of a coroutine, and how many virtual seconds it took."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        began_s = runner.get_loop().time()
        result = runner.run(main)
        return result, runner.get_loop().time() - began_s

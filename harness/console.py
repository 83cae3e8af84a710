"""Where commands print."""

import os
import sys
from typing import NoReturn

import rich.console

CLOSED_PIPE = 141
"""What a shell says of a command whose reader has left: 128 + SIGPIPE."""


class Console(rich.console.Console):
    """Leaves a pipe that nobody reads any more to the command; rich would end it with exit code 1, our sign for a bug."""

    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError


def abandon_output() -> int:
    """Let what is still to be printed go nowhere, or Python would complain of it at its end; the exit code."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return CLOSED_PIPE

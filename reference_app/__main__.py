"""`python -m reference_app --provider-url URL --features all --port P`: the app as a process of its own."""

import argparse
import gc
import signal
import socket
import sys
from types import FrameType

import uvicorn

from reference_app.features import parse
from reference_app.settings import Settings

GRACE_S = 2


class _Server(uvicorn.Server):
    """Says where it listens, once it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # The half million objects that imports left are never garbage: looking through them again and again costs streams.
        gc.collect()
        gc.freeze()
        if self.started and sockets:
            print("listening on http://{}:{}".format(*sockets[0].getsockname()[:2]), flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Runs until SIGTERM; exit code 2 for settings that cannot be used and for a port that is taken."""
    signal.signal(signal.SIGTERM, _leave)
    flags = {name: value for name, value in vars(_parser().parse_args(arguments)).items() if value is not None}
    port, check, listed = flags.pop("port", 0), flags.pop("check"), flags.pop("list")
    if not 0 <= port <= 65535:
        print(f"--port: must be between 0 and 65535, got {port}", file=sys.stderr)
        return 2
    settings = Settings.read(**flags)
    for name in parse(settings.features) if listed else ():
        print(name)
    if check or listed:
        return 0
    # Imports for seconds, which is too long to wait for a flag that is wrong.
    from reference_app.app import create_app

    app = create_app(settings)
    # With the protocol named: asyncio leaves Nagle's algorithm on otherwise, and first tokens come 40 ms late.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(2048)
    except OSError as error:
        print(f"--port: 127.0.0.1:{port} cannot be used: {error.strerror}", file=sys.stderr)
        return 2
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="httptools",
        ws="none",
        access_log=False,
        log_level="error",
        timeout_graceful_shutdown=GRACE_S,
    )
    _Server(config).run(sockets=[listener])
    return 0


def _leave(_signal: int, _frame: FrameType | None) -> None:
    # uvicorn raises the signal again when it has shut down; by then it has done its work.
    sys.exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="reference_app", description="A resilient chat app in front of a model provider.")
    parser.add_argument("--port", type=int, help="0 picks one (default)")
    # Without a flag for the key: whoever lists the processes would read it. It is APP_API_KEY.
    parser.add_argument("--provider", help='"ollama" (default) or "openai": whatever speaks its chat completions')
    parser.add_argument("--provider-url", help="for example http://127.0.0.1:11434, or http://127.0.0.1:11434/v1 for openai")
    parser.add_argument("--features", help='"all", "none", "cache,retry" or "all,-cache"')
    parser.add_argument("--check", action="store_true", help="say what is wrong with the settings, and start nothing")
    parser.add_argument("--list", action="store_true", help="say which features are on, a line each, and start nothing")
    for name in ("model", "cache", "recovery", "log-path"):
        parser.add_argument(f"--{name}")
    for name in ("deadline-s", "first-token-s", "stall-s", "temperature"):
        parser.add_argument(f"--{name}", type=float)
    return parser


if __name__ == "__main__":
    sys.exit(main())

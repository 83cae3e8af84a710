"""`python -m reference_app --provider-url URL --features all --port P`: the app as a process of its own."""

import argparse
import signal
import socket
import sys
from types import FrameType

from reference_app.features import parse
from reference_app.settings import Settings


def main(arguments: list[str] | None = None) -> int:
    """Runs until SIGTERM; exit code 2 for settings that cannot be used and for a port that is taken."""
    signal.signal(signal.SIGTERM, _leave)
    flags = {name: value for name, value in vars(_parser().parse_args(arguments)).items() if value is not None}
    port, check, listed = flags.pop("port", 0), flags.pop("check"), flags.pop("list")
    host, given = flags.pop("host"), flags.pop("fd", "")
    if not 0 <= port <= 65535:
        print(f"--port: must be between 0 and 65535, got {port}", file=sys.stderr)
        return 2
    settings = Settings.read(**flags)
    for name in parse(settings.features) if listed else ():
        print(name)
    if check or listed:
        return 0
    if given:
        fd, told = map(int, given.split(","))
        return _serve(settings, socket.socket(fileno=fd), told)
    from reference_app.serving import listen

    try:
        listener = listen(host, port)
    except OSError as error:
        print(f"--port: {host}:{port} cannot be used: {error.strerror}", file=sys.stderr)
        return 2
    return _serve(settings, listener) if settings.workers == 1 else _supervise(settings, arguments, listener)


def _serve(settings: Settings, listener: socket.socket, told: int | None = None) -> int:
    # Imports for seconds, which is too long to wait for a flag that is wrong.
    from reference_app.app import create_app
    from reference_app.serving import Server

    Server(create_app(settings), settings, told).run(sockets=[listener])
    return 0


def _supervise(settings: Settings, arguments: list[str] | None, listener: socket.socket) -> int:
    from reference_app.supervisor import supervise

    command = [sys.executable, "-m", "reference_app", *(sys.argv[1:] if arguments is None else arguments)]
    return supervise(settings.workers, command, listener, settings.drain_s + settings.shutdown_s)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    # uvicorn raises the signal again when it has shut down; by then it has done its work.
    sys.exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="reference_app", description="A resilient chat app in front of a model provider.")
    parser.add_argument("--port", type=int, help="0 picks one (default)")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 in a container (default: 127.0.0.1, this machine only)")
    parser.add_argument("--workers", type=int, help="processes that share the port; SIGHUP replaces them one by one")
    parser.add_argument("--fd", help=argparse.SUPPRESS)
    # Without a flag for the key: whoever lists the processes would read it. It is APP_API_KEY.
    parser.add_argument("--provider", help='"ollama" (default) or "openai": whatever speaks its chat completions')
    parser.add_argument("--provider-url", help="for example http://127.0.0.1:11434, or http://127.0.0.1:11434/v1 for openai")
    parser.add_argument("--features", help='"all", "none", "cache,retry" or "all,-cache"')
    parser.add_argument("--check", action="store_true", help="say what is wrong with the settings, and start nothing")
    parser.add_argument("--list", action="store_true", help="say which features are on, one a line, and start nothing")
    for name in ("model", "cache", "recovery", "log-path"):
        parser.add_argument(f"--{name}")
    for name in ("deadline-s", "first-token-s", "stall-s", "temperature"):
        parser.add_argument(f"--{name}", type=float)
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""python -m faults --upstream URL [--plan FILE] [--port P] [--rows FILE]: mitmdump as a reverse proxy, with our addon."""

import os
import re
import socket
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from faults.found import load_kinds
from faults.plan import Plan
from faults.reading import read_plan, read_shares
from records.bad_input import BadInput
from records.prompts import read_prompts

HOST = "127.0.0.1"
MITMDUMP = Path(sys.executable).with_name("mitmdump")
"""Real mitmdump of the same environment, so that it can import us."""


class Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def parse_arguments(arguments: Sequence[str]) -> Namespace:
    parser = Parser(
        prog="faults", description="A reverse proxy in front of a model provider that makes a plan's faults happen."
    )
    parser.add_argument("--upstream", required=True, help="the provider, http://HOST:PORT")
    parser.add_argument("--plan", default="", help="the plan of faults, a TOML file; without it, there are none")
    parser.add_argument("--faults-dir", default="", help="a folder with kinds of your own, which the plan may name beside ours")
    parser.add_argument("--seed", type=int, help="another weather than that of the plan's own seed")
    parser.add_argument("--shares", default="", help="a run's strata.json: the larger shares of its first attempts")
    parser.add_argument("--at-s", type=float, default=0.0, help="seconds of the plan that are over when the first call comes")
    parser.add_argument("--port", type=int, default=0, help="where to listen on 127.0.0.1; 0 picks a free port (default)")
    parser.add_argument("--rows", default="", help="append a row for each call to this file")
    parser.add_argument("--changes", default="", help="append a row for each change of the faults to this file")
    parser.add_argument("--prompts", default="", help="a run's prompts.json: rows then say which of them a call holds")
    return parser.parse_args(arguments)


def check(options: Namespace) -> None:
    """Everything that can be wrong, told together, before anything starts."""
    problems: list[str] = []
    checks: list[tuple[Callable[..., object], object]] = [
        (check_upstream, options.upstream),
        (check_plan, options),
        (check_port, options.port),
        (partial(check_rows, "--rows"), options.rows),
        (partial(check_rows, "--changes"), options.changes),
        (read_prompts, options.prompts),
    ]
    for one, value in checks:
        try:
            if value:
                one(value)
        except BadInput as error:
            problems += error.problems
    if not MITMDUMP.exists():
        problems.append(f"{MITMDUMP.name} is not installed beside {Path(sys.executable).name}: install mitmproxy there")
    if problems:
        raise BadInput(*problems)


def check_plan(options: Namespace) -> None:
    """With its kinds and its shares."""
    problems: list[str] = []
    kinds = load_kinds(options.faults_dir, problems)
    try:
        plan = read_plan(options.plan, kinds) if options.plan else Plan()
        if options.shares:
            read_shares(options.shares, plan)
    except BadInput as error:
        problems += error.problems
    if not 0 <= options.at_s < inf:
        problems.append(f"--at-s {options.at_s}: must be seconds, at least 0")
    if problems:
        raise BadInput(*problems)


def check_upstream(url: str) -> None:
    if not names_a_host(url):
        raise BadInput(f"--upstream {url}: must be a URL such as http://127.0.0.1:11434")
    parts = urlsplit(url)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise BadInput(f"--upstream {url}: must have no path, calls keep their own; try {parts.scheme}://{parts.netloc}")


def names_a_host(url: str) -> bool:
    """Over HTTP, and perhaps its port; a name and password would not be passed on."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and parts.port != 0 and bool(re.fullmatch(r"[\w.:[\]-]+", parts.netloc))
    except ValueError:
        return False


def check_port(port: int) -> None:
    try:
        with socket.socket() as probe:
            # As the proxy itself will: a port in TIME_WAIT is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
    except OverflowError:
        raise BadInput(f"--port {port}: must be between 0 and 65535") from None
    except OSError as error:
        raise BadInput(f"--port {port}: cannot listen on {HOST}:{port}, {(error.strerror or '').lower()}") from None


def check_rows(flag: str, path: str) -> None:
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).open("ab").close()
    except OSError as error:
        raise BadInput(f"{flag} {path}: cannot be written, {(error.strerror or '').lower()}") from None


def command(options: Namespace, scratch: str) -> list[str]:
    """mitmdump's command line; `scratch` holds its certificates and is removed when it ends."""
    parts = urlsplit(options.upstream)
    settings = {
        "faults_plan": options.plan,
        "faults_dir": options.faults_dir,
        "faults_shares": options.shares,
        "faults_at_s": str(options.at_s),
        "faults_seed": "" if options.seed is None else str(options.seed),
        "faults_rows": options.rows,
        "faults_changes": options.changes,
        "faults_prompts": options.prompts,
        "faults_lean": "true",
        "faults_scratch": scratch,
        "confdir": scratch,
        "connection_strategy": "lazy",  # or it asks the provider for connections that a fault answers
        "termlog_verbosity": "warn",
        "flow_detail": "0",
    }
    mode = f"reverse:{parts.scheme}://{parts.netloc}@{HOST}:{options.port}"
    script = str(Path(__file__).with_name("addon.py"))
    return [str(MITMDUMP), "--mode", mode, "-s", script, *(x for pair in settings.items() for x in ("--set", "=".join(pair)))]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Checks, then becomes mitmdump."""
    options = parse_arguments(sys.argv[1:] if arguments is None else arguments)
    try:
        check(options)
    except BadInput as error:
        print(*error.problems, sep="\n", file=sys.stderr)
        sys.exit(2)
    words = command(options, tempfile.mkdtemp(prefix="headwind-proxy-"))
    os.execv(words[0], words)


if __name__ == "__main__":
    main()

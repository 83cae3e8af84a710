"""The `headwind` command. Exit codes: 0 pass, 1 our bug, 2 bad input, 3 failed, 4 inconclusive or vacuous, 5 invalid."""

import argparse
import errno
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.console import abandon_output
from harness.gating.arguments import GATE, OF_THE_GATE, add_gate
from records.bad_input import BadInput

PROCESSES = {"model": "model_server", "proxy": "faults", "app": "reference_app"}
BAD_INPUT = 2
BAD_PLACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.ENOTDIR, errno.EISDIR})


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the words say; the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] in PROCESSES:
        # Become that process: its signals, its exit code, its memory are its own.
        os.execv(sys.executable, [sys.executable, "-m", PROCESSES[words[0]], *words[1:]])
    options = parser().parse_args(words)
    signal.signal(signal.SIGTERM, _as_interrupt)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        code = command(options)
        # What is buffered may still meet a closed pipe: here, where somebody catches it.
        sys.stdout.flush()
        return code
    except BadInput as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return abandon_output()
    except OSError as error:
        if error.errno not in BAD_PLACE:
            raise
        print(f"{error.filename or 'a file'}: {(error.strerror or '').lower()}. Name another place.", file=sys.stderr)
        return BAD_INPUT


def _as_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


class Words(argparse.ArgumentParser):
    """Takes `gate selftest` for one command: `gate` itself has a word of the user's choice in that place."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        words = list(sys.argv[1:] if args is None else args)
        if words[:1] == [GATE] and " ".join(words[:2]) in OF_THE_GATE:
            words[:2] = [" ".join(words[:2])]
        return super().parse_args(words, namespace)


def parser() -> argparse.ArgumentParser:
    """All commands and their flags."""
    words = Words(prog="headwind", description=__doc__, allow_abbrev=False)
    commands = words.add_subparsers(required=True, metavar="COMMAND", parser_class=argparse.ArgumentParser)

    run = _command(commands, "run", _run, "run a scenario, write its report, judge its bounds")
    run.add_argument("scenario", help="a TOML file, or the name of one in scenarios/")
    run.add_argument("--runs", type=Path, default=Path("runs"), help="where runs go (default: runs)")
    run.add_argument("--seed", type=int, help="another seed than the scenario's: other requests, other weather")
    _add_faults_dir(run)

    report = _command(commands, "report", _report, "write the report of a run again, from its rows")
    report.add_argument("run", type=Path, help="a run's folder")
    report.add_argument("--format", help="only this one, and print it: html, md, json, schema, junit, prom or ledger")
    report.add_argument("--out", type=Path, help="write into this folder instead of the run's")

    baseline = _command(commands, "baseline", _baseline, "keep a run's figures to compare later runs with")
    baseline.add_argument("run", type=Path, help="a run's folder")
    baseline.add_argument("--out", type=Path, default=Path("baseline.json"), help="the file to write (default: baseline.json)")

    add_gate(commands, _command)
    _add_faults(commands)

    scenarios = _command(commands, "scenarios", _scenarios, "list the scenarios, or check one")
    scenarios.add_argument("what", choices=["list", "check"])
    scenarios.add_argument("scenario", nargs="*", help="the scenarios to check (default: all)")
    _add_faults_dir(scenarios)

    for name, module in PROCESSES.items():
        commands.add_parser(name, help=f"start the {name} by hand (python -m {module} --help)", add_help=False)
    return words


def _add_faults(commands: Any) -> None:
    told = "list the kinds of fault and the plans, show, check, preview or replay"
    whats = commands.add_parser("faults", help=told, description=told).add_subparsers(
        required=True, metavar="WHAT", dest="what"
    )

    listed = _command(whats, "list", _faults, "list every kind of fault, and our plans")
    shown = _command(whats, "show", _faults, "show all of one kind: its words, its parameters, an entry, its code")
    shown.add_argument("kind", help="a kind, as `headwind faults list` names it")
    checked = _command(whats, "check", _faults, "check plans, and tell every problem at once")
    checked.add_argument("plan", nargs="+", help="a TOML file, or the name of one in faults/plans/")
    previewed = _command(whats, "preview", _faults, "tell how many requests of a scenario each fault will strike")
    previewed.add_argument("plan", help="a TOML file, or the name of one in faults/plans/")
    previewed.add_argument("--scenario", required=True, help="a TOML file, or the name of one in scenarios/")
    previewed.add_argument("--seed", type=int, help="another seed than the scenario's, as with headwind run")
    for one in (listed, previewed):
        one.add_argument("--json", action="store_true", help="as JSON")
    for one in (listed, shown, checked, previewed):
        _add_faults_dir(one)
    replayed = _command(whats, "replay", _faults, "ask one request of a run again, alone, with its faults")
    replayed.add_argument("run", type=Path, help="a run's folder")
    replayed.add_argument("request_id", metavar="REQUEST-ID", help="such as p01-000417")
    replayed.add_argument("--arm", help="the arm it was asked in (default: the last of the scenario)")


def _add_faults_dir(command: argparse.ArgumentParser) -> None:
    command.add_argument("--faults-dir", default="", help="a folder with kinds of your own, which plans may name beside ours")


def _command(commands: Any, name: str, act: Callable[[argparse.Namespace], int], told: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=told, description=told, allow_abbrev=False)
    parser.set_defaults(command=act)
    return parser  # type: ignore[no-any-return]


# Each command imports what it needs: `headwind --help` and a wrong flag answer at once.


def _run(options: argparse.Namespace) -> int:
    from harness import commands

    return commands.run_scenario(options.scenario, options.runs, options.seed, options.faults_dir)


def _report(options: argparse.Namespace) -> int:
    from harness import commands

    if options.format:
        return commands.tell_report(options.run, options.format, options.out)
    return commands.write_report(options.run, options.out)


def _baseline(options: argparse.Namespace) -> int:
    from harness import commands

    return commands.write_baseline(options.run, options.out)


def _scenarios(options: argparse.Namespace) -> int:
    from harness import commands

    if options.what == "list":
        return commands.list_scenarios()
    return commands.check_scenarios(options.scenario, options.faults_dir)


def _faults(options: argparse.Namespace) -> int:
    from harness import fault_commands as commands

    acts: dict[str, Callable[[], int]] = {
        "list": lambda: commands.list_kinds(options.faults_dir, options.json),
        "show": lambda: commands.show_kind(options.kind, options.faults_dir),
        "check": lambda: commands.check_plans(options.plan, options.faults_dir),
        "preview": lambda: commands.preview_plan(
            options.plan, options.scenario, options.faults_dir, options.seed, options.json
        ),
        "replay": lambda: commands.replay_request(options.run, options.request_id, options.arm),
    }
    return acts[options.what]()


if __name__ == "__main__":
    sys.exit(main())

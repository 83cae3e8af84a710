"""The words of `headwind gate`, `headwind gate selftest` and `headwind gate calibrate`."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

Act = Callable[[argparse.Namespace], int]
Command = Callable[[Any, str, Act, str], argparse.ArgumentParser]
GATE, SELFTEST, CALIBRATE = "gate", "gate selftest", "gate calibrate"
OF_THE_GATE = (SELFTEST, CALIBRATE)
"""Commands of two words; the second is not a run's folder nor a scenario."""
TOLD = """Judge whether P95 got worse, in three ways:

  headwind gate RUN --baseline FILE     a run that is over, against a file that `headwind baseline` wrote
  headwind gate RUN --run OTHER         a run that is over, against another run of the same scenario
  headwind gate SCENARIO --against REV  the app of the working tree, against that of a git revision: both are run in turn, in
                                        6 pairs, and in 9 or 12 where 6 do not decide

P95 is over all requests, a failure counts as the deadline. Exit code 0 pass, 3 fail, 4 inconclusive or vacuous, 5 invalid."""
TOLD_SELFTEST = """Put the gate on trial: the same app twice must pass, and with a delay of twice the tolerance planted into its
calls it must fail. Exit code 0 where both are so, 3 where the gate was wrong, 4 where it could not decide, 5 where the machine
was too busy."""
TOLD_CALIBRATE = """Measure what pairs of the same app differ by on this machine, then simulate the gate with that noise: how
often it fails a good app, how often it finds a slowdown of twice the tolerance, and the smallest that it finds in 95 of 100."""


def add_gate(commands: Any, command: Command) -> None:
    """All three; `command` adds one to the commands."""
    _add_gate(command(commands, GATE, _gate, "judge whether P95 got worse: against a baseline, a run, or a git revision"))
    told = "put the gate on trial: the same app must pass, a slower one fail"
    _add_selftest(command(commands, SELFTEST, _selftest, told))
    _add_calibrate(command(commands, CALIBRATE, _calibrate, "how often the gate is right on this machine, simulated"))


def _add_gate(gate: argparse.ArgumentParser) -> None:
    gate.description, gate.formatter_class = TOLD, argparse.RawDescriptionHelpFormatter
    gate.epilog = "headwind gate selftest --help and headwind gate calibrate --help tell how the gate itself is tried."
    told = "a run's folder; with --against a TOML file or the name of a scenario"
    gate.add_argument("what", metavar="RUN|SCENARIO", help=told)
    other = gate.add_mutually_exclusive_group(required=True)
    other.add_argument("--baseline", type=Path, metavar="FILE", help="a file that `headwind baseline` wrote")
    other.add_argument("--run", type=Path, metavar="OTHER", help="the folder of another run")
    other.add_argument("--against", metavar="REV", help="a branch, tag or commit of the repository that the app's code is in")
    gate.add_argument("--arm", help="the arm to judge (default: the last of the scenario)")
    _add_tolerance(gate)
    told = "how much the share of failed requests may grow (default: 0.005, half a point)"
    gate.add_argument("--failure-tolerance", metavar="SHARE", type=float, default=0.005, help=told)
    live = gate.add_argument_group("only with --against")
    live.add_argument("--looks", default="6,9,12", help="after how many pairs to decide, some of 6,9,12 (default: 6,9,12)")
    _add_where(live)
    live.add_argument("--faults-dir", default="", help="a folder with kinds of your own, which its plan may name beside ours")


def _add_selftest(tried: argparse.ArgumentParser) -> None:
    tried.description = TOLD_SELFTEST
    tried.add_argument("--short", action="store_true", help="4 s of load for each arm and pair instead of 20")
    tried.add_argument("--times", type=int, default=1, help="so many trials, each with another seed (default: 1)")
    _add_tolerance(tried)
    _add_where(tried)


def _add_calibrate(measured: argparse.ArgumentParser) -> None:
    measured.description = TOLD_CALIBRATE
    measured.add_argument("--scenario", default="selftest", help="whose app and load (default: selftest)")
    measured.add_argument("--arm", help="the arm to run twice (default: the last of the scenario)")
    measured.add_argument("--pairs", type=int, default=12, help="so many pairs to measure (default: 12)")
    measured.add_argument("--trials", type=int, default=10_000, help="so many simulated gates (default: 10000)")
    measured.add_argument("--from", dest="of", type=Path, metavar="RUN", help="measure nothing: take a run that did")
    _add_tolerance(measured)
    _add_where(measured)


def _add_tolerance(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--p95-tolerance",
        "--tolerance",
        metavar="SHARE",
        type=float,
        default=0.10,
        help="share by which P95 may grow (default: 0.10)",
    )


def _add_where(command: Any) -> None:
    command.add_argument("--runs", type=Path, default=Path("runs"), help="where runs go (default: runs)")
    command.add_argument("--seed", type=int, help="another seed than the scenario's: other requests, other weather")


# Each imports what it needs: help and a wrong flag answer at once.


def _gate(options: argparse.Namespace) -> int:
    from harness.gating import commands

    tolerances = options.p95_tolerance, options.failure_tolerance
    if options.against is None:
        return commands.judge_recorded(Path(options.what), options.baseline, options.run, options.arm, *tolerances)
    looks = commands.parse_looks(options.looks)
    place = commands.Place(options.runs, options.seed, options.faults_dir)
    return commands.gate_revision(options.what, options.against, options.arm, *tolerances, looks, place)


def _selftest(options: argparse.Namespace) -> int:
    from harness.gating import commands

    return commands.selftest(options.short, options.times, options.p95_tolerance, commands.Place(options.runs, options.seed))


def _calibrate(options: argparse.Namespace) -> int:
    from harness.gating import commands

    asked = options.pairs, options.trials, options.p95_tolerance, options.of
    return commands.calibrate(options.scenario, options.arm, *asked, commands.Place(options.runs, options.seed))

"""The embedded stack: model server, proxy with our faults, and the app (ours or the user's own), each a process of its own."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from harness.arms import PROVIDER
from harness.own_app import FEATURES, OwnApp
from harness.processes import Processes, free_port
from harness.scenario import Arm, Scenario
from model_server.physics import OWN, Physics
from records.folder import APP, CALLS, CHANGES, MODEL, PROMPTS, STRATA, ArmFolder, RunFolder

PROJECT = ("pyproject.toml", "setup.py", "setup.cfg")
"""A folder with one of these may be installed as a link to itself, and so be found before any other copy of it."""


@dataclass(frozen=True)
class StackPlan:
    """What to start."""

    physics: Physics
    plan_path: Path | None
    plan_seed: int | None
    features: str
    deadline_s: float
    """Of the users; the app is given a tenth less, so that it can still answer 504 in time."""
    app_port: int = 0
    environment: Mapping[str, str] | None = None
    faults_dir: Path | None = None
    """Kinds of the user's own."""
    shares_path: Path | None = None
    """The run's strata.json."""
    at_s: float = 0.0
    """Seconds of the plan that are over when the first call comes."""
    app_folder: Path | None = None
    """Where the app's code is, and where it is started; None: here."""
    app: OwnApp | None = None
    """Of the user; None: the reference app."""
    prompts_path: Path | None = None
    """The run's prompts.json, for an app that may not pass its user's request id on."""


def stack_plan(scenario: Scenario, arm: Arm, run: RunFolder, app_port: int = 0, at_s: float = 0.0) -> StackPlan:
    """What one arm of a scenario needs; its plan is the one that the run keeps."""
    strata = run.path / STRATA
    return StackPlan(
        physics=scenario.physics,
        plan_path=None if arm.plain else scenario.plan_path,
        plan_seed=scenario.plan_seed,
        features=arm.features,
        deadline_s=scenario.workload.deadline_s,
        app_port=app_port,
        environment=arm.environment,
        faults_dir=scenario.faults_dir,
        shares_path=strata if strata.exists() and not arm.plain else None,
        at_s=at_s,
        app_folder=arm.folder,
        app=scenario.app,
        prompts_path=run.path / PROMPTS if scenario.app else None,
    )


def start_stack(processes: Processes, plan: StackPlan, folder: ArmFolder) -> str:
    """The app's URL, once all three answer. The app imports for seconds, so it starts first, with the proxy's port."""
    folder.path.mkdir(parents=True, exist_ok=True)
    proxy_port = free_port()
    model = processes.start(
        "model",
        [*_module("model_server"), *_flags(plan.physics), *_rows(folder, MODEL), *_prompts(plan)],
        _log(folder, "model"),
    )
    await_app = _start_app(processes, plan, proxy_port, folder)
    model_url = processes.await_url(model, "/api/version")
    proxy = processes.start(
        "proxy",
        [
            *_module("faults"),
            "--upstream",
            model_url,
            "--port",
            str(proxy_port),
            *_faults(plan),
            *_proxy_rows(folder),
            *_prompts(plan),
        ],
        _log(folder, "proxy"),
    )
    processes.await_url(proxy, "/api/version")
    return await_app()


def _start_app(processes: Processes, plan: StackPlan, proxy_port: int, folder: ArmFolder) -> Callable[[], str]:
    """Starts it, without waiting; what comes back waits until it answers, and tells its URL."""
    log = _log(folder, "app")
    if plan.app:
        return _start_own_app(processes, plan.app, plan, proxy_port, log)
    app = processes.start("app", _app_command(plan, proxy_port), log, _app_environment(plan, folder), "APP_", plan.app_folder)
    return lambda: processes.await_url(app, "/health/ready")


def _start_own_app(processes: Processes, app: OwnApp, plan: StackPlan, proxy_port: int, log: Path) -> Callable[[], str]:
    port = plan.app_port or free_port()
    told = app.told(port, f"http://127.0.0.1:{proxy_port}", plan.features, plan.environment or {})
    environment, folder = from_folder(plan.app_folder) | told, plan.app_folder or app.directory
    process = processes.start("app", app.words(port), log, environment, FEATURES, folder)
    return lambda: processes.await_answer(process, f"http://127.0.0.1:{port}", app.ready)


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", name]


def _flags(physics: Physics) -> list[str]:
    named = {field.name: getattr(physics, field.name) for field in fields(physics) if field.name != "also"}
    also = [word for one in physics.also for word in ("--also", " ".join([one.model, *_own(one)]))]
    return [word for name, value in named.items() for word in (f"--{name.replace('_', '-')}", str(value))] + also


def _own(physics: Physics) -> list[str]:
    return [f"{name}={getattr(physics, name)}" for name in OWN]


def _faults(plan: StackPlan) -> list[str]:
    told = {
        "--plan": plan.plan_path,
        "--seed": plan.plan_seed,
        "--faults-dir": plan.faults_dir,
        "--shares": plan.shares_path,
        "--at-s": plan.at_s or None,
    }
    return [word for flag, value in told.items() if value is not None for word in (flag, str(value))]


def _rows(folder: ArmFolder, name: str) -> list[str]:
    return ["--rows", str(folder.path / name)]


def _prompts(plan: StackPlan) -> list[str]:
    return ["--prompts", str(plan.prompts_path.absolute())] if plan.prompts_path else []


def _proxy_rows(folder: ArmFolder) -> list[str]:
    return [*_rows(folder, CALLS), "--changes", str(folder.path / CHANGES)]


def _log(folder: ArmFolder, name: str) -> Path:
    return folder.logs / f"{name}.log"


def _app_command(plan: StackPlan, proxy_port: int) -> list[str]:
    root = "/v1" if (plan.environment or {}).get(PROVIDER) == "openai" else ""
    provider = f"http://127.0.0.1:{proxy_port}{root}"
    command = [*_module("reference_app"), "--provider-url", provider, "--features", plan.features]
    return [*command, "--port", str(plan.app_port)]


def _app_environment(plan: StackPlan, folder: ArmFolder) -> dict[str, str]:
    own = {
        "APP_LOG_PATH": str((folder.path / APP).absolute()),
        "APP_MODEL": plan.physics.model,
        "APP_DEADLINE_S": f"{0.9 * plan.deadline_s:g}",
        # Nobody reads on when an arm is over.
        "APP_SHUTDOWN_S": "2",
    }
    return own | from_folder(plan.app_folder) | dict(plan.environment or {})


def from_folder(folder: Path | None) -> dict[str, str]:
    """What makes Python import the code of that folder, and of the project it lies in, before any that is installed."""
    if folder is None:
        return {}
    projects = [one for one in (folder, *folder.parents) if any((one / name).is_file() for name in PROJECT)]
    first = dict.fromkeys(path for one in (folder, *projects[:1]) for path in (one, one / "src"))
    inherited = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([*map(str, first), *([inherited] if inherited else [])])}

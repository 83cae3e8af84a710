"""The embedded stack: model server, proxy with our faults, reference app, each a process of its own."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from harness.processes import Processes, free_port
from harness.scenario import PROVIDER, Arm, Scenario
from model_server.physics import Physics
from records.folder import APP, CALLS, CHANGES, MODEL, STRATA, ArmFolder, RunFolder


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


def stack_plan(scenario: Scenario, arm: Arm, run: RunFolder, app_port: int = 0, at_s: float = 0.0) -> StackPlan:
    """What one arm of a scenario needs; its plan is the one that the run keeps."""
    strata = run.path / STRATA
    return StackPlan(
        physics=scenario.physics,
        plan_path=scenario.plan_path,
        plan_seed=scenario.plan_seed,
        features=arm.features,
        deadline_s=scenario.workload.deadline_s,
        app_port=app_port,
        environment=arm.environment,
        faults_dir=scenario.faults_dir,
        shares_path=strata if strata.exists() else None,
        at_s=at_s,
    )


def start_stack(processes: Processes, plan: StackPlan, folder: ArmFolder) -> str:
    """The app's URL, once all three answer. The app imports for seconds, so it starts first, with the proxy's port."""
    folder.path.mkdir(parents=True, exist_ok=True)
    proxy_port = free_port()
    model = processes.start(
        "model", [*_module("model_server"), *_flags(plan.physics), *_rows(folder, MODEL)], _log(folder, "model")
    )
    app = processes.start("app", _app_command(plan, proxy_port), _log(folder, "app"), _app_environment(plan, folder), "APP_")
    model_url = processes.await_url(model, "/api/version")
    proxy = processes.start(
        "proxy",
        [*_module("faults"), "--upstream", model_url, "--port", str(proxy_port), *_faults(plan), *_proxy_rows(folder)],
        _log(folder, "proxy"),
    )
    processes.await_url(proxy, "/api/version")
    return processes.await_url(app, "/health/ready")


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", name]


def _flags(physics: Physics) -> list[str]:
    named = {field.name: getattr(physics, field.name) for field in fields(physics)}
    return [word for name, value in named.items() for word in (f"--{name.replace('_', '-')}", str(value))]


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
        "APP_LOG_PATH": str(folder.path / APP),
        "APP_MODEL": plan.physics.model,
        "APP_DEADLINE_S": f"{0.9 * plan.deadline_s:g}",
    }
    return own | dict(plan.environment or {})

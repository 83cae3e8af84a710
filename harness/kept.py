"""What a run keeps so that it can be repeated: its plan's text, the scripts of its kinds, its strata, and its questions."""

import json
from dataclasses import replace
from pathlib import Path
from shutil import copy, rmtree

from faults.found import find_kinds
from faults.strata import as_told, raised_faults
from harness.foreseen import foresee, plan_of
from harness.scenario import Scenario
from records.bad_input import BadInput
from records.folder import PROMPTS, STRATA, RunFolder
from scenarios.workload import prompts_of

PLAN, SCRIPTS = "plan", "scripts"
"""Folders: `runs/<id>/plan/`, and `scripts/` in it."""


def keep_plan(scenario: Scenario, run: RunFolder) -> Scenario:
    """The scenario with the plan and the scripts in the run's folder, which its proxies read: the originals may change."""
    folder = run.path / PLAN
    (run.path / PROMPTS).write_text(json.dumps(prompts_of(scenario.workload), ensure_ascii=False, indent=1) + "\n", "utf-8")
    if raised_faults(plan_of(scenario)):
        told = as_told(plan_of(scenario), foresee(scenario))
        (run.path / STRATA).write_text(json.dumps(told) + "\n")
    return replace(scenario, plan_path=_keep_text(scenario, folder), faults_dir=_keep_scripts(scenario, folder))


def _keep_text(scenario: Scenario, folder: Path) -> Path | None:
    if scenario.plan_path is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / scenario.plan_path.name
    kept.write_text(scenario.plan_text, encoding="utf-8")
    return kept


def _keep_scripts(scenario: Scenario, folder: Path) -> Path | None:
    """Scripts only: one that reads a file beside it cannot be repeated, and is told so before anything starts."""
    if scenario.faults_dir is None:
        return None
    kept = folder / SCRIPTS
    kept.mkdir(parents=True, exist_ok=True)
    for script in scenario.faults_dir.glob("*.py"):
        copy(script, kept)
    try:
        find_kinds(kept)
    except BadInput:
        rmtree(folder.parent)
        raise
    return kept

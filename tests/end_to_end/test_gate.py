"""The gate on the real stack: it passes the same app, fails a slower one, and compares two revisions of an app."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.small import headwind
from tests.harness.gating.test_revision import everything, git

ROOT = Path(__file__).parent.parent.parent
TINY = """
name = "tiny"
summary = "as little load as there can be"

[workload]
rate_per_s = 25.0
users = 40
spawn_per_s = 400.0
duration_s = 1.0
deadline_s = 4.0

[model]
first_token_s = 0.1
gap_s = 0.005
words = 8

[arms.plain]
features = "none"
"""
TWO_PAIRS = """
import sys
from pathlib import Path
from harness.gating.commands import gate_revision
from reports.look import Look

sys.exit(gate_revision("tiny.toml", "HEAD", None, tolerance=0.5, looks=(Look(2, 0.25),)))
"""
"""What a user is refused: two pairs, and a share of errors to match."""
SAYS = '\nprint("of the working tree", flush=True)\n'


def manifest_of(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text())


@pytest.mark.timeout(600)
def test_the_gate_passes_the_same_app_and_fails_a_slower_one(tmp_path):
    """The selftest in its short form; 6 pairs where the machine is quiet, and up to 12 where it is not."""
    done = headwind("gate", "selftest", "--short", cwd=tmp_path, timeout_s=580)
    assert done.returncode == 0, done.stdout + done.stderr

    (run,) = (tmp_path / "runs").iterdir()
    manifest, report = manifest_of(run), json.loads((run / "report.json").read_text())
    assert "same against base, which must pass: pass." in done.stdout
    assert "planted against base, which must fail: fail." in done.stdout
    assert (manifest["state"], report["verdict"]["state"]) == ("complete", "pass")
    assert [(one["candidate"], one["state"]) for one in manifest["gate"]["verdicts"]] == [("same", "pass"), ("planted", "fail")]
    assert manifest["pairs"] == len(manifest["panel"]) == len(manifest["gate"]["counted"]) in (6, 9, 12)
    # Planted through the proxy: every call of that arm, and none of the others.
    struck = {arm: report["arms"][arm]["metrics"]["fault_met_share"] for arm in ("base", "same", "planted")}
    assert struck == {"base": 0, "same": 0, "planted": 1}
    assert {*manifest["achieved_share"].values()} <= {1.0} or min(manifest["achieved_share"].values()) >= 0.98
    if sys.platform == "linux":
        assert manifest["steal_share"].keys() == manifest["planned"].keys()

    again = headwind("report", run, cwd=tmp_path)
    assert (again.returncode, "PASS" in again.stdout) == (0, True), again.stdout + again.stderr


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Our reference app, committed; and in the working tree one that says so when it starts."""
    shutil.copytree(ROOT / "reference_app", tmp_path / "reference_app", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tiny.toml").write_text(TINY)
    (tmp_path / ".gitignore").write_text("runs/\n__pycache__/\n")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "the app")
    main = tmp_path / "reference_app" / "__main__.py"
    main.write_text(main.read_text().replace("\ndef main(", SAYS + "\n\ndef main("))
    return tmp_path


@pytest.mark.timeout(240)
def test_the_working_tree_is_compared_with_another_revision(repository, tmp_path_factory):
    before, scratch = everything(repository / ".git"), tmp_path_factory.mktemp("scratch")
    environment = {**os.environ, "TMPDIR": str(scratch), "COLUMNS": "160", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", TWO_PAIRS], cwd=repository, env=environment, capture_output=True, text=True, check=False
    )
    # With two pairs and so little load nobody can say how it ends, but it ends with a verdict.
    assert done.returncode in (0, 3, 4), done.stdout + done.stderr

    (run,) = (repository / "runs").iterdir()
    said = {path.parent.parent.name: path.read_text() for path in run.glob("*-0?/logs/app.log")}
    assert {name: "of the working tree" in text for name, text in said.items()} == {
        "base-01": False,
        "candidate-01": True,
        "base-02": False,
        "candidate-02": True,
    }
    told = manifest_of(run)["gate"]["against"]
    assert told["commit"] == told["candidate_commit"] == git(repository, "rev-parse", "HEAD")
    assert told["changed_files"] == 1
    assert "P95 ratio" in done.stdout
    assert everything(repository / ".git") == before
    assert list(scratch.iterdir()) == []

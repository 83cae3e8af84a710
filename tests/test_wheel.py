"""What an installation gets, such as that of the GitHub action: everything that a run needs besides code."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = ("records", "scenarios", "faults", "model_server", "reference_app", "reports", "harness")
NOT_KEPT = {"__pycache__"}


def test_the_wheel_holds_every_file_of_every_room_and_the_locustfile(tmp_path: Path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (wheel,) = tmp_path.glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    there = [path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*") if path.is_file()]

    assert held == {str(path) for path in there if not NOT_KEPT & set(path.parts)} | {"locustfile.py"}

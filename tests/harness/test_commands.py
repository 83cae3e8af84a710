"""`headwind report`: every format into the run's folder, or one to standard output and nowhere else."""

from pathlib import Path

import pytest

from harness.cli import main
from records.folder import RunFolder
from reports.load import load
from reports.report import make_report
from reports.write import FORMATS
from tests.reports.conftest import simulate, write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run that fails its bound."""
    arms = {arm: simulate(arm, 60) for arm in ("off", "on")}
    return write_run(tmp_path_factory.mktemp("commands") / "a-run", arms, bounds=["on.p95_s <= 0.1"]).path


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()}


def test_one_format_is_printed_and_nothing_is_written(run: Path, capsys: pytest.CaptureFixture[str]):
    judged, before = make_report(load(RunFolder(run))), files(run)
    for one in FORMATS:
        assert main(["report", str(run), "--format", one.name]) == 3
        said, problems = capsys.readouterr()
        assert (files(run), problems) == (before, "")
        assert said == one.render(judged)


def test_one_format_elsewhere_is_one_file_and_nothing_is_printed(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["report", str(run), "--format", "junit", "--out", str(tmp_path / "out")]) == 3

    assert files(tmp_path / "out") == {"report.junit.xml"}
    assert capsys.readouterr().out == ""


def test_all_formats_and_the_figures_on_the_console(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["report", str(run), "--out", str(tmp_path)]) == 3

    said = capsys.readouterr().out
    assert files(tmp_path) == {one.file for one in FORMATS}
    assert "FAIL" in said
    assert said.rstrip().endswith("report.html") and str(tmp_path)[:20] in said.splitlines()[-1]


def test_a_format_nobody_knows_is_bad_input(run: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["report", str(run), "--format", "xml"]) == 2

    assert capsys.readouterr().err.startswith('--format: "xml" is not a format.')


def test_the_help_names_every_format(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["report", "--help"])

    told = " ".join(capsys.readouterr().out.split())
    names = [one.name for one in FORMATS]
    assert f"only this one, and print it: {', '.join(names[:-1])} or {names[-1]}" in told

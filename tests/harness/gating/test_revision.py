"""Another revision of the app, checked out beside."""

import os
import subprocess

import pytest

from harness.gating.revision import changed_files, checked_out, commit_of, repository_of
from records.bad_input import BadInput


def git(folder, *words):
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    """Two commits: `app/app.py` said "old", and says "new"; the first is tagged v1."""
    top = tmp_path / "repository"
    (top / "app").mkdir(parents=True)
    git(top, "init", "-q", "-b", "main")
    for text in ("old", "new"):
        (top / "app" / "app.py").write_text(text)
        git(top, "add", ".")
        git(top, "commit", "-q", "-m", text)
    git(top, "tag", "v1", "HEAD~1")
    return top


def everything(folder):
    """Each file below, with its content and when it was written."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_a_revision_is_checked_out_beside_and_leaves_nothing(repository):
    before = everything(repository)
    with checked_out(repository, commit_of(repository, "v1")) as files:
        assert (files / "app" / "app.py").read_text() == "old"
        assert not (files / ".git").exists()
        beside = files.parent
    changed_files(repository, besides=repository / "runs")

    assert not beside.exists()
    assert everything(repository) == before


def test_it_goes_also_when_something_breaks(repository):
    with pytest.raises(KeyboardInterrupt), checked_out(repository, commit_of(repository, "v1")) as files:
        beside = files.parent
        raise KeyboardInterrupt

    assert not beside.exists()


@pytest.mark.parametrize("name", ["v1", "HEAD~1", "main~1"])
def test_a_revision_has_many_names(repository, name):
    assert commit_of(repository, name) == git(repository, "rev-parse", "v1^{commit}")


def test_the_repository_is_found_from_within(repository):
    assert repository_of(repository / "app") == repository.resolve()


def test_in_a_hook_the_folder_counts_and_not_gits_variables(repository, monkeypatch):
    monkeypatch.setenv("GIT_DIR", os.devnull)

    assert repository_of(repository) == repository.resolve()


@pytest.mark.parametrize("name", ["v2", "--help", "", "app/app.py"])
def test_an_unknown_revision_is_one_sentence(repository, name):
    with pytest.raises(BadInput, match=f'--against: "{name}" is no revision of .*repository. Name a branch'):
        commit_of(repository, name)


def test_a_folder_without_a_repository_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(BadInput, match="is in no git repository"):
        repository_of(tmp_path)


def test_without_git_it_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput, match="git is not installed"):
        repository_of(tmp_path)


def test_what_was_changed_since_is_counted_but_for_the_runs(repository):
    assert changed_files(repository, besides=repository / "runs") == []
    (repository / "app" / "app.py").write_text("newer")
    (repository / "fresh.py").write_text("")
    (repository / "runs" / "one").mkdir(parents=True)
    (repository / "runs" / "one" / "run.json").write_text("")

    assert sorted(changed_files(repository, besides=repository / "runs")) == ["app/app.py", "fresh.py"]

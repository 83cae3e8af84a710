"""Another revision of the app, checked out beside: nothing is left in .git, and the folder goes when it is not needed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from records.bad_input import BadInput


def _git(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    # In a hook git names its repository in variables, which outweigh the folder.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    # Without the optional locks, not even the index is refreshed.
    command = ["git", "--no-optional-locks", "-C", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def repository_of(folder: Path) -> Path:
    """The top of the git repository that a folder lies in."""
    if shutil.which("git") is None:
        raise BadInput("--against: git is not installed, and without it no other revision can be checked out. Install git")
    found = _git(folder, "rev-parse", "--show-toplevel")
    if found.returncode:
        raise BadInput(f"--against: {folder} is in no git repository. Call the command where your app's code is")
    return Path(found.stdout.strip())


def commit_of(repository: Path, revision: str) -> str:
    """The commit that a revision names, in full."""
    found = _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if found.returncode:
        told = "Name a branch, a tag or a commit; one that was never fetched must be fetched first"
        raise BadInput(f'--against: "{revision}" is no revision of {repository}. {told}')
    return found.stdout.strip()


def changed_files(repository: Path, besides: Path) -> list[str]:
    """What the working tree has that its commit has not, new files too; `besides`: a folder that does not count."""
    found = _git(repository, "status", "--porcelain", "--no-renames")
    told = [line[3:] for line in found.stdout.splitlines()]
    return [one for one in told if not (repository / one).resolve().is_relative_to(besides.resolve())]


@contextmanager
def checked_out(repository: Path, commit: str) -> Iterator[Path]:
    """The files of a commit in a temporary folder, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="headwind-base-") as scratch:
        packed, folder = Path(scratch) / "files.tar", Path(scratch) / "files"
        done = _git(repository, "archive", "--format=tar", f"--output={packed}", commit)
        if done.returncode:
            raise BadInput(f"--against: git could not write the files of {commit}: {done.stderr.strip()}")
        folder.mkdir()
        subprocess.run(["tar", "-xf", str(packed), "-C", str(folder)], check=True)
        packed.unlink()
        yield folder

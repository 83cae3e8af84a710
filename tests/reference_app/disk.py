"""A real disk that can be filled."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class SmallDisk:
    """A file system of 300 kB."""

    folder: Path

    def fill(self) -> None:
        """To the last block."""
        with (self.folder / "filler").open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * 4096):
                    pass
            except OSError:
                pass

    def empty(self) -> None:
        (self.folder / "filler").unlink()


@contextmanager
def mounted(folder: Path) -> Iterator[SmallDisk]:
    """In memory; skips where mounting is not allowed."""
    folder.mkdir()
    mount = shutil.which("mount")
    mounting = [mount or "", "-t", "tmpfs", "-o", "size=300k", "none", str(folder)]
    if os.geteuid() or not mount or subprocess.run(mounting, check=False).returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)

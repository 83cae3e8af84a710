"""Turns a run's folder into its reports, once, and prints as JSON the seconds of each stage; a process of its own."""

import json
import sys
import time
from pathlib import Path


def main(folder: Path) -> None:
    clock = _Clock()
    from records.folder import RunFolder
    from reports.load import load
    from reports.report import make_report
    from reports.write import FORMATS

    clock.done("import")
    run = load(RunFolder(folder))
    clock.done("rows to tables")
    found = make_report(run)
    clock.done("figures")
    for one in FORMATS:
        (folder / one.file).write_text(one.render(found), encoding="utf-8")
        clock.done(one.name)
    figures = {arm.name: arm.metrics for arm in found.arms}
    print(json.dumps({"seconds": clock.seconds, "figures": figures, "problems": found.problems}))


class _Clock:
    """The seconds of each stage, in their order."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since_s = time.monotonic()

    def done(self, stage: str) -> None:
        now_s = time.monotonic()
        self.seconds[stage], self._since_s = now_s - self._since_s, now_s


if __name__ == "__main__":
    main(Path(sys.argv[1]))

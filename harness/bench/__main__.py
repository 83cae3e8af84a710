"""`make bench`: prints what the parts cost, part by part; `python -m harness.bench app` measures one."""

import sys
import tempfile
from pathlib import Path

from harness.bench.analyzer import measure_analyzer
from harness.bench.app import measure_app
from harness.bench.cached import measure_cached
from harness.bench.load import measure_load
from harness.bench.memory import measure_memory
from harness.bench.neighbours import measure_neighbours
from harness.bench.proxy import measure_proxy
from harness.bench.rows import measure_rows
from records.bad_input import BadInput, unknown

PARTS = {
    "rows": measure_rows,
    "load": measure_load,
    "proxy": measure_proxy,
    "neighbours": measure_neighbours,
    "memory": measure_memory,
    "app": measure_app,
    "cached": measure_cached,
    "analyzer": measure_analyzer,
}


def main(names: list[str]) -> int:
    """Measure the parts named, or all."""
    problems = [unknown("part", name, PARTS) for name in names if name not in PARTS]
    if problems:
        raise BadInput(*problems)
    for name in names or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            print("\n".join(PARTS[name](Path(folder))), end="\n\n", flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BadInput as error:
        print(error, file=sys.stderr)
        sys.exit(2)

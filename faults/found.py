"""Finds kinds of the user's own: the public generator functions of a folder's .py files, by their names, beside ours."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from inspect import isasyncgenfunction, iscoroutinefunction, isfunction, isgeneratorfunction
from pathlib import Path
from traceback import extract_tb
from types import FunctionType, ModuleType

from faults.actions import SUBJECTS, Kind, fresh_state, name_of, state_of, subject_of
from faults.kinds import KINDS
from faults.parameters import check_parameters
from records.bad_input import BadInput

NOT_OURS_TO_LOAD = ("_*", "test_*", "conftest.py")
"""Helpers, which kinds may import, and tests of kinds."""


def find_kinds(folder: str | Path = "") -> tuple[Kind, ...]:
    """Ours, and those of the folder if one is named; all that is wrong with it is told together, as BadInput."""
    problems: list[str] = []
    kinds = load_kinds(folder, problems)
    if problems:
        raise BadInput(*problems)
    return kinds


def load_kinds(folder: str | Path, problems: list[str]) -> tuple[Kind, ...]:
    """The same, but what is wrong joins `problems`, and what is right comes back."""
    if not str(folder):
        return KINDS
    told = len(problems)
    written = [kind for path in scripts_of(folder, problems) for kind in _kinds_of(path, problems)]
    if not written and len(problems) == told:
        problems.append(f"{folder}: holds no kind: no function that yields, about {', '.join(SUBJECTS)}, in any .py file")
    found = {name_of(kind): kind for kind in KINDS}
    for kind in written:
        if problem := _clash(kind, found) or _problem_of(kind):
            problems.append(f"{_place(kind)}: {name_of(kind)}: {problem}")
        else:
            found[name_of(kind)] = kind
    return tuple(found.values())


def scripts_of(folder: str | Path, problems: list[str]) -> list[Path]:
    """The files that may hold kinds, by name."""
    home = Path(folder)
    if not home.is_dir():
        why = "is a file, name the folder it is in" if home.is_file() else "no such folder"
        problems.append(f"{folder}: {why}. Kinds of your own are read from the .py files of a folder")
        return []
    return [path for path in sorted(home.glob("*.py")) if not any(path.match(glob) for glob in NOT_OURS_TO_LOAD)]


def _kinds_of(path: Path, problems: list[str]) -> list[Kind]:
    """Its public functions that yield, in the order they are written; none of what it imports."""
    try:
        module = _loaded(path)
    except (Exception, SystemExit) as error:
        problems.append(_not_loaded(path, error))
        return []
    own = [value for name, value in vars(module).items() if _is_public(name, value) and value.__module__ == module.__name__]
    waiting = [kind for kind in own if isasyncgenfunction(kind) or (iscoroutinefunction(kind) and _has_subject(kind))]
    problems += [
        f"{_place(kind)}: {name_of(kind)}: must not be async: it yields Pause where it wants to wait" for kind in waiting
    ]
    return [kind for kind in own if isgeneratorfunction(kind)]


def _is_public(name: str, value: object) -> bool:
    return isfunction(value) and name == value.__name__ and not name.startswith("_")


def _has_subject(kind: Kind) -> bool:
    try:
        return bool(subject_of(kind))
    except ValueError:
        return False


def _loaded(path: Path) -> ModuleType:
    # Compiled here and not imported: an import keeps bytecode beside the script, and takes old code for new of the same second.
    home = path.resolve().parent
    module = ModuleType(f"kinds_of_{blake2b(bytes(home), digest_size=4).hexdigest()}.{path.stem}")
    module.__file__ = str(path)
    code = compile(path.read_bytes(), str(path), "exec")
    sys.modules[module.__name__] = module  # dataclasses look for their module there
    with _importing_from(home):
        exec(code, vars(module))
    return module


@contextmanager
def _importing_from(home: Path) -> Iterator[None]:
    """As for a script that is started: it may import what lies beside it. Two folders may each have a helper of one name."""
    before = set(sys.modules)
    sys.path.insert(0, str(home))
    try:
        yield
    finally:
        sys.path.remove(str(home))
        for name in set(sys.modules) - before:
            if Path(getattr(sys.modules[name], "__file__", None) or "/").parent == home:
                del sys.modules[name]


def _not_loaded(path: Path, error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"{path}:{error.lineno}: {error.msg}"
    if isinstance(error, OSError) and error.filename == str(path):
        return f"{path}: cannot be read, {(error.strerror or '').lower()}"
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{path}:{lines[-1] if lines else 1}: {type(error).__name__}: {error}"


def _place(kind: Kind) -> str:
    assert isinstance(kind, FunctionType)
    return f"{kind.__code__.co_filename}:{kind.__code__.co_firstlineno}"


def _clash(kind: Kind, found: Mapping[str, Kind]) -> str:
    other = found.get(name_of(kind))
    if other is None:
        return ""
    return f"this name is {'of a kind of ours' if other in KINDS else f'taken at {_place(other)}'}, give yours another"


def _problem_of(kind: Kind) -> str:
    """Why it cannot be a kind; empty where it can."""
    try:
        if not _has_subject(kind):
            return f"the first parameter must be one of {', '.join(SUBJECTS)}; if it is a helper, begin its name with _"
        check_parameters(kind)
        for name in state_of(kind):
            fresh_state(kind, name)
    except Exception as error:
        return (
            str(error).removeprefix(f"{name_of(kind)}: ")
            if isinstance(error, ValueError)
            else f"{type(error).__name__}: {error}"
        )
    return ""

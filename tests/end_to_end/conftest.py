"""The small scenario, run once for all tests that look at it."""

import pytest

from tests.end_to_end.small import Ran, run_small


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The small scenario, run once."""
    return run_small(tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="session")
def ran_again(ran: Ran, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The same command a second time."""
    return run_small(tmp_path_factory.mktemp("second"))

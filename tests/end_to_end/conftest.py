"""The small scenario, run once for all tests that look at it; and Locust, started by hand."""

import pytest

from tests.end_to_end.locusts import Locust, wait_for
from tests.end_to_end.small import Ran, run_small


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The small scenario, run once."""
    return run_small(tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="session")
def ran_again(ran: Ran, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The same command a second time."""
    return run_small(tmp_path_factory.mktemp("second"))


@pytest.fixture(scope="module")
def locust(tmp_path_factory):
    """locust("--headless", ...): started; whatever happens, it and what it started end with this module."""
    started = []

    def start(*arguments, **more):
        started.append(Locust(tmp_path_factory.mktemp("locust"), *arguments, **more))
        return started[-1]

    yield start
    for one in started:
        one.kill()
    wait_for(lambda: not any(one.left() for one in started), 20, lambda: str([one.left() for one in started]))

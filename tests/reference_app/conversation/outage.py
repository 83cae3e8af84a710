"""A server that comes back."""

from contextlib import suppress

from tests.reference_app.conftest import until
from tests.servers import Server


def back(server: Server) -> None:
    """Started again, once what the killed one has left behind is gone."""

    def started() -> Server | None:
        with suppress(RuntimeError):
            return server.start()
        return None

    until(started, within_s=30)

"""The users Locust spawns: the pool of those who may be in flight."""

from typing import Any, ClassVar

from locust import FastHttpUser, constant, task
from locust.env import Environment
from locust.exception import StopTest

from scenarios.client import Connection
from scenarios.load import Load


class ChatUser(FastHttpUser):
    """One place in the pool."""

    wait_time = constant(0)
    # The workload's deadline is the only one: a timeout of the socket would end requests by another clock,
    # and start and stop a timer of its own for every token.
    network_timeout: Any = None
    connection_timeout: Any = None
    load: ClassVar[Load | None] = None
    """The test that runs in this process; set by scenarios.setup."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.connection = Connection(self.client, self.default_headers)

    @task
    def ask(self) -> None:
        if self.load is None:
            raise StopTest("No test was set up: call scenarios.setup.setup in Locust's init event.")
        self.load.ask(self.connection)

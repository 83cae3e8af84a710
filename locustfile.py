"""Locust's front door: `locust -f locustfile.py` alone starts the whole embedded stack and leaves a run with its report."""

from locust import events

from harness.front_door import open_door
from scenarios import options
from scenarios.users import ChatUser

__all__ = ["ChatUser"]
options.register()


@events.init.add_listener
def begin(environment, **_):
    door = open_door(environment)
    if door is not None:
        # Here and not below: listeners of `quitting` that are added first run last, after Locust's own.
        environment.events.test_stop.add_listener(door.stopped)
        DOORS.append(door)


@events.quitting.add_listener
def end(environment, **_):
    for door in DOORS:
        door.quitting()


DOORS = []

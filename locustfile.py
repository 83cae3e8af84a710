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
        DOORS.append(door)


@events.quitting.add_listener
def end(environment, **_):
    # Here and not in `init`: listeners of `quitting` that are added first run last, after Locust's own.
    for door in DOORS:
        door.quitting()


DOORS = []

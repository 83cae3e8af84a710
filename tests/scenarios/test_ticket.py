"""A ticket survives Locust's messages, and each worker finds its own arrivals in it."""

from itertools import islice

import msgpack

from scenarios.ticket import Ticket, from_wire, to_wire
from scenarios.workload import Workload, schedule

TICKET = Ticket(Workload(temperatures=(0.0, 1.0)), 7, 2, "off", "x/requests.jsonl", 12.5, float("inf"), ("a", "b"))


def test_a_ticket_survives_the_wire():
    assert from_wire(msgpack.unpackb(msgpack.packb(to_wire(TICKET)))) == TICKET


def test_each_worker_finds_its_own_part():
    assert list(islice(TICKET.planned("b"), 5)) == list(islice(schedule(TICKET.workload, 7, 2, 1, 2), 5))


def test_a_worker_who_came_too_late_asks_nothing():
    assert list(TICKET.planned("c")) == []

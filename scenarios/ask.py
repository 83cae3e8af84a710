"""python -m scenarios.ask TICKET REQUEST_ID URL: asks one request of a schedule as a user of the load does; it leaves its row.

A process of its own: importing Locust patches the sockets of whoever does.
"""

import json
import sys
from collections.abc import Sequence
from time import monotonic

import orjson
from locust.env import Environment

from records.jsonl import RowFile
from scenarios.answers import Seen
from scenarios.client import attempt
from scenarios.load import row_of
from scenarios.ticket import from_wire
from scenarios.users import ChatUser
from scenarios.workload import schedule


def main(words: Sequence[str]) -> None:
    """Asks at once, whenever it was due."""
    ticket, request_id, url = from_wire(json.loads(words[0])), words[1], words[2]
    arrivals = schedule(ticket.workload, ticket.seed, ticket.pair)
    arrival = next(one for one in arrivals if one.request_id == request_id)
    ChatUser.host = url
    user, seen, began_s = ChatUser(Environment()), Seen(), monotonic()
    attempt(user.connection, arrival, seen, began_s + ticket.workload.deadline_s)
    RowFile(ticket.rows_path, dumps=orjson.dumps).write(vars(row_of(ticket, arrival, seen, began_s)))


if __name__ == "__main__":
    main(sys.argv[1:])

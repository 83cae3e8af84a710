"""mitmdump -s bare_proxy.py: a reverse proxy that streams, and nothing of ours in it.

Its addon chain is as short as ours, unless the environment holds KEEP_ADDONS.
"""

import logging
import os
from typing import Any

from mitmproxy import ctx, http

NEEDED = frozenset({"proxyserver", "scriptloader", "nextlayer", "tlsconfig"})


def running() -> None:
    addons: Any = ctx.master.addons
    if "KEEP_ADDONS" not in os.environ:
        shorten(addons)
    host, port = addons.get("proxyserver").listen_addrs()[0][:2]
    print(f"listening on http://{host}:{port}", flush=True)


def shorten(addons: Any) -> None:
    addons.chain = [one for one in addons.chain if getattr(one, "name", type(one).__name__.lower()) in NEEDED]
    logging.getLogger().setLevel(logging.WARNING)


def responseheaders(flow: http.HTTPFlow) -> None:
    if flow.response:
        flow.response.stream = True

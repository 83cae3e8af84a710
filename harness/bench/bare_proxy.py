"""mitmdump -s bare_proxy.py: a reverse proxy that streams, with the addon chain as short as ours and nothing of ours in it."""

import logging

from mitmproxy import ctx, http

NEEDED = frozenset({"proxyserver", "scriptloader", "nextlayer", "tlsconfig"})


def running() -> None:
    addons = ctx.master.addons
    addons.chain = [one for one in addons.chain if getattr(one, "name", type(one).__name__.lower()) in NEEDED]
    logging.getLogger().setLevel(logging.WARNING)
    host, port = addons.get("proxyserver").listen_addrs()[0][:2]  # type: ignore[no-untyped-call]
    print(f"listening on http://{host}:{port}", flush=True)


def responseheaders(flow: http.HTTPFlow) -> None:
    if flow.response:
        flow.response.stream = True

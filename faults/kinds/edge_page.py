"""Errors that do not come from the provider but from what stands in front of it: a page for people, not JSON."""

from hashlib import blake2b
from typing import Annotated

from faults.actions import Actions, Reply, Request

# What Cloudflare calls them; 502 is also what any nginx says. Shapes: claude-code issue 3197, litellm issue 796.
TITLES = {
    500: "Internal server error",
    502: "Bad gateway",
    503: "Service temporarily unavailable",
    504: "Gateway time-out",
    520: "Web server is returning an unknown error",
    521: "Web server is down",
    522: "Connection timed out",
    523: "Origin is unreachable",
    524: "A timeout occurred",
    530: "The origin has been unregistered from this network",
}
CLOUDFLARE = """<!DOCTYPE html>
<html class="no-js" lang="en-US">
<head>
<title>{host} | {status}: {title}</title>
<meta charset="UTF-8" />
<meta name="robots" content="noindex, nofollow" />
<meta name="viewport" content="width=device-width,initial-scale=1" />
</head>
<body>
<div id="cf-wrapper"><div id="cf-error-details">
<h1>{title} <span class="code-label">Error code {status}</span></h1>
<p>The edge could not get a usable answer from {host}. Trying again in a few minutes may help.</p>
<p>Ray ID: <strong>{ray}</strong></p>
</div></div>
</body>
</html>
"""
NGINX = """<html>\r
<head><title>{status} {title}</title></head>\r
<body>\r
<center><h1>{status} {title}</h1></center>\r
<hr><center>nginx</center>\r
</body>\r
</html>\r
"""


def edge_page(request: Request, status: Annotated[int, 500, 599] = 502, nginx: bool = False) -> Actions:
    """Answer with an HTML page of status 502, 520, 524 or 530, as Cloudflare or `nginx` in front of a provider does."""
    ray = blake2b(request.id.encode(errors="replace"), digest_size=8).hexdigest()
    title = TITLES.get(status, "Unknown error")
    page, title = (NGINX, title.title()) if nginx else (CLOUDFLARE, title)
    body = page.format(host=request.headers.get("host", "provider"), status=status, title=title, ray=ray)
    headers = {"server": "nginx"} if nginx else {"server": "cloudflare", "cf-ray": f"{ray}-FRA", "cache-control": "no-store"}
    yield Reply(status, {"content-type": "text/html; charset=UTF-8", **headers}, body.encode(errors="replace"))

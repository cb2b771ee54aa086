"""The files of the widget and its demo page, as the server gives them out: a fixed list, nothing else of the disk."""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache

from sanic import response
from sanic.request import Request
from sanic.response import HTTPResponse

from rolewise.settings import PROJECT_ROOT

WIDGET = PROJECT_ROOT / "widget"
PAGE = "index.html"

JAVASCRIPT = "text/javascript; charset=utf-8"
CSS = "text/css; charset=utf-8"
TYPES = {
    PAGE: "text/html; charset=utf-8",
    "demo.css": CSS,
    "icon.svg": "image/svg+xml",
    "widget.js": JAVASCRIPT,
    "client.js": JAVASCRIPT,
    "texts.js": JAVASCRIPT,
    "view.js": JAVASCRIPT,
    "widget.css": CSS,
}
# The demo page runs under the policy that a careful site has, so that the widget is seen to work under it.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@lru_cache(maxsize=2 * len(TYPES))
def contents(name: str, changed: int) -> tuple[bytes, bytes, str]:
    """A file's bytes, the same packed with gzip, and its ETag; kept until the file has another time of change."""
    body = (WIDGET / name).read_bytes()
    return body, gzip.compress(body, mtime=0), f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'


def give(request: Request, name: str) -> HTTPResponse:
    """Answer with a file of the list, or with 304 where the browser has it already."""
    body, packed, tag = contents(name, (WIDGET / name).stat().st_mtime_ns)
    # The names carry no version, so a browser asks each time; the ETag makes that a few bytes.
    headers = {"ETag": tag, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding"}
    if name == PAGE:
        headers |= {"Content-Security-Policy": PAGE_POLICY, "Referrer-Policy": "no-referrer"}
    else:
        # A module of another origin is loaded by CORS only. There is nothing private in it.
        headers |= {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
    if request.headers.get("if-none-match") == tag:
        return response.empty(status=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        body = packed
        headers["Content-Encoding"] = "gzip"
    return response.raw(body, headers=headers, content_type=TYPES[name])

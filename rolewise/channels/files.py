"""The files of the widget and its demo page, as the server gives them out: a fixed list, nothing else of the disk."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from functools import lru_cache

from sanic import response
from sanic.request import Request
from sanic.response import HTTPResponse

from rolewise.answers import faq
from rolewise.channels.negotiation import is_current, takes_gzip
from rolewise.knowledge import Knowledge
from rolewise.settings import PROJECT_ROOT

WIDGET = PROJECT_ROOT / "widget"
PAGE = "index.html"

JAVASCRIPT = "text/javascript; charset=utf-8"
CSS = "text/css; charset=utf-8"
TYPES = {
    PAGE: "text/html; charset=utf-8",
    "demo.css": CSS,
    "faq.css": CSS,
    "icon.svg": "image/svg+xml",
    "widget.js": JAVASCRIPT,
    "client.js": JAVASCRIPT,
    "faq.js": JAVASCRIPT,
    "figures.js": JAVASCRIPT,
    "texts.js": JAVASCRIPT,
    "tools.js": JAVASCRIPT,
    "view.js": JAVASCRIPT,
    "widget.css": CSS,
}
# The demo page runs under the policy that a careful site has, so that the widget is seen to work under it.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@lru_cache(maxsize=2 * len(TYPES))
def contents(name: str, changed: int, below: bool = False) -> tuple[bytes, bytes, str]:
    """A file's bytes, the same packed with gzip, and its ETag; kept until the file has another time of change.

    Args:
        name: the file.
        changed: when it was changed, in nanoseconds.
        below: it is asked for as a directory. All links of the pages are relative, so that a proxy may put them anywhere; those of the page
            at ``chat`` lead to what lies in ``chat`` beside it, those of ``chat/`` have to lead to what lies below.
    """
    body = (WIDGET / name).read_bytes()
    return held(body.replace(b'="chat/', b'="./') if below else body)


def held(body: bytes) -> tuple[bytes, bytes, str]:
    """Bytes, the same packed with gzip, and their ETag."""
    return body, gzip.compress(body, mtime=0), f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'


def give(request: Request, name: str) -> HTTPResponse:
    """Answer with a file of the list, or with 304 where the browser has it already."""
    page = name == PAGE
    below = page and request.path.endswith("/")
    return respond(request, contents(name, (WIDGET / name).stat().st_mtime_ns, below), TYPES[name], page)


def respond(request: Request, held: tuple[bytes, bytes, str], content_type: str, page: bool) -> HTTPResponse:
    """Answer with something that is held ready as :func:`contents` gives it."""
    body, packed, tag = held
    # The names carry no version, so a browser asks each time; the ETag makes that a few bytes.
    headers = {"ETag": tag, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding"}
    if page:
        headers |= {"Content-Security-Policy": PAGE_POLICY, "Referrer-Policy": "no-referrer"}
    else:
        # A module of another origin is loaded by CORS only. There is nothing private in it.
        headers |= {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
    if is_current(_header(request, "if-none-match"), tag):
        return response.empty(status=304, headers=headers)
    if takes_gzip(_header(request, "accept-encoding")):
        body = packed
        headers["Content-Encoding"] = "gzip"
    return response.raw(body, headers=headers, content_type=content_type)


def _header(request: Request, name: str) -> str | None:
    """A header that may come on several lines, as one list; None where there is none."""
    return ",".join(request.headers.getall(name)) if name in request.headers else None


class Faq:
    """The page of questions and answers, made anew when the process answers with another knowledge."""

    def __init__(self) -> None:
        """Not made yet."""
        self._made: tuple[Knowledge, tuple[bytes, bytes, str]] | None = None
        self._making = asyncio.Lock()

    async def give(self, request: Request, knowledge: Knowledge) -> HTTPResponse:
        """Answer with the page of a knowledge; it is made in a thread, as that takes some tenths of a second, and once for all who wait."""
        if request.path.endswith("/"):
            # Its links are relative: they would lead below it.
            return response.empty(status=308, headers={"Location": "../faq"})
        async with self._making:
            if self._made is None or self._made[0] is not knowledge:
                html = await asyncio.to_thread(faq.page, knowledge)
                self._made = (knowledge, await asyncio.to_thread(held, html.encode("utf-8")))
            made = self._made[1]
        return respond(request, made, TYPES[PAGE], page=True)

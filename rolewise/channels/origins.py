"""Which web pages may talk to the channels: the server's own, and those of the allow-list in the settings."""

from __future__ import annotations

from sanic import response
from sanic.request import Request
from sanic.response import HTTPResponse

from rolewise.settings import settings

REFUSED = "this origin is not allowed: name it in ROLEWISE_ORIGINS"
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, DELETE",
    "Access-Control-Allow-Headers": "authorization, content-type",
    "Access-Control-Max-Age": "600",
}
ALLOW_ORIGIN = "Access-Control-Allow-Origin"


def allowed(origin: str, host: str) -> bool:
    """Whether a page of this origin may talk to the server.

    Args:
        origin: the header ``Origin``, for example ``https://careers.example``.
        host: the header ``Host`` of the same request.
    """
    own = origin in (f"http://{host}", f"https://{host}")
    return own or not {"*", origin.lower()}.isdisjoint(allow_list())


def allow_list() -> set[str]:
    """The origins of the settings, in lower case."""
    return {origin.strip().rstrip("/").lower() for origin in settings().origins.split(",") if origin.strip()}


async def refuse_strangers(request: Request) -> HTTPResponse | None:
    """Request middleware: 403 for what a page of another origin sends; a preflight ends here. Without an origin it is no page's script."""
    origin = request.headers.get("origin")
    if origin and request.method not in ("GET", "HEAD") and not allowed(origin, request.host):
        return response.json({"error": REFUSED}, status=403)
    return response.empty() if request.method == "OPTIONS" else None


async def refuse_cross_site(request: Request) -> HTTPResponse | None:
    """Request middleware of the whole app: 403 for a message that a page of another origin sends to a webhook, whichever channel has it.

    A browser sends some without asking first, and a bot on the reader's own network would take them.
    """
    if request.path.startswith("/webhooks/") and request.method != "OPTIONS":
        return await refuse_strangers(request)
    return None


async def share(request: Request, reply: HTTPResponse) -> None:
    """Response middleware: lets an allowed page read the answer, and answers a preflight."""
    origin = request.headers.get("origin")
    if ALLOW_ORIGIN in reply.headers:
        return
    reply.headers["Vary"] = ", ".join(filter(None, [reply.headers.get("Vary"), "Origin"]))
    if origin and allowed(origin, request.host):
        reply.headers[ALLOW_ORIGIN] = origin
        reply.headers["Access-Control-Expose-Headers"] = "Retry-After"
        if request.method == "OPTIONS":
            reply.headers.update(PREFLIGHT)

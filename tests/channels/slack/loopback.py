"""A Slack of the tests' own: Web API, Socket Mode and signed HTTP requests on one port of this machine, strict about every message.

The assistant talks to it through the real slack_bolt and slack_sdk. It keeps what was posted, refuses what Slack would refuse
(:mod:`tests.channels.slack.limits`), and can be slow, busy, unreachable or disconnected when a test wants it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import WSMsgType, web

from tests.channels.slack.limits import message_faults, view_faults

TEAM, APP, BOT, BOT_ID = "T1", "A1", "UBOT", "B1"
BOT_TOKEN, APP_TOKEN, SECRET = "xoxb-of-the-tests", "xapp-of-the-tests", "a signing secret of the tests"
# A channel that the assistant is no member of.
ELSEWHERE = "C9"
PATIENCE = 30.0

Fields = dict[str, Any]
Result = TypeVar("Result")


@dataclass
class Post:
    """A message that the assistant has posted."""

    channel: str
    time: str
    text: str
    blocks: list[Fields]
    thread: str = ""
    metadata: Fields = field(default_factory=dict)
    only_for: str = ""
    at: float = 0.0
    edits: int = 0
    deleted: bool = False
    fields: Fields = field(default_factory=dict)

    def block(self, kind: str) -> Fields:
        """The one block of this type."""
        (found,) = [block for block in self.blocks if block["type"] == kind]
        return found

    @property
    def kinds(self) -> list[str]:
        return [block["type"] for block in self.blocks]

    @property
    def title(self) -> str:
        return "".join(block["text"]["text"] for block in self.blocks if block["type"] == "header")

    @property
    def buttons(self) -> list[Fields]:
        return [button for block in self.blocks if block["type"] == "actions" for button in block["elements"]]

    @property
    def titles(self) -> list[str]:
        return [button["text"]["text"] for button in self.buttons]


class Slack:
    """The workspace."""

    def __init__(self) -> None:
        # Only ever grows: a deleted post keeps its place, so that who counted the posts finds what came behind them.
        self.posts: list[Post] = []
        self.whispers: list[Fields] = []
        self.views: dict[str, Fields] = {}
        self.statuses: list[Fields] = []
        self.calls: list[str] = []
        self.faults: list[str] = []
        self.acks: dict[str, float] = {}
        self.sockets: list[web.WebSocketResponse] = []
        # What goes wrong, by the method's name: seconds of Retry-After for the next calls; an error; an HTTP status for the next calls.
        self.too_many: dict[str, list[int]] = {}
        self.refusals: dict[str, str] = {}
        self.broken: dict[str, list[int]] = {}
        self.open = threading.Event()
        self.open.set()
        self._responses: dict[str, tuple[str, str, str]] = {}
        self._numbers = itertools.count(1)
        self._clock = itertools.count(1)
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        threading.Thread(target=self._serve, args=(ready,), daemon=True).start()
        assert ready.wait(PATIENCE)

    # -- the machinery ------------------------------------------------------------------------------------------------------------

    def _serve(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application()
        app.add_routes(
            [web.route("*", "/api/{method}", self._api), web.get("/link", self._link), web.post("/response/{key}", self._respond)]
        )
        runner = web.AppRunner(app)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self.address = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]
        ready.set()
        self._loop.run_forever()

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    def now(self) -> str:
        """A timestamp that no other message has."""
        return f"1790000000.{next(self._clock):06d}"

    def number(self) -> int:
        return next(self._numbers)

    def wait(self, condition: Callable[[], Result | None], seconds: float = PATIENCE) -> Result:
        """Wait until something is there; gives it."""
        end = time.monotonic() + seconds
        while True:
            found = condition()
            if found:
                return found
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.01)

    # -- the Web API --------------------------------------------------------------------------------------------------------------

    async def _api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        is_json = request.content_type == "application/json"
        fields: Fields = {**request.query, **(await request.json() if is_json else await request.post())}
        for name in ("blocks", "view", "metadata"):
            if isinstance(fields.get(name), str):
                fields[name] = json.loads(fields[name])
        self.calls.append(method)
        if self.too_many.get(method):
            seconds = str(self.too_many[method].pop(0))
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": seconds})
        if self.broken.get(method):
            status = self.broken[method].pop(0)
            if not status:  # The line is cut in the middle.
                assert request.transport
                request.transport.abort()
            return web.Response(status=status or 500, text="<html>not now</html>", content_type="text/html")
        while not self.open.is_set() and method == "chat.postMessage":
            await asyncio.sleep(0.02)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or str(fields.get("token"))
        if token != (APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN):
            return web.json_response({"ok": False, "error": "invalid_auth"})
        error = self.refusals.get(method) or self._error(method, fields)
        if error:
            return web.json_response({"ok": False, "error": error})
        return web.json_response({"ok": True, **getattr(self, "_" + method.replace(".", "_"))(fields)})

    def _error(self, method: str, fields: Fields) -> str | None:
        """What Slack would say to a call that it does not take."""
        if not hasattr(self, "_" + method.replace(".", "_")):
            self.faults.append(f"unknown method {method}")
            return "unknown_method"
        if method in ("chat.postMessage", "chat.update", "chat.postEphemeral"):
            if fields.get("channel") == ELSEWHERE:
                return "not_in_channel"
            faults = message_faults(fields)
        else:
            faults = view_faults(fields["view"]) if method == "views.publish" else []
        self.faults += faults
        if faults:
            return "no_text" if "no_text" in faults[0] else "invalid_blocks"
        if method == "chat.update" and not self._post(fields):
            return "message_not_found"
        return None

    def _post(self, fields: Fields) -> Post | None:
        return next((post for post in self.there() if (post.channel, post.time) == (fields["channel"], fields["ts"])), None)

    def there(self, since: int = 0) -> list[Post]:
        """The posts that nobody deleted."""
        return [post for post in self.posts[since:] if not post.deleted]

    def _auth_test(self, fields: Fields) -> Fields:
        return {"team": "Tests", "team_id": TEAM, "user": "rolewise", "user_id": BOT, "bot_id": BOT_ID}

    def _apps_connections_open(self, fields: Fields) -> Fields:
        return {"url": f"{self.address.replace('http', 'ws')}/link"}

    def _chat_postMessage(self, fields: Fields) -> Fields:
        post = self._put(str(fields["channel"]), fields)
        return {"channel": post.channel, "ts": post.time, "message": {}}

    def _chat_update(self, fields: Fields) -> Fields:
        post = self._post(fields)
        assert post
        self._edit(post, fields)
        return {"channel": post.channel, "ts": post.time}

    def _edit(self, post: Post, fields: Fields) -> None:
        old = {block["block_id"] for block in post.blocks if block["type"] == "actions"}
        post.text, post.blocks, post.edits = fields["text"], self._named(fields), post.edits + 1
        kept = old & {block["block_id"] for block in post.blocks}
        self.faults += [f"block_id {block_id} kept in an update" for block_id in kept]

    def _chat_postEphemeral(self, fields: Fields) -> Fields:
        self.whispers.append(fields)
        return {"message_ts": self.now()}

    def _conversations_open(self, fields: Fields) -> Fields:
        return {"channel": {"id": direct(str(fields["users"]))}}

    def _conversations_history(self, fields: Fields) -> Fields:
        return self._listing(fields, "")

    def _conversations_replies(self, fields: Fields) -> Fields:
        return self._listing(fields, str(fields["ts"]))

    def _listing(self, fields: Fields, thread: str) -> Fields:
        found = [
            post for post in self.there() if (post.channel, post.thread) == (fields["channel"], thread) and post.time > fields["oldest"]
        ]
        with_metadata = str(fields.get("include_all_metadata")).lower() in ("1", "true")
        return {"messages": [{"ts": post.time, **({"metadata": post.metadata} if with_metadata else {})} for post in found]}

    def _views_publish(self, fields: Fields) -> Fields:
        self.views[fields["user_id"]] = fields["view"]
        return {"view": {}}

    def _assistant_threads_setStatus(self, fields: Fields) -> Fields:
        self.statuses.append(fields)
        return {}

    def _put(self, channel: str, fields: Fields, only_for: str = "") -> Post:
        thread, metadata = str(fields.get("thread_ts") or ""), fields.get("metadata") or {}
        post = Post(channel, self.now(), fields["text"], self._named(fields), thread, metadata, only_for, time.monotonic(), fields=fields)
        self.posts.append(post)
        return post

    def _named(self, fields: Fields) -> list[Fields]:
        """The blocks; Slack gives an id to those without one."""
        return [{"block_id": f"b{self.number()}", **block} for block in fields.get("blocks") or []]

    async def _respond(self, request: web.Request) -> web.Response:
        """A response_url: Slack takes five answers there, and says what is wrong in words."""
        fields = await request.json()
        channel, user, time_ = self._responses[request.match_info["key"]]
        self.calls.append("response_url")
        if self.broken.get("response_url"):
            return web.Response(status=self.broken["response_url"].pop(0))
        if self.refusals.get("response_url") and fields.get("blocks"):
            return web.Response(status=400, text=self.refusals["response_url"])
        old = next((post for post in self.there() if post.time == time_), None)
        if fields == {"delete_original": True} and old:
            old.deleted = True
            return web.Response(text="ok")
        faults = ["delete_original beside a message"] if "delete_original" in fields else message_faults(fields)
        self.faults += faults
        if faults:
            return web.Response(status=400, text="invalid_blocks")
        if fields.get("replace_original") and old:
            self._edit(old, fields)
            return web.Response(text="ok")
        self._put(channel, fields, user if fields.get("response_type") != "in_channel" else "")
        return web.Response(text="ok")

    def response_url(self, channel: str, user: str, time_: str = "") -> str:
        key = f"r{self.number()}"
        self._responses[key] = (channel, user, time_)
        return f"{self.address}/response/{key}"

    # -- Socket Mode --------------------------------------------------------------------------------------------------------------

    async def _link(self, request: web.Request) -> web.StreamResponse:
        link = web.WebSocketResponse()
        await link.prepare(request)
        await link.send_json({"type": "hello", "num_connections": 1, "connection_info": {"app_id": APP}})
        self.sockets.append(link)
        async for message in link:
            if message.type == WSMsgType.TEXT:
                self.acks[json.loads(message.data)["envelope_id"]] = time.monotonic()
        self.sockets.remove(link)
        return link

    def envelope(self, kind: str, payload: Fields, wait: bool = True, **more: Any) -> float:
        """Send something through the newest socket; gives the seconds until it was acknowledged."""
        envelope_id = f"e{self.number()}"
        body = {"envelope_id": envelope_id, "type": kind, "payload": payload, "accepts_response_payload": kind != "events_api", **more}
        link = self.wait(lambda: self.sockets[-1:])[0]
        began = time.monotonic()
        self.run(link.send_json(body))
        return self.wait(lambda: self.acks.get(envelope_id)) - began if wait else 0.0

    def hang_up(self, politely: bool) -> None:
        """Ask for a new connection as Slack does every few hours, or break the one there is."""
        link = self.sockets[-1]
        self.run(link.send_json({"type": "disconnect", "reason": "refresh_requested"}) if politely else link.close())


def direct(user: str) -> str:
    """The channel of a person's direct messages."""
    return f"D{user[1:]}"


def signed(body: str, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    """The headers by which Slack shows that a request is its own."""
    stamp = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}

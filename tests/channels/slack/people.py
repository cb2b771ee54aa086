"""People in the tests' Slack, who write, press and command; by Socket Mode or by signed HTTP requests."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlencode

import requests

from tests.channels.slack.loopback import APP, BOT, TEAM, Fields, Post, Slack, direct, signed

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


class Door:
    """How Slack reaches the assistant: Socket Mode, or HTTP where an address is given."""

    def __init__(self, slack: Slack, address: str = "") -> None:
        self.slack = slack
        self.webhook = f"{address}/slack/events" if address else ""

    def event(self, payload: Fields, retry: str = "", wait: bool = True) -> float:
        """Gives the seconds until the acknowledgement."""
        if self.webhook:
            more = {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": retry} if retry else {}
            return self.post(json.dumps(payload), JSON, **more)
        more_fields = {"retry_attempt": 1, "retry_reason": retry} if retry else {"retry_attempt": 0, "retry_reason": ""}
        return self.slack.envelope("events_api", payload, wait, **more_fields)

    def interaction(self, payload: Fields) -> float:
        if self.webhook:
            return self.post(urlencode({"payload": json.dumps(payload)}), FORM)
        return self.slack.envelope("interactive", payload)

    def command(self, payload: Fields) -> float:
        return self.post(urlencode(payload), FORM) if self.webhook else self.slack.envelope("slash_commands", payload)

    def post(self, body: str, content_type: str, **headers: str) -> float:
        began = time.monotonic()
        response = self.send(body, {"Content-Type": content_type, **signed(body), **headers})
        assert response.status_code == 200, response.text
        return time.monotonic() - began

    def send(self, body: str, headers: dict[str, str]) -> requests.Response:
        return requests.post(self.webhook, data=body.encode("utf-8"), headers=headers, timeout=60)


class Person:
    """Somebody in the workspace."""

    def __init__(self, door: Door, name: str = "") -> None:
        self.door = door
        self.slack = door.slack
        self.user = name or f"U{self.slack.number()}"
        self.direct = direct(self.user)
        self.acknowledged: list[float] = []

    def body(self, event: Fields) -> Fields:
        """The body of an event."""
        return {
            "type": "event_callback",
            "team_id": TEAM,
            "api_app_id": APP,
            "event_id": f"Ev{self.slack.number()}",
            "event_time": int(time.time()),
            "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": True}],
            "event": event,
        }

    def message(self, text: str, channel: str = "", thread: str = "", **more: Any) -> Fields:
        """The body of the event that a message is."""
        channel = channel or self.direct
        kind = "im" if channel == self.direct else "channel"
        event = {"type": "message", "user": self.user, "text": text, "ts": self.slack.now(), "channel": channel, "channel_type": kind}
        return self.body({**event, **({"thread_ts": thread} if thread else {}), "team": TEAM, **more})

    def tell(self, body: Fields, **more: Any) -> Fields:
        """Have Slack deliver an event."""
        self.acknowledged.append(self.door.event(body, **more))
        return body

    def answers(self, since: int, channel: str = "") -> list[Post]:
        return [post for post in self.slack.there(since) if post.channel == (channel or self.direct)]

    def say(self, text: str, channel: str = "", thread: str = "", **more: Any) -> Post:
        """Write something; gives the one answer."""
        since = len(self.slack.posts)
        self.tell(self.message(text, channel, thread, **more))
        return self.answer(since, channel)

    def mention(self, text: str, channel: str, thread: str = "") -> Post:
        """Mention the assistant in a channel: Slack tells of it twice. Gives the one answer."""
        since = len(self.slack.posts)
        body = self.message(f"<@{BOT}> {text}", channel, thread)
        mentioned = self.body({**body["event"], "type": "app_mention"})
        del mentioned["event"]["channel_type"]
        self.tell(body)
        self.tell(mentioned)
        return self.answer(since, channel)

    def answer(self, since: int, channel: str = "") -> Post:
        post: Post = self.slack.wait(lambda: self.answers(since, channel))[0]
        return post

    def press(self, post: Post, title: str) -> float:
        """Press a button of a post."""
        button = next(button for button in post.buttons if button["text"]["text"] == title)
        block = next(block for block in post.blocks if button in block.get("elements", []))
        return self._act(post, {**button, "block_id": block["block_id"]})

    def rate(self, post: Post, good: bool) -> float:
        block = post.block("context_actions")
        (buttons,) = block["elements"]
        value = buttons["positive_button" if good else "negative_button"]["value"]
        action = {"type": "feedback_buttons", "action_id": buttons["action_id"], "block_id": block["block_id"], "value": value}
        return self._act(post, action)

    def _act(self, post: Post, action: Fields) -> float:
        container = {"type": "message", "message_ts": post.time, "channel_id": post.channel, "is_ephemeral": bool(post.only_for)}
        payload: Fields = {
            "type": "block_actions",
            "team": {"id": TEAM, "domain": "tests"},
            "user": {"id": self.user, "team_id": TEAM},
            "api_app_id": APP,
            "container": container,
            "channel": {"id": post.channel},
            "trigger_id": f"t{self.slack.number()}",
            "response_url": self.slack.response_url(post.channel, self.user, post.time),
            "actions": [{**action, "action_ts": f"1790000001.{self.slack.number():06d}"}],
        }
        # Of a message that only one person sees, Slack sends no more than where it is.
        if not post.only_for:
            thread = {"thread_ts": post.thread} if post.thread else {}
            payload["message"] = {"ts": post.time, "user": BOT, "text": post.text, "blocks": post.blocks, **thread}
        return self.door.interaction(payload)

    def open_home(self, tab: str = "home") -> Fields:
        """Open the App Home; gives the view."""
        self.slack.views.pop(self.user, None)
        self.tell(self.body({"type": "app_home_opened", "user": self.user, "channel": self.direct, "tab": tab}))
        view: Fields = self.slack.wait(lambda: self.slack.views.get(self.user))
        return view

    def choose(self, element: Fields, value: str) -> float:
        """Choose or press something in the App Home."""
        chosen = {"selected_option": {"value": value, "text": {"type": "plain_text", "text": "?"}}}
        action = {"type": element["type"], "action_id": element["action_id"], "block_id": "home"}
        return self.door.interaction(
            {
                "type": "block_actions",
                "team": {"id": TEAM},
                "user": {"id": self.user, "team_id": TEAM},
                "api_app_id": APP,
                "container": {"type": "view", "view_id": "V1"},
                "view": {"id": "V1", "type": "home"},
                "trigger_id": f"t{self.slack.number()}",
                "actions": [
                    {**action, **(chosen if element["type"] == "static_select" else {"value": value}), "action_ts": self.slack.now()}
                ],
            }
        )

    def command(self, text: str, channel: str) -> Post:
        """Type /career in a channel; gives the answer."""
        since = len(self.slack.posts)
        self.acknowledged.append(
            self.door.command(
                {
                    "command": "/career",
                    "text": text,
                    "team_id": TEAM,
                    "channel_id": channel,
                    "user_id": self.user,
                    "api_app_id": APP,
                    "trigger_id": f"t{self.slack.number()}",
                    "response_url": self.slack.response_url(channel, self.user),
                }
            )
        )
        return self.answer(since, channel)

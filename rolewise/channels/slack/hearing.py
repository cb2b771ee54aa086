"""What of all that Slack sends is said to the assistant: pure functions from an event, a command or a press to what was heard."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from rolewise.channels.slack.places import Place, Tag
from rolewise.channels.slack.words import MENTION, own, spoken
from rolewise.conversation.asking import calls
from rolewise.render.blocks import ASK, SEPARATOR

Body = dict[str, Any]

# A message has a subtype when it is something else than words of a person: a join, an edit, a bot. These are words all the same.
SPOKEN = frozenset({"", "file_share", "thread_broadcast", "me_message"})
SLACKBOT = "USLACKBOT"


@dataclass(frozen=True)
class Heard:
    """A message for the assistant.

    Attributes:
        key: Slack's id of it; a redelivered event has the same.
        place: where it was said, and by whom.
        text: as it was typed, or the payload of a button.
        title: the button's title.
        time: Slack's timestamp of the message.
        addressed: whether it was said to the assistant for sure; else it stands in a thread, and depends on whose thread that is.
        opener: who began the thread.
        called: whether it calls the assistant by its name.
    """

    key: str
    place: Place
    text: str
    title: str = ""
    time: str = ""
    addressed: bool = True
    opener: str = ""
    called: bool = False


def hear(body: Body, bot: str, name: str = "") -> Heard | None:
    """What was said in an event, or None when it is not for the assistant.

    Args:
        body: the body of a ``message`` or ``app_mention`` event.
        bot: the assistant's own user id; empty when it is not known.
        name: the assistant's name in the workspace; empty when it is not known.
    """
    event = body.get("event") or {}
    user, text, channel, time = (str(event.get(name) or "") for name in ("user", "text", "channel", "ts"))
    bot = bot or next((str(item.get("user_id") or "") for item in body.get("authorizations") or [] if item.get("is_bot")), "")
    is_words = (event.get("subtype") or "") in SPOKEN and not event.get("bot_id") and not event.get("hidden") and not event.get("edited")
    if not (is_words and channel and time) or user in ("", bot, SLACKBOT):
        return None
    thread = str(event.get("thread_ts") or "")
    place = Place(str(body.get("team_id") or event.get("team") or ""), channel, user, thread)
    key = str(body.get("event_id") or f"{channel}-{time}")
    # Who is only named in a quote was not spoken to.
    mentioned = MENTION.findall(own(text))
    if event.get("type") == "app_mention":
        if bot in MENTION.findall(text) and bot not in mentioned:
            return None
        # In a direct message the event `message` says the same.
        here = Place(place.team, channel, user, thread or time)
        return None if place.direct else Heard(key, here, spoken(text, bot), time=time)
    if place.direct:
        return Heard(key, place, spoken(text, bot), time=time)
    # A mention comes as `app_mention` too. Outside of a thread, or to somebody else, nothing was said to the assistant.
    if mentioned or thread in ("", time):
        return None
    words = spoken(text, bot)
    opener = str(event.get("parent_user_id") or "")
    return Heard(key, place, words, time=time, addressed=False, opener=opener, called=calls(words, name))


def hear_command(body: Body) -> Heard:
    """What was asked by a slash command: a conversation outside of threads, which only the asker sees."""
    team, channel, user, text = (str(body.get(name) or "") for name in ("team_id", "channel_id", "user_id", "text"))
    key = _key("command", *(body.get(name) for name in ("trigger_id", "response_url", "channel_id", "text")))
    return Heard(key, Place(team, channel, user), spoken(text, ""))


def _key(kind: str, *marks: object) -> str:
    """What one command or press has, and no other."""
    return f"{kind}-{hashlib.sha256(repr(marks).encode()).hexdigest()[:16]}"


@dataclass(frozen=True)
class Press:
    """A press of a button under an answer, or a choice in the App Home.

    Attributes:
        place: where, and by whom; without a channel in the App Home.
        action: the button's action id.
        value: the button's value.
        title: the button's title.
        tag: which answer the message shows.
        edition: how many times the message was changed.
        pressed: the values of the buttons that are marked.
        time: the message's timestamp; empty where it cannot be changed by it.
        response: the address for answers that only the presser sees.
        only_visible_to_presser: whether the message is.
        key: what this press, and no other, has.
    """

    place: Place
    action: str
    value: str
    title: str
    tag: Tag
    edition: int
    pressed: frozenset[str]
    time: str
    response: str
    only_visible_to_presser: bool
    key: str


def hear_press(body: Body) -> Press:
    """What was pressed, from a ``block_actions`` body.

    The thread is that of the message which holds the button (``thread_ts``); its own timestamp would be another conversation.
    """
    action = body["actions"][0]
    message, container = body.get("message") or {}, body.get("container") or {}
    user = body.get("user") or {}
    chosen = action.get("selected_option") or action
    channel = str((body.get("channel") or {}).get("id") or container.get("channel_id") or "")
    team = str((body.get("team") or {}).get("id") or user.get("team_id") or "")
    hidden = bool(container.get("is_ephemeral") or message.get("is_ephemeral"))
    time = str(message.get("ts") or container.get("message_ts") or "")
    thread = str(message.get("thread_ts") or container.get("thread_ts") or "")
    _, _, rest = str(action.get("block_id") or "").partition(SEPARATOR)
    tag, _, edition = rest.rpartition(SEPARATOR)
    return Press(
        place=Place(team, channel, str(user.get("id") or ""), thread),
        action=str(action.get("action_id") or ""),
        value=str(chosen.get("value") or ""),
        title=spoken(str((chosen.get("text") or {}).get("text") or ""), "").removeprefix("✓ "),
        tag=Tag.read(tag),
        edition=int(edition) if edition.isdigit() else 0,
        pressed=frozenset(marked(message.get("blocks") or [])),
        time=time,
        response=str(body.get("response_url") or ""),
        only_visible_to_presser=hidden,
        key=_key("press", user.get("id"), time, body.get("trigger_id"), *(action.get(name) for name in ("action_ts", "action_id"))),
    )


def marked(blocks: list[Body]) -> list[str]:
    """The values of the suggestions in a message that are marked as pressed."""
    buttons = [button for block in blocks if block.get("type") == "actions" for button in block.get("elements") or []]
    return [str(button.get("value")) for button in buttons if button.get("style") and str(button.get("action_id")).startswith(ASK)]

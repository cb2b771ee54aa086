"""Talking to the assistant in Slack: direct messages, mentions, threads, and everything that is not meant for it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.channels.slack.loopback import BOT, BOT_ID
from tests.channels.slack.people import Door, Person
from tests.channels.slack.sentences import QUESTIONS, STATEMENTS

SALARY = "what does a data scientist earn"
OF_ALL_ROLES = "Do these roles need a degree?"


def quiet(person: Person, since: int) -> bool:
    """Whether nothing more comes: what was said before this question is worked on before it is answered."""
    asked = Person(person.door)
    asked.say(SALARY)
    time.sleep(0.2)
    return [post for post in person.slack.posts[since:] if post.channel != asked.direct] == []


def test_a_direct_message_is_answered_in_one_post(person: Person) -> None:
    since = len(person.slack.posts)
    post = person.say("MLE vs SWE salary")
    assert quiet(person, since + 1)
    assert post.title == "Who earns more: MLE and SWE?" and not post.thread
    figures = ["section", "context", "section"]
    # The points say what is nearest to the message.
    assert post.kinds == ["header", "section", *figures, "section", "table", "section", "section", "context", "actions", "context_actions"]
    assert set(post.fields) <= {"channel", "text", "blocks", "unfurl_links", "unfurl_media", "metadata", "token"}
    # The text is the whole short answer, for those who hear it.
    assert post.text.startswith("Who earns more: MLE and SWE?") and "$135,980" in post.text and "Note:" in post.text
    assert max(person.acknowledged) < 1


def test_direct_messages_are_one_conversation(person: Person) -> None:
    person.say(SALARY)
    assert person.say("and the degree?").title == "Do I need a degree to be a data scientist?"
    # In a thread of it, too; the answer goes where the question stands.
    post = person.say("and for software engineers?", thread="1780000000.000001")
    assert post.title == "Do I need a degree to be a software engineer?" and post.thread == "1780000000.000001"


def test_a_mention_is_answered_once_in_its_thread(person: Person, channel: str) -> None:
    since = len(person.slack.posts)
    post = person.mention(SALARY, channel)
    assert quiet(person, since + 1)
    assert post.title == "How much does a data scientist earn?" and post.thread


def test_a_thread_goes_on_without_a_mention(person: Person, channel: str) -> None:
    thread = person.mention(SALARY, channel).thread
    post = person.say("and the degree?", channel, thread)
    assert post.title == "Do I need a degree to be a data scientist?" and post.thread == thread
    assert person.say("thanks", channel, thread).text.startswith("You are welcome")


def test_a_mention_in_a_thread_of_others_is_answered_there(person: Person, channel: str) -> None:
    thread = person.slack.now()
    assert person.mention(SALARY, channel, thread).thread == thread
    assert person.say("and the degree?", channel, thread).title == "Do I need a degree to be a data scientist?"


def test_two_threads_never_mix(person: Person, channel: str) -> None:
    first, second = person.mention(SALARY, channel).thread, person.mention("what skills does a software engineer need", channel).thread
    assert first != second
    assert person.say("and the degree?", channel, first).title == "Do I need a degree to be a data scientist?"
    assert person.say("and the degree?", channel, second).title == "Do I need a degree to be a software engineer?"


def test_two_people_in_a_thread_never_mix(person: Person, other: Person, channel: str) -> None:
    thread = person.mention(SALARY, channel).thread
    assert other.mention("and the degree?", channel, thread).title == OF_ALL_ROLES
    assert person.say("and the degree?", channel, thread).title == "Do I need a degree to be a data scientist?"
    assert other.say("software engineer", channel, thread).title == "Do I need a degree to be a software engineer?"
    assert person.say("and what skills?", channel, thread).title == "What skills does a data scientist need?"


def test_somebody_else_in_the_thread_is_answered_when_asking_something(person: Person, other: Person, channel: str) -> None:
    thread = person.mention(SALARY, channel).thread
    since = len(person.slack.posts)
    opener = {"parent_user_id": person.user}
    for chatter in ("see you at lunch then", "thanks", "lol ok"):
        other.tell(other.message(chatter, channel, thread, **opener))
    assert quiet(person, since)
    assert other.say("what does a software engineer earn?", channel, thread, **opener).title == "How much does a software engineer earn?"
    # From then on it is a conversation.
    assert other.say("thanks", channel, thread, **opener).text.startswith("You are welcome")


def test_what_people_tell_each_other_in_a_thread_of_somebody_else_is_not_answered(socket_door: Door, channel: str) -> None:
    person, other = Person(socket_door), Person(socket_door)
    thread = person.mention(SALARY, channel).thread
    since = len(person.slack.posts)
    assert len(STATEMENTS) >= 40
    for text in STATEMENTS:
        other.tell(other.message(text, channel, thread, parent_user_id=person.user))
    assert quiet(person, since)


def test_what_people_ask_in_a_thread_of_somebody_else_is_answered(socket_door: Door, channel: str) -> None:
    person = Person(socket_door)
    thread = person.mention(SALARY, channel).thread
    assert len(QUESTIONS) >= 20
    for text in QUESTIONS:
        # Each time somebody new: whoever was answered once has a conversation there.
        post = Person(person.door).say(text, channel, thread, parent_user_id=person.user)
        assert post.thread == thread and post.blocks, text


@pytest.mark.parametrize("text", ["rolewise, data scientist skills", "hey Rolewise machine learning engineer", "and the degree, rolewise?"])
def test_who_calls_the_assistant_by_name_in_a_thread_is_answered(person: Person, other: Person, channel: str, text: str) -> None:
    thread = person.mention(SALARY, channel).thread
    assert other.say(text, channel, thread, parent_user_id=person.user).thread == thread


def test_what_is_said_to_others_is_not_answered(person: Person, other: Person, channel: str) -> None:
    thread = person.mention(SALARY, channel).thread
    since = len(person.slack.posts)
    person.tell(person.message(SALARY, channel))
    person.tell(person.message(SALARY, channel, person.slack.now()))
    person.tell(person.message(f"<@{other.user}> what does a software engineer earn?", channel, thread))
    assert quiet(person, since)


def test_a_mention_in_a_quote_is_none(person: Person, other: Person, channel: str) -> None:
    thread = person.mention(SALARY, channel).thread
    since = len(person.slack.posts)
    for text in f"&gt; <@{BOT}> {SALARY}\nthat number is too low", f"look: ```<@{BOT}> {SALARY}```":
        body = other.message(text, channel, thread, parent_user_id=person.user)
        other.tell(body)
        other.tell(other.body({**body["event"], "type": "app_mention"}))
    assert quiet(person, since)
    assert other.mention(f"and this?\n&gt; {SALARY}", channel, thread).thread == thread


IGNORED: list[dict[str, Any]] = [
    {"subtype": "channel_join", "text": "<@U1> has joined the channel"},
    {"subtype": "message_changed", "hidden": True, "message": {"text": SALARY}},
    {"subtype": "message_deleted", "hidden": True},
    {"subtype": "bot_message", "bot_id": "B7", "text": SALARY},
    {"bot_id": "B7", "text": SALARY},
    {"user": BOT, "bot_id": BOT_ID, "text": SALARY},
    {"user": BOT, "text": SALARY},
    {"user": "USLACKBOT", "text": SALARY},
    {"user": None, "text": SALARY},
]


def test_joins_edits_bots_and_its_own_posts_are_ignored(person: Person, channel: str) -> None:
    thread = person.mention(SALARY, channel).thread
    since = len(person.slack.posts)
    for event in IGNORED:
        for where in ("", ""), (channel, thread):
            body = person.message("", *where)
            person.tell({**body, "event": {**body["event"], **event}})
    mentioned = person.message(f"<@{BOT}> {SALARY}", channel)["event"]
    person.tell(person.body({**mentioned, "type": "app_mention", "edited": {"user": person.user, "ts": "1.1"}}))
    person.tell(person.body({"type": "reaction_added", "user": person.user, "item": {}}))
    assert quiet(person, since)
    assert max(person.acknowledged) < 1


@pytest.mark.parametrize("reason", ["http_error", "http_timeout", "timeout"])
def test_a_redelivered_event_is_answered_once(person: Person, reason: str) -> None:
    since = len(person.slack.posts)
    body = person.message(SALARY)
    # Again while the first is worked on, and again after it was answered.
    person.tell(body)
    person.tell(body, retry=reason)
    person.answer(since)
    person.tell(body, retry=reason)
    assert quiet(person, since + 1)
    assert person.say("and the degree?").title == "Do I need a degree to be a data scientist?"


def test_slacks_markup_is_read_as_people_see_it(person: Person, channel: str) -> None:
    sent = (
        f"<@{BOT}> what does an *_MLE_* earn &amp; <https://e.example/?a=1&amp;b=2|why software engineers>? <#C1|data-scientists> <!here>"
    )
    since = len(person.slack.posts)
    person.tell(person.body({**person.message(sent, channel)["event"], "type": "app_mention"}))
    assert person.answer(since, channel).title == "How much does a machine learning engineer earn?"


@pytest.mark.parametrize(
    "text",
    [
        "<#C1|software-engineers> what does a data scientist earn",
        "<@U7|software-engineer> what does a data scientist earn",
        "what does a data scientist earn <https://e.example/x|machine learning engineers at work>",
        "&gt; a software engineer earns more\nwhat does a data scientist earn",
        "what does a data scientist earn ```software engineer```",
        "what does a *data* scientist earn",
        "what does a _data_ `scientist` earn",
        "what does a data scientist earn :software-engineer:",
    ],
)
def test_names_quotes_and_formatting_are_not_what_is_asked(person: Person, text: str) -> None:
    assert person.say(text).title == "How much does a data scientist earn?"


SIGNS = [(":+1:", True), (":thumbsup::skin-tone-3:", True), ("+1", True), (":-1:", False), (":thumbsdown:", False), ("-1", False)]


@pytest.mark.parametrize(("sign", "good"), [*SIGNS, (":-1::skin-tone-5:", False)])
def test_a_thumb_in_a_message_is_the_rating_that_it_says(person: Person, sign: str, good: bool) -> None:
    person.say(SALARY)
    assert person.say(sign).text.startswith("Thank you, that is good" if good else "Thank you for telling me, and sorry")


def test_a_mention_without_words_says_what_can_be_asked(person: Person, channel: str) -> None:
    assert person.mention("", channel).title == "What you can ask me"

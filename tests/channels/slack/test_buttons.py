"""What can be pressed: suggestions, ratings, sharing, the slash command and the App Home."""

from __future__ import annotations

from rolewise.stores import database
from tests.channels.slack.loopback import ELSEWHERE
from tests.channels.slack.people import Person
from tests.serving import Server

SALARY = "what does a data scientist earn"
DEMAND = "Are data scientists in demand?"
CAREER = "What is the career path of a data scientist?"
RATED = "Thank you, your rating is noted."


def test_a_suggestion_is_answered_and_marked(person: Person) -> None:
    post = person.say(SALARY)
    since = len(person.slack.posts)
    assert person.press(post, DEMAND) < 1
    assert person.answer(since).title == DEMAND
    person.slack.wait(lambda: post.edits == 1)
    pressed = [button for button in post.buttons if button.get("style")]
    assert [button["text"]["text"] for button in pressed] == [f"✓ {DEMAND}"] and len(post.buttons) == 4
    # The rest of the answer stands as it stood, and the others can still be pressed.
    person.press(post, CAREER)
    assert person.answer(since + 1).title == CAREER
    person.slack.wait(lambda: post.edits == 2)
    assert post.titles[:2] == [f"✓ {DEMAND}", f"✓ {CAREER}"] and post.title == "How much does a data scientist earn?"
    assert person.say("and for software engineers?").title == "What is the career path of a software engineer?"


def test_a_suggestion_in_a_thread_is_answered_in_that_thread(person: Person, other: Person, channel: str) -> None:
    post = person.mention(SALARY, channel)
    since = len(person.slack.posts)
    person.press(post, DEMAND)
    assert person.answer(since, channel).thread == post.thread
    assert person.say("and for software engineers?", channel, post.thread).title == "Are software engineers in demand?"
    # Somebody else's press is somebody else's conversation.
    other.press(post, CAREER)
    assert other.answer(since + 2, channel).title == CAREER
    assert person.say("and for ml engineers?", channel, post.thread).title == "Are machine learning engineers in demand?"


def test_the_questionnaire_is_answered_by_buttons(person: Person) -> None:
    post = person.say("which role suits me?")
    for _ in range(5):
        since = len(person.slack.posts)
        person.press(post, post.titles[0])
        post = person.answer(since)
    assert "fits best" in post.text


def ratings(server: Server, conversation: str) -> list[dict[str, str]]:
    return [
        event["value"] for event in database.export(server.store, conversation) if event["event"] == "slot" and event["name"] == "rating"
    ]


def test_a_rating_is_kept_with_the_answer(person: Person, other: Person, server: Server, channel: str) -> None:
    post = person.mention(SALARY, channel)
    before, whispers = server.metric("rolewise_ratings_total"), len(person.slack.posts)
    assert person.rate(post, good=True) < 1
    said = person.answer(whispers, channel)
    assert said.text == RATED and said.only_for == person.user and said.fields["thread_ts"] == post.thread
    # Whoever rates it: it is this answer's rating.
    other.rate(post, good=False)
    other.answer(whispers + 1, channel)
    conversation = f"slack-T1-{channel}-{post.thread}-{person.user}"
    assert [rating["value"] for rating in ratings(server, conversation)] == ["up", "down"]
    assert server.metric("rolewise_ratings_total") == before + 2
    # A rating is no message: the conversation goes on where it was.
    assert person.say("and the degree?", channel, post.thread).title == "Do I need a degree to be a data scientist?"


def test_the_command_is_answered_to_the_asker_only_and_can_be_shared(person: Person, other: Person) -> None:
    # Also where the assistant is no member.
    post = person.command(SALARY, ELSEWHERE)
    assert max(person.acknowledged) < 1
    assert post.only_for == person.user and post.title == "How much does a data scientist earn?" and "Share with the channel" in post.titles
    following = person.command("and the degree?", ELSEWHERE)
    assert following.title == "Do I need a degree to be a data scientist?" and following.only_for == person.user
    assert other.command("and the degree?", ELSEWHERE).title == "Do these roles need a degree?"

    person.press(following, "Share with the channel")
    person.slack.wait(lambda: following.deleted)
    (shared,) = [found for found in person.answers(0, ELSEWHERE) if f"Shared by <@{person.user}>" in str(found.blocks[0])]
    assert not shared.only_for and shared.title == following.title
    assert "Share with the channel" not in shared.titles


def test_going_on_with_a_shared_answer_opens_a_thread(person: Person, other: Person, channel: str) -> None:
    post = person.command(SALARY, channel)
    person.press(post, "Share with the channel")
    shared = person.slack.wait(lambda: [found for found in person.answers(0, channel) if not found.only_for])[0]
    since = len(person.slack.posts)
    other.press(shared, DEMAND)
    found = other.answer(since, channel)
    assert found.title == DEMAND and found.thread == shared.time
    assert other.say("and for software engineers?", channel, shared.time).title == "Are software engineers in demand?"


def test_a_suggestion_of_the_command_stays_between_the_two(person: Person, channel: str) -> None:
    post = person.command(SALARY, channel)
    since = len(person.slack.posts)
    person.press(post, DEMAND)
    found = person.answer(since, channel)
    assert found.title == DEMAND and found.only_for == person.user
    person.slack.wait(lambda: post.edits == 1)
    assert f"✓ {DEMAND}" in post.titles and "Share with the channel" in post.titles


def test_the_command_without_words_says_what_can_be_asked(person: Person, channel: str) -> None:
    assert person.command("", channel).title == "What you can ask me"


def test_the_home_shows_topics_and_answers_in_the_direct_channel(person: Person) -> None:
    view = person.open_home()
    text = str(view)
    assert "How to ask" in text and "`/career`" in text and "Data scientist" in text
    menus = [block["accessory"] for block in view["blocks"] if "accessory" in block]
    assert len(menus) == 3 and all(len(menu["options"]) > 15 for menu in menus)
    since = len(person.slack.posts)
    person.choose(menus[2], next(option["value"] for option in menus[2]["options"] if option["text"]["text"] == "Salary"))
    assert person.answer(since).title == "How much does a data scientist earn?"
    (side_by_side,) = [block["elements"] for block in view["blocks"] if block["type"] == "actions"]
    person.choose(side_by_side[-1], side_by_side[-1]["value"])
    assert "table" in person.answer(since + 1).kinds


def test_the_messages_tab_publishes_no_home(person: Person) -> None:
    person.tell(person.body({"type": "app_home_opened", "user": person.user, "channel": person.direct, "tab": "messages"}))
    person.say(SALARY)
    assert person.user not in person.slack.views

"""When something goes wrong: the server is killed, the network is gone, the token has expired, there are too many questions."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator

import jwt
import pytest
from playwright.sync_api import Route, expect

from tests.serving import SECRET, Person, Server, cut_off
from tests.widget.chat import Chat, NewChat
from tests.widget.test_memory import stored_token


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory, announce: Callable[[str], None]) -> Iterator[Server]:
    """A server that may be killed."""
    announce("Starting `rolewise serve` to be killed, twice (about 20 s each) ...")
    server = Server(tmp_path_factory.mktemp("mortal"))
    yield server.start()
    server.kill(signal.SIGTERM)


def test_a_server_killed_in_the_middle_of_an_answer(new_chat: NewChat, mortal: Server) -> None:
    chat = new_chat(f"{mortal.address}/chat")
    chat.ask("mle vs ds on degree")
    mortal.freeze()
    chat.input.fill("how much does a data scientist earn")
    chat.input.press("Enter")
    expect(chat.element.locator(".typing")).to_be_visible()
    chat.input.fill("and a software engineer?")
    chat.input.press("Enter")
    mortal.kill()
    expect(chat.state).to_have_text(re.compile("server cannot be reached"))
    expect(chat.log.get_by_text("Not sent yet")).to_have_count(2)
    mortal.start()
    chat.page.reload()
    chat.page.wait_for_function("() => Object.entries(localStorage).every(([, value]) => !JSON.parse(value).outbox?.length)")
    expect(chat.log.get_by_text("Not sent yet")).to_have_count(0)
    # What was said before is there again where the tracker store outlives the server.
    asked = ["how much does a data scientist earn", "and a software engineer?"]
    history = Person(mortal.address, stored_token(chat)).history()[-4:]
    assert [message["text"] for message in history if message["from"] == "user"] == asked, "each question was answered once, in order"
    assert history[3]["card"]["questions"][0]["roles"] == ["swe"]
    assert [chat.said()[-4], chat.said()[-2]] == asked


def test_a_question_that_was_cut_off_can_be_sent_again(chat: Chat, web_server: Server) -> None:
    chat.ask("mle vs ds on degree")
    cut_off(web_server, stored_token(chat) or "", "message-cut", "and the salary?")
    chat.page.reload()
    chat.log.get_by_role("button", name="Send again").click()
    assert re.search("earn|pay|salary", chat.answer(1).inner_text(), re.IGNORECASE)
    assert chat.said()[2] == "and the salary?" and chat.questions.count() == 2
    chat.page.reload()
    chat.answer(1)
    expect(chat.log.get_by_role("button", name="Send again")).to_have_count(0)


def test_offline_and_back(chat: Chat) -> None:
    chat.ask("mle vs ds on degree")
    context = chat.page.context
    context.set_offline(True)
    expect(chat.state).to_have_text(re.compile("You are offline"))
    chat.input.fill("and the salary?")
    chat.input.press("Enter")
    expect(chat.log.get_by_text("Not sent yet")).to_be_visible()
    context.set_offline(False)
    answer = chat.answer(1)
    expect(answer).to_contain_text(re.compile("earn|pay|salary", re.IGNORECASE))
    expect(chat.log.get_by_text("Not sent yet")).to_have_count(0)
    assert chat.said()[2] == "and the salary?"


def test_offline_and_back_without_a_question(chat: Chat) -> None:
    chat.ask("hello")
    chat.page.context.set_offline(True)
    expect(chat.state).to_have_text(re.compile("You are offline"))
    chat.page.context.set_offline(False)
    expect(chat.state).to_have_text(re.compile("Connected again"))
    expect(chat.state).to_be_hidden()


def test_a_question_asked_while_the_answer_is_lost_is_answered_once(chat: Chat, web_server: Server) -> None:
    """The first reply breaks off after the server has answered; the second sending gets the stored answer."""
    chat.ask("hello")
    lost: list[str] = []

    def lose(route: Route) -> None:
        if lost:
            route.continue_()
            return
        response = route.fetch()
        lost.append(response.text())
        route.fulfill(response=response, body=response.text().splitlines()[0] + "\n")

    chat.page.route("**/chat/message", lose)
    chat.ask("mle vs ds on degree")
    assert lost and "comparison" in lost[0]
    history = Person(web_server.address, stored_token(chat)).history()
    assert [message["from"] for message in history] == ["user", "bot", "user", "bot"]


def test_a_server_that_is_down_is_tried_again_at_once_on_demand(chat: Chat) -> None:
    chat.ask("hello")
    chat.page.route("**/chat/message", lambda route: route.abort())
    chat.input.fill("mle vs ds on degree")
    chat.input.press("Enter")
    expect(chat.state).to_have_text(re.compile("server cannot be reached"))
    chat.page.unroute("**/chat/message")
    chat.state.get_by_role("button", name="Try now").click()
    chat.answer(1)
    expect(chat.state).to_have_text(re.compile("Connected again"))
    expect(chat.log.get_by_text("Not sent yet")).to_have_count(0)


def test_an_expired_token_begins_a_new_conversation_and_loses_no_message(chat: Chat, web_server: Server) -> None:
    chat.ask("mle vs ds on degree")
    expired = jwt.encode({"sub": "web-1", "aud": "rolewise-web", "iat": 1, "exp": 2}, SECRET, algorithm="HS256")
    chat.page.evaluate(
        """(token) => {
          const [key, value] = Object.entries(localStorage).find(([key]) => key.startsWith('rolewise'));
          localStorage.setItem(key, JSON.stringify({ ...JSON.parse(value), token }));
        }""",
        expired,
    )
    chat.ask("how much does a data scientist earn")
    expect(chat.log).to_contain_text("Your earlier conversation has expired. A new one begins here.")
    assert stored_token(chat) not in (None, expired)
    assert [message["from"] for message in Person(web_server.address, stored_token(chat)).history()] == ["user", "bot"]


def test_too_many_questions_wait_as_long_as_the_server_says(chat: Chat) -> None:
    """The 429 is put into the network's way: the limit itself is the server's, and tested with it."""
    chat.ask("hello")
    attempts: list[float] = []

    def refuse(route: Route) -> None:
        attempts.append(time.monotonic())
        if len(attempts) == 1:
            route.fulfill(status=429, headers={"Retry-After": "2"}, body="{}")
        else:
            route.continue_()

    chat.page.route("**/chat/message", refuse)
    chat.input.fill("mle vs ds on degree")
    chat.input.press("Enter")
    expect(chat.state).to_have_text(re.compile("Trying again in 2 seconds"))
    chat.answer(1)
    wait = attempts[1] - attempts[0]
    assert wait > 0.95 * 2, "it asked before the server wanted it to"
    assert len(attempts) == 2


def test_a_message_that_the_server_refuses_can_be_sent_again(chat: Chat) -> None:
    chat.ask("hello")
    refused: list[str] = []

    def refuse(route: Route) -> None:
        refused.append(route.request.url)
        if len(refused) == 1:
            route.fulfill(status=400, body="{}")
        else:
            route.continue_()

    chat.page.route("**/chat/message", refuse)
    chat.input.fill("mle vs ds on degree")
    chat.input.press("Enter")
    expect(chat.log).to_contain_text("This could not be answered.")
    chat.log.get_by_role("button", name="Send again").click()
    chat.answer(1)
    expect(chat.log.get_by_text("This could not be answered.")).to_have_count(0)


def test_a_rating_that_cannot_be_kept_is_taken_back(chat: Chat) -> None:
    answer = chat.ask("mle vs ds on degree")
    chat.page.route("**/chat/rating", lambda route: route.abort())
    button = answer.get_by_role("button", name="Helpful", exact=True)
    button.click()
    expect(chat.state).to_have_text(re.compile("could not be kept"))
    expect(button).to_have_attribute("aria-pressed", "false")


def test_nothing_is_cleared_when_the_server_cannot_be_told(chat: Chat) -> None:
    chat.ask("mle vs ds on degree")
    chat.page.route("**/chat/conversation", lambda route: route.abort())
    chat.choose("Delete my data")
    chat.element.get_by_role("group").get_by_role("button", name="Delete my data").click()
    expect(chat.state).to_have_text(re.compile("Nothing was changed"))
    expect(chat.answers).to_have_count(1)

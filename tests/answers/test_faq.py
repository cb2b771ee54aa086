"""The page of questions and answers, as HTML: complete, anchored, escaped, and with schema.org's data for search engines."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from rolewise.answers.compose import Answers
from rolewise.answers.faq import anchor, page
from rolewise.knowledge import Knowledge, load
from rolewise.questions import Question
from rolewise.settings import settings

KNOWLEDGE = load(settings().knowledge)
EVIL = "</script><script>alert('x')</script><!-- \"&amp;"


class Seen(HTMLParser):
    """What a browser would find: elements with their attributes, text, and what stands in scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.data: list[str] = []
        self._in_script = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._in_script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        (self.data if self._in_script else self.texts).append(data)

    def all(self, tag: str, name: str) -> list[str]:
        return [str(attributes[name]) for found, attributes in self.elements if found == tag and attributes.get(name)]


@pytest.fixture(scope="module")
def seen() -> Seen:
    return Seen(page(KNOWLEDGE))


def test_every_answer_stands_there_with_its_sources(seen: Seen) -> None:
    text = "\n".join(seen.texts)
    entries = [entry for role in KNOWLEDGE.roles.values() for entry in role.answers.values()]
    entries += [topic.general for topic_id, topic in KNOWLEDGE.topics.items() if topic.general and topic_id != "compare"]
    for entry in entries:
        assert entry.lead.text in text and all(point.text in text for point in entry.points)
    assert all(source.title in text for source in KNOWLEDGE.sources.values())


def test_every_topic_role_and_question_has_its_anchor(seen: Seen) -> None:
    ids = [str(attributes["id"]) for _, attributes in seen.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = {anchor(Question(topic, (role,))) for topic in KNOWLEDGE.topics if topic != "compare" for role in KNOWLEDGE.roles}
    assert wanted | set(KNOWLEDGE.topics) | set(KNOWLEDGE.roles) | {"compare-mle-swe", "compare-mle-swe-ds"} <= set(ids)
    inside = [link[1:] for link in seen.all("a", "href") if link.startswith("#")]
    assert inside and not set(inside) - set(ids)


def test_search_engines_find_the_same_questions(seen: Seen) -> None:
    (data,) = [json.loads(text) for text in seen.data if text.strip()]
    assert (data["@context"], data["@type"]) == ("https://schema.org", "FAQPage")
    found = {item["name"]: item["acceptedAnswer"]["text"] for item in data["mainEntity"]}
    assert all(item["@type"] == "Question" and item["acceptedAnswer"]["@type"] == "Answer" for item in data["mainEntity"])
    title = Answers(KNOWLEDGE).title(Question("salary", ("mle",)))
    assert found[title].startswith(KNOWLEDGE.roles["mle"].answers["salary"].lead.text)
    assert len(found) == len(data["mainEntity"]) == sum(1 for tag, _ in seen.elements if tag == "article")


def test_whatever_the_knowledge_says_it_stays_text() -> None:
    data = json.loads(KNOWLEDGE.json())
    data["roles"]["mle"]["name"] = data["topics"]["salary"]["title"] = EVIL
    data["roles"]["mle"]["answers"]["salary"]["lead"]["text"] = EVIL
    data["roles"]["mle"]["answers"]["salary"]["points"][0]["text"] = EVIL
    data["sources"]["S1"]["title"] = EVIL
    html = page(Knowledge.parse_obj(data))
    assert "<script>alert" not in html and "<!--" not in html
    seen = Seen(html)
    assert len(seen.all("script", "type")) == 2
    assert "".join(seen.texts).count("</script><script>alert('x')") >= 4
    (found,) = [json.loads(text) for text in seen.data if text.strip()]
    assert any(item["acceptedAnswer"]["text"].startswith(EVIL) for item in found["mainEntity"])


def test_nothing_on_it_needs_a_script_or_comes_from_elsewhere(seen: Seen) -> None:
    assert seen.all("link", "href") == ["/chat/icon.svg", "/chat/demo.css", "/chat/faq.css"]
    assert seen.all("script", "src") == ["/chat/widget.js"]
    assert not [attributes for _, attributes in seen.elements if any(name.startswith("on") or name == "style" for name in attributes)]
    assert all(re.match(r"https?://|#|/chat", link) for link in seen.all("a", "href"))

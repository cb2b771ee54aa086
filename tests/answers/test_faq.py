"""The page of questions and answers, as HTML: complete, anchored, escaped, and with schema.org's data for search engines."""

from __future__ import annotations

import asyncio
import json
import re
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest

from rolewise.answers.compose import Answers
from rolewise.answers.faq import anchor, page, sections
from rolewise.channels import files
from rolewise.channels.guard import is_own_payload
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
        assert all(KNOWLEDGE.sources[source].title in text for said in (entry.lead, *entry.points) for source in said.sources)


def test_every_specific_question_stands_folded_under_its_first_topic_with_all_that_is_known(seen: Seen) -> None:
    text = "\n".join(seen.texts)
    folded = [attributes.get("class") for tag, attributes in seen.elements if tag == "details"].count("question")
    assert folded == len(KNOWLEDGE.subjects) > 500
    assert not any("open" in attributes for tag, attributes in seen.elements if tag == "details")
    answers = Answers(KNOWLEDGE)
    for section in sections(KNOWLEDGE):
        here = [subject for subject in KNOWLEDGE.subjects if subject.topics[0] == section.anchor]
        assert [one.anchor for one in section.specific] == [f"subject-{subject.id}" for subject in here]
        for one, subject in zip(section.specific, here, strict=True):
            assert one.card.title == subject.question == answers.title(one.question)
            assert one.card.title in text and one.card.lead in text and all(point in text for point in one.card.points)
            assert len(one.card.points) >= min(3, len(subject.facts) - 1)


def test_every_specific_question_has_its_anchor_its_sources_and_a_link_that_asks_it(seen: Seen) -> None:
    ids = {str(attributes["id"]) for _, attributes in seen.elements if "id" in attributes}
    asking = [attributes for tag, attributes in seen.elements if tag == "a" and "data-rolewise-ask" in attributes]
    assert len(asking) == len(KNOWLEDGE.subjects)
    asked = {str(one["data-rolewise-ask"]): one for one in asking}
    for subject in KNOWLEDGE.subjects:
        payload = Question(subject.topics[0], subjects=(subject.id,)).payload()
        assert f"subject-{subject.id}" in ids and is_own_payload(payload, KNOWLEDGE)
        assert unquote(str(asked[payload]["href"])) == f"./#ask={subject.question}"
        assert asked[payload]["data-rolewise-title"] == subject.question
    cited = {link[1:] for link in seen.all("a", "href") if link.startswith("#source-")}
    assert cited == {one for one in ids if one.startswith("source-")} and len(cited) > 300


def test_other_names_of_a_subject_are_there_for_the_search(seen: Seen) -> None:
    words = " ".join(seen.all("details", "data-words")).split()
    assert {"k8s", "c++"} <= set(words)


def test_its_size_is_in_bounds() -> None:
    html = page(KNOWLEDGE).encode("utf-8")
    packed = len(files.held(html)[1])
    assert len(html) < 2_500_000 and packed < 600_000, f"{len(html)} bytes, {packed} packed"


def test_official_figures_are_drawn_with_the_same_as_a_table(seen: Seen) -> None:
    images = [attributes for tag, attributes in seen.elements if tag == "svg"]
    drawn = [item for section in sections(KNOWLEDGE) for item in section.items if item.card.figures]
    assert len(images) == len(drawn) >= 6 and all(image["role"] == "img" for image in images)
    ids = {str(attributes["id"]) for _, attributes in seen.elements if "id" in attributes}
    assert {image[name] for image in images for name in ("aria-labelledby", "aria-describedby")} <= ids
    text = "\n".join(seen.texts)
    assert "$67,240 to $199,130, median $120,230" in text and "10th percentile" in text
    assert sum(1 for tag, _ in seen.elements if tag == "caption") == len(drawn)


@pytest.mark.asyncio
async def test_it_is_made_once_for_all_who_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Knowledge] = []

    def slow(knowledge: Knowledge) -> str:
        made.append(knowledge)
        return "<!doctype html>"

    monkeypatch.setattr("rolewise.answers.faq.page", slow)
    request: Any = SimpleNamespace(headers={}, path="/chat/faq")
    other = KNOWLEDGE.copy()
    kept = files.Faq()
    answers = await asyncio.gather(*(kept.give(request, KNOWLEDGE) for _ in range(5)))
    assert {answer.body for answer in answers} == {b"<!doctype html>"} and len(made) == 1
    await kept.give(request, other)
    assert made[1] is other


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
    data["subjects"][0]["question"] = data["subjects"][0]["facts"][0]["text"] = data["subjects"][0]["aliases"][0] = EVIL
    html = page(Knowledge.parse_obj(data))
    assert "<script>alert" not in html and "<!--" not in html
    seen = Seen(html)
    assert len(seen.all("script", "type")) == 3
    assert "".join(seen.texts).count("</script><script>alert('x')") >= 4
    (found,) = [json.loads(text) for text in seen.data if text.strip()]
    assert any(item["acceptedAnswer"]["text"].startswith(EVIL) for item in found["mainEntity"])


def test_nothing_on_it_needs_a_script_or_comes_from_elsewhere(seen: Seen) -> None:
    assert seen.all("link", "href") == ["./icon.svg", "./demo.css", "./faq.css"]
    assert seen.all("script", "src") == ["./widget.js", "./faq.js"]
    assert [attributes for tag, attributes in seen.elements if tag == "form" and "hidden" in attributes], "without a script no search"
    assert not [attributes for _, attributes in seen.elements if any(name.startswith("on") or name == "style" for name in attributes)]
    assert all(re.match(r"https?://|#|\./", link) for link in seen.all("a", "href"))

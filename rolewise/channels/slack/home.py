"""The App Home: what can be asked, and how. A pure function from the knowledge to a view."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from rolewise import wording
from rolewise.knowledge import Knowledge
from rolewise.questions import COMPARE, OVERALL, Question
from rolewise.render.blocks import MAX_BUTTON_TITLE, MAX_BUTTONS, MAX_HEADER, MAX_TEXT, Block
from rolewise.render.mrkdwn import plain_text, text_object

# The action ids of the view; a role's id follows the first.
TOPIC = "topic_"
COMPARISON = "comparison_"
MAX_OPTIONS = 100
MAX_OPTION_VALUE = 150


def view(knowledge: Knowledge) -> dict[str, Any]:
    """The Home tab for everybody."""
    blocks: list[Block] = [
        {"type": "header", "text": plain_text(wording.SLACK_HOME_TITLE, MAX_HEADER)},
        {"type": "section", "text": text_object(wording.SLACK_HOME, MAX_TEXT)},
        _written(wording.SLACK_HOME_HOW),
        {"type": "divider"},
        _written(wording.SLACK_HOME_TOPICS),
        *(_role(knowledge, role) for role in knowledge.roles),
        *_comparisons(knowledge),
        {"type": "divider"},
        {"type": "context", "elements": [text_object(wording.SLACK_HOME_FOOT.format(date=knowledge.reviewed_on), MAX_TEXT)]},
    ]
    return {"type": "home", "blocks": blocks}


def _written(markup: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": markup, "verbatim": True}}


def _role(knowledge: Knowledge, role: str) -> Block:
    """A role with its topics to choose from."""
    questions = {topic: Question(topic, (role,)).payload() for topic in knowledge.topics if topic in knowledge.roles[role].answers}
    options = [
        {"text": plain_text(knowledge.topics[topic].title, MAX_BUTTON_TITLE), "value": payload}
        for topic, payload in questions.items()
        if len(payload) <= MAX_OPTION_VALUE
    ]
    name = knowledge.roles[role].name
    menu = {
        "type": "static_select",
        "action_id": f"{TOPIC}{role}",
        "placeholder": plain_text(wording.SLACK_HOME_PICK, MAX_BUTTON_TITLE),
        "options": options[:MAX_OPTIONS],
    }
    return {"type": "section", "text": text_object(name[:1].upper() + name[1:], MAX_TEXT), "accessory": menu}


def _comparisons(knowledge: Knowledge) -> list[Block]:
    """Buttons that put two roles, or all, side by side."""
    groups = [*combinations(knowledge.roles, 2), tuple(knowledge.roles)] if len(knowledge.roles) > 2 else [tuple(knowledge.roles)]
    buttons = [
        {
            "type": "button",
            "action_id": f"{COMPARISON}{number}",
            "text": plain_text(" and ".join(knowledge.roles[role].short for role in group), MAX_BUTTON_TITLE),
            "value": Question(COMPARE, group, OVERALL).payload(),
        }
        for number, group in enumerate(groups)
    ]
    return [_written("*Side by side*"), {"type": "actions", "elements": buttons[:MAX_BUTTONS]}]

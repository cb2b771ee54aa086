"""Talking to the assistant in Slack: direct messages, mentions, threads, and everything that is not meant for it."""

from __future__ import annotations

from tests.channels.slack.people import Person

SALARY = "what does a data scientist earn"


def test_a_direct_message_is_answered_in_one_post(person: Person) -> None:
    post = person.say("MLE vs SWE on salary")
    assert post.kinds[0] == "header" and {"section", "table", "context", "actions", "context_actions"} <= set(post.kinds)
    assert post.thread == "" and post.title == "Who earns more: MLE and SWE?"
    assert max(person.acknowledged) < 1


def test_transcript(person: Person, other: Person, channel: str) -> None:
    import json, sys
    out = open("/tmp/transcript.txt", "a")
    def show(post):
        out.write(json.dumps(vars(post), indent=1) + "\n")
    show(person.mention("what does an mle do & <b>why</b>?", channel))
    p = person.say("and the salary?", channel, thread=person.slack.posts[-1].thread); show(p)
    show(person.command("compare all three", channel))
    show(person.say(SALARY))
    show(person.say("hi"))
    show(person.say("what about nurses"))
    out.close()

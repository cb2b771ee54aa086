"""The dialogue: from a message and what the conversation remembers to a card and what it remembers next. Rasa is not known here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rolewise import wording
from rolewise.answers import PLACED_TOPICS, Answers, join
from rolewise.cards import Card, CardQuestion, Kind
from rolewise.knowledge import Knowledge
from rolewise.questions import COMPARE, OVERALL, Context, Message, Question, question_from_payload, unique
from rolewise.understanding import Understanding

NUMBER = re.compile(r"^\W*(?:number |option |no\.? ?)?([1-9])\W*$", re.IGNORECASE)


class Dialogue:
    """One turn of a conversation. The methods named after acts return the card; ``context`` is changed in place."""

    def __init__(self, knowledge: Knowledge, context: Context) -> None:
        """A turn with this knowledge, in this conversation."""
        self.knowledge = knowledge
        self.answers = Answers(knowledge)
        self.context = context.keep_known(knowledge.topics, knowledge.roles)
        self.understanding = Understanding(knowledge, self.answers, self.context)

    # -- acts -------------------------------------------------------------------------------------------------------------

    def respond(self, message: Message, act: str) -> Card:
        """The card for a message.

        Args:
            message: what the person said.
            act: the name of the method that answers unless the message is a tapped button or a number of the offered ones.
        """
        number = NUMBER.match(message.text)
        if message.tapped is None and number and int(number.group(1)) <= len(self.context.offered):
            message = replace(message, tapped=question_from_payload(self.context.offered[int(number.group(1)) - 1][1]))
        if message.tapped is not None:
            return self.answer(message)
        card: Card = getattr(self, act)(message)
        return card

    def answer(self, message: Message) -> Card:
        """Answer the questions of a message, or ask back."""
        understood = self.understanding.understand(message)
        if understood.refusal:
            return self._refuse(understood.refusal, understood.unsure)
        if understood.unsure:
            return self._ask_back(understood.unsure)
        ready = [question for question in understood.questions if question not in understood.open]
        if not ready:
            return self._which_role(understood.open[0])
        parts = [wording.TOO_MANY if understood.too_many else None, understood.note]
        if understood.open:
            labels = join([str(self.knowledge.topics[question.topic].label) for question in understood.open])
            parts.append(wording.ROLE_MISSING.format(labels=labels))
        return self._answered(ready, " ".join(part for part in parts if part) or None)

    def fallback(self, message: Message) -> Card:
        """Decline, with the nearest things to tap; a place, a role or a title named may still say what is meant."""
        part = message.parts[0] if message.parts else None
        guesses = self.understanding.guesses(part)
        if message.companies:
            return self._refuse(wording.COMPANY, guesses)
        if part and len(message.parts) == 1 and self.understanding.plain(part):
            return self.answer(message)
        if part and part.others and not part.roles:
            return self._refuse(wording.OTHER_TITLE.format(names=join(part.others, "or")), self.understanding.nearest(part))
        texts = wording.NOT_UNDERSTOOD if guesses else wording.DECLINED
        return self._refuse(texts[self.context.unsure % 2], guesses)

    def greet(self, message: Message) -> Card:
        """Greet."""
        return self._small_talk(wording.GREETING_AGAIN if self.context.answers else wording.GREETING)

    def goodbye(self, message: Message) -> Card:
        """Say goodbye."""
        return self._small_talk(wording.GOODBYE, suggest=False)

    def thanks(self, message: Message) -> Card:
        """Take thanks."""
        return self._small_talk(wording.THANKS)

    def bot_challenge(self, message: Message) -> Card:
        """Say that this is a program."""
        return self._small_talk(wording.BOT)

    def chitchat(self, message: Message) -> Card:
        """Lead back from small talk."""
        return self._small_talk(wording.CHITCHAT)

    def calm(self, message: Message) -> Card:
        """Stay calm once, then go on with the help."""
        text = wording.CALM_AGAIN if self.context.note == "calm" else wording.CALM
        card = self._small_talk(text)
        self.context.note = "calm"
        return card

    def menu(self, message: Message) -> Card:
        """Say what can be asked."""
        return self._menu(wording.MENU)

    def affirm(self, message: Message) -> Card:
        """Take a yes as the first thing offered, when something was offered as a guess."""
        if self.context.offered:
            return self.answer(replace(message, tapped=question_from_payload(self.context.offered[0][1]), parts=()))
        return self._small_talk(wording.GREETING_AGAIN)

    def deny(self, message: Message) -> Card:
        """Take a no: offer what else was offered."""
        offered = [question for question in (question_from_payload(payload) for _, payload in self.context.offered[1:]) if question]
        return self._card("clarify", wording.DENIED, offers=[*offered, *self._next_questions()][:4], questions=offered[:2])

    def source(self, message: Message) -> Card:
        """Show where the last answer came from."""
        if not self.context.questions:
            return self._card("menu", wording.NOTHING_YET, offers=self._first_questions())
        full = self._last("full")
        lead = wording.SOURCES_OF.format(date=self.knowledge.reviewed_on.isoformat())
        undated = [source.id for source in full.sources if source.year is None]
        points = [f"{source.title} ({source.publisher}), {source.year or 'undated'}" for source in full.sources]
        caveat = f"{join(undated)}: the page shows no date." if undated else None
        return full.copy(update={"lead": lead, "points": points, "table": None, "caveat": caveat})

    def repeat(self, message: Message) -> Card:
        """Say the last answer again."""
        return self._last("normal") if self.context.questions else self._card("menu", wording.NOTHING_YET, offers=self._first_questions())

    def shorter(self, message: Message) -> Card:
        """Say the last answer in its lead alone."""
        return self._last("short") if self.context.questions else self._card("menu", wording.NOTHING_YET, offers=self._first_questions())

    def more(self, message: Message) -> Card:
        """Say all that is known on the last question."""
        if not self.context.questions:
            return self._card("menu", wording.NOTHING_YET, offers=self._first_questions())
        if self.context.shown == "full":
            card = self._last("full")
            return card.copy(update={"lead": f"{wording.THAT_IS_ALL} {card.lead}"})
        return self._last("full")

    def start_over(self, message: Message) -> Card:
        """Forget the conversation."""
        fresh = Context()
        self.context.__dict__.update(fresh.__dict__)
        return self._small_talk(wording.RESTARTED)

    def stop(self, message: Message) -> Card:
        """Stop what is going on."""
        return self._small_talk(wording.STOPPED)

    def rate(self, message: Message) -> Card:
        """Take a rating of the last answer."""
        if not self.context.answer_id:
            return self._small_talk(wording.RATED_NOTHING)
        return self._small_talk(wording.RATED_UP if message.intent == "feedback_positive" else wording.RATED_DOWN)

    def suits_me(self, message: Message) -> Card:
        """Help to choose."""
        return self.answer(replace(message, tapped=Question("choose"), parts=()))

    # -- cards ------------------------------------------------------------------------------------------------------------

    def _answered(self, questions: list[Question], note: str | None) -> Card:
        context = self.context
        roles = unique(role for question in questions for role in question.roles)
        context.answers += 1
        context.pending = None
        context.answer_id = f"a{context.answers}"
        context.questions = questions
        self._mention(roles)
        for question in questions:
            if question.topic in PLACED_TOPICS:
                context.country, context.level = question.country, question.level
        context.asked += [_key(question) for question in questions]
        context.unsure, context.shown, context.note = 0, "normal", note
        return self._offer(self.answers.card(questions, context.answer_id, note, "normal", self._next_questions()))

    def _mention(self, roles: tuple[str, ...]) -> None:
        """Remember the roles that are talked about."""
        if roles:
            self.context.roles = roles
            self.context.mentioned = tuple(role for role in self.context.mentioned if role not in roles) + roles

    def _last(self, shown: str) -> Card:
        context = self.context
        context.shown, context.unsure = shown, 0
        return self._offer(self.answers.card(context.questions, context.answer_id or "a0", None, shown, self._next_questions()))

    def _next_questions(self) -> list[Question]:
        """What to ask next: new topics for the roles in play, then the same topic beside another role."""
        context = self.context
        if not context.questions:
            return self._first_questions()
        last = context.questions[-1]
        roles = last.roles or context.roles
        found: list[Question] = []
        following = [topic for topic in self.knowledge.topics[last.topic].next if topic != COMPARE]
        spare = [topic for topic in self.knowledge.topics if topic not in following and topic not in (COMPARE, last.topic)]
        for topic in [*following, *spare]:
            question = Question(topic, tuple(roles)).normal()
            if self.answers.knows(question) and _key(question) not in context.asked:
                found.append(question)
            if len(found) == 2:
                break
        if len(roles) == 1:
            others = [role for role in [*reversed(context.mentioned), *self.knowledge.roles] if role not in roles]
            topic = last.topic if last.topic != COMPARE else "define_role"
            beside = Question(topic, (*roles, others[0]))
            found.append(beside if _key(beside) not in context.asked else Question(COMPARE, (*roles, others[0]), OVERALL))
        elif len(roles) > 1:
            single = Question(last.topic if last.topic != COMPARE else "responsibilities", tuple(roles[:1]))
            found += [question for question in (single, Question("choose")) if _key(question) not in context.asked]
        return [question for question in found if _key(question) not in context.asked][:4] or self._first_questions()

    def _first_questions(self) -> list[Question]:
        every = tuple(self.knowledge.roles)
        return [
            Question("responsibilities", every[:1]),
            Question("salary", every[1:2] or every[:1]),
            Question(COMPARE, every, OVERALL),
            Question("choose"),
        ]

    def _which_role(self, question: Question) -> Card:
        topic = self.knowledge.topics[question.topic]
        offers = [replace(question, roles=(role,)) for role in self.knowledge.roles]
        lead = wording.WHICH_ROLE.format(question=f"You asked about {topic.label}.")
        self.context.unsure = 0
        self.context.pending = question.topic
        self.context.country, self.context.level = question.country, question.level
        card = self._card("clarify", lead, offers=[*offers, Question(question.topic, tuple(self.knowledge.roles))], questions=offers)
        return card

    def _ask_back(self, guesses: Sequence[Question]) -> Card:
        self.context.unsure += 1
        self._mention(guesses[0].roles)
        if self.context.unsure > 1:
            return self._menu(wording.MENU_AFTER_UNSURE, guesses)
        return self._card("clarify", wording.DID_YOU_MEAN, offers=self._spelled(guesses), questions=guesses)

    def _refuse(self, text: str, guesses: Sequence[Question]) -> Card:
        self.context.unsure += 1
        if self.context.unsure > 1:
            return self._menu(wording.MENU_AFTER_UNSURE if not text.startswith("I do not cover") else text, guesses)
        offers = self._spelled(guesses)
        return self._card("fallback", text, offers=[*offers, *self._first_questions()][: max(3, len(offers))], questions=guesses)

    def _spelled(self, guesses: Sequence[Question]) -> list[Question]:
        """Guesses as things that answer when tapped: one without a role becomes one a role, or the general one."""
        return [
            spelled
            for question in guesses
            for spelled in (
                [question] if self.answers.knows(question) else [replace(question, roles=(role,)) for role in self.knowledge.roles]
            )
        ][:4]

    def _menu(self, lead: str, guesses: Sequence[Question] = ()) -> Card:
        self.context.unsure = 0
        offers = [*self._spelled(guesses)[:2], *self._first_questions()][:4]
        card = self._card("menu", lead, offers=offers, questions=guesses)
        return card.copy(update={"title": wording.MENU_TITLE, "points": list(wording.MENU_POINTS)})

    def _small_talk(self, text: str, suggest: bool = True) -> Card:
        self.context.unsure = 0
        return self._card("smalltalk", text, offers=self._next_questions() if suggest else [])

    def _card(self, kind: Kind, lead: str, offers: Sequence[Question], questions: Sequence[Question] = ()) -> Card:
        card = Card(
            kind=kind,
            answer_id=f"{kind}{self.context.answers}",
            questions=[CardQuestion(**question.normal().as_dict()) for question in questions],
            title="",
            lead=lead,
            suggestions=self.answers.suggestions(offers),
        )
        return self._offer(card)

    def _offer(self, card: Card) -> Card:
        """Remember what the card offers to tap."""
        self.context.offered = [(suggestion.title, suggestion.payload) for suggestion in card.suggestions]
        return card


def _key(question: Question) -> str:
    return f"{question.topic}:{','.join(sorted(question.roles))}"

"""The dialogue: from a message and what the conversation remembers to a card and what it remembers next. Rasa is not known here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rolewise import cues, wording
from rolewise.answers import PLACED_TOPICS, Answers, join
from rolewise.cards import Card, CardQuestion, Kind
from rolewise.knowledge import Knowledge
from rolewise.questions import COMPARE, OVERALL, Context, Message, Part, Question, question_from_payload, unique

MAX_QUESTIONS = 3
NUMBER = re.compile(r"^\W*(?:number |option |no\.? ?)?([1-9])\W*$", re.IGNORECASE)

# Another job title counts as where somebody comes from only in questions about getting into a role.
ENTRY_TOPICS = frozenset({"switch_role", "start_learning", "choose", "degree", "experience", "skills", "good_career", "difficulty"})
# A company is only a name beside a course, a certificate or a tool.
COMPANY_TOPICS = frozenset({"start_learning", "tools", "languages", "degree"})
# Below this confidence a guess is not offered even in a refusal.
LEAST_GUESS = 0.2
# Topics to offer when nothing better is known.
FIRST_TOPICS = ("responsibilities", "salary", "choose", "compare")


@dataclass
class Understood:
    """What a message asks, resolved against the conversation.

    Attributes:
        questions: the questions to answer, in order.
        note: what was assumed, to be said before the answer.
        unsure: questions that may be meant, the best first; offered, not answered.
        refusal: why nothing is answered, or None.
    """

    questions: list[Question]
    note: str | None = None
    unsure: tuple[Question, ...] = ()
    refusal: str | None = None
    too_many: bool = False


class Dialogue:
    """One turn of a conversation. The methods named after acts return the card; ``context`` is changed in place."""

    def __init__(self, knowledge: Knowledge, context: Context) -> None:
        """A turn with this knowledge, in this conversation."""
        self.knowledge = knowledge
        self.answers = Answers(knowledge)
        self.context = context.keep_known(knowledge.topics, knowledge.roles)

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
        understood = self._understand(message)
        if understood.refusal:
            return self._refuse(understood.refusal, understood.unsure)
        if understood.unsure:
            return self._ask_back(understood.unsure)
        questions = understood.questions
        open_role = [question for question in questions if not self.answers.knows(question)]
        if open_role and len(open_role) == len(questions):
            return self._which_role(open_role[0], understood.note)
        parts = [wording.TOO_MANY if understood.too_many else None, understood.note]
        if open_role:
            questions = [question for question in questions if question not in open_role]
            labels = join([str(self.knowledge.topics[question.topic].label) for question in open_role])
            parts.append(wording.ROLE_MISSING.format(labels=labels))
        return self._answered(questions, " ".join(part for part in parts if part) or None)

    def fallback(self, message: Message) -> Card:
        """Decline, with the nearest things to tap; a place, a role or a title named may still say what is meant."""
        part = message.parts[0] if message.parts else None
        if message.companies:
            return self._refuse(wording.COMPANY, self._guesses(part))
        if part and part.others and not part.roles:
            return self._not_covered(part)
        guesses = self._guesses(part)
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

    # -- understanding ----------------------------------------------------------------------------------------------------

    def _understand(self, message: Message) -> Understood:
        if message.tapped is not None:
            return Understood([self._known(message.tapped)])
        parts = list(message.parts)
        if not parts:
            return Understood([], refusal=wording.EMPTY)
        head = parts[0]
        if message.companies and head.topic not in COMPANY_TOPICS:
            return Understood([], refusal=wording.COMPANY, unsure=tuple(self._guesses(head)))
        questions: list[Question] = []
        note: str | None = None
        for index, part in enumerate(parts):
            part = self._special_forms(part)
            if part.others:
                subject = self._other_is_subject(part)
                if subject and len(parts) == 1:
                    return Understood([], refusal=self._other_text(part.others), unsure=tuple(self._nearest(part)))
                if subject:
                    note = self._other_text(part.others)
                    continue
                asked_too = [title for title in part.others if title not in part.origins]
                if asked_too and part.roles and part.topic != "switch_role":
                    names = self.answers.role_names(part.roles)
                    note = wording.OTHER_TITLE_BESIDE.format(names=self._titles(asked_too), roles=names)
            shared = parts[index - 1].roles if index and parts[index - 1].roles else ()
            if not part.roles and not shared and not self._points_back(part):
                shared = next((later.roles for later in parts[index + 1 :] if later.roles), ())
            resolved, assumed = self._resolve(part, shared)
            note = note or assumed
            questions += resolved
        questions = list(dict.fromkeys(question.normal() for question in questions))
        if not questions:
            return Understood([], refusal=note or wording.NOT_UNDERSTOOD[self.context.unsure % 2], unsure=tuple(self._guesses(head)))
        if len(parts) == 1 and head.decision != "answer" and head.best.intent != "follow_up":
            others = [question for question in self._guesses(head) if question != questions[0]]
            return Understood([], unsure=(questions[0], *others[:1]))
        return Understood(questions[:MAX_QUESTIONS], note, too_many=len(questions) > MAX_QUESTIONS)

    def _special_forms(self, part: Part) -> Part:
        """Beside a covered role, a title that is a special form of one stands for it: "from backend developer to MLE"."""
        if not part.roles:
            return part
        titles = [self.knowledge.title_of_other(name) for name in part.others]
        forms = {str(title.name): title.kind_of for title in titles if title is not None and title.kind_of}
        return replace(
            part,
            roles=unique([*part.roles, *(role for role in forms.values() if role)]),
            others=tuple(name for name in part.others if name not in forms),
            targets=tuple(name for name in part.targets if name not in forms),
        )

    def _known(self, question: Question) -> Question:
        """A tapped question with only ids that exist."""
        roles = tuple(role for role in question.roles if role in self.knowledge.roles)
        question = replace(question, roles=unique(roles)).normal()
        return question if question.topic in self.knowledge.topics else Question("choose")

    @staticmethod
    def _points_back(part: Part) -> bool:
        return bool(part.cues & {cues.BOTH, cues.ALL, cues.FIRST, cues.SECOND, cues.THIRD, cues.OTHER})

    def _resolve(self, part: Part, shared: Sequence[str]) -> tuple[list[Question], str | None]:
        """The questions of a part, and what was assumed."""
        context = self.context
        roles, assumed = self._roles(part, shared)
        country = part.countries[0] if part.countries else context.country
        level = part.levels[0] if part.levels else context.level
        topic = part.topic
        if topic is None:
            # An elliptic message: the topics of the last answer, with what is new in this one.
            topics = [question.topic for question in context.questions]
            if not topics:
                return ([], None) if not part.roles else ([Question("define_role", roles)], None)
            if (part.countries or part.levels) and not part.roles and not set(topics) & set(PLACED_TOPICS):
                topics = ["salary"] if part.countries else topics
            if not part.roles and not self._points_back(part) and not (part.countries or part.levels):
                return [], None
            note = wording.CORRECTED if cues.CORRECTION in part.cues else wording.AS_BEFORE
            names = self.answers.role_names(roles) if roles else ""
            said = note.format(roles=names) if names and note == wording.CORRECTED else None
            asked = [Question(t, tuple(roles), None, *self._placed(t, country, level)) for t in topics]
            if len(roles) == 1:
                asked = [replace(q, topic="define_role") if q.topic == COMPARE else q for q in asked]
            return asked, said
        if topic == COMPARE and cues.VARIANTS in part.cues:
            # "developer or engineer": two words for one role, so the question is what the role is.
            topic = "define_role"
        if topic == COMPARE:
            named = [name for name in part.topics if name not in (COMPARE, "choose", "define_role")]
            if named and len(roles) != 1:
                topic = named[0]
            elif len(roles) == 1:
                roles = tuple(unique([*context.roles, *roles])) if part.roles and set(context.roles) - set(roles) else tuple(roles)
        question = Question(topic, tuple(roles), OVERALL if topic == COMPARE else None, *self._placed(topic, country, level))
        return [question], assumed

    @staticmethod
    def _placed(topic: str, country: str | None, level: str | None) -> tuple[str | None, str | None]:
        return (country, level) if topic in PLACED_TOPICS else (None, None)

    def _roles(self, part: Part, shared: Sequence[str]) -> tuple[tuple[str, ...], str | None]:
        """The roles of a part: named, pointed at, shared by another part, or those of the conversation; and the assumption."""
        context, every = self.context, tuple(self.knowledge.roles)
        comparing = cues.COMPARING in part.cues
        if part.roles:
            if len(part.roles) == 1 and comparing and cues.POINTING in part.cues and set(context.roles) - set(part.roles):
                return tuple(unique([*context.roles[:1], *part.roles])), None
            if len(part.roles) == 1 and cues.OTHER in part.cues and comparing:
                return tuple(unique([*part.roles, *context.roles])), None
            return part.roles, None
        known = context.roles if len(context.roles) > 1 else context.mentioned
        if cues.ALL in part.cues:
            return every, None
        if cues.BOTH in part.cues and len(known) >= 2:
            return tuple(known[-2:]), None
        for cue, index in ((cues.FIRST, 0), (cues.SECOND, 1), (cues.THIRD, 2)):
            if cue in part.cues and len(known) > index:
                return (known[index],), None
        if cues.OTHER in part.cues and context.roles:
            rest = tuple(role for role in known if role not in context.roles[-1:]) or tuple(r for r in every if r not in context.roles)
            rest = rest if "two" not in part.text and "ones" not in part.text else tuple(r for r in every if r not in context.roles)
            if comparing and len(context.roles) == 1:
                return (*context.roles, *rest[-1:]), None
            return (rest if "two" in part.text or "ones" in part.text or "others" in part.text else rest[-1:]), None
        if shared:
            return tuple(shared), None
        if comparing and part.topic not in (None, "choose", "define_role"):
            if len(context.roles) > 1:
                return context.roles, wording.AS_BEFORE.format(roles=self.answers.role_names(context.roles))
            if len(context.mentioned) > 1 and cues.POINTING not in part.cues:
                return context.mentioned[-2:], None
            return every, None
        if context.roles and part.topic not in ("choose", COMPARE):
            return context.roles, wording.AS_BEFORE.format(roles=self.answers.role_names(context.roles))
        if context.roles and part.topic == COMPARE and len(context.roles) > 1:
            return context.roles, None
        if part.topic == COMPARE and len(context.mentioned) > 1:
            return context.mentioned[-2:], None
        return (), None

    def _other_is_subject(self, part: Part) -> bool:
        """Whether a question is about a job that is not covered, rather than from there or beside it."""
        if part.roles:
            return (
                bool(part.targets)
                and part.topic in ("switch_role", "start_learning", "career_path")
                and not (set(part.origins) >= set(part.others))
            )
        return not (set(part.origins) >= set(part.others) and part.topic in ENTRY_TOPICS)

    def _titles(self, titles: Sequence[str]) -> str:
        return join(titles, "or")

    def _other_text(self, titles: Sequence[str]) -> str:
        return wording.OTHER_TITLE.format(names=self._titles(titles))

    def _nearest(self, part: Part) -> list[Question]:
        """What to offer instead of a job that is not covered: the same topic for the nearest role."""
        titles = [self.knowledge.title_of_other(name) for name in part.others]
        nearest = [title.nearest for title in titles if title is not None and title.nearest is not None]
        roles = unique([*part.roles, *nearest]) or tuple(self.knowledge.roles)
        topic = part.topic if part.topic and part.best.confidence >= LEAST_GUESS and part.topic != COMPARE else "define_role"
        return [Question(topic, (role,)) for role in roles[:2]]

    def _guesses(self, part: Part | None) -> list[Question]:
        """The best two questions that may be meant, with the roles that would be assumed."""
        if part is None:
            return []
        found: list[Question] = []
        for guess in part.guesses:
            if guess.topic and guess.confidence >= LEAST_GUESS and len(found) < 2:
                roles, _ = self._roles(replace(part, guesses=(guess,)), ())
                found.append(Question(guess.topic, roles, OVERALL if guess.topic == COMPARE else None).normal())
        return list(dict.fromkeys(found))

    # -- cards ------------------------------------------------------------------------------------------------------------

    def _answered(self, questions: list[Question], note: str | None) -> Card:
        context = self.context
        roles = unique(role for question in questions for role in question.roles)
        context.answers += 1
        context.answer_id = f"a{context.answers}"
        context.questions = questions
        if roles:
            context.roles = roles
            context.mentioned = tuple(role for role in context.mentioned if role not in roles) + roles
        for question in questions:
            if question.topic in PLACED_TOPICS:
                context.country, context.level = question.country, question.level
        context.asked += [_key(question) for question in questions]
        context.unsure, context.shown, context.note = 0, "normal", note
        return self._offer(self.answers.card(questions, context.answer_id, note, "normal", self._next_questions()))

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

    def _which_role(self, question: Question, note: str | None) -> Card:
        topic = self.knowledge.topics[question.topic]
        offers = [replace(question, roles=(role,)) for role in self.knowledge.roles]
        lead = wording.WHICH_ROLE.format(question=f"You asked about {topic.label}.")
        self.context.unsure = 0
        card = self._card("clarify", lead, offers=[*offers, Question(question.topic, tuple(self.knowledge.roles))], questions=offers)
        return card

    def _ask_back(self, guesses: Sequence[Question]) -> Card:
        self.context.unsure += 1
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

    def _not_covered(self, part: Part) -> Card:
        return self._refuse(self._other_text(part.others), self._nearest(part))

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

"""The dialogue: from a message and what the conversation remembers to a card and what it remembers next. Rasa is not known here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, islice

from rolewise import wording
from rolewise.answers.compose import PLACED_TOPICS, SWITCH, Answers, Draft, capital, join
from rolewise.cards import MAX_SUGGESTIONS, Card, CardQuestion, Kind, Suggestion
from rolewise.conversation.nearby import nearby, nearest
from rolewise.conversation.questionnaire import PAYLOAD, QUIZ_INTENT, Move, Quiz, choice_from_payload
from rolewise.conversation.readings import (
    AGAIN,
    AGAIN_INTENTS,
    ANSWER,
    ASKS,
    DECLINE,
    SEVERAL,
    SMALL_TALK,
    Candidates,
    Heard,
    Reading,
    Scorer,
    enumerated,
)
from rolewise.conversation.signs import DOWN, UP, number_of, pick, rating
from rolewise.conversation.understanding import LIKELY_HERE, SHORT_WORDS, Understanding, policy
from rolewise.knowledge import Fact, Knowledge
from rolewise.nlu import cues
from rolewise.questions import COMPARE, OVERALL, Context, Message, Part, Question, question_from_payload, unique

# The longest reason of a rating that is kept, in characters.
MAX_REASON = 500
# After a thumbs down words are its reason, unless they are a question about a topic with at least this confidence.
SURELY_ASKS = 0.6
# A refusal offers at least so much to tap.
FEWEST_OFFERS = 3
# What is near stands beside a question that is declined or asked back where it is for this assistant with this probability.
SCOPE_DECLINED = 0.25
# The mark that a thumbs down waits for its reason.
RATED_DOWN = "rated down"


# What the kind of a card that answers nothing says of how a message was read; any other asks back.
READ_AS = {"smalltalk": SMALL_TALK, "fallback": DECLINE, "menu": DECLINE}
# Intents that have a meaning of their own, whatever was talked about, unless several roles are pointed at.
OWN_ACTS = frozenset({"capabilities", "start_over", "stop", "bot_challenge", "abuse", QUIZ_INTENT})
# From this confidence on: to forget the conversation, or to begin the questionnaire, by mistake costs more than to ask on.
SURELY_ACTS = 0.7
SEVERAL_ROLES = frozenset({cues.BOTH, cues.ALL})
# Intents that say yes or no to what was offered, where a short message says nothing else.
BARE_ACTS = frozenset({"affirm", "deny"})
# What is said to small talk that the rules took for something else, by the classifier's best guess of it.
SMALL_TALK_ACTS = {"chitchat": wording.CHITCHAT, "thanks": wording.THANKS, "goodbye": wording.GOODBYE, "feedback_positive": wording.THANKS}


class Dialogue:
    """One turn of a conversation. The methods named after acts return the card; ``context`` is changed in place."""

    def __init__(self, knowledge: Knowledge, context: Context) -> None:
        """A turn with this knowledge, in this conversation."""
        self.knowledge = knowledge
        self.answers = Answers(knowledge)
        self.context = context.keep_known(knowledge.topics, knowledge.roles, knowledge.subjects_by_id())
        self.understanding = Understanding(knowledge, self.answers, self.context)
        # What the message may have meant; for those who fit the weights.
        self.considered: Candidates | None = None

    # -- acts -------------------------------------------------------------------------------------------------------------

    def respond(self, message: Message, act: str, scorer: Scorer | None = None) -> Card:
        """The card for a message.

        Args:
            message: what the person said.
            act: the name of the method that answers unless the message is a tapped button, a number of the offered ones or a thumb.
            scorer: what chooses among the readings of the message, instead of the shipped weights.
        """
        message = self.numbered(message)
        if message.tapped is not None:
            return self.answer(message)
        rated = rating(message.text)
        if rated is not None:
            return self._rated(rated == UP, message)
        if message.chosen is None and self._picks(message) is not None:
            return self._no_such()
        if self._reason(message, act):
            self.context.rating = {**(self.context.rating or {}), "reason": message.text[:MAX_REASON]}
            return self._small_talk(wording.RATED_REASON)
        if act in AGAIN_INTENTS and not self.context.questions:
            message, act = self._nothing_again(message, act)
        return self._with_nearest(self._read(message, act, scorer), message)

    @staticmethod
    def _nothing_again(message: Message, act: str) -> tuple[Message, str]:
        """Where nothing was answered yet nothing can be said again: more than a few words ask about the likeliest topic."""
        head = message.parts[0] if message.parts else None
        topics = tuple(guess for guess in head.guesses if guess.topic) if head else ()
        if head is None or not topics or len(head.text.split()) <= SHORT_WORDS:
            return message, act
        decision = "answer" if topics[0].confidence >= LIKELY_HERE else "ask"
        return replace(message, parts=(replace(head, guesses=topics, decision=decision), *message.parts[1:])), "answer"

    def by_rules(self, message: Message, act: str) -> Card:
        """The card for a message as the rules read it; arguments as in :meth:`respond`."""
        if act == QUIZ_INTENT:
            content = self.knowledge.questionnaire
            return self.ask(content.questions[0].id if content is not None else "")
        card: Card = getattr(self, act)(message)
        return card

    def _read(self, message: Message, act: str, scorer: Scorer | None) -> Card:
        """The card for the likeliest reading of a message; that of the rules is one of them."""
        before = remembered(self.context)
        card = self.by_rules(message, act)
        self.considered = candidates = self.candidates(message, before, card) if act != "rate" else None
        if candidates is None:
            return card
        best = (scorer or Scorer.load()).best(candidates)
        if best.rules:
            return card
        self.context.__dict__.update(before.__dict__)
        return self.read_as(best, message)

    def candidates(self, message: Message, before: Context, card: Card) -> Candidates | None:
        """What a message may mean beside what the rules read; None where a policy decides.

        Args:
            message: the message.
            before: the context before the rules read it.
            card: what the rules answered.
        """
        if not message.parts or message.chosen is not None or before.quiz or policy(message) is not None:
            return None
        if self.context.rating != before.rating:
            # A rating was taken.
            return None
        message = self._asking(message)
        part = message.parts[0]
        titles = bool(part.others) and (not part.roles or cues.COMPARING in part.cues)
        own_act = (
            part.best.intent in OWN_ACTS
            and part.decision == "answer"
            and part.best.confidence >= SURELY_ACTS
            and not part.roles
            and not part.cues & SEVERAL_ROLES
        )
        named = part.roles or part.topics or part.countries or part.levels or len(part.text.split()) > SHORT_WORDS
        bare = part.best.intent in BARE_ACTS and part.decision == "answer" and not named
        if titles or own_act or bare or self.understanding.other_title(part) is not None:
            return None
        rules = self.read_by_rules(before, card)
        if not before.answers and rules.act != ANSWER:
            # Alone, a message is for the assistant where the classifier is sure enough.
            return None
        topics = {name: [str(alias).lower() for alias in topic.aliases] for name, topic in self.knowledge.topics.items()}
        pointed = Understanding(self.knowledge, self.answers, before).pointed_roles(part)
        heard = Heard.of(message, before, self.understanding.all_names(), topics, pointed)
        if len(message.parts) < 2 or len(rules.topics) < 2 or COMPARE in rules.topics:
            return enumerated(heard, rules)
        # What was cut into questions of their own stays so; where a further topic is named, it may be asked as well.
        more = set(heard.named_topics) - {COMPARE, *rules.topics, *(one.topic for one in message.parts)}
        return enumerated(heard, rules).holding(rules.topics) if more and not any(one.others for one in message.parts) else None

    def _asking(self, message: Message) -> Message:
        """The message without the parts that are only the story around it."""
        return replace(message, parts=tuple(self.understanding.asking_parts(message)))

    def read_by_rules(self, before: Context, card: Card) -> Reading:
        """The reading that the rules' card shows."""
        if card.kind in ("answer", "comparison"):
            if self.context.answers == before.answers:
                return Reading(AGAIN, rules=True)
            questions = self.context.questions
            whose = {frozenset(question.roles) for question in questions}
            roles = questions[-1].roles if len(whose) == 1 else (SEVERAL,)
            return Reading(ANSWER, tuple(question.topic for question in questions), roles, True)
        return Reading(READ_AS.get(card.kind, ASKS), rules=True)

    def read_as(self, reading: Reading, message: Message) -> Card:
        """The card for a reading that is not the rules'."""
        message = self._asking(message)
        part = message.parts[0]
        guessed = [guess.intent for guess in part.guesses]
        if reading.act == AGAIN:
            act = next((intent for intent in guessed if intent in AGAIN_INTENTS), "repeat")
            card: Card = getattr(self, act)(message)
            return card
        if reading.act == SMALL_TALK:
            said = next((intent for intent in guessed if intent in SMALL_TALK_ACTS), "chitchat")
            return self._small_talk(SMALL_TALK_ACTS[said], suggest=said != "goodbye")
        if reading.act == DECLINE:
            guesses = self.understanding.guesses(part)
            texts = wording.NOT_UNDERSTOOD if guesses else wording.DECLINED
            return self._refuse(self.answers.scoped(texts[self.context.unsure % 2]), guesses)
        questions = self.understanding.asked_of(reading.topics, reading.roles, message)
        # Of a town's own figure nothing has to be said.
        placed = any(question.topic in PLACED_TOPICS and not question.subjects for question in questions)
        note = (self.understanding.no_place(part, reading.roles) if placed else None) or self._assumed(reading, part)
        return self._answered(questions, note)

    def _assumed(self, reading: Reading, part: Part) -> str | None:
        """What to say where roles were carried over."""
        if not reading.roles or part.roles:
            return None
        return (
            wording.AS_BEFORE.format(roles=self.answers.role_names(reading.roles))
            if set(reading.roles) == set(self.context.roles)
            else None
        )

    def numbered(self, message: Message) -> Message:
        """The message; a number, or the title, typed for one of the things offered becomes that tap."""
        number = self._picks(message)
        offered = self.context.offered
        if number is None or not (number == -1 or 0 < number <= len(offered)) or not offered:
            return message
        payload = offered[number - 1 if number > 0 else -1][1]
        return replace(message, tapped=question_from_payload(payload), chosen=choice_from_payload(payload))

    def is_sign(self, message: Message) -> bool:
        """Whether a message rates, or picks by number, and says nothing else."""
        return rating(message.text) is not None or self._picks(message) is not None

    def _picks(self, message: Message) -> int | None:
        """The number of what a message picks from what was offered, -1 for the last; None where it says something else, or means a role."""
        if message.tapped is not None or message.chosen is not None:
            return None
        picked = pick(message.text)
        if picked is None and message.intent == QUIZ_INTENT:
            return None
        if picked is None:
            # A title typed as it stands, instead of tapped.
            return number_of(message.text, (title for title, _ in self.context.offered))
        in_quiz = any(choice_from_payload(payload) for _, payload in self.context.offered)
        return None if picked.pointing and len(self.context.mentioned) > 1 and not in_quiz else picked.number

    def _no_such(self) -> Card:
        """Ask again for something that was offered, where its number was none of these."""
        offered = self.context.offered
        if not offered:
            return self._card("clarify", wording.NOTHING_TO_PICK, offers=self._next_questions())
        questions = [question for question in (question_from_payload(payload) for _, payload in offered) if question]
        card = self._card("clarify", wording.NO_SUCH_NUMBER.format(count=len(offered)), offers=[], questions=questions[:2])
        return self._offer(card.copy(update={"suggestions": [Suggestion(title=title, payload=payload) for title, payload in offered]}))

    def answer(self, message: Message) -> Card:
        """Answer the questions of a message, or ask back."""
        understood = self.understanding.understand(message)
        if understood.refusal:
            return self._with_facts(self._refuse(understood.refusal, understood.unsure), understood.facts)
        if understood.unsure:
            return self._ask_back(understood.unsure)
        parts = [wording.TOO_MANY if understood.too_many else None, understood.note]
        return self._answered(understood.questions, " ".join(part for part in parts if part) or None)

    def fallback(self, message: Message) -> Card:
        """Decline, with the nearest things to tap; a place, a role or a title named may still say what is meant."""
        part = message.parts[0] if message.parts else None
        guesses = self.understanding.guesses(part)
        refusal = policy(message)
        if refusal is not None:
            return self._refuse(refusal, guesses)
        beside = part is not None and bool(part.others and part.roles) and cues.COMPARING in part.cues
        goes_with = part is not None and self.understanding.goes_with(part)
        if part and len(message.parts) == 1 and (beside or goes_with or self.understanding.plain(part)):
            # A role beside a title that is not covered is answered, and the title left out aloud.
            return self.answer(replace(message, parts=(replace(part, decision="answer"),)) if beside or goes_with else message)
        if part and part.others and not part.roles:
            card = self._refuse(self.answers.scoped(wording.OTHER_TITLE, names=join(part.others, "or")), self.understanding.nearest(part))
            return self._with_facts(card, self.understanding.what_titles_are(part))
        texts = wording.NOT_UNDERSTOOD if guesses else wording.DECLINED
        return self._refuse(self.answers.scoped(texts[self.context.unsure % 2]), guesses)

    def greet(self, message: Message) -> Card:
        """Greet."""
        return self._small_talk(wording.GREETING_AGAIN if self.context.answers else self.answers.scoped(wording.GREETING))

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
        return self._menu(self.answers.scoped(wording.MENU))

    def affirm(self, message: Message) -> Card:
        """Take a yes as the first thing offered, when something was offered as a guess."""
        if not any(character.isalpha() for character in message.text):
            return self.fallback(message)  # figures and signs are no yes
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
        lead = (wording.SOURCES_OF if full.sources else wording.SOURCES_NONE).format(date=self.knowledge.reviewed_on.isoformat())
        undated = [source.id for source in full.sources if source.year is None]
        points = [f"{source.title} ({source.publisher}), {source.year or 'undated'}" for source in full.sources]
        caveat = f"{join(undated)}: the page shows no date." if undated else None
        return full.copy(update={"lead": lead, "points": points, "table": None, "caveat": caveat, "figures": []})

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
        # Answers are counted on, so that no two of a conversation have one id.
        fresh = Context(answers=self.context.answers)
        self.context.__dict__.update(fresh.__dict__)
        return self._small_talk(wording.RESTARTED)

    def stop(self, message: Message) -> Card:
        """Stop what is going on."""
        self.context.quiz = None
        return self._small_talk(wording.STOPPED)

    def rate(self, message: Message) -> Card:
        """Take a rating of the last answer."""
        return self._rated(message.intent == "feedback_positive", message)

    def _rated(self, up: bool, message: Message) -> Card:
        if not self.context.answer_id:
            return self._small_talk(wording.RATED_NOTHING)
        reason = (message.reason or "")[:MAX_REASON] or None
        self.context.rating = {
            "answer_id": message.rated or self.context.answer_id,
            "value": UP if up else DOWN,
            "reason": reason,
        }
        card = self._small_talk(wording.RATED_UP if up else wording.RATED_REASON if reason else wording.RATED_DOWN)
        self.context.note = None if up or reason else RATED_DOWN
        return card

    def _reason(self, message: Message, act: str) -> bool:
        """Whether a message tells what was missing in the answer just rated: words after a thumbs down that ask nothing surely.

        It is waited for once: the note of it is taken away.
        """
        if self.context.note != RATED_DOWN or self.context.rating is None or not message.parts:
            return False
        self.context.note = None
        asks = any(
            part.decision == "answer" and (part.topic is None or part.best.confidence >= SURELY_ASKS)
            for part in message.parts
            if part.topic or part.best.intent in ("follow_up", "start_quiz")
        )
        head = message.parts[0]
        unsure = act == "fallback" or head.decision != "answer" or head.topic is not None
        return not asks and (unsure or message.intent == "feedback_negative")

    # -- the questionnaire --------------------------------------------------------------------------------------------------

    def starts_quiz(self, message: Message, act: str) -> bool:
        """Whether a message asks for the questionnaire by a number or a yes."""
        if self.knowledge.questionnaire is None:
            return False
        affirmed = act == "affirm" and self.context.offered and choice_from_payload(self.context.offered[0][1]) is not None
        return self.numbered(message).chosen is not None or bool(affirmed)

    def asks(self, question_id: str | None) -> bool:
        """Whether the knowledge has a questionnaire, with this question where one is named."""
        content = self.knowledge.questionnaire
        return content is not None and (question_id is None or question_id in {question.id for question in content.questions})

    def ask(self, question_id: str) -> Card:
        """Ask one question of the questionnaire; without such a question, say in general how to choose."""
        if not self.asks(question_id):
            return self._answered([Question("choose")], None)
        quiz = Quiz(self.knowledge)
        question = quiz.questions[question_id]
        number = list(quiz.questions).index(question_id) + 1
        asked = wording.QUIZ_QUESTION.format(number=number, count=len(quiz.questions), question=question.text)
        first = number == 1 and self.context.quiz is None
        before = wording.QUIZ_UNCLEAR if self.context.note == Move.UNCLEAR.value else quiz.content.intro if first else None
        self.context.quiz, self.context.note, self.context.unsure = question_id, None, 0
        card = Card(
            kind="clarify",
            answer_id=f"quiz{number}",
            questions=[CardQuestion(topic="choose", roles=[])],
            title=wording.QUIZ_TITLE,
            lead=" ".join(part for part in (before, asked) if part),
            suggestions=[Suggestion(title=title, payload=payload) for title, payload in quiz.suggestions(question)],
        )
        return self._offer(card)

    def quiz_result(self, answers: dict[str, str]) -> Card:
        """The result of the questionnaire.

        Args:
            answers: by question id the chosen options, joined by ``+``.
        """
        context = self.context
        context.quiz, context.note = None, None
        if not self.asks(None):
            return self._answered([Question("choose")], None)
        leading = Quiz(self.knowledge).result(answers).leading
        context.answers += 1
        context.answer_id = f"a{context.answers}"
        context.questions = [Question("choose", leading if len(leading) == 1 else ())]
        context.result = answers
        context.pending, context.unsure, context.shown = None, 0, "normal"
        context.roles = ()
        self._mention(leading if len(leading) < len(self.knowledge.roles) else ())
        return self._offer(self._result(answers, "normal"))

    def _result(self, answers: dict[str, str], shown: str) -> Card:
        quiz = Quiz(self.knowledge)
        result = quiz.result(answers)
        leading, every = result.leading, tuple(self.knowledge.roles)
        text = wording.QUIZ_NONE
        if len(leading) == 1:
            text = wording.QUIZ_ONE.format(role=self.knowledge.roles[leading[0]].name)
        elif leading:
            text = (wording.QUIZ_CLOSE if len(leading) < len(every) else wording.QUIZ_ALL).format(
                roles=self.answers.role_names(leading, plural=False)
            )
        draft = Draft()
        for role in leading:
            reasons = result.reasons[role] if shown != "short" else []
            name = capital(str(self.knowledge.roles[role].name))
            draft.points += [f"{name}: {draft.say(reason)}" if len(leading) > 1 else draft.say(reason) for reason in reasons]
        draft.points.append(draft.say(quiz.content.advice))
        best = leading or every
        offers = [
            *([Question("define_role", best[:1]), Question("start_learning", best[:1])] if len(leading) == 1 else []),
            Question(COMPARE, best if len(best) > 1 else every, OVERALL),
            *([Question("daily_tasks", (role,)) for role in best[:2]] if len(leading) != 1 else [Question("cons", best[:1])]),
        ]
        return Card(
            kind="answer",
            answer_id=self.context.answer_id or "a0",
            questions=[CardQuestion(**question.as_dict()) for question in self.context.questions],
            title=wording.QUIZ_TITLE,
            lead=text,
            points=draft.points,
            caveat=quiz.content.limits,
            sources=self.answers.sources(draft.source_ids),
            suggestions=self.answers.suggestions(offers),
        )

    # -- cards ------------------------------------------------------------------------------------------------------------

    def _answered(self, questions: list[Question], note: str | None) -> Card:
        context = self.context
        roles = unique(role for question in questions for role in question.roles)
        context.answers += 1
        context.pending = None
        context.answer_id = f"a{context.answers}"
        context.questions = questions
        context.result = {}
        self._mention(roles)
        if questions and questions[-1].topic == SWITCH and len(questions[-1].roles) == 2:
            # What comes next is about where one goes, not where one comes from.
            context.roles = questions[-1].roles[-1:]
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
        if context.result and self.knowledge.questionnaire is not None:
            return self._offer(self._result(context.result, shown))
        return self._offer(self.answers.card(context.questions, context.answer_id or "a0", None, shown, self._next_questions()))

    def _next_questions(self) -> list[Question]:
        """What to ask next: new topics for the roles in play, the same topic beside another role, and specific questions of the topic.

        After a specific question: another one of its topic, the topic in general, then what follows it.
        """
        context = self.context
        if not context.questions:
            return self._first_questions()
        last = context.questions[-1]
        roles = tuple(last.roles or context.roles)
        following = self._following(last.topic, roles)
        # What is near to the words of a comparison is about the roles' names.
        near = nearest(self.answers, last.evidence if len(last.roles) < 2 else (), roles)
        specific = list(islice(filter(self._is_new, chain(near, nearby(self.answers, last.topic, roles))), 2))
        if last.subjects:
            found = [*specific[:1], Question(last.topic, roles).normal(), *following]
        elif len(roles) == 1 and len(self.knowledge.roles) > 1:
            others = [role for role in [*reversed(context.mentioned), *self.knowledge.roles] if role not in roles]
            topic = last.topic if last.topic != COMPARE else "define_role"
            beside = Question(topic, (*roles, others[0]))
            found = [*following, beside if self._is_new(beside) else Question(COMPARE, (*roles, others[0]), OVERALL), *specific]
        elif len(roles) > 1:
            single = Question(last.topic if last.topic != COMPARE else "responsibilities", roles[:1])
            found = [*following, single, *specific[:1], Question("choose")]
        else:
            found = [*following, *specific]
        return [question for question in found if self._is_new(question)][:MAX_SUGGESTIONS] or self._first_questions()

    def _following(self, topic: str, roles: tuple[str, ...]) -> list[Question]:
        """Two new topics for the roles in play: those that people ask next, then any other."""
        following = [name for name in self.knowledge.topics[topic].next if name != COMPARE]
        spare = [name for name in self.knowledge.topics if name not in following and name not in (COMPARE, topic)]
        questions = [Question(name, roles).normal() for name in [*following, *spare]]
        return [question for question in questions if self.answers.knows(question) and self._is_new(question)][:2]

    def _is_new(self, question: Question) -> bool:
        """Whether a question was not answered yet; a subject that was answered for other roles is not new."""
        return not any(_key(question) == key or _same_subject(question, key) for key in self.context.asked)

    def _first_questions(self) -> list[Question]:
        every = tuple(self.knowledge.roles)
        return [
            Question("responsibilities", every[:1]),
            Question("salary", every[1:2] or every[:1]),
            Question(COMPARE, every, OVERALL),
            Question("choose"),
        ]

    def _ask_back(self, guesses: Sequence[Question]) -> Card:
        self.context.unsure += 1
        self._mention(guesses[0].roles)
        if guesses[0].country or guesses[0].level:
            # "And in London?", then "the pay": the place holds for what is asked next.
            self.context.country, self.context.level = guesses[0].country, guesses[0].level
        if self.context.unsure > 1:
            return self._menu(wording.MENU_AFTER_UNSURE, guesses)
        return self._card("clarify", wording.DID_YOU_MEAN, offers=self._spelled(guesses), questions=guesses)

    def _refuse(self, text: str, guesses: Sequence[Question]) -> Card:
        self.context.unsure += 1
        if self.context.unsure > 1:
            return self._menu(wording.MENU_AFTER_UNSURE if not text.startswith(wording.NOT_COVERED) else text, guesses)
        if guesses and not self.context.questions:
            # "is nursing a good career", then "and data science?": the topic is the same.
            self.context.pending = guesses[0].topic
            # A role that was named in what is declined is talked about all the same.
            self._mention(guesses[0].roles)
        return self._card("fallback", text, offers=self._enough(self._spelled(guesses)), questions=guesses)

    def _enough(self, offers: list[Question]) -> list[Question]:
        """What is offered, with usual first questions behind it where it is little."""
        count = len({self.answers.title(question) for question in offers})
        return [*offers, *self._first_questions()[: max(0, FEWEST_OFFERS - count)]]

    def _with_facts(self, card: Card, facts: Sequence[Fact]) -> Card:
        """A refusal with what is known all the same, before its lead: what another title is."""
        if not facts:
            return card
        lead = " ".join([*(str(fact.text) for fact in facts), card.lead])
        return card.copy(update={"lead": lead, "sources": self.answers.sources(unique(id for fact in facts for id in fact.sources))})

    def _with_nearest(self, card: Card, message: Message) -> Card:
        """What is asked back, or declined with something to tap, with the facts nearest to it: they may be all that was wanted."""
        if card.kind not in ("fallback", "clarify") or not card.questions or self.context.quiz:
            return card
        parts = self.understanding.asking_parts(message)
        # Of a title of which nothing is known, what is near by its words is not near.
        if not parts or parts[0].topic is None or parts[0].scope < SCOPE_DECLINED or card.lead.startswith(wording.NOT_COVERED):
            return card
        card = self._offer_nearest(card, parts[0])
        near = [choice for choice in self.answers.beside_refusal(parts[0]) if str(choice.claim.text) not in card.lead]
        if not near:
            return card
        more = "" if card.lead.endswith(wording.SAYS_NEAREST) else wording.BESIDE_THAT if card.kind == "clarify" else wording.MEANWHILE
        sources = unique([*(source.id for source in card.sources), *(id for choice in near for id in choice.sources)])
        points = [str(choice.claim.text) for choice in near]
        return card.copy(update={"lead": f"{card.lead} {more}".strip(), "points": points, "sources": self.answers.sources(sources)})

    def _offer_nearest(self, card: Card, part: Part) -> Card:
        """The same card with the specific questions nearest to what was said behind its two best guesses."""
        roles = part.roles if len(part.roles) == 1 else ()
        near = list(islice(nearest(self.answers, part.evidence, roles), 2))
        if not near:
            return card
        guesses = [Question(str(item.topic), tuple(item.roles), item.aspect) for item in card.questions]
        spelled = self._spelled(guesses)
        offers = self._enough([*spelled[:2], *near, *spelled[2:]])
        asked = [*card.questions, *(CardQuestion(**question.as_dict()) for question in near)]
        return self._offer(card.copy(update={"questions": asked, "suggestions": self.answers.suggestions(offers)}))

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
        return card.copy(update={"title": wording.MENU_TITLE, "points": self.answers.menu()})

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
        """Remember what the card offers to tap; beside a running questionnaire the way back to it is offered, too."""
        extra = self._quiz_offer(card)
        if extra is not None:
            card = card.copy(update={"suggestions": [*card.suggestions[: MAX_SUGGESTIONS - 1], extra]})
        self.context.offered = [(suggestion.title, suggestion.payload) for suggestion in card.suggestions]
        return card

    def _quiz_offer(self, card: Card) -> Suggestion | None:
        """The way into the questionnaire, or back to it, where that helps."""
        content, waiting = self.knowledge.questionnaire, self.context.quiz
        if content is None or any(choice_from_payload(item.payload) is not None for item in card.suggestions):
            return None
        ids = [question.id for question in content.questions]
        if waiting in ids:
            title = wording.QUIZ_RESUME.format(number=ids.index(str(waiting)) + 1, count=len(ids))
            return Suggestion(title=title, payload=PAYLOAD)
        chosen_about = card.kind in ("answer", "comparison") and card.questions and card.questions[-1].topic == "choose"
        return Suggestion(title=wording.QUIZ_START, payload=PAYLOAD) if chosen_about and not self.context.result else None


def remembered(context: Context) -> Context:
    """A copy of a context that what comes next does not change."""
    return replace(context, questions=[*context.questions], asked=[*context.asked], offered=[*context.offered])


def _key(question: Question) -> str:
    key = f"{question.topic}:{','.join(sorted(question.roles))}"
    return f"{key}:{','.join(question.subjects)}" if question.subjects else key


def _same_subject(question: Question, key: str) -> bool:
    """Whether the question of a key was about a subject of this one."""
    return bool(question.subjects) and bool(set(question.subjects) & set("".join(key.split(":")[2:]).split(",")))

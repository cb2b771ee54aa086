"""What a message asks: its questions, resolved against what the conversation remembers. No answer is known here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rolewise import wording
from rolewise.answers.compose import PLACED_TOPICS, Answers, join
from rolewise.conversation.asking import asking
from rolewise.conversation.role_changes import backgrounds, mentions
from rolewise.knowledge import Fact, Knowledge, Subject
from rolewise.nlu import cues
from rolewise.questions import COMPARE, INTENT_PREFIX, OVERALL, Context, Evidence, Guess, Message, Part, Question, SubjectGuess, unique

MAX_QUESTIONS = 3
# The most words of a question that are said back to the person.
MAX_QUOTED = 14

# Another job title counts as where somebody comes from only in questions about getting into a role.
ENTRY_TOPICS = frozenset({"switch_role", "start_learning", "choose", "degree", "experience", "skills", "good_career", "difficulty"})
# The kinds of subjects that are about another title: where somebody comes from, and what the title is.
ABOUT_TITLES = frozenset({"background", "variant"})
# With these, another title is the way out of a role or up from it.
WAY_TOPICS = frozenset({"switch_role", "start_learning", "career_path"})
# A company is only a name beside a course, a certificate or a tool.
COMPANY_TOPICS = frozenset({"start_learning", "tools", "languages", "degree"})
# In these, of two roles that do not stand side by side the last one is asked about: "software skills for a data scientist".
SUBJECT_LAST_TOPICS = frozenset({"skills", "languages", "tools", "degree", "experience", "start_learning"})
# Below this confidence a guess is not offered even in a refusal.
LEAST_GUESS = 0.1
# From this confidence on the topic is the classifier's, whatever the topics of the subject.
SURE_TOPIC = 0.4
# From this confidence on a follow-up brings a subject of its own.
SURE_ALONE = 0.4
# From this confidence on a question that would be declined is answered behind another one.
LIKELY_HERE = 0.3
# From this confidence on in a topic, roles side by side are compared on it, whatever subject of another topic is near.
SURELY_COMPARED = 0.75
# A message of at most so many words that names role and topic needs no sure classifier.
SHORT_WORDS = 6

# A sum of money in a sentence, and the unit of one that a year brings: the rate of a day is no salary.
AMOUNT = re.compile(r"[$£€₹]\s?\d|\d[\d,.]*\s?(?:euros|dollars|pounds|rupees|lakh|USD|EUR|GBP|INR)")
A_YEAR = " a year"
# The log-odds of a sentence that has the sum for the town that was named, and of one that nothing speaks for.
SURELY, FAR_AWAY = 5.0, -10.0

IN_GENERAL = re.compile(r"\b(?:overall|in general|generally|as a whole|altogether)\b")
NO_MATTER = re.compile(
    r"\b(?:no matter|regardless|whatever|whichever|any|never mind|forget|all|every)\b.*"
    r"\b(?:levels?|country|countries|place|where|seniority|experience)\b"
    r"|\b(?:overall|in general|generally|everywhere|worldwide)\W*$"
)
VERSUS = re.compile(r"^\W*(?:(?:and|or|so|ok|how|what|about)\W+)*(?:vs|versus|than|compared?|comparing)\b")
# What a role's place in the conversation is called. The last one is a place of its own where there are three or more.
PLACES = ((cues.FIRST, 0), (cues.SECOND, 1), (cues.THIRD, 2), (cues.FOURTH, 3), (cues.LAST, -1))
THREE, FOUR = re.compile(r"\b(?:three|3)\b"), re.compile(r"\b(?:four|4)\b")
SEVERAL_OTHERS = re.compile(r"\b(?:two|2|ones|others)\b")
# What points back at a company and its people, and what says of one that somebody wants to get in there.
THEIRS = re.compile(r"\b(?:they|them|their|theirs|there)\b")
GETTING_IN = re.compile(
    r"\b(?:interview\w*|appl(?:y|ied|ying|ication\w*)|offer\w*|join(?:ing)?|get(?:ting)? into|want to work|recruiters?)\b"
)
OTHER_JOBS = re.compile(r"\bother (?:jobs|careers|professions|fields|occupations)\b")
# What may stand around names in a message that says nothing else.
AROUND_NAMES = frozenset(
    "in for at on of as what how about s level levels there here same one ones people question thing lot folks guys side person please pls"
    " too well also again".split()
)
ASKING = re.compile(r"\b(?:what|which|who|how|why|when|where|is|are|do|does|can|should|would)\b")
LINK_WORDS = frozenset("vs versus or and than to with between the a an compare compared comparing now just only so ok then".split())


def is_personal(message: Message) -> bool:
    """Whether a message puts one person's own case, anywhere in it."""
    texts = (message.text.lower(), *(part.text for part in message.parts))
    return any(cues.PERSONAL in cues.cues(text) for text in texts)


def asked_companies(message: Message) -> tuple[str, ...]:
    """The companies that a message asks about.

    Of one in the story beside its question nothing is asked, unless the question points back at it, or the story is of getting in there.
    """
    question = asking(message.text).lower() if message.companies else ""
    if not question or THEIRS.search(question) or GETTING_IN.search(message.text.lower()):
        return message.companies
    return tuple(name for name in message.companies if name.lower() in question)


def policy(message: Message, company_is_a_name: bool = False) -> str | None:
    """Why a message is not answered whatever it asks, a company or one person's own case; None where it may be.

    Args:
        message: the message.
        company_is_a_name: whether a company does not matter, as beside a course.
    """
    if asked_companies(message) and not company_is_a_name:
        return wording.COMPANY
    return wording.PERSONAL if is_personal(message) else None


def quoted(text: str) -> str:
    """What was asked, short enough to be quoted: the last question of a text, or its last sentence."""
    sentences = [sentence.strip() for sentence in re.findall(r"[^.!?\n]+[.!?]*", text) if re.search(r"\w", sentence)]
    asking = [sentence for sentence in sentences if sentence.endswith("?")]
    words = (asking or sentences or [text])[-1].rstrip(".!? ").split()
    return " ".join(words) if len(words) <= MAX_QUOTED else "… " + " ".join(words[-MAX_QUOTED:])


def _without(text: str, names: Iterable[str]) -> str:
    """A text without names, which are lower case, and their plurals."""
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"\b{re.escape(name)}s?\b", " ", text)
    return text


def speaks_of(subject: Subject, roles: Sequence[str]) -> bool:
    """Whether something is known of a subject for one of these roles, or in general."""
    return not roles or any(not claim.roles or set(claim.roles) & set(roles) for claim in subject.claims)


@dataclass
class Understood:
    """What a message asks.

    Attributes:
        questions: the questions to answer, in order.
        note: what was assumed, to be said before the answer.
        unsure: questions that may be meant, the best first; offered, not answered.
        refusal: why nothing is answered, or None.
        too_many: whether more was asked than is answered.
        facts: what is said all the same where nothing is answered.
    """

    questions: list[Question]
    note: str | None = None
    unsure: tuple[Question, ...] = ()
    refusal: str | None = None
    too_many: bool = False
    facts: tuple[Fact, ...] = ()


class Understanding:
    """Reads messages in one conversation; the context is read, not changed."""

    def __init__(self, knowledge: Knowledge, answers: Answers, context: Context) -> None:
        """Read with this knowledge, in this conversation."""
        self.knowledge = knowledge
        self.answers = answers
        self.context = context
        self.text = ""

    def understand(self, message: Message) -> Understood:
        """The questions of a message."""
        if message.tapped is not None:
            return Understood([self.known(message.tapped)])
        parts = self.asking_parts(message)
        # One question is quoted as it was typed, one of several as it was cut out.
        self.text = message.text if len(parts) == 1 else ""
        if not parts:
            return Understood([], refusal=self._not_understood() if message.text.strip() else wording.EMPTY)
        refusal = policy(message, company_is_a_name=parts[0].topic in COMPANY_TOPICS)
        if refusal is not None:
            return Understood([], refusal=refusal, unsure=tuple(self.guesses(parts[0])))
        head = parts[0]
        questions, note, declined = self._resolved(message, parts)
        if not questions:
            return self._nothing_asked(parts, declined)
        others = self._alternatives(head, questions[0]) if len(parts) == 1 else []
        # To ask back with one thing to tap is no question: it is answered.
        if others:
            return Understood([], unsure=(questions[0], *others[:1]))
        return Understood(questions[:MAX_QUESTIONS], note, too_many=len(questions) > MAX_QUESTIONS)

    def asking_parts(self, message: Message) -> list[Part]:
        """The parts, without those that only say why the rest is asked: "my son wants to study AI"."""
        parts = [self._special_forms(part) for part in message.parts]
        if len(parts) < 2:
            return parts
        asking = [part for part in parts if part.asked or part.whole or ASKING.search(part.text)] or parts
        # Beside what is surely asked, what is not for this assistant is the story around it.
        return [part for part in asking if part.decision != "decline"] or asking

    def _refused_title(self, part: Part) -> str | None:
        """The refusal for another title; None where there is none, or where a subject is surely what is asked about.

        Of a neighbouring title, one that the knowledge explains, that takes a role beside it. Far ones are mostly told in passing: "all my
        contacts are mechanical engineers".
        """
        found = [subject for subject in map(self.knowledge.subject, part.asked) if subject and subject.kind not in ABOUT_TITLES]
        beside = [subject for subject in found if not self._tells_of_title(subject, part)]
        passing = beside and part.decision == "answer" and not part.targets and not any(map(self._explained, part.others))
        if part.asked and (part.roles or passing):
            return None
        return self.other_title(part)

    def _tells_of_title(self, subject: Subject, part: Part) -> bool:
        """Whether a subject is near because its claim tells of another title, which nobody said to have: "what do nurses earn"."""
        nearest = next((item for item in part.evidence if item.subject == subject.id), None)
        told = str(subject.claims[nearest.claim].text).lower() if nearest and nearest.claim < len(subject.claims) else ""
        names = [str(name).lower() for title in part.others if title not in part.origins for name in self._names_of_other(title)]
        return any(re.search(rf"\b{re.escape(name)}s?\b", told) for name in names)

    def _names_of_other(self, name: str) -> list[str]:
        title = self.knowledge.title_of_other(name)
        return [name, *map(str, title.aliases if title else ())]

    def _explained(self, name: str) -> Subject | None:
        """The subject that says what another title is."""
        names = self._names_of_other(name)
        return next(filter(None, (self.knowledge.subject_named(str(one), "variant") for one in names)), None)

    def _said_around(self, message: Message, parts: Sequence[Part]) -> tuple[str, ...]:
        """The role of a sentence that asks nothing: "My daughter wants to be a data scientist. What will she earn?"."""
        if len(parts) < 2 or any(part.roles for part in parts):
            return ()
        said = unique(role for _, _, role in mentions(message.text.lower(), self.all_names()))
        return said if len(said) == 1 else ()

    def _resolved(self, message: Message, parts: Sequence[Part]) -> tuple[list[Question], str | None, str | None]:
        """The questions of the parts, what was assumed, and why a part was declined."""
        questions: list[Question] = []
        note: str | None = None
        declined: str | None = None
        shared = self._said_around(message, parts)
        for index, part in enumerate(parts):
            refused = self._refused_title(part)
            if refused:
                note = declined = refused
                continue
            if not part.roles and not shared and not self._points_back(part):
                shared = next((later.roles for later in parts[index + 1 :] if later.roles), ())
            resolved, assumed = self._resolve(part, shared)
            note = note or assumed or self._beside(part)
            questions += resolved
            shared = next((question.roles for question in reversed(resolved) if question.roles), shared)
        return list(dict.fromkeys(question.normal() for question in questions)), note, declined

    def _nothing_asked(self, parts: Sequence[Part], declined: str | None) -> Understood:
        """What is offered where no part became a question."""
        head = parts[0]
        if declined and len(parts) == 1:
            return Understood([], refusal=declined, unsure=tuple(self.nearest(head)), facts=tuple(self.what_titles_are(head)))
        placed = self._placed_alone(head) if len(parts) == 1 else ()
        if placed:
            return Understood([], unsure=tuple(dict.fromkeys([*placed, *self.guesses(head)])))
        return Understood([], refusal=declined or self._not_understood(), unsure=tuple(self.guesses(head)))

    def _alternatives(self, head: Part, likeliest: Question) -> list[Question]:
        """What else may be meant by a message that is not sure and does not say itself what it asks."""
        unsure = head.decision != "answer" and not head.asked and not self.goes_with(head)
        if not unsure or self.plain(head, likeliest.topic):
            return []
        seen = (likeliest.topic, likeliest.roles)
        return [question for question in self.guesses(head) if (question.topic, question.roles) != seen]

    def _not_understood(self) -> str:
        return self.answers.scoped(wording.NOT_UNDERSTOOD[self.context.unsure % 2])

    def goes_with(self, part: Part) -> bool:
        """Whether a message that alone would be declined goes with the conversation: behind an answer most are for the assistant."""
        behind = bool(self.context.questions) and not part.others
        return behind and part.topic is not None and part.best.confidence >= LIKELY_HERE

    def plain(self, part: Part, topic: str | None = None) -> bool:
        """Whether a message says itself what the classifier is not sure of: an elliptic one, or a topic in a few words."""
        if part.best.intent == "follow_up" or self._compares_on(part) or self._drops_place(part):
            return True
        if (part.countries or part.levels) and self._only_names(part):
            return True
        if part.others or part.topic is None:
            return False
        topic = topic or part.topic
        words = len(part.text.split())
        if topic in part.topics and words <= (SHORT_WORDS if len(part.roles) < 2 else 2 * SHORT_WORDS):
            return True
        return topic == COMPARE and len(part.roles) > 1 and self._only_roles(part)

    def _compares_on(self, part: Part) -> bool:
        """Whether a message only sets another role beside what was answered: "compared to software engineers?"."""
        answered = self.context.topic not in (None, COMPARE)
        return answered and len(part.roles) == 1 and not part.others and VERSUS.match(part.text) is not None and self._only_roles(part)

    def _drops_place(self, part: Part) -> bool:
        """Whether a message lets a place or a level go: "no matter what level"."""
        carried = self.context.topic in PLACED_TOPICS and (self.context.country or self.context.level)
        return bool(carried) and not part.roles and NO_MATTER.search(part.text) is not None

    def known(self, question: Question) -> Question:
        """A tapped question with only ids that exist."""
        roles = unique(role for role in question.roles if role in self.knowledge.roles)
        question = replace(question, roles=roles).normal()
        return question if question.topic in self.knowledge.topics else Question("choose")

    def asked_of(self, topics: Sequence[str], roles: tuple[str, ...], message: Message) -> list[Question]:
        """The questions of a message that asks about these topics and roles."""
        part = message.parts[0]
        countries = [country for one in message.parts for country in one.countries]
        levels = [level for one in message.parts for level in one.levels]
        kept = (None, None) if NO_MATTER.search(part.text) or IN_GENERAL.search(part.text) else (self.context.country, self.context.level)
        country, level = next(iter(countries), kept[0]), next(iter(levels), kept[1])
        self.text = message.text if len(message.parts) == 1 else ""
        one_question = len(topics) == len(message.parts) == 1
        asked = []
        for topic in topics:
            of_town = self._of_town(part, roles, country, topic)
            if of_town is not None:
                asked.append(of_town)
                continue
            aspect = OVERALL if topic == COMPARE else None
            question = Question(topic, roles, aspect, *self._placed(topic, country, level))
            carried = [one for one in self.context.questions if one.topic == topic and one.subjects and topic not in part.topics]
            said = next((one for one in message.parts if one.topic == topic), None)
            if said is None and one_question and self._may_be_about(part, topic):
                # Another topic than the likeliest: it is still this message that asks, of the same things.
                likely = next((guess for guess in part.guesses if guess.topic == topic), Guess(f"{INTENT_PREFIX}{topic}", LEAST_GUESS))
                said = replace(part, guesses=(likely, *(guess for guess in part.guesses if guess != likely)))
            if said is not None:
                said = self._of_its_roles(said, roles)
                about = self._about_subjects(said, roles, country, level)
                words = quoted(self.text or said.text)
                question = replace(question, form=said.form, evidence=said.evidence, whole=said.whole, words=words)
                if about is not None and topic != COMPARE and (about.topic == topic or one_question):
                    question = replace(about, topic=topic)
            elif carried and len(topics) == 1 and not (country and self._is_placed(carried[0])):
                # "And for data scientists?": the specific thing stays.
                question = carried[0].carried(roles, country, level)
            asked.append(question.normal())
        return asked

    @staticmethod
    def _may_be_about(part: Part, topic: str) -> bool:
        """Whether a part itself may ask about a topic; a follow-up says only what is new."""
        return part.topic is not None and (
            topic in part.topics or any(guess.topic == topic and guess.confidence >= LEAST_GUESS for guess in part.guesses)
        )

    # -- other titles -----------------------------------------------------------------------------------------------------

    def _of_its_roles(self, part: Part, roles: Sequence[str]) -> Part:
        """The part about the choice between the roles that are meant: the encoder sees no roles, so that between others is as near."""
        if len(roles) < 2:
            return part
        own = self.knowledge.choice_between(roles)
        near = unique([*(guess.id for guess in part.subjects), *(item.subject for item in part.evidence)])
        found = {name: self.knowledge.subject(name) for name in near}
        others = {name for name, subject in found.items() if subject and subject != own and subject.roles_weighed()}
        if not others:
            return part
        # Each stands as far ahead as it stood; what was the nearest claim of another choice is the first one of this.
        subjects: dict[str, SubjectGuess] = {}
        for guess in part.subjects:
            if own is not None or guess.id not in others:
                name = str(own.id) if own is not None and guess.id in others else guess.id
                subjects.setdefault(name, replace(guess, id=name))
        evidence: dict[tuple[str, int], Evidence] = {}
        for item in part.evidence:
            if own is not None or item.subject not in others:
                moved = replace(item, subject=str(own.id), claim=0) if own is not None and item.subject in others else item
                evidence.setdefault((moved.subject, moved.claim), moved)
        return replace(part, subjects=tuple(subjects.values()), evidence=tuple(evidence.values()))

    def _special_forms(self, part: Part) -> Part:
        """Beside a covered role, a title that is a special form of one stands for it: "from backend developer to MLE"."""
        if not part.roles:
            return part
        titles = [self.knowledge.title_of_other(name) for name in part.others]
        forms = {str(title.name): title.kind_of for title in titles if title is not None and title.kind_of}
        return replace(
            part,
            # Where one comes from stands before where one goes: "backend developer here, how do I get into machine learning".
            roles=unique(
                [
                    *(role for name, role in forms.items() if role and name not in part.targets),
                    *part.roles,
                    *(role for name, role in forms.items() if role and name in part.targets),
                ]
            ),
            others=tuple(name for name in part.others if name not in forms),
            targets=tuple(name for name in part.targets if name not in forms),
        )

    def other_title(self, part: Part) -> str | None:
        """The refusal for a question about a job that is not covered; None for one from there, beside it or with its people."""
        if not part.others or part.topic == "collaboration":
            return None
        came_from = set(part.origins) >= set(part.others)
        if part.roles:
            subject = bool(part.targets) and part.topic in WAY_TOPICS and not came_from
        else:
            moves = part.topic in ("switch_role", "start_learning") and not part.targets
            subject = not (came_from and part.topic in ENTRY_TOPICS) and not moves
        return self.answers.scoped(wording.OTHER_TITLE, names=join(part.others, "or")) if subject else None

    def _beside(self, part: Part) -> str | None:
        """What to say where another title is asked about beside a role."""
        asked_too = [title for title in part.others if title not in part.origins]
        if not asked_too or not part.roles or part.topic in ("switch_role", "collaboration"):
            return None
        return wording.OTHER_TITLE_BESIDE.format(names=join(asked_too, "or"), roles=self.answers.role_names(part.roles))

    def what_titles_are(self, part: Part) -> list[Fact]:
        """For each title that is not covered, the sourced sentence that says what it is, where the knowledge has one."""
        explained = filter(None, map(self._explained, part.others))
        return [subject.facts[0] for subject in explained if subject.facts]

    def nearest(self, part: Part) -> list[Question]:
        """What to offer instead of a job that is not covered: the same topic for the nearest role."""
        titles = [self.knowledge.title_of_other(name) for name in part.others]
        nearest = [title.nearest for title in titles if title is not None and title.nearest is not None]
        roles = unique([*part.roles, *nearest]) or tuple(self.knowledge.roles)
        topic = self._likely_topic(part)
        return [Question(topic if topic and topic != COMPARE else "define_role", (role,)) for role in roles[:2]]

    @staticmethod
    def _likely_topic(part: Part) -> str | None:
        """The topic that a declined message names or comes nearest to."""
        guessed = [guess.topic for guess in part.guesses if guess.topic and guess.confidence >= LEAST_GUESS]
        return next(iter([topic for topic in guessed if topic in part.topics] or [*part.topics, *guessed]), None)

    def guesses(self, part: Part | None) -> list[Question]:
        """The best two questions that may be meant, with the roles that would be assumed."""
        if part is None:
            return []
        found: list[Question] = []
        topics = [guess.topic for guess in part.guesses if guess.topic and guess.confidence >= LEAST_GUESS]
        for topic in topics or list(part.topics):
            guessed = replace(part, guesses=tuple(guess for guess in part.guesses if guess.topic == topic))
            roles, _ = self._roles(guessed, ())
            found.append(Question(topic, roles, OVERALL if topic == COMPARE else None).normal())
        return list(dict.fromkeys(found))[:2]

    # -- one part ---------------------------------------------------------------------------------------------------------

    @staticmethod
    def _points_back(part: Part) -> bool:
        return bool(part.cues & {cues.BOTH, cues.ALL, *(cue for cue, _ in PLACES), cues.OTHER})

    def _only_roles(self, part: Part) -> bool:
        """Whether the message is nothing but roles and link words: "mle or ds?"."""
        return all(word in LINK_WORDS for word in re.findall(r"\w+", self._without_names(part, part.roles)))

    def _is_placed(self, question: Question) -> bool:
        """Whether a question is about a subject that holds for one place."""
        found = map(self.knowledge.subject, question.subjects)
        return any(subject is not None and (subject.kind == "place" or question.topic in PLACED_TOPICS) for subject in found)

    def _only_names(self, part: Part) -> bool:
        """Whether a message names roles, places or levels and says nothing else: "and in canada?", "senior?", "data scientist"."""
        named = [name for role in part.roles for name in self._names(role)]
        for country in self.knowledge.countries:
            named += [str(name) for name in (country.name, *country.aliases, *country.places) if country.code in part.countries]
        for level in self.knowledge.levels:
            named += [str(name) for name in (level.name, *level.aliases) if level.id in part.levels]
        rest = _without(part.text, (name.lower() for name in named))
        return bool(named) and all(word in LINK_WORDS | AROUND_NAMES for word in re.findall(r"\w+", rest))

    def all_names(self) -> dict[str, list[str]]:
        """The names of every role, lower case."""
        return {role: self._names(role) for role in self.knowledge.roles}

    def _names(self, role_id: str) -> list[str]:
        role = self.knowledge.roles[role_id]
        names = [role.name, role.plural, role.short, role.field, *role.aliases, *role.weak_aliases, *role.misspellings]
        return [str(name).lower() for name in names]

    def _resolve(self, part: Part, shared: Sequence[str]) -> tuple[list[Question], str | None]:
        """The questions of a part, and what was assumed."""
        roles, assumed = self._roles(part, shared)
        country = part.countries[0] if part.countries else self.context.country
        level = part.levels[0] if part.levels else self.context.level
        if IN_GENERAL.search(part.text) and not (part.countries or part.levels):
            country = level = None
        part = self._of_its_roles(part, roles)
        note = self.no_place(part, roles)
        if self._drops_place(part):
            return self._elliptic(replace(part, topics=(), countries=(), levels=()), roles, None, None)
        only_names = self._only_names(part)
        of_town = self._of_town(part, roles, country, part.topic or self.context.topic)
        if of_town is not None:
            return [of_town], assumed
        about = None if only_names else self._about_subjects(part, roles, country, level)
        if about is not None:
            return [about], assumed
        only_names = only_names and len(part.roles) < 2 and bool(self.context.questions or self.context.pending or not self.context.answers)
        if part.topic is None or only_names or self._compares_on(part):
            part = replace(part, topics=()) if self._compares_on(part) else part
            questions, assumed = self._elliptic(part, roles, country, level)
            return questions, note or assumed
        topic = self._topic(part, roles)
        if topic == COMPARE and len(roles) == 1 and part.roles and set(self.context.roles) - set(roles):
            roles = unique([*self.context.roles, *roles])
        aspect = OVERALL if topic == COMPARE else None
        placed = self._placed(topic, country, level)
        words = quoted(self.text or part.text)
        question = Question(topic, tuple(roles), aspect, *placed, (), part.form, part.evidence, part.whole, words)
        return [question], (note if topic in PLACED_TOPICS else None) or assumed

    def _without_names(self, part: Part, roles: Sequence[str]) -> str:
        """The text of a part without the names of roles."""
        return _without(part.text, (name for role in roles for name in self._names(role)))

    def _about_subjects(self, part: Part, roles: tuple[str, ...], country: str | None, level: str | None) -> Question | None:
        """The question about the subjects that a part asks about, or asks on about; None where it asks about a topic."""
        subjects, form, evidence = part.asked, part.form, part.evidence
        if part.topic is None:
            # A follow-up says little by itself: what it is near to must be sure, too.
            subjects = tuple(guess.id for guess in part.subjects if guess.sure and guess.confidence >= SURE_ALONE)
        topic: str | None = self._topic(part, roles) if part.topic else None
        if not subjects:
            last = self.context.questions[-1] if self.context.questions else None
            if last is None or not last.subjects or part.topics or cues.POINTING not in part.cues or part.roles:
                return None
            # "how long would that take": the subject stays, the form is new.
            subjects, topic = last.subjects, last.topic
            evidence = tuple(item for item in evidence if item.subject in subjects)
        known = [subject for subject in map(self.knowledge.subject, subjects) if subject is not None and speaks_of(subject, roles)]
        if roles and not set(roles) & self.knowledge.roles_of_claims():
            # A role that came later: what holds for all roles was found out of the others.
            known = []
        if topic in PLACED_TOPICS and (
            self.answers.placed_exactly(Question(str(topic), roles, None, country, level)) or self._pays_elsewhere(known, country)
        ):
            # The figure of just that place and level says more than what is told of the place; and so does that there is none.
            return None
        if (
            not known
            or (len(roles) > 1 and topic == COMPARE)
            or (len(roles) > 1 and known[0].kind in ("choice", "pay") and topic != "choose")
            or (len(roles) > 1 and part.best.confidence >= SURELY_COMPARED and topic not in known[0].topics)
        ):
            # Roles side by side, overall or on a topic: the table and the sentences that were written for it.
            return None
        first, subjects = known[0], tuple(str(subject.id) for subject in known)
        # What the classifier is sure of is what was asked; else the subject says in which topic it is asked about.
        guessed = [guess.topic for guess in part.guesses if guess.topic in first.topics]
        sure = topic is not None and topic != COMPARE and part.best.confidence >= SURE_TOPIC
        fitting = topic if sure or topic in first.topics else next(iter(guessed), str(first.topics[0]))
        return Question(str(fitting), tuple(roles), None, country, level, subjects, form, evidence, True, quoted(self.text or part.text))

    @staticmethod
    def _pays_elsewhere(subjects: Sequence[Subject], country: str | None) -> bool:
        """Whether the first subject is a place, and of the country that was named it has no sum a year."""
        if country is None or not subjects or subjects[0].kind != "place":
            return False
        here = (fact for fact in subjects[0].facts if fact.country == country)
        return not any(amount.unit.endswith(A_YEAR) for fact in here for amount in fact.figures)

    def _topic(self, part: Part, roles: Sequence[str]) -> str:
        """The topic of a part, where a comparison may mean one topic only, or no comparison at all."""
        topic = part.topic or COMPARE
        if len(part.roles) > 1 and topic in ("choose", "switch_role") and self._only_roles(part):
            return COMPARE
        if cues.VARIANTS in part.cues and topic in (COMPARE, "switch_role"):
            # "developer or engineer": two words for one role, so the question is what the role is.
            return "define_role"
        if topic != COMPARE:
            return topic
        if len(roles) == 1 and OTHER_JOBS.search(part.text):
            return "good_career"
        last = self.context.topic
        if len(part.roles) == 1 and cues.POINTING in part.cues and last not in (None, COMPARE):
            # "compare it with data scientists": what was talked about, side by side.
            return str(last)
        named = [name for name in part.topics if name not in (COMPARE, "choose", "define_role")]
        if named and len(roles) != 1:
            return named[0]
        if len(roles) == 1 and not part.cues & {cues.COMPARING, cues.POINTING, cues.OTHER} and not self.context.roles:
            return next((guess.topic for guess in part.guesses if guess.topic not in (None, COMPARE)), None) or "define_role"
        return topic

    def _elliptic(self, part: Part, roles: tuple[str, ...], country: str | None, level: str | None) -> tuple[list[Question], str | None]:
        """The questions of a message that says only what is new: a role, a topic, a place."""
        context = self.context
        named = [topic for topic in part.topics if topic != COMPARE] or ([COMPARE] if COMPARE in part.topics else [])
        topics = named or ([context.pending] if context.pending else [question.topic for question in context.questions])
        if IN_GENERAL.search(part.text) and not named and len(roles) > 1:
            topics = [COMPARE]
        if not topics:
            return ([Question("define_role", roles)], None) if part.roles else ([], None)
        if part.countries and not set(topics) & set(PLACED_TOPICS) and not any(question.subjects for question in context.questions):
            topics = ["salary"]
        says_something = part.roles or named or self._points_back(part) or part.countries or part.levels
        if not says_something and not IN_GENERAL.search(part.text):
            return [], None
        note = None
        if roles and cues.CORRECTION in part.cues:
            note = wording.CORRECTED.format(roles=self.answers.role_names(roles))
        elif roles and not part.roles and named:
            note = wording.AS_BEFORE.format(roles=self.answers.role_names(roles))
        asked = [Question(topic, tuple(roles), None, *self._placed(topic, country, level)) for topic in topics]
        if not named and not context.pending and topics != [COMPARE]:
            # "and for data scientists?", "and in Canada?": what was asked about stays.
            # A subject that is a place does not stay beside another place.
            carried = [question for question in context.questions if question.subjects and not (country and self._is_placed(question))]
            asked = [question.carried(roles, country, level) for question in carried] or asked
        if len(roles) == 1:
            asked = [replace(question, topic="define_role") if question.topic == COMPARE else question for question in asked]
        return asked, note

    def _towns(self, part: Part) -> list[str]:
        """The towns named, lower case."""
        known = {place.lower() for country in self.knowledge.countries for place in country.places}
        return [place for place in part.places if place in known]

    def _of_town(self, part: Part, roles: tuple[str, ...], country: str | None, topic: str | None) -> Question | None:
        """The question whose answer has a figure of the very town that was named; None where no sentence has one."""
        towns = self._towns(part)
        if topic is None or topic not in PLACED_TOPICS or len(towns) != 1 or len(roles) > 1 or part.levels:
            return None
        named = re.compile(rf"\b{re.escape(towns[0])}\b", re.IGNORECASE)
        near = {(item.subject, item.claim): item.score for item in part.evidence}
        found = [
            (near.get((str(subject.id), number), FAR_AWAY), -place, number, subject)
            for place, subject in enumerate(self.knowledge.subjects)
            for number, fact in enumerate(subject.facts if topic in subject.topics else ())
            if (not roles or set(roles) & set(fact.roles))
            and any(amount.unit.endswith(A_YEAR) for amount in fact.figures)
            and named.search(str(fact.text))
        ]
        if not found:
            return None
        *_, number, subject = max(found, key=lambda item: item[:3])
        evidence = (*(item for item in part.evidence if item.subject != subject.id), Evidence(str(subject.id), number, SURELY))
        words = quoted(self.text or part.text)
        return Question(topic, roles, None, country, None, (str(subject.id),), part.form, evidence, True, words)

    def no_place(self, part: Part, roles: Sequence[str]) -> str | None:
        """What to say where a town was named and the figures are those of its country."""
        towns = self._towns(part)
        if not towns:
            return None
        told = [point.text for role in roles for topic in PLACED_TOPICS for point in self.answers.entry(Question(topic, (role,))).points]
        unknown = [town for town in towns if not any(AMOUNT.search(text) and town in text.lower() for text in told)]
        return wording.NO_PLACE.format(place=join([town.title() for town in unknown], "or")) if unknown else None

    @staticmethod
    def _placed_alone(part: Part) -> tuple[Question, ...]:
        """What may be meant where a place or a level is all that was said so far: "and london?" as the first message."""
        country, level = next(iter(part.countries), None), next(iter(part.levels), None)
        return tuple(Question(topic, (), None, country, level) for topic in PLACED_TOPICS) if country or level else ()

    @staticmethod
    def _placed(topic: str, country: str | None, level: str | None) -> tuple[str | None, str | None]:
        return (country, level) if topic in PLACED_TOPICS else (None, None)

    def _roles(self, part: Part, shared: Sequence[str]) -> tuple[tuple[str, ...], str | None]:
        """The roles of a part: named, pointed at, shared by another part, or those of the conversation; and the assumption."""
        comparing = cues.COMPARING in part.cues
        if part.roles:
            return self._named_roles(part, comparing), None
        pointed = self.pointed_roles(part)
        if pointed:
            return pointed, None
        if shared:
            return tuple(shared), None
        context, every = self.context, tuple(self.knowledge.roles)
        topic = part.topic
        if comparing and topic not in (None, "choose", "define_role"):
            if len(context.roles) > 1:
                return context.roles, wording.AS_BEFORE.format(roles=self.answers.role_names(context.roles))
            if len(context.mentioned) > 1:
                last = context.mentioned[-2:]
                return last, wording.AS_BEFORE.format(roles=self.answers.role_names(last))
            return every, None
        if topic == "choose":
            return (), None
        if topic == COMPARE:
            return (context.roles if len(context.roles) > 1 else context.mentioned[-2:] if len(context.mentioned) > 1 else ()), None
        if context.roles:
            note = wording.AS_BEFORE.format(roles=self.answers.role_names(context.roles)) if topic else None
            return context.roles, note
        return (), None

    def _named_roles(self, part: Part, comparing: bool) -> tuple[str, ...]:
        """The roles named, beside those of the conversation where the message compares with them."""
        others = tuple(role for role in self.context.roles if role not in part.roles)
        if len(part.roles) == 1 and others and comparing:
            if cues.POINTING in part.cues:
                return (*others[:1], *part.roles)
            if cues.OTHER in part.cues or re.match(r"^\W*(?:and |or |so |ok )*(?:vs|versus|than|compared?)\b", part.text):
                return (*others, *part.roles)
        if len(part.roles) > 1 and not comparing and part.topic not in (COMPARE, "choose", "switch_role"):
            # Of a role that somebody has and one that is asked about it is the second.
            had = backgrounds(part.text, self.all_names())
            rest = tuple(role for role in part.roles if role not in had)
            if rest and had:
                return rest
        if len(part.roles) == 2 and part.topic in SUBJECT_LAST_TOPICS and not comparing and cues.JOINED not in part.cues:
            return part.roles[-1:]
        return part.roles

    def pointed_roles(self, part: Part) -> tuple[str, ...]:
        """The roles that "both", "all three", "the first one" or "the other one" point at; empty where nothing does."""
        context, every = self.context, tuple(self.knowledge.roles)
        known = context.roles if len(context.roles) > 1 else context.mentioned
        if cues.ALL in part.cues:
            # "All three" of more than three are the three that were talked about.
            return known if 2 < len(known) < len(every) and (THREE if len(known) == 3 else FOUR).search(part.text) else every
        if cues.BOTH in part.cues and len(known) >= 2:
            first_two = re.search(r"\bfirst two\b", part.text)
            return tuple(known[:2] if first_two else known[-2:])
        for cue, index in PLACES:
            if cue in part.cues and len(known) > (index if index >= 0 else 2):
                return (known[index],)
        if cues.OTHER not in part.cues or not context.roles:
            return ()
        if SEVERAL_OTHERS.search(part.text):
            return tuple(role for role in every if role not in context.roles)
        rest = [role for role in known if role not in context.roles[-1:]] or [role for role in every if role not in context.roles]
        return (*context.roles, *rest[-1:]) if cues.COMPARING in part.cues and len(context.roles) == 1 else tuple(rest[-1:])

"""Answers: from questions and the knowledge to a card. What a conversation remembers is not known here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rolewise import wording
from rolewise.answers.claims import Choice, choose
from rolewise.answers.drawn import drawn
from rolewise.cards import MAX_SUGGESTIONS, Card, CardFigure, CardQuestion, CardSource, CardTable, Suggestion
from rolewise.fitting import Fitting
from rolewise.knowledge import Entry, Fact, Figure, Knowledge, Statement, Subject
from rolewise.questions import COMPARE, Evidence, Part, Question
from rolewise.render.figures import amount

# How many points an answer shows at first, alone and beside others; "more" shows all.
POINTS_ALONE = 4
POINTS_EACH = 2
# How many claims follow the lead of an answer about a subject at first.
POINTS_OF_SUBJECT = 4
# How many claims "more" shows of a subject.
POINTS_FULL = 12
# So many claims that answer the message, too, stand among the first points of an answer about a topic; of one that is not likely to
# answer just what was asked, so many of the nearest, down to these log-odds.
NEAR_CLAIMS, NEAREST_CLAIMS = 2, 3
NEAR_ENOUGH = -2.5
# A claim is said beside a question that is declined or asked back from these log-odds on.
NEAR_DECLINED = -1.5

# The rows of an overall comparison.
OVERALL_TOPICS = ("define_role", "responsibilities", "skills", "languages", "degree", "salary", "demand", "career_path")

# Topics whose figures depend on the place and the level.
PLACED_TOPICS = ("salary",)

# The topic that leads from one role to another.
SWITCH = "switch_role"

VOWEL_SOUND = "aeiou"
# Names of countries that take "the".
WITH_ARTICLE = ("United", "Netherlands", "Philippines", "Czech")


@dataclass
class Draft:
    """The parts of an answer while it is put together; sources in the order in which they are first used."""

    lead: list[str] = field(default_factory=list)
    points: list[str] = field(default_factory=list)
    table: CardTable | None = None
    caveats: list[str] = field(default_factory=list)
    figures: list[CardFigure] = field(default_factory=list)
    source_ids: dict[str, None] = field(default_factory=dict)

    def say(self, statement: Statement) -> str:
        """The text of a statement, its sources noted."""
        self.cite(statement.sources)
        return str(statement.text)

    def says(self, text: str) -> bool:
        """Whether a text is said already: two questions of a message may be near to the same claim."""
        return any(text in said for said in (*self.lead, *self.points))

    def cite(self, sources: Iterable[str]) -> None:
        """Note sources."""
        self.source_ids.update(dict.fromkeys(sources))


class Answers:
    """Composes answers from one knowledge."""

    def __init__(self, knowledge: Knowledge) -> None:
        """Keep the knowledge."""
        self.knowledge = knowledge
        self._fitting = Fitting.load()

    # -- names ------------------------------------------------------------------------------------------------------------

    def role_names(self, roles: Sequence[str], plural: bool = True, last: str = "and") -> str:
        """The roles in words: ``data scientists and software engineers``."""
        return join([self.knowledge.roles[role].plural if plural else self.knowledge.roles[role].name for role in roles], last)

    def scoped(self, text: str, **more: str) -> str:
        """A fixed sentence with the careers filled in, and whatever else is named."""
        roles = self.knowledge.roles.values()
        count = wording.NUMBERS[len(roles)] if len(roles) < len(wording.NUMBERS) else str(len(roles))
        number = f"{count} {'career' if len(roles) == 1 else 'careers'}"
        careers = f"{number}: {join([str(role.name) for role in roles])}"
        return text.format(careers=careers, number=number, fields=join([str(role.field) for role in roles]), **more)

    def menu(self) -> list[str]:
        """What can be asked, a line a group of topics; a topic that stands in none of the knowledge's lines comes last."""
        lines = [f"{line.title}: {', '.join(line.topics.values())}" for line in self.knowledge.menu]
        named = {topic for line in self.knowledge.menu for topic in line.topics}
        rest = [str(topic.label) for topic_id, topic in self.knowledge.topics.items() if topic_id not in named]
        return [*lines, f"{wording.MENU_REST}: {', '.join(rest)}"] if rest else lines

    def title(self, question: Question) -> str:
        """The question as a person would ask it, for headings and buttons."""
        question = question.normal()
        topic = self.knowledge.topics[question.topic]
        subjects = self.subjects(question)
        if subjects:
            return self._subject_title(subjects, question)
        if len(question.roles) > 1:
            names = join([str(self.knowledge.roles[role].short) for role in question.roles])
            return topic.compare_question.format(names=names)
        if not question.roles:
            return topic.general_question or topic.title
        return self.filled(topic.question, question.roles[0])

    def _subject_title(self, subjects: Sequence[Subject], question: Question) -> str:
        names = [str(self.knowledge.roles[role].short) for role in question.roles]
        first = subjects[0]
        if len(names) == 1 and first.role_question:
            title = self.filled(first.role_question, question.roles[0])
        else:
            title = f"{str(first.question).rstrip('?')} ({join(names)})?" if len(names) > 1 else str(first.question)
        return " ".join([title, *(str(subject.question) for subject in subjects[1:])])

    def subjects(self, question: Question) -> list[Subject]:
        """The subjects of a question that the knowledge has."""
        found = (self.knowledge.subject(identity) for identity in question.subjects)
        return [subject for subject in found if subject is not None]

    def filled(self, question: str, role_id: str) -> str:
        """A topic's question with a role filled in."""
        role = self.knowledge.roles[role_id]
        article = "an" if role.name[0] in VOWEL_SOUND else "a"
        return question.format(role=role.name, a_role=f"{article} {role.name}", roles=role.plural, field=role.field)

    def knows(self, question: Question) -> bool:
        """Whether there is an answer: there is one for every topic and role of the knowledge, and for every topic without a role."""
        question = question.normal()
        return question.topic in self.knowledge.topics and all(role in self.knowledge.roles for role in question.roles)

    # -- cards ------------------------------------------------------------------------------------------------------------

    def card(
        self,
        questions: Sequence[Question],
        answer_id: str,
        note: str | None = None,
        shown: str = "normal",
        suggestions: Sequence[Question] = (),
    ) -> Card:
        """Answer questions in one card.

        Args:
            questions: one to three questions that :meth:`knows` accepts, answered in this order.
            answer_id: the id of the answer.
            note: a sentence that says what was assumed; stands before the answer.
            shown: ``normal``, ``short`` (the lead alone) or ``full`` (all points).
            suggestions: what to offer next.

        Returns:
            A card of kind ``answer``, or ``comparison`` when every question puts roles side by side; the way from one role to
            another is an answer.
        """
        questions = [question.normal() for question in questions]
        draft = Draft()
        several = len(questions) > 1
        for question in questions:
            self._answer(draft, question, shown, several)
            if shown != "short":
                self._draw(draft, question)
        if note and not (note.startswith("For ") and draft.lead and draft.lead[0].startswith("For ")):
            draft.lead.insert(0, note)
        compared = all(self._compares(question) and question.topic != SWITCH for question in questions)
        return Card(
            kind="comparison" if compared else "answer",
            answer_id=answer_id,
            questions=[CardQuestion(**question.as_dict()) for question in questions],
            title="; ".join(self.title(question) for question in questions) if several else self.title(questions[0]),
            lead=" ".join(draft.lead),
            points=draft.points,
            table=draft.table,
            caveat=" ".join(dict.fromkeys(draft.caveats)) or None,
            figures=draft.figures,
            sources=self.sources(draft.source_ids),
            suggestions=self.suggestions(suggestions),
        )

    def suggestions(self, questions: Iterable[Question]) -> list[Suggestion]:
        """Questions as things to tap, at most four, no title twice."""
        found: dict[str, Suggestion] = {}
        for question in questions:
            title = self.title(question)
            found.setdefault(title, Suggestion(title=title, payload=question.payload()))
        return list(found.values())[:MAX_SUGGESTIONS]

    def sources(self, ids: Iterable[str]) -> list[CardSource]:
        """Sources by id, as a card shows them."""
        return [
            CardSource(id=i, title=s.title, publisher=s.publisher, year=s.year, url=s.url)
            for i, s in ((i, self.knowledge.sources[i]) for i in ids)
        ]

    @staticmethod
    def _compares(question: Question) -> bool:
        return len(question.roles) > 1 or (question.topic == COMPARE and not question.subjects)

    # -- one question -----------------------------------------------------------------------------------------------------

    def _answer(self, draft: Draft, question: Question, shown: str, several: bool) -> None:
        subjects = self.subjects(question)
        if subjects:
            self._answer_subjects(draft, subjects, question, shown, several)
            return
        if self._compares(question) or (not question.roles and self._side_by_side(question)):
            self._compare(draft, question, shown, several)
            return
        entry = self.entry(question)
        near = self._near(question, shown, several)
        of_place = self._placed_lead(draft, question, entry)
        placed = question.country is not None and self.figures(entry, question.country, question.level)[1]
        points = [] if shown == "short" else self._about(question.country, entry.points) if placed else entry.points
        # The lead of a place is honest itself.
        honest = None if question.whole or of_place or shown == "short" else self._not_exactly(question)
        if honest:
            points = [entry.lead, *points]
        self._put_lead(draft, question, honest or of_place or draft.say(entry.lead), several)
        if several or shown == "normal":
            points = points[: (POINTS_EACH if several else POINTS_ALONE) - len(near)]
        # What is nearest comes first where the topic as a whole may not answer.
        self._say_near(draft, [] if question.whole else near)
        draft.points += [draft.say(point) for point in points]
        self._say_near(draft, near if question.whole else [])
        if shown == "full":
            draft.points += [self.figure_line(figure) for figure in entry.figures if figure.label not in " ".join(draft.points)][:8]
            for figure in entry.figures[:8]:
                draft.cite(figure.sources)
            if entry.no_figure:
                draft.caveats.append(entry.no_figure)
        if entry.caveat and shown != "short" and not placed:
            # What is not known of other places is no news beside the figure of the one that was asked about.
            draft.caveats.append(entry.caveat)

    def _draw(self, draft: Draft, question: Question) -> None:
        """The official figures that answer a question, for channels that can draw them."""
        figures, sources = drawn(self.knowledge, question)
        draft.figures += [figure for figure in figures if figure not in draft.figures]
        draft.cite(sources)

    def _side_by_side(self, question: Question) -> bool:
        """Whether a question without a role is answered for all roles beside each other, because no general answer serves."""
        placed = question.topic in PLACED_TOPICS and bool(question.country or question.level)
        return placed or self.knowledge.topics[question.topic].general is None

    # -- subjects ---------------------------------------------------------------------------------------------------------

    def _near(self, question: Question, shown: str, several: bool) -> list[Choice]:
        """The claims nearest to a question that is answered by its topic, or by a comparison: those that answer it, or the nearest ones."""
        if shown == "short":
            return []
        items = [item for item in question.evidence if item.exact or (not question.whole and item.score >= NEAR_ENOUGH)]
        found = self._of_evidence(items, question.roles, question.country)
        return found[: POINTS_EACH if several else NEAR_CLAIMS if question.whole else NEAREST_CLAIMS]

    def beside_refusal(self, part: Part) -> list[Choice]:
        """The claims nearest to what is not answered, at most :data:`NEAR_CLAIMS`; none where these are far."""
        items = [item for item in part.evidence if item.score >= NEAR_DECLINED]
        return self._of_evidence(items, part.roles, next(iter(part.countries), None))[:NEAR_CLAIMS]

    def nearest_questions(self, evidence: Iterable[Evidence], roles: tuple[str, ...]) -> Iterator[Question]:
        """The specific questions under which the claims nearest to a message stand, in their order, for one role or none."""
        near = self._of_evidence((item for item in evidence if item.score >= NEAR_ENOUGH), roles, None)
        for subject in {choice.subject.id: choice.subject for choice in near}.values():
            yield Question(str(subject.topics[0]), roles if len(roles) == 1 else (), subjects=(str(subject.id),))

    def _of_evidence(self, evidence: Iterable[Evidence], roles: Sequence[str], country: str | None) -> list[Choice]:
        """The claims of a message's evidence that hold for one of these roles and for no other country, in its order."""
        found = []
        for item in evidence:
            subject = self.knowledge.subject(item.subject)
            claims = subject.claims if subject else ()
            if subject is None or item.claim >= len(claims):
                # Remembered of a knowledge that has changed.
                continue
            claim = claims[item.claim]
            elsewhere = bool(country and claim.country and claim.country != country)
            if not elsewhere and (not roles or not claim.roles or set(roles) & set(claim.roles)):
                found.append(Choice(subject, claim, item.score, item.opening, item.exact, item.claim, item.exact))
        return found

    @staticmethod
    def _say_near(draft: Draft, near: Iterable[Choice]) -> None:
        """Claims as points."""
        for choice in near:
            if not draft.says(str(choice.claim.text)):
                draft.points.append(str(choice.claim.text))
                draft.cite(choice.sources)

    def _answer_subjects(self, draft: Draft, subjects: Sequence[Subject], question: Question, shown: str, several: bool) -> None:
        """The lead speaks of the very thing that was asked, then comes what is nearest to it, then the topic in general."""
        own = {str(subject.id) for subject in subjects}
        near = dict.fromkeys(item.subject for item in question.evidence if item.subject not in own)
        beside = [subject for subject in map(self.knowledge.subject, near) if subject is not None]
        count = {"short": 0, "full": POINTS_FULL}.get(shown, POINTS_EACH if several else POINTS_OF_SUBJECT)
        chosen = choose(subjects, beside, question, count, self._fitting)
        said = [choice.text() if number == 0 else str(choice.claim.text) for number, choice in enumerate(chosen)]
        for choice in chosen:
            draft.cite(choice.sources)
        honest = self._elsewhere(chosen[0], question) or (None if chosen[0].exact else self._not_exactly(question))
        self._put_lead(draft, question, honest or said[0], several)
        draft.points += [text for text in (said if honest else said[1:]) if not draft.says(text)]
        if any(isinstance(choice.claim, Fact) and choice.claim.reading for choice in chosen):
            draft.caveats.append(wording.OWN_READING)

    def _put_lead(self, draft: Draft, question: Question, lead: str, several: bool) -> None:
        """One answer is the lead of its card; of several each is a point behind the question that it answers."""
        if several:
            draft.points.append(f"{self.title(question)} {lead}")
        else:
            draft.lead.append(lead)

    def _not_exactly(self, question: Question) -> str | None:
        """The honest lead where no source answers what was asked in these words, and the nearest follows as points."""
        if question.words:
            return wording.NOT_EXACTLY.format(words=question.words)
        # Said again, when the words are forgotten.
        return wording.NOT_JUST_THAT if question.evidence else None

    def _elsewhere(self, lead: Choice, question: Question) -> str | None:
        """What to say where a place was named and the nearest thing known is of another one, or of none."""
        if not question.country or lead.claim.country == question.country or str(lead.subject.kind) == "place":
            return None
        if self._country_names(question.country).search(str(lead.claim.text)):
            # The sentence names the place itself.
            return None
        return wording.ELSEWHERE.format(place=self.place(Question(question.topic, country=question.country)))

    def _move(self, roles: Sequence[str]) -> list[Statement]:
        """What is known of the way to the role named last from those named before it."""
        points = self.knowledge.roles[roles[-1]].answers[SWITCH].points
        names = [str(self.knowledge.roles[role].name) for role in roles[:-1]]
        return [point for point in points if any(name in point.text.lower() for name in names)][:POINTS_ALONE]

    def entry(self, question: Question) -> Entry:
        """The entry that answers a question about one role, or about none. Raises KeyError where there is none."""
        if question.roles:
            return self.knowledge.roles[question.roles[0]].answers[question.topic]
        general = self.knowledge.topics[question.topic].general
        if general is None:
            raise KeyError(f"no general answer for {question.topic}")
        return general

    # -- place and level --------------------------------------------------------------------------------------------------

    def _placed_lead(self, draft: Draft, question: Question, entry: Entry) -> str | None:
        """The lead for a named place or level: its sourced figure, or that there is none and the nearest one."""
        if question.topic not in PLACED_TOPICS or not question.roles or not (question.country or question.level):
            return None
        figures, exact = self.figures(entry, question.country, question.level)
        where = self.place(question)
        roles = self.role_names(question.roles[:1])
        for figure in figures:
            draft.cite(figure.sources)
        lines = "; ".join(self.figure_line(figure) for figure in figures)
        if exact:
            return f"For {roles} {where}: {lines}."
        if figures:
            return f"There is no sourced figure for {roles} {where}. The nearest I have: {lines}."
        return f"There is no sourced figure for {roles} {where}. {draft.say(entry.lead)}"

    def placed_exactly(self, question: Question) -> bool:
        """Whether there are figures of just the place and the level that were named, for every role that was."""
        if not question.roles or not (question.country or question.level):
            return False
        entries = [self.entry(Question(question.topic, (role,))) for role in question.roles]
        return all(self.figures(entry, question.country, question.level)[1] for entry in entries)

    def _about(self, code: str | None, points: Sequence[Statement]) -> list[Statement]:
        """The points about a country: what holds in another one is no answer."""
        names = self._country_names(code)
        return [point for point in points if names.search(point.text)]

    def _country_names(self, code: str | None) -> re.Pattern[str]:
        """The names of a country as they stand in a text."""
        country = next((item for item in self.knowledge.countries if item.code == code), None)
        names = [country.code, country.name, *country.aliases] if country else []
        # Written as in the text: "us" is a word, "US" a country.
        return re.compile("|".join(rf"\b{re.escape(name)}\b" for name in names if not name.islower() or len(name) > 3) or r"(?!)")

    def place(self, question: Question) -> str:
        """The place and the level in words: ``at entry level in India``."""
        words = []
        if question.level:
            level = next((item for item in self.knowledge.levels if item.id == question.level), None)
            name = str(level.name) if level else question.level
            words.append(f"at {name}" if name.endswith("level") else f"at {name} level")
        if question.country:
            country = next((item for item in self.knowledge.countries if item.code == question.country), None)
            words.append(
                f"in {'the ' if country and country.name.startswith(WITH_ARTICLE) else ''}{country.name if country else question.country}"
            )
        return " ".join(words)

    def figures(self, entry: Entry, country: str | None, level: str | None) -> tuple[list[Figure], bool]:
        """The figures for a place and a level, at most three.

        Returns:
            The figures, and whether they are for just that place and level; else they are the nearest ones.
        """

        def at(figure: Figure) -> bool:
            return country is None or str(figure.country).split(" ")[0] == country

        money = [figure for figure in entry.figures if "a year" in figure.unit]
        here = [figure for figure in money if at(figure)]
        wanted = [
            figure
            for figure in here
            if (level is None and figure.level in ("all", "entry", "experienced")) or figure.level in _levels(level)
        ]
        official = sorted(wanted, key=lambda figure: ("official", "proxy", "survey", "private").index(figure.kind))
        if wanted:
            return official[:3], True
        if here:
            return [figure for figure in here if figure.level in ("all", "p10", "p90")][:2] or here[:2], False
        same_level = [figure for figure in money if level is not None and figure.level in _levels(level)]
        return (same_level or [figure for figure in money if figure.level == "all"])[:2], False

    @staticmethod
    def figure_line(figure: Figure) -> str:
        """A figure in words: label, value, place and period."""
        value = figure.value
        low, high = value if isinstance(value, tuple) else (value, None)
        text = amount(low, figure.unit) + (f" to {amount(high, figure.unit)}" if high is not None else "")
        period = "" if figure.period.startswith("undated") else f", {figure.period}"
        return f"{text} ({figure.label}; {figure.country}{period or ', undated'})"

    # -- comparisons ------------------------------------------------------------------------------------------------------

    def _compare(self, draft: Draft, question: Question, shown: str, several: bool) -> None:
        roles = list(question.roles) if len(question.roles) > 1 else self._compared(question.roles)
        written = self.knowledge.comparison(roles)
        overall = question.topic == COMPARE
        # Beside the table only what is likely to answer.
        near = [choice for choice in self._near(question, shown, several) if choice.exact][:NEAR_CLAIMS]
        # "Which one has more women in it": that first, then what tells them apart as a whole.
        leading = near.pop(0) if overall and near and not question.whole else None
        if leading is not None:
            draft.cite(leading.sources)
        if overall:
            sentence = draft.say(written.lead) if written else self._plain_sentence(roles, "overall")
        elif written and question.topic in written.topics:
            sentence = draft.say(written.topics[question.topic])
        else:
            sentence = self._plain_sentence(roles, str(self.knowledge.topics[question.topic].label))
        said = [sentence] if leading is None else [leading.text(), sentence]
        self._put_lead(draft, Question(question.topic, tuple(roles), question.aspect), said[0], several)
        self._say_near(draft, near)
        draft.points += said[1:]
        if question.topic in PLACED_TOPICS and (question.country or question.level):
            for role in roles:
                placed = self._placed_lead(
                    draft,
                    Question(question.topic, (role,), None, question.country, question.level),
                    self.knowledge.roles[role].answers[question.topic],
                )
                if placed:
                    draft.points.append(placed)
        if question.topic == SWITCH and not several:
            draft.points += [draft.say(point) for point in self._move(roles)]
        topics = [topic for topic in OVERALL_TOPICS if topic in self.knowledge.topics] if overall else [question.topic]
        if not overall:
            topics += [topic for topic in self.knowledge.topics[question.topic].next if topic != COMPARE][:2]
        table = self._table(draft, roles, topics, overall, question.topic)
        if draft.table is None:
            draft.table = table
        else:
            draft.points += [f"{column}: {cell}" for column, cell in zip(table.columns[1:], table.rows[0][1:], strict=False)]
        if not overall:
            for role in roles:
                caveat = self.knowledge.roles[role].answers[question.topic].caveat
                if caveat and question.topic in PLACED_TOPICS:
                    draft.caveats.append(f"{self.knowledge.roles[role].short}: {caveat}")

    def _compared(self, roles: Sequence[str]) -> list[str]:
        """All roles, the named one first."""
        return [*roles, *(role for role in self.knowledge.roles if role not in roles)]

    def _plain_sentence(self, roles: Sequence[str], label: str) -> str:
        return f"This is what the sources say about {self.role_names(roles)} side by side ({label}); none of them ranks these roles."

    def _table(self, draft: Draft, roles: Sequence[str], topics: Sequence[str], overall: bool, topic: str) -> CardTable:
        names = [capital(str(self.knowledge.roles[role].name)) for role in roles]
        rows = []
        for name in topics:
            cells = [str(self.knowledge.topics[name].title)]
            for role in roles:
                cell = self.knowledge.roles[role].answers[name].cell
                cells.append(draft.say(cell) if cell else "not known")
            rows.append(cells)
        subject = "in short" if overall else str(self.knowledge.topics[topic].label)
        return CardTable(caption=f"{join(names, 'and')}: {subject}", columns=["", *names], rows=rows)


def _levels(level: str | None) -> tuple[str, ...]:
    """The levels of figures that answer for a named level."""
    if level is None:
        return ()
    return {"entry": ("entry",), "experienced": ("experienced", "mid"), "senior": ("senior", "experienced")}.get(level, (level,))


def join(words: Sequence[str], last: str = "and") -> str:
    """Words in a row: ``a``, ``a and b``, ``a, b and c``."""
    words = list(words)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]

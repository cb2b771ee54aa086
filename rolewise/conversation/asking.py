"""Whether what people say to each other asks something, in form, or calls somebody by name. Policies over words; no topic is known here.

Where many talk, a statement full of the right words is no question: it is better to miss a question that has no form of one than to
break in on people.
"""

from __future__ import annotations

import re

SENTENCE = re.compile(r"[^.!?;\n]+(?:\.(?=\w)[^.!?;\n]*)*[.!?;]*")
# What people say before they ask.
OPENERS = re.compile(
    r"^(?:(?:ok(?:ay)?|so|and|but|or|hey|hi|hello|hm+|well|also|btw|sorry|wait|then|now|please|pls|actually|anyway|(?:just |i'?m )?curious|"
    r"(?:quick |another |one )?question|everyone|all|folks|team|guys|thanks|thank you|cool|interesting|nice|great|@\w+)\b[\s,:\-–—]*)*",
)
AUXILIARY = r"(?:do|does|did|is|are|was|were|am|can|could|should|will|would|isn't|aren't|don't|doesn't|won't|shouldn't)"
# Words that no subject begins with: "are too low", "would love to", "do not", "can be", "is what it is".
NO_SUBJECT = (
    r"(?:not|be|been|being|have|had|has|get|got|do|done|say|said|see|seen|love|like|agree|depends?|try|tell|let|make|know|think|go|going|want|"
    r"need|keep|confirm|relate|recommend|imagine|it\b(?! ))\b|(?:"
    r"to|too|so|very|really|just|always|never|still|probably|only|also|already|indeed|more|less|better|worse|best|good|bad|great|hard|easy|low|"
    r"lower|high|higher|fine|ok|okay|sure|true|nice|what|why|how|where|when|because|if|in|at|on|of|for|with|from|by|about|as|than|and|or|but)\b"
)
INVERTED = rf"{AUXILIARY}\s+(?!{NO_SUBJECT})\w"
HOW = (
    r"how (?:much|many|long|often|hard|far|old|big|well|good|likely|important|difficult|easy|fast|soon|early|late|high|different|stressful|"
    r"safe|useful|common|competitive)"
)
# Before one of these a clause has its subject already: "what data scientists earn is a joke".
SUBJECTS = r"(?:an?|i|you|we|they|he|she|people|engineers?|scientists?|developers?|programmers?|mles?|swes?|ds)\b"
VERBS = (
    r"(?:pays?|earns?|makes?|gets?|needs?|has|have|suits?|fits?|uses?|hires?|employs?|offers?|takes?|matters?|helps?|leads?|grows?|"
    r"requires?)\b"
)
# Each from the beginning of a sentence, or of a clause.
FORMS = (
    # do data scientists earn more; is a degree needed
    rf"{INVERTED}",
    # what does a data scientist earn; why would I; how do I start; how hard is it; how much does one earn
    rf"(?:what|which|who|whom|whose|when|where|why|how|{HOW})(?:\s+(?:exactly|else|on earth))?\s+{INVERTED}",
    # what's the salary; who's better paid
    r"(?:what|who|where|when|how|why)(?:'s|'re|s)\s+(?!up\b)\w",
    # what skills does one need; which of the three roles is easiest; how much python is needed
    rf"(?:which|what|whose|{HOW})\s+(?:(?!{SUBJECTS}|{AUXILIARY}\b|{VERBS})[\w'-]+\s+){{1,4}}{AUXILIARY}\b",
    # which role pays better; what industries hire data scientists
    rf"(?:which|what)\s+(?:(?!{SUBJECTS}|{AUXILIARY}\b)[\w'-]+\s+){{1,3}}?{VERBS}",
    rf"(?:who|which)\s+{VERBS}.*\b(?:more|most|better|best|less|least|or|vs)\b",
    r"(?:how|what) about\s+\w",
    r"(?:why|how)\s+(?:not\s+)?(?:to\s+)?(?:become|be|get|learn|start|switch|move|choose|study)\b",
    r"(?:please\s+)?(?:tell|show|give) (?:me|us)\b(?! a break| about it)",
    r"(?:please\s+)?(?:compare|explain|describe|list|define)\s+\w",
    r"(?:can|could|would|does) (?:you|someone|somebody|anyone|anybody)\b.*\b(?:tell|explain|know|say|compare|help)\b",
)
FORM = re.compile("|".join(f"(?:{form})" for form in FORMS))
# Asked of the people there, or about one of them: nobody else can know.
OF_PEOPLE = re.compile(
    r"\b(?:our|ours|he|she|his|her|him|hr|of us|ask(?:ed)? us)\b|@somebody|\blet'?s\b"
    r"|\b(?:did|are|were|have|had|was) you\b|\bdo you (?:think|like|earn|make|work|want|remember|agree|still|guys|have(?! to))\b"
    rf"|\b{AUXILIARY} we\b|\bwe'?re\b|\byour (?:salary|pay|team|job|title|role|offer|boss|manager|company)\b"
)
# Said of somebody, not to them: "rolewise said so".
OF_A_THIRD = (
    r"(?:is|was|says?|said|told|tells|thinks?|thought|gave|gives|has|had|does|did|doesn't|didn't|isn't|wasn't|can|can't|cannot|could|will|won't|"
    r"would|might|should|seems?|knows?|answered|answers|claims?|just|also|already|never|always|and|or|'s)\b"
)
GREETING = r"(?:(?:hey|hi|hello|dear|ok|okay|thanks|thank you|please|so|and|but|sorry|yo|right)[\s,]+)*"


def asking(text: str) -> str:
    """The sentences of a text that ask something, in form, of whoever may know; empty where none does."""
    return " ".join(sentence.strip() for sentence in SENTENCE.findall(text) if _asks(sentence))


def _asks(sentence: str) -> bool:
    plain = " ".join(sentence.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").lower().split())
    if OF_PEOPLE.search(plain):
        return False
    return plain.endswith("?") or any(FORM.match(part) for part in _clauses(plain))


def _clauses(sentence: str) -> list[str]:
    """A sentence from where it may begin to ask: behind what people say first, and behind a comma or a dash."""
    return [OPENERS.sub("", part) for part in re.split(r"(?:,|:|\s[-–—])\s+", sentence)]


def calls(text: str, name: str) -> bool:
    """Whether a text calls somebody by a name, to say something to them.

    Args:
        text: what was said.
        name: the name; nobody is called by an empty one.
    """
    if not name:
        return False
    plain, name = " ".join(text.lower().split()), re.escape(name.lower())
    first = rf"{GREETING}@?{name}\b(?!'s)(?:[\s,:!?.\-]*$|\s*[,:!?\-]|\s+(?!{OF_A_THIRD}))"
    return bool(re.match(first, plain) or re.search(rf"(?:[,\-]\s*|\b(?:hey|hi|hello|thanks|thank you)\s+)@?{name}[\s.!?]*$", plain))

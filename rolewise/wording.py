"""The fixed sentences of the assistant: greetings, refusals, questions back. What it knows is in the knowledge file.

Where a sentence names the careers, ``{careers}``, ``{fields}`` and ``{number}`` stand for them; ``Answers.scoped`` fills them in.
"""

from __future__ import annotations

SCOPE = "I answer questions about {careers}."
# A number of careers in words.
NUMBERS = "no one two three four five six seven eight nine ten eleven twelve".split()

GREETING = "Hello! I am Rolewise, a careers assistant. " + SCOPE + " What would you like to know?"
GREETING_AGAIN = "Hello again. What would you like to know next?"
GOODBYE = "Goodbye, and good luck with your decision. You can come back with a question at any time."
THANKS = "You are welcome. Ask on whenever you like."
BOT = (
    "I am a program, not a person. I look your question up in a file of sourced facts that a careers team keeps; "
    "nothing is made up on the spot."
)
CHITCHAT = "I am a program for career questions, so I have little to tell about myself. I am happy to help you with yours."
CALM = "I am sorry this is frustrating. Tell me in a few words what you want to know, or tap one of these."
CALM_AGAIN = "Let us get to what helps you. These are good places to start."
RATED_UP = "Thank you, that is good to know."
RATED_DOWN = "Thank you for telling me, and sorry it did not help. If you like, say in a few words what was missing, or just ask on."
RATED_REASON = "Thank you, I have noted that with your rating. The people who keep these facts can read it."
RATED_NOTHING = "There is no answer to rate yet. Ask me something first."
RESTARTED = "All right, I have forgotten what we talked about. What would you like to know?"
QUIZ_START = "Find out which role suits you"
QUIZ_RESUME = "Back to question {number} of {count}"
QUIZ_QUESTION = "Question {number} of {count}: {question}"
QUIZ_UNCLEAR = "I could not match that to one of the answers. Tap one, or say that you are not sure."
QUIZ_ONE = "From your answers, {role} fits best."
QUIZ_CLOSE = "From your answers, it is close between {roles}."
QUIZ_ALL = "Your answers speak for all of them about equally: {roles}."
QUIZ_NONE = "Your answers do not point to one of the roles yet, and that is fine."
QUIZ_TITLE = "Which role suits you?"
STOPPED = "All right, we leave it there. Ask me anything else whenever you like."
DENIED = "All right. Then tell me in your own words what you would like to know, or tap one of these."
NO_SUCH_NUMBER = "That is none of the {count} things I offered. Tap one, type its number, or ask in your own words."
NOTHING_TO_PICK = "There is nothing to choose from by number right now. Ask me a question, for example one of these."
NOTHING_YET = "I have not answered anything yet. Ask me a question first, for example one of these."

MENU_TITLE = "What you can ask me"
MENU = SCOPE + " Name a role and a topic, compare roles, or ask which role suits you. Each answer shows its sources."
# Topics that stand in no line of the menu.
MENU_REST = "More"

# Two of each, so that the same apology never stands twice running.
NOT_UNDERSTOOD = (
    "I am not sure I can answer that. " + SCOPE + " The nearest things I know are below.",
    "That one is beyond what I know, sorry. Perhaps one of these comes close.",
)
DECLINED = (
    "That is outside what I know, sorry. " + SCOPE,
    "Sorry, I cannot help with that. My subject is the {number}: {fields}.",
)
MENU_AFTER_UNSURE = "I still do not follow, sorry. Here is what I can help with; tap a topic or ask it in other words."
# What stands before the facts nearest to a question that is not answered, unless its refusal ends in words that do as well.
MEANWHILE = "The nearest I know is this."
BESIDE_THAT = "If not, this is the nearest I know."
SAYS_NEAREST = ("The nearest things I know are below.", "What I know is general, and sourced.")
DID_YOU_MEAN = "I want to be sure that I understand you. Did you mean one of these?"
COMPANY = "I cannot speak for a single employer: pay, culture and hiring differ from firm to firm. What I know is general, and sourced."
PERSONAL = "I cannot judge a single case such as an offer, a visa or a CV; a careers adviser can. What I know is general, and sourced."
NO_PLACE = "I have no figure for {place} itself, so this is for the country."
ELSEWHERE = "None of my sources says this {place} itself. The nearest I have is this."
NOT_JUST_THAT = "None of my sources answers just what you asked. The nearest I have is this."
NOT_EXACTLY = "None of my sources answers just that: “{words}”. The nearest I have is this."
# What stands before words of a person.
QUOTING = NOT_EXACTLY.partition("{")[0]
NO_OFFICIAL_FIGURE = "no official figure"
NOT_OFFICIAL = "not official"
OFFICIAL = "official"
PERCENT_GROWTH = "percent growth"
RANGE_LEGEND = "From the 10th to the 90th percentile; the mark is the median."
RANGE_COLUMNS = ("10th percentile", "Median", "90th percentile")
VALUE_COLUMN = "Value"
AS_TABLE = "The same as a table"
OWN_READING = "Part of this is our own reading of the sources."
NOT_COVERED = "I do not cover"
OTHER_TITLE = NOT_COVERED + " the job of {names}. " + SCOPE
OTHER_TITLE_BESIDE = NOT_COVERED + " the job of {names}, so this is about {roles} only."
AS_BEFORE = "For {roles}, as before:"
CORRECTED = "For {roles} then:"
TOO_MANY = "You asked more than three things at once; here are the first three."
TOO_LONG = "Your message has {length} characters; I can read up to {limit}. Please send the question in a shorter form."
EMPTY = "I did not receive any words. What would you like to know?"
FAILED = "Something went wrong on my side, and your question was not answered. Please try again in a moment."
CUT_OFF = 'I was interrupted before I could answer an earlier message of yours: "{text}". If you still want to know, send it again.'
THAT_IS_ALL = "That is all I have on this."
SOURCES_OF = "The last answer rests on these sources; the facts were last reviewed on {date}."
SOURCES_NONE = "The last answer says what none of my sources tells, so there is no source to show; what I know was last reviewed on {date}."

# What only Slack needs.
SLACK_THINKING = "is looking it up…"
SLACK_HELP = "What can I ask you?"
SLACK_RATED = "Thank you, your rating is noted."
SLACK_UNRATED = "That answer is no longer on record, so it cannot be rated."
SLACK_UNSHARED = "That answer is no longer on record. Ask again, and share the new one."
SLACK_HOME_TITLE = "Careers questions, answered"
SLACK_HOME = (
    "I answer questions about machine learning engineers, software engineers and data scientists from one file of sourced facts, "
    "put the roles side by side, and say so when I do not know."
)
SLACK_HOME_HOW = (
    "*How to ask*\n"
    "• Write to me under *Messages*, in your own words.\n"
    "• Mention me in a channel; I answer in the thread, and there you can go on without a mention.\n"
    "• Type `/career` and your question anywhere; only you see the answer until you share it."
)
SLACK_HOME_TOPICS = "*Topics*\nChoose one; the answer comes under *Messages*."
SLACK_HOME_PICK = "Choose a topic"
SLACK_HOME_FOOT = (
    "I am a program. What you ask me and how you rate the answers is stored by the team that runs me. Facts were last reviewed on {date}."
)

"""The texts that models are asked with about one answer: critique, revision, violation.

Texts of people and models stand between bracketed markers, see `fence`; how two answers are
compared stands in `comparison`. A begun assistant turn makes the option the very next token.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cai_core.errors import ModelError
from cai_core.feedback.comparison import WHOLE as WHOLE
from cai_core.feedback.comparison import check_template as check_template
from cai_core.feedback.comparison import label_template as label_template
from cai_core.feedback.comparison import template_names as template_names
from cai_core.feedback.examples import Example
from cai_core.feedback.fence import conversation_text, fenced
from cai_core.schema import Chat, Constitution, Principle, assistant, user

BEGUN_ANSWER = "Answer:"  # 0.73 of the probability is on yes and no then; 0.34 after "Yes or No:"
LEAST_CHARACTERS = 200  # an answer is never cut to less

_DEFAULT_REVISION = (
    "Rewrite the answer so that it no longer has the faults that were pointed out. Keep what was"
    " good in it."
)


def cut_middle(text: str, characters: int) -> str:
    """At most about so many characters: beginning and end, with a mark of what is missing between.

    >>> cut_middle("abcdefghij" * 3, 10)
    'abcde [20 characters left out here] fghij'
    """
    if len(text) <= characters:
        return text
    head, tail = text[: characters - characters // 2], text[len(text) - characters // 2 :]
    return f"{head} [{len(text) - characters} characters left out here] {tail}"


def cut_to_fit(
    answers: Sequence[str], tokens: Callable[[Sequence[str]], int], room: int
) -> list[str]:
    """The answers, cut in the middle as far as the window needs it.

    Args:
        tokens: how long the whole chat is with these answers in it.
    Raises:
        ModelError: it does not fit even with answers of LEAST_CHARACTERS.
    """
    shown, limit = list(answers), max(map(len, answers))
    while (needed := tokens(shown)) > room:
        if limit <= LEAST_CHARACTERS:
            raise ModelError(
                f"the conversation is too long: {needed} tokens with answers cut to"
                f" {LEAST_CHARACTERS} characters, and the model has room for {room}; shorten it or"
                " choose a model with a longer window"
            )
        limit = max(LEAST_CHARACTERS, limit * 3 // 4)
        shown = [cut_middle(text, limit) for text in answers]
    return shown


# -- one answer


def violation_question(principle: Principle) -> str:
    """What is asked of one answer, to be said yes to where the principle is violated."""
    if principle.critique.strip():
        return (
            f'A critic is asked: "{principle.critique.strip()}" Does the critic find something in'
            " this response?"
        )
    return f'Judged by the question "{principle.text.strip()}", does this response do badly?'


def violation_chat(prompt: Chat, response: str, principle: Principle, begun: str) -> Chat:
    asked = (
        "Here is a conversation and a response to it.\n\n"
        f"[Conversation]\n{conversation_text(prompt)}\n[End of conversation]\n\n"
        f"[Response]\n{fenced(response)}\n[End of response]\n\n"
        f"{violation_question(principle)}\nYes or No?"
    )
    return (user(asked), assistant(begun))


# -- critique and revision


@dataclass(frozen=True)
class Requests:
    """What one round asks for; `principle` is a key, or "whole"."""

    principle: str
    critique: str
    revision: str


def requests_of(principle: Principle) -> Requests:
    """The principle's requests; a missing one is filled in."""
    critique = principle.critique.strip() or (
        f'Answers are measured by this question: "{principle.text.strip()}" Point out where the'
        " last answer falls short of it."
    )
    return Requests(principle.key, critique, principle.revision.strip() or _DEFAULT_REVISION)


def whole_requests(constitution: Constitution) -> Requests:
    """One critique against all enabled principles."""
    lines = [f"- {p.text.strip() or p.critique.strip()}" for p in constitution.enabled]
    critique = (
        "Answers are measured by these questions:\n"
        + "\n".join(lines)
        + "\nPoint out every way in which the last answer falls short of them."
    )
    return Requests(WHOLE, critique, _DEFAULT_REVISION)


def stepwise_requests() -> Requests:
    """What stands before a critique that was made principle by principle."""
    critique = "Go through the principles and say which of them the last answer violates, and why."
    return Requests(WHOLE, critique, _DEFAULT_REVISION)


@dataclass(frozen=True)
class Task:
    """An answer to be criticised and rewritten, and the requests to do it with."""

    prompt: Chat
    answer: str
    requests: Requests


def critique_chat(task: Task, examples: Sequence[Example] = ()) -> Chat:
    """The conversation with its answer, and the request to find fault."""
    asked = user(_critique_request(task.requests.critique))
    return _with_examples((*task.prompt, assistant(task.answer), asked), examples)


def revision_chat(task: Task, critique: str, examples: Sequence[Example] = ()) -> Chat:
    """The critique's conversation gone on with, and the request to rewrite."""
    asked = user(_revision_request(task.requests.revision))
    return (*critique_chat(task, examples), assistant(critique), asked)


def _critique_request(request: str) -> str:
    return f"{request} Write only the critique, in a few sentences; do not answer again."


def _revision_request(request: str) -> str:
    return f"{request} Write only the new answer."


def _with_examples(chat: Chat, examples: Sequence[Example]) -> Chat:
    """The worked rounds in front, behind the system turns."""
    head = tuple(turn for turn in chat if turn.role == "system")
    rest = tuple(turn for turn in chat if turn.role != "system")
    shown = [
        turn
        for example in examples
        for turn in (
            user(example.prompt),
            assistant(example.response),
            user(_critique_request("Point out what is wrong with the last answer.")),
            assistant(example.critique),
            user(_revision_request(_DEFAULT_REVISION)),
            assistant(example.revision),
        )
    ]
    return (*head, *shown, *rest)


_LEFTOVER = re.compile(
    r"^\W*(?:(?:sure|certainly|of course|absolutely|okay|ok)\b[\s,.!:-]*)?"
    r"(?:(?:here(?:'|’)?s?(?: is| are)?|this is|below is)\b[^\n:]{0,80}"
    r"\b(?:revis|rewrit|rewrot|updat|improv|new|modif|critique|answer|response|version)[^\n:]{0,60}:"
    r"|(?:the |my )?(?:revised|rewritten|new|improved|updated)? ?"
    r"(?:critique|revision|answer|response|assistant)(?: is| would be)?\s*:)(?:\*\*|__)?\s*",
    re.IGNORECASE,
)


def without_leftovers(text: str) -> str:
    """The text without "Sure, here is a revised response:" in front, and without quotes around it.

    >>> without_leftovers('Sure, here is a revised response: "Wash it."')
    'Wash it.'
    """
    bare = _LEFTOVER.sub("", text.strip(), count=1).strip()
    if len(bare) > 1 and bare[0] in '"“' and bare[-1] in '"”' and '"' not in bare[1:-1]:
        bare = bare[1:-1].strip()
    return bare

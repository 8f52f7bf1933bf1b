"""What a model reads for one principle, word for word, with stand-ins for the data of the day.

The texts come from the functions that ask, so that what is shown is what is sent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from cai_core.feedback.comparison import Wording, comparison_question, whole_question
from cai_core.feedback.examples import Example, Worked
from cai_core.feedback.templates import Task, critique_chat, requests_of, revision_chat
from cai_core.schema import Chat, Constitution, Pair, Principle, user
from cai_core.settings import JudgeSetting

CONVERSATION, FIRST, SECOND = "(the conversation)", "(the answer)", "(the other answer)"
CRITIQUE = "(the critique)"


What = Literal["comparison", "critique", "revision"]


@dataclass(frozen=True)
class Seen:
    """One request.

    Args:
        who: who reads it: the judge, or the model that revises.
        alone: what stands there for this principle.
        chat: the whole of it, up to where the model writes on.
        general: whether the principle has no wording of its own for it.
        examples: how many worked ones stand in front.
    """

    what: What
    who: Literal["judge", "writer"]
    alone: str
    chat: Chat
    general: bool = False
    examples: int = 0


def seen(
    principle: Principle,
    constitution: Constitution,
    *,
    setting: JudgeSetting,
    examples: Sequence[Worked],
    rounds: Sequence[Example],
) -> tuple[Seen, ...]:
    """Comparison, critique and revision as they are asked under this judge setting.

    Args:
        examples: worked comparisons that the setting's number is taken from.
        rounds: worked rounds that a reviser is shown.
    Raises:
        ConstitutionError: a template that is not there.
    """
    question = comparison_question(principle)
    if setting.principles == "whole":
        question = whole_question(constitution.enabled)
    wording = Wording.of(setting, examples)
    return (_comparison(principle, question, wording), *_requests(principle, rounds))


def _comparison(principle: Principle, question: str, wording: Wording) -> Seen:
    pair = Pair.of((user(CONVERSATION),), FIRST, SECOND)
    asking = wording.reasoning_chat if wording.reasoned else wording.comparison_chat
    chat = asking(pair, question)
    shown = len(wording.examples)
    return Seen("comparison", "judge", question, chat, not principle.text.strip(), shown)


def _requests(principle: Principle, rounds: Sequence[Example]) -> Iterator[Seen]:
    task = Task((user(CONVERSATION),), FIRST, requests_of(principle))
    criticised, revised = critique_chat(task, rounds), revision_chat(task, CRITIQUE, rounds)
    for what, chat in (("critique", criticised), ("revision", revised)):
        general = not getattr(principle, what).strip()
        yield Seen(what, "writer", chat[-1].content, chat, general, len(rounds))  # type: ignore[arg-type]

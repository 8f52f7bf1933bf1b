"""One answer under one principle: does it violate it, how likely, and why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cai_core.errors import ModelError
from cai_core.feedback import templates
from cai_core.feedback.batch import QUIET, ask_each, generate_each
from cai_core.feedback.votes import MIN_MASS, Options
from cai_core.models.protocol import Model
from cai_core.schema import Chat, Completion, Hooks, Principle, Sampling
from cai_core.stats import FloatArray

YES, NO = (" Yes", "Yes"), (" No", "No")
BEGUN_WHY = f"{templates.BEGUN_ANSWER} Yes, because"
BEGUN_WHY_NOT = f"{templates.BEGUN_ANSWER} No, because"
REASON_TOKENS = 48  # one sentence


@dataclass(frozen=True)
class Case:
    """A prompt, an answer to it, and the principle it is held against."""

    prompt: Chat
    response: str
    principle: Principle


@dataclass(frozen=True)
class Violation:
    """P(the answer violates the principle), the model's reason, and the two chats it saw."""

    principle: str
    p: float
    mass: float
    reason: str
    asked: Chat
    asked_why: Chat

    @property
    def yes(self) -> bool:
        return self.p > 0.5


def violates(
    prompt: Chat, response: str, principle: Principle, model: Model, *, hooks: Hooks = QUIET
) -> Violation:
    """Hold one answer against one principle.

    Raises:
        ModelError: it does not fit, or the model answered neither yes nor no.
    """
    found = find_violations([Case(prompt, response, principle)], model, hooks=hooks)[0]
    if isinstance(found, ModelError):
        raise found
    return found


def find_violations(
    cases: Sequence[Case], model: Model, *, hooks: Hooks = QUIET
) -> list[Violation | ModelError]:
    """Hold answers against principles, all at once; a case that fails gives its error."""
    fitted = [_fitted(case, model) for case in cases]
    good = [case for case in fitted if isinstance(case, Case)]
    held = iter(_hold(good, model, hooks))
    return [next(held) if isinstance(case, Case) else case for case in fitted]


def _fitted(case: Case, model: Model) -> Case | ModelError:
    """The case with its answer cut in the middle where the window needs it."""

    def tokens(answers: Sequence[str]) -> int:
        return model.count_tokens(_chat(replace(case, response=answers[0]), BEGUN_WHY))

    try:
        room = model.context - REASON_TOKENS - 1
        return replace(case, response=templates.cut_to_fit([case.response], tokens, room)[0])
    except ModelError as error:
        return error


def _hold(cases: Sequence[Case], model: Model, hooks: Hooks) -> list[Violation | ModelError]:
    """Ask for yes or no, and then why, in a turn that begins with the answer given."""
    chats = [_chat(case, templates.BEGUN_ANSWER) for case in cases]
    scores = ask_each(lambda some: list(model.score_choices(some, (*YES, *NO))), chats)
    found = [_answered(logs) for logs in scores]
    why = [
        _chat(case, BEGUN_WHY if options.p_first > 0.5 else BEGUN_WHY_NOT)
        for case, options in zip(cases, found, strict=True)
        if isinstance(options, Options)
    ]
    params = Sampling(REASON_TOKENS, temperature=0.0)
    reasons = iter(zip(why, generate_each(model, why, params, hooks), strict=True))
    return [
        _violation(case, chat, options, *next(reasons)) if isinstance(options, Options) else options
        for case, chat, options in zip(cases, chats, found, strict=True)
    ]


def _answered(logs: FloatArray | ModelError) -> Options | ModelError:
    if isinstance(logs, ModelError):
        return logs
    options = Options.of_logs(logs[: len(YES)], logs[len(YES) :])
    if options.mass >= MIN_MASS:
        return options
    return ModelError(
        f"no verdict: the model spent {options.mass:.2f} of its probability on yes and no, and"
        f" {MIN_MASS} is needed"
    )


def _violation(
    case: Case, asked: Chat, options: Options, why: Chat, reason: Completion | ModelError
) -> Violation | ModelError:
    if isinstance(reason, ModelError):
        return reason
    text = first_sentence(reason.text)
    return Violation(case.principle.key, options.p_first, options.mass, text, asked, why)


def _chat(case: Case, begun: str) -> Chat:
    return templates.violation_chat(case.prompt, case.response, case.principle, begun)


def first_sentence(text: str) -> str:
    """Up to the first full stop that ends a sentence, or the first line.

    >>> first_sentence(" it names a shop. It also lies.")
    'it names a shop.'
    """
    line = text.strip().partition("\n")[0]
    head, stop, _ = line.partition(". ")
    return head + "." if stop else line

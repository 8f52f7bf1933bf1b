"""How one question is put to a judge: probabilities, reasoning first, or sampled verdicts.

`logprob` reads the probabilities of the options, `cot` lets the model reason first, `repeat`
samples verdicts where a server gives no probabilities.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from cai_core.errors import ModelError
from cai_core.feedback.batch import ask_each, generate_each
from cai_core.feedback.comparison import Wording
from cai_core.feedback.votes import Options
from cai_core.models.protocol import Model
from cai_core.models.thinking import UnfinishedThought
from cai_core.schema import Chat, Completion, Hooks, Method, Pair, Sampling
from cai_core.settings import JudgeSetting
from cai_core.stats import FloatArray

VERDICT_TOKENS = 8  # of a sampled verdict: room for "Response A."


@dataclass(frozen=True)
class Transcript:
    """One question as the judge saw it, with `first` shown as response A, and what came back.

    `reply` is the reasoning or the sampled verdicts; `p_first` is nan where nothing was readable.
    """

    principle: str
    first: Literal["a", "b"]
    chat: Chat
    reply: str
    options: Options


@dataclass(frozen=True)
class Ask:
    """One principle's question on one pair in one order; `shown` is the pair as the judge sees it."""

    place: int  # of the pair in its batch
    principle: str
    weight: float
    first: Literal["a", "b"]
    shown: Pair
    question: str
    wording: Wording

    @property
    def chat(self) -> Chat:
        return self.wording.comparison_chat(self.shown, self.question)


@dataclass(frozen=True)
class Asking:
    """Who is asked, and how."""

    model: Model
    setting: JudgeSetting
    seed: int = 0
    hooks: Hooks = field(default_factory=Hooks)


Heard = list[Transcript | ModelError]  # a ModelError where a question brought nothing


def ask_all(asking: Asking, asks: Sequence[Ask]) -> Heard:
    """What each question brings, by the setting's method."""
    return _METHODS[asking.setting.method](asking, asks)


def _by_logprob(asking: Asking, asks: Sequence[Ask]) -> Heard:
    return _scored(asking, asks, [ask.chat for ask in asks], [""] * len(asks))


def _by_cot(asking: Asking, asks: Sequence[Ask]) -> Heard:
    """The reasoning, greedily, and then the options behind it."""
    params = Sampling(asking.setting.max_rationale_tokens, temperature=0.0, seed=asking.seed)
    chats = [ask.wording.reasoning_chat(ask.shown, ask.question) for ask in asks]
    reasoned = generate_each(asking.model, chats, params, asking.hooks)
    spoken = ["" if isinstance(r, ModelError) else r.text.strip() for r in reasoned]
    chats = [
        ask.wording.comparison_chat(ask.shown, ask.question, reasoning)
        for ask, reasoning in zip(asks, spoken, strict=True)
    ]
    scored = _scored(asking, asks, chats, [_reply(one) for one in reasoned])
    return [r if isinstance(r, ModelError) else s for r, s in zip(reasoned, scored, strict=True)]


def _reply(reasoned: Completion | ModelError) -> str:
    """All of the reasoning, what was thought before it too."""
    if isinstance(reasoned, ModelError):
        return ""
    return "\n\n".join(filter(None, (reasoned.thinking, reasoned.text.strip())))


def _scored(
    asking: Asking, asks: Sequence[Ask], chats: Sequence[Chat], replies: Sequence[str]
) -> Heard:
    """The options' probabilities; all of one template, so that every chat has the same."""
    if not asks:
        return []
    options = asks[0].wording.options
    variants = [text for option in options for text in option]
    scores = ask_each(lambda some: list(asking.model.score_choices(some, variants)), chats)
    return [
        logs
        if isinstance(logs, ModelError)
        else Transcript(ask.principle, ask.first, chat, reply, _options(logs, len(options)))
        for ask, chat, reply, logs in zip(asks, chats, replies, scores, strict=True)
    ]


def _options(logs: FloatArray, count: int) -> Options:
    """Of the log-probabilities of all variants of all options."""
    by_option = logs.reshape(count, -1)
    return Options.of_logs(*by_option)


def _by_repeat(asking: Asking, asks: Sequence[Ask]) -> Heard:
    """Sampled verdicts; each has a seed of its own, else a model would repeat itself."""
    chats = [ask.chat for ask in asks]
    said: list[list[Completion]] = [[] for _ in asks]
    errors: dict[int, ModelError] = {}
    for turn in range(asking.setting.repeats):
        seed = asking.seed * asking.setting.repeats + turn
        for place, one in enumerate(_verdicts(asking, chats, seed)):
            if isinstance(one, ModelError):
                errors[place] = one
            else:
                said[place].append(one)
    return [
        errors[place] if place in errors else _counted(ask, chats[place], said[place])
        for place, ask in enumerate(asks)
    ]


def _verdicts(asking: Asking, chats: Sequence[Chat], seed: int) -> list[Completion | ModelError]:
    """One verdict a chat; models that think in spite of the begun turn are given room for it."""
    said = generate_each(asking.model, chats, Sampling(VERDICT_TOKENS, seed=seed), asking.hooks)
    thinking = [place for place, one in enumerate(said) if isinstance(one, UnfinishedThought)]
    if thinking:
        tokens = VERDICT_TOKENS + asking.setting.max_rationale_tokens
        some = [chats[place] for place in thinking]
        again = generate_each(asking.model, some, Sampling(tokens, seed=seed), asking.hooks)
        for place, one in zip(thinking, again, strict=True):
            said[place] = one
    return said


def _counted(ask: Ask, chat: Chat, said: Sequence[Completion]) -> Transcript:
    template, abstain = ask.wording.template, ask.wording.abstain
    letters = [template.read_verdict(completion.text) for completion in said]
    first, second, neither = (letters.count(letter) for letter in template.letters)
    options = Options.of_counts(first, second, len(letters), neither if abstain else None)
    reply = "\n".join(completion.text.strip() for completion in said)
    return Transcript(ask.principle, ask.first, chat, reply, options)


_METHODS: Mapping[Method, Callable[[Asking, Sequence[Ask]], Heard]] = {
    "logprob": _by_logprob,
    "cot": _by_cot,
    "repeat": _by_repeat,
}

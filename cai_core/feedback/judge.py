"""A judge: which of two answers is better under a constitution, asked in both orders.

Three methods: `logprob` reads the probabilities of the two options, `cot` lets the model reason
first, `repeat` samples verdicts where a server gives no probabilities. Three ways with principles:
`each` enabled one votes, one is drawn (`draw`) for each pair, or all stand in one question
(`whole`). A pair that cannot be judged gets a null verdict with its reason; the others go on.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from cai_core.errors import ModelError
from cai_core.feedback import templates
from cai_core.feedback.batch import QUIET, Tally, ask_each, batch_size, batches, generate_each
from cai_core.feedback.draw import draw, voters
from cai_core.feedback.votes import Options, Vote, clamped, mark_inconsistent, tally
from cai_core.models.protocol import Model
from cai_core.schema import (
    Chat,
    Completion,
    Constitution,
    ConstitutionRef,
    Hooks,
    Label,
    Method,
    Pair,
    Principle,
    Sampling,
)
from cai_core.settings import JudgeSetting

__all__ = ["Judged", "Transcript", "judge", "judge_one", "mark_inconsistent"]

CHATS = 64  # asked at once: rows of one batch of a local model
SPARE = 16  # tokens: the two orders, and the options, differ by a few
VERDICT_TOKENS = 8  # of a sampled verdict: room for "Response A."
_READABLE = re.compile(
    r"\W*(?i:the better response is\s+)?(?i:response\s+)?\W*([AB])(?:\s*$|[^\w\s/]|\s*\n|\s+because\b)"
)
_OPTIONS = (*templates.OPTIONS_A, *templates.OPTIONS_B)


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
class Judged:
    """A label, and everything the judge saw for it."""

    label: Label
    transcripts: tuple[Transcript, ...] = ()


@dataclass(frozen=True)
class _Ask:
    """One principle's question on one pair in one order; `shown` is the pair as the judge sees it."""

    place: int  # of the pair in its batch
    principle: str
    weight: float
    first: Literal["a", "b"]
    shown: Pair
    question: str


@dataclass(frozen=True)
class _Bench:
    """Who judges, and how."""

    model: Model
    constitution: Constitution
    setting: JudgeSetting
    ref: ConstitutionRef
    template: str
    seed: int
    hooks: Hooks = field(default_factory=Hooks)


def judge(
    pairs: Sequence[Pair],
    constitution: Constitution,
    model: Model,
    setting: JudgeSetting,
    *,
    ref: ConstitutionRef | None = None,
    seed: int = 0,
    hooks: Hooks = QUIET,
) -> Iterator[Label]:
    """Judge pairs; labels come in the order of the pairs, a batch at a time.

    `inconsistent` is left open: it needs the judge's median offset, see `mark_inconsistent`.

    Raises:
        ConstitutionError: it cannot be used. Stopped: it was asked for between two batches.
        ModelError: many pairs in a row failed for one same reason.
    """
    bench = _bench(constitution, model, setting, ref=ref, seed=seed, hooks=hooks)
    count = Tally(len(pairs), hooks, [model])
    per_pair = 2 * len(_questions(bench, pairs[0])) if pairs else 1
    for some in batches(pairs, max(1, batch_size(model, CHATS) // per_pair), hooks):
        for judged in _judge_batch(bench, some):
            yield judged.label
            count.finished(judged.label.error)


def judge_one(
    pair: Pair,
    constitution: Constitution,
    model: Model,
    setting: JudgeSetting,
    *,
    ref: ConstitutionRef | None = None,
    seed: int = 0,
    hooks: Hooks = QUIET,
) -> Judged:
    """Judge one pair and keep all that the judge saw."""
    bench = _bench(constitution, model, setting, ref=ref, seed=seed, hooks=hooks)
    return _judge_batch(bench, [pair])[0]


def _bench(
    constitution: Constitution,
    model: Model,
    setting: JudgeSetting,
    *,
    ref: ConstitutionRef | None,
    seed: int,
    hooks: Hooks,
) -> _Bench:
    voters(constitution)
    template = templates.check_template(setting.template)
    ref = ref or ConstitutionRef.of(constitution)
    return _Bench(model, constitution, setting, ref, template, seed, hooks)


# -- one batch


def _judge_batch(bench: _Bench, pairs: Sequence[Pair]) -> list[Judged]:
    asks: list[_Ask] = []
    failed: dict[int, ModelError] = {}
    for place, pair in enumerate(pairs):
        try:
            asks += _asks(bench, place, pair)
        except ModelError as error:
            failed[place] = error
    heard: dict[int, list[tuple[_Ask, Transcript]]] = {}
    for ask, answer in zip(asks, _METHODS[bench.setting.method](bench, asks), strict=True):
        if isinstance(answer, ModelError):
            failed[ask.place] = answer
        else:
            heard.setdefault(ask.place, []).append((ask, answer))
    return [
        Judged(_stamped(bench, Label(pair, None, None, error=str(failed[place]))))
        if place in failed
        else _judged(bench, pair, heard[place])
        for place, pair in enumerate(pairs)
    ]


def _judged(bench: _Bench, pair: Pair, heard: Sequence[tuple[_Ask, Transcript]]) -> Judged:
    by_order: dict[tuple[str, str], Transcript] = {(a.principle, a.first): t for a, t in heard}
    weights = {ask.principle: ask.weight for ask, _ in heard}
    votes = [
        Vote(key, weight, by_order[key, "a"].options, by_order[key, "b"].options)
        for key, weight in weights.items()
    ]
    label = tally(pair, votes, tie_band=bench.setting.tie_band)
    if bench.setting.method == "cot":
        label = clamped(label, bench.setting.cot_clamp)
        label = replace(label, rationale="\n\n".join(_rationale(t) for _, t in heard))
    cut = _left_out(pair, heard[0][0].shown)
    if cut:
        label = replace(label, extra={"characters_left_out": cut})
    return Judged(_stamped(bench, label), tuple(t for _, t in heard))


def _rationale(transcript: Transcript) -> str:
    shown = "" if transcript.first == "a" else ", with the sides swapped"
    return f"[{transcript.principle}{shown}] {transcript.reply}"


def _left_out(pair: Pair, shown: Pair) -> int:
    """Characters of both answers that the judge did not see."""
    if {pair.response_a, pair.response_b} == {shown.response_a, shown.response_b}:
        return 0
    whole = len(pair.response_a) + len(pair.response_b)
    return whole - len(shown.response_a) - len(shown.response_b)


def _stamped(bench: _Bench, label: Label) -> Label:
    return replace(
        label,
        annotator=bench.model.id,
        method=bench.setting.method,
        principles=bench.setting.principles,
        template=bench.template,
        constitution=bench.ref,
        seed=bench.seed,
    )


# -- questions


def _questions(bench: _Bench, pair: Pair) -> list[tuple[str, float, str]]:
    """(key, weight, question) of everything this pair is asked."""
    principles = voters(bench.constitution)
    if bench.setting.principles == "whole":
        return [(templates.WHOLE, 1.0, templates.whole_question(principles))]
    chosen: Sequence[Principle] = principles
    if bench.setting.principles == "draw":
        chosen = [draw(principles, pair.id)]
    return [(p.key, p.weight, templates.comparison_question(p)) for p in chosen]


def _asks(bench: _Bench, place: int, pair: Pair) -> list[_Ask]:
    """All questions on a pair, those of one order together: they share what stands in front.

    Raises:
        ModelError: an empty answer, or a conversation that does not fit.
    """
    if pair.extra.get("error"):
        raise ModelError(f"this pair has failed before: {pair.extra['error']}")
    for side, text in (("A", pair.response_a), ("B", pair.response_b)):
        if not text.strip():
            raise ModelError(f"response {side} of this pair is empty; there is nothing to compare")
    questions = _questions(bench, pair)
    shown = _fitted(bench, pair, max((question for _, _, question in questions), key=len))
    orders: tuple[tuple[Literal["a", "b"], Pair], ...] = (("a", shown), ("b", shown.swapped()))
    return [
        _Ask(place, key, weight, first, pair_shown, question)
        for first, pair_shown in orders
        for key, weight, question in questions
    ]


def _fitted(bench: _Bench, pair: Pair, question: str) -> Pair:
    """The pair with its answers cut in the middle as far as the window needs it."""
    room = bench.model.context - SPARE
    if bench.setting.method == "cot":
        room -= bench.setting.max_rationale_tokens
    elif bench.setting.method == "repeat":
        room -= VERDICT_TOKENS

    def tokens(answers: Sequence[str]) -> int:
        return bench.model.count_tokens(templates.comparison_chat(_with(pair, answers), question))

    answers = (pair.response_a, pair.response_b)
    return _with(pair, templates.cut_to_fit(answers, tokens, room))


def _with(pair: Pair, answers: Sequence[str]) -> Pair:
    return replace(pair, response_a=answers[0], response_b=answers[1])


# -- methods: what a batch of questions brings, a ModelError where it brings nothing

_Heard = list[Transcript | ModelError]


def _by_logprob(bench: _Bench, asks: Sequence[_Ask]) -> _Heard:
    chats = [templates.comparison_chat(ask.shown, ask.question) for ask in asks]
    return _scored(bench, asks, chats, [""] * len(asks))


def _by_cot(bench: _Bench, asks: Sequence[_Ask]) -> _Heard:
    """The reasoning, greedily, and then the options behind it."""
    params = Sampling(bench.setting.max_rationale_tokens, temperature=0.0, seed=bench.seed)
    chats = [templates.reasoning_chat(ask.shown, ask.question) for ask in asks]
    reasoned = generate_each(bench.model, chats, params, bench.hooks)
    replies = ["" if isinstance(r, ModelError) else r.text.strip() for r in reasoned]
    chats = [
        templates.comparison_chat(ask.shown, ask.question, reasoning=reply)
        for ask, reply in zip(asks, replies, strict=True)
    ]
    scored = _scored(bench, asks, chats, replies)
    return [r if isinstance(r, ModelError) else s for r, s in zip(reasoned, scored, strict=True)]


def _scored(
    bench: _Bench, asks: Sequence[_Ask], chats: Sequence[Chat], replies: Sequence[str]
) -> _Heard:
    scores = ask_each(lambda some: list(bench.model.score_choices(some, _OPTIONS)), chats)
    cut = len(templates.OPTIONS_A)
    return [
        logs
        if isinstance(logs, ModelError)
        else Transcript(
            ask.principle, ask.first, chat, reply, Options.of_logs(logs[:cut], logs[cut:])
        )
        for ask, chat, reply, logs in zip(asks, chats, replies, scores, strict=True)
    ]


def _by_repeat(bench: _Bench, asks: Sequence[_Ask]) -> _Heard:
    """Sampled verdicts; each has a seed of its own, else a model would repeat itself."""
    chats = [templates.comparison_chat(ask.shown, ask.question) for ask in asks]
    said: list[list[Completion]] = [[] for _ in asks]
    errors: dict[int, ModelError] = {}
    for turn in range(bench.setting.repeats):
        params = Sampling(VERDICT_TOKENS, seed=bench.seed * bench.setting.repeats + turn)
        for place, one in enumerate(generate_each(bench.model, chats, params, bench.hooks)):
            if isinstance(one, ModelError):
                errors[place] = one
            else:
                said[place].append(one)
    return [
        errors[place] if place in errors else _counted(ask, chats[place], said[place])
        for place, ask in enumerate(asks)
    ]


def _counted(ask: _Ask, chat: Chat, said: Sequence[Completion]) -> Transcript:
    letters = [read_verdict(completion.text) for completion in said]
    options = Options.of_counts(letters.count("A"), letters.count("B"), len(letters))
    reply = "\n".join(completion.text.strip() for completion in said)
    return Transcript(ask.principle, ask.first, chat, reply, options)


def read_verdict(text: str) -> str | None:
    """The option that a reply begins with; None where it is anything else than a bare verdict.

    >>> read_verdict(" A."), read_verdict("Response B"), read_verdict("A good answer is kind")
    ('A', 'B', None)
    """
    found = _READABLE.match(text)
    return found.group(1) if found else None


_METHODS: Mapping[Method, Callable[[_Bench, Sequence[_Ask]], _Heard]] = {
    "logprob": _by_logprob,
    "cot": _by_cot,
    "repeat": _by_repeat,
}

"""A judge: which of two answers is better under a constitution, asked in both orders.

How a question is worded stands in `comparison`, how it is put to the model in `methods`. Three
ways with principles: `each` enabled one votes, one is drawn (`draw`) for each pair, or all stand in
one question (`whole`). A pair that cannot be judged gets a null verdict with its reason; the others
go on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from cai_core.errors import ModelError
from cai_core.feedback import templates
from cai_core.feedback.batch import QUIET, Items, Tally, batch_size, batches
from cai_core.feedback.comparison import WHOLE, Wording, comparison_question, whole_question
from cai_core.feedback.draw import draw, voters
from cai_core.feedback.examples import Worked, shipped_comparisons
from cai_core.feedback.methods import VERDICT_TOKENS, Ask, Asking, Transcript, ask_all
from cai_core.feedback.votes import Vote, clamped, mark_inconsistent, tally
from cai_core.models.protocol import Model
from cai_core.schema import (
    Constitution,
    ConstitutionRef,
    Hooks,
    Label,
    Pair,
    Principle,
    Row,
)
from cai_core.settings import JudgeSetting

__all__ = ["Judged", "Transcript", "judge", "judge_one", "mark_inconsistent"]

CHATS = 256  # asked at once: sixteen principles on eight pairs, whose endings are read together
SPARE = 16  # tokens: the two orders, and the options, differ by a few


@dataclass(frozen=True)
class Judged:
    """A label, and everything the judge saw for it."""

    label: Label
    transcripts: tuple[Transcript, ...] = ()


@dataclass(frozen=True)
class _Bench:
    """Who judges, and how."""

    model: Model
    constitution: Constitution
    setting: JudgeSetting
    ref: ConstitutionRef
    wording: Wording
    seed: int
    hooks: Hooks = field(default_factory=Hooks)

    @property
    def asking(self) -> Asking:
        return Asking(self.model, self.setting, self.seed, self.hooks)


def judge(
    pairs: Items[Pair],
    constitution: Constitution,
    model: Model,
    setting: JudgeSetting,
    *,
    ref: ConstitutionRef | None = None,
    seed: int = 0,
    hooks: Hooks = QUIET,
    examples: Sequence[Worked] | None = None,
) -> Iterator[Label]:
    """Judge pairs; labels come in the order of the pairs, a batch at a time.

    `inconsistent` is left open: it needs the judge's median offset, see `mark_inconsistent`.

    Args:
        examples: what the setting's number of worked comparisons is taken from; those that ship
            unless told.
    Raises:
        ConstitutionError: it cannot be used. Stopped: it was asked for between two batches.
        ModelError: many pairs in a row failed for one same reason.
    """
    wording = _wording(setting, examples)
    bench = _bench(constitution, model, setting, wording, ref=ref, seed=seed, hooks=hooks)
    count = Tally(len(pairs), hooks, [model])
    per_pair = 2 * (len(voters(constitution)) if setting.principles == "each" else 1)
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
    examples: Sequence[Worked] | None = None,
) -> Judged:
    """Judge one pair and keep all that the judge saw."""
    wording = _wording(setting, examples)
    bench = _bench(constitution, model, setting, wording, ref=ref, seed=seed, hooks=hooks)
    return _judge_batch(bench, [pair])[0]


def _wording(setting: JudgeSetting, examples: Sequence[Worked] | None) -> Wording:
    return Wording.of(setting, shipped_comparisons() if examples is None else examples)


def _bench(
    constitution: Constitution,
    model: Model,
    setting: JudgeSetting,
    wording: Wording,
    *,
    ref: ConstitutionRef | None,
    seed: int,
    hooks: Hooks,
) -> _Bench:
    voters(constitution)
    ref = ref or ConstitutionRef.of(constitution)
    return _Bench(model, constitution, setting, ref, wording, seed, hooks)


# -- one batch


def _judge_batch(bench: _Bench, pairs: Sequence[Pair]) -> list[Judged]:
    asks: list[Ask] = []
    failed: dict[int, ModelError] = {}
    for place, pair in enumerate(pairs):
        try:
            asks += _asks(bench, place, pair)
        except ModelError as error:
            failed[place] = error
    heard: dict[int, list[tuple[Ask, Transcript]]] = {}
    for ask, answer in zip(asks, ask_all(bench.asking, asks), strict=True):
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


def _judged(bench: _Bench, pair: Pair, heard: Sequence[tuple[Ask, Transcript]]) -> Judged:
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
    label = replace(label, extra=_shortened(bench, pair, heard[0][0]))
    return Judged(_stamped(bench, label), tuple(t for _, t in heard))


def _shortened(bench: _Bench, pair: Pair, ask: Ask) -> Row:
    """What the window had no room for, as fields of the label."""
    cut, shown = _left_out(pair, ask.shown), len(ask.wording.examples)
    said = {"characters_left_out": cut} if cut else {}
    return said | ({"examples_shown": shown} if shown < len(bench.wording.examples) else {})


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
        template=bench.wording.name,
        constitution=bench.ref,
        seed=bench.seed,
    )


# -- questions


def _questions(bench: _Bench, pair: Pair) -> list[tuple[str, float, str]]:
    """(key, weight, question) of everything this pair is asked."""
    principles = voters(bench.constitution)
    if bench.setting.principles == "whole":
        return [(WHOLE, 1.0, whole_question(principles))]
    chosen: Sequence[Principle] = principles
    if bench.setting.principles == "draw":
        chosen = [draw(principles, pair.id)]
    return [(p.key, p.weight, comparison_question(p)) for p in chosen]


def _asks(bench: _Bench, place: int, pair: Pair) -> list[Ask]:
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
    shown, wording = _fitted(bench, pair, max((text for _, _, text in questions), key=len))
    orders: tuple[tuple[Literal["a", "b"], Pair], ...] = (("a", shown), ("b", shown.swapped()))
    return [
        Ask(place, key, weight, first, pair_shown, question, wording)
        for first, pair_shown in orders
        for key, weight, question in questions
    ]


def _fitted(bench: _Bench, pair: Pair, question: str) -> tuple[Pair, Wording]:
    """The pair and its wording: examples go, from the last, before an answer is cut in the middle."""
    room, wording = _room(bench), bench.wording

    def tokens(answers: Sequence[str]) -> int:
        return bench.model.count_tokens(wording.comparison_chat(_with(pair, answers), question))

    answers = (pair.response_a, pair.response_b)
    while wording.examples and tokens(answers) > room:
        wording = wording.with_examples(len(wording.examples) - 1)
    return _with(pair, templates.cut_to_fit(answers, tokens, room)), wording


def _room(bench: _Bench) -> int:
    """Tokens of the window that a question may have."""
    written = {"cot": bench.setting.max_rationale_tokens, "repeat": VERDICT_TOKENS}
    return bench.model.context - SPARE - written.get(bench.setting.method, 0)


def _with(pair: Pair, answers: Sequence[str]) -> Pair:
    return replace(pair, response_a=answers[0], response_b=answers[1])

"""Judging on a local model: against its bound, plain batches, and one verdict at a time.

Sixteen principles on 24 pairs in both orders, in three rounds of eight pairs; in each round all ways
take their turn, and medians are over the rounds. The bound is the time in which the tokens that
differ at all could be read by themselves: unique tokens / prefill throughput of the same round, with
rows as long as the judge's prompts. The model as it is called makes a prediction for every token;
what comes out where only the last one is made stands beside it.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cai_core.feedback.comparison import Wording, comparison_question
from cai_core.feedback.judge import judge
from cai_core.models.catalogue import load
from cai_core.models.local import LocalModel
from cai_core.schema import Chat, Label, Pair
from cai_core.settings import BUILTIN, JudgeSetting
from cai_core.stats import logit, sigmoid
from tests.bench import hh
from tests.bench.timing import piped, timed

ROUNDS = 3
PAIRS = 24
PLAIN_PAIRS = 2  # of the eight of a round: plain batches take six times as long
PIPED = 4  # verdicts of the pipeline a round, on one pair
VERDICT_TOKENS = 64  # of prose, in which a verdict is looked for
PREFILL_ROWS = 4
SETTING = JudgeSetting()


@dataclass(frozen=True)
class Rates:
    """What plain reading comes to: prefill in tokens/s, batches of full prompts in judgements/s."""

    prefill: float
    plain: float


@dataclass(frozen=True)
class Round:
    """Seconds and counts of one round.

    `called` is the model as it is called, with every token's prediction; `last` with only that of
    the last token.
    """

    judgements: int
    seconds: float
    unique: int
    whole: int  # tokens of all questions, without padding
    called: Rates
    last: Rates
    piped: float  # verdicts a second
    gap: float  # largest difference of p_a to the plain way

    @property
    def rate(self) -> float:
        return self.judgements / self.seconds

    def share(self, rates: Rates) -> float:
        """Of the bound: of the rate at which only unique tokens would be read."""
        return self.unique / self.seconds / rates.prefill

    def times(self, rates: Rates) -> float:
        return self.rate / rates.plain

    @property
    def allowed(self) -> float:
        """How many times plain batching the bound allows: tokens read plainly / unique ones."""
        return self.whole / self.unique


def questions(pairs: Sequence[Pair]) -> list[Chat]:
    """Every question in both orders, those of one order of a pair together."""
    wording = Wording.of(SETTING, ())
    return [
        wording.comparison_chat(shown, comparison_question(principle))
        for pair in pairs
        for shown in (pair, pair.swapped())
        for principle in hh.sixteen().principles
    ]


def unique_tokens(model: LocalModel, chats: Sequence[Chat]) -> int:
    """Nodes of the tree of all prompts' tokens."""
    seen = set()
    for chat in chats:
        ids = model.prompt_tokens(chat)
        seen |= {hash(ids[: end + 1]) for end in range(len(ids))}
    return len(seen)


def tokens_of(model: LocalModel, chats: Sequence[Chat]) -> int:
    return sum(len(model.prompt_tokens(chat)) for chat in chats)


def prefill(model: LocalModel, width: int, *, last: bool) -> float:
    """Tokens a second of plain reading: rows of so many tokens, no padding, no cache before them.

    Args:
        last: only the last token's prediction is made, as at the beginning of an answer; else every
            token's, as the model does when it is called.
    """
    import torch

    ids = [token for pair in hh.pairs(count=60) for token in model.prompt_tokens(pair.prompt)]
    some = torch.tensor(ids[: PREFILL_ROWS * width]).view(PREFILL_ROWS, width)

    def read() -> None:
        with torch.inference_mode():
            model._model(input_ids=some, use_cache=True, logits_to_keep=int(last))

    return PREFILL_ROWS * width / statistics.median(timed(read)[0] for _ in range(3))


def plain(model: LocalModel, pairs: Sequence[Pair], *, last: bool) -> tuple[float, list[float]]:
    """Seconds and p_a by full prompts, sixteen a batch, padded; `last` as in `prefill`."""
    import torch

    tokenizer = model._tokenizer
    options = [tokenizer.convert_tokens_to_ids(t) for t in ("ĠA", "A", "ĠB", "B")]
    chats = questions(pairs)
    logs: list[list[float]] = []

    def read() -> None:
        for start in range(0, len(chats), hh.PRINCIPLES):
            prompts = [list(model.prompt_tokens(c)) for c in chats[start : start + hh.PRINCIPLES]]
            batch = tokenizer.pad({"input_ids": prompts}, padding_side="left", return_tensors="pt")
            places = (batch["attention_mask"].cumsum(-1) - 1).clamp(min=0)
            with torch.inference_mode():
                out = model._model(**batch, position_ids=places, logits_to_keep=int(last))
            logs.extend(out.logits[:, -1].log_softmax(-1)[:, options].tolist())

    seconds, _ = timed(read)
    chances = np.exp(np.array(logs)).reshape(len(pairs), 2, hh.PRINCIPLES, 4)
    first = chances[..., :2].sum(-1) / chances.sum(-1)  # (pairs, orders, principles)
    odds = (logit(first[:, 0]) - logit(first[:, 1])) / 2
    return seconds, list(sigmoid(odds.mean(-1)))


def one_round(model: LocalModel, pairs: Sequence[Pair]) -> Round:
    chats, some = questions(pairs), pairs[:PLAIN_PAIRS]
    whole, few = tokens_of(model, chats), tokens_of(model, questions(some))
    width = whole // len(chats)
    rates: dict[bool, Rates] = {}
    p_a: list[float] = []
    for last in (True, False):
        before = prefill(model, width, last=last)
        seconds, p_a = plain(model, some, last=last)
        after = prefill(model, width, last=last)
        rates[last] = Rates((before + after) / 2, few / seconds * len(chats) / whole)
        if last:  # in the middle of the others
            own, labels = timed(lambda: list(judge(pairs, hh.sixteen(), model, SETTING)))
    asked = chats[: len(chats) // len(pairs) : len(chats) // len(pairs) // PIPED]
    piped_seconds, _ = timed(lambda: [piped(chat[:-1], VERDICT_TOKENS) for chat in asked])
    return Round(
        judgements=len(chats),
        seconds=own,
        unique=unique_tokens(model, chats),
        whole=whole,
        called=rates[False],
        last=rates[True],
        piped=len(asked) / piped_seconds,
        gap=float(_gap(labels, p_a)),
    )


def _gap(labels: Sequence[Label], p_a: Sequence[float]) -> float:
    return max(abs((a.p_a or 0) - b) for a, b in zip(labels, p_a, strict=False))


def run() -> str:
    model = load(BUILTIN)
    assert isinstance(model, LocalModel)
    pairs = hh.unlabelled(hh.pairs(count=PAIRS))
    list(judge(pairs[:1], hh.sixteen(), model, SETTING))  # loads and warms
    piped(pairs[0].prompt, 4)
    each = PAIRS // ROUNDS
    rounds = []
    for start in range(0, PAIRS, each):
        rounds.append(one_round(model, pairs[start : start + each]))
        print(rounds[-1], flush=True)
    return report(rounds)


def report(rounds: Sequence[Round]) -> str:
    middle = statistics.median
    rate, allowed = middle(r.rate for r in rounds), middle(r.allowed for r in rounds)
    piped_rate = middle(r.piped for r in rounds)
    times = middle(r.rate / r.piped for r in rounds)
    lines = [
        "## Judging",
        "",
        f"{hh.PRINCIPLES} principles on {PAIRS} pairs in both orders, the built-in model:"
        f" {rate:.1f} judgements a second, medians of {len(rounds)} rounds in which all ways took"
        f" turns. Unique tokens: {sum(r.unique for r in rounds)} of {sum(r.whole for r in rounds)};"
        f" the bound allows {allowed:.2f} times plain batches of sixteen.",
        "",
        "| beside | plain reading | share of the bound | times plain batches | of the ratio that the"
        " bound allows |",
        "|---|---|---|---|---|",
        "| asked for | | at least 0.85 | at least 2.5 | at least 0.85 |",
    ]
    for name, of in (
        ("the model as it is called, with every token's prediction", lambda r: r.called),
        ("only the last token's prediction made, as before an answer", lambda r: r.last),
    ):
        lines.append(
            f"| {name} | {middle(of(r).prefill for r in rounds):.0f} tokens/s,"
            f" {middle(of(r).plain for r in rounds):.2f} judgements/s |"
            f" {middle(r.share(of(r)) for r in rounds):.2f} |"
            f" {middle(r.times(of(r)) for r in rounds):.2f} |"
            f" {middle(r.times(of(r)) / r.allowed for r in rounds):.2f} |"
        )
    return "\n".join(
        [
            *lines,
            "",
            f"One verdict at a time by `pipeline` ({VERDICT_TOKENS} tokens of prose, {len(rounds)}"
            f" pairs): {piped_rate:.2f} a second; {times:.0f} times faster, at least 20 are asked for."
            f" Largest difference of p_a to plain batches on {PLAIN_PAIRS * len(rounds)} pairs:"
            f" {max(r.gap for r in rounds):.1g}; 1e-4 is allowed.",
        ]
    )

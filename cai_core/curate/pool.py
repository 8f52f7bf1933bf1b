"""Rows on their way into a dataset: made from values, filtered, mixed; what stays out is counted.

Rows have the training columns only: one leads back to its pair by `Pair.id_of` over its prompt and
answers.
"""

import hashlib
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from cai_core.curate.filters import Filters, answer_reason, pair_reason
from cai_core.curate.formats import Answer
from cai_core.errors import DataError
from cai_core.schema import (
    CORRECTED,
    HUMAN_P,
    AnnotatorKind,
    Chat,
    ConstitutionRef,
    Label,
    Pair,
    Prompt,
    Revision,
    Round,
    Row,
    Split,
    assistant,
    canonical_json,
    chat_row,
    content_hash,
)

Kind = Literal["sft", "preference", "prompts"]
Source = Literal["harmless", "helpful", "corrected", ""]  # prompts have none
LabelledBy = Literal["people", "corrected", "rule", "judge"]  # those that come first win
Rounds = Literal["all", "last"]


@dataclass(frozen=True)
class LabelledPair:
    """A pair with its effective label: what people agree on, else a bulk rule's, else the judge's.

    `p_a` is None where there is nothing to learn; `verdict` then says why (bad, skip, disputed,
    failed). `p_people` and `p_judge` are what people and the calibrated judge say of it, as P(response_a
    is better), whoever counts. `source` says whose label it is, `judge` which model's, `writer` who
    wrote the better answer of a corrected pair.
    """

    pair: Pair
    p_a: float | None
    source: LabelledBy = "judge"
    inconsistent: bool = False
    split: Split | None = None
    verdict: str = ""
    weight: float = 1.0
    constitution: ConstitutionRef | None = None
    judge: str = ""
    writer: str = ""
    p_people: float | None = None
    p_judge: float | None = None

    @classmethod
    def of(cls, label: Label, *, split: Split | None = None) -> "LabelledPair":
        """From one label that is the effective one; a tie is 0.5 whatever its number was."""
        p_a = {"tie": 0.5, "bad": None, "skip": None, None: None}.get(label.verdict, label.p_a)
        return cls(
            pair=label.pair,
            p_a=p_a,
            source=_labelled_by(label),
            inconsistent=bool(label.inconsistent),
            split=split or label.extra.get("split"),
            verdict=label.verdict or "failed",
            constitution=label.constitution,
            judge=label.annotator if label.kind == "judge" else "",
            writer=label.annotator if _labelled_by(label) == "corrected" else "",
            p_people=p_a if label.kind == "person" else None,
            p_judge=p_a if label.kind == "judge" else None,
        )


def is_correction(label: Label) -> bool:
    """Whether a person wrote the better answer of its pair."""
    queue = label.review.queue if label.review else label.extra.get("source")
    return label.kind == "person" and queue == CORRECTED


def _labelled_by(label: Label) -> LabelledBy:
    if is_correction(label):
        return "corrected"
    kinds: dict[AnnotatorKind, LabelledBy] = {"person": "people", "rule": "rule", "judge": "judge"}
    return kinds[label.kind]


@dataclass(frozen=True)
class DatasetRow:
    """A row on its way into a dataset: what is written, and what is only counted or obeyed."""

    row: Row
    prompt: Chat
    source: Source = "harmless"
    split: Split | None = None
    constitution: ConstitutionRef | None = None
    labelled_by: LabelledBy | Literal[""] = ""
    judge: str = ""
    writer: str = ""


@dataclass(frozen=True)
class Pool:
    """Rows of one kind and how many were left out, by reason."""

    kind: Kind
    rows: tuple[DatasetRow, ...]
    dropped: Mapping[str, int] = field(default_factory=dict)

    def with_source(self, source: Source) -> "Pool":
        rows = tuple(
            replace(
                r, source=source, row=r.row | {"source": source} if "source" in r.row else r.row
            )
            for r in self.rows
        )
        return replace(self, rows=rows)


def sft_rows(
    revisions: Iterable[Revision], filters: Filters | None = None, *, rounds: Rounds = "all"
) -> Pool:
    """{prompt, completion} from revisions: every round's (CAI section 3.2), or the last one's.

    An unchanged, empty or looping revision stays out unless the filters keep it; the last one is then
    the last of the others.
    """
    found: list[DatasetRow | str] = []
    for revision in revisions:
        if revision.error or not revision.rounds:
            found.append("failed")
            continue
        split = revision.extra.get("split")
        found += [
            r
            if isinstance(r, str)
            else _sft_row(revision.prompt, r.revision, filters, split, revision.constitution)
            for r in _chosen(revision, filters or Filters(), rounds)
        ]
    return _pool("sft", found)


def _chosen(revision: Revision, filters: Filters, rounds: Rounds) -> list[Round | str]:
    """The rounds that are learned from, and the reason of each that is not."""
    found: list[Round | str] = [
        f"{flaws[0]} revision" if flaws and not filters.keep_marked else round_
        for round_, flaws in zip(revision.rounds, revision.flaws, strict=True)
    ]
    if rounds == "all":
        return found
    good: list[Round | str] = [one for one in found if isinstance(one, Round)]
    return good[-1:] or found[-1:]


def answer_rows(answers: Iterable[Answer], filters: Filters | None = None) -> Pool:
    """{prompt, completion} from good answers: helpful ones, or corrected ones, which have a writer."""
    found = [_sft_row(a.prompt.messages, a.text, filters, a.prompt.split, None) for a in answers]
    return _pool("sft", found)


def corrected_rows(answers: Iterable[Answer], filters: Filters | None = None) -> Pool:
    """{prompt, completion} from answers that people wrote in place of a model's."""
    found: list[DatasetRow | str] = []
    for one in answers:
        row = _sft_row(one.prompt.messages, one.text, filters, one.prompt.split, None)
        marked = (
            row if isinstance(row, str) else replace(row, source="corrected", writer=one.writer)
        )
        found.append(marked)
    return _pool("sft", found)


def preference_rows(
    pairs: Iterable[LabelledPair], filters: Filters | None = None, *, most: int = 0
) -> Pool:
    """{prompt, chosen, rejected, p_chosen, weight, source, labelled_by, p_people, p_judge}, people's first.

    `p_people` and `p_judge` are P(chosen better) too, null where people or the judge said nothing of it.

    Args:
        most: how many rows at most, 0 for any number; corrected ones come on top, up to their share.
    """
    filters, given = filters or Filters(), list(pairs)
    order = get_args(LabelledBy)
    ordered = sorted(
        (pair for pair in given if pair.source != CORRECTED),
        key=lambda pair: order.index(pair.source),
    )
    others = _first(_pool("preference", [_preference_row(p, filters) for p in ordered]), most)
    written = [_preference_row(pair, filters) for pair in given if pair.source == CORRECTED]
    return with_corrected(others, _pool("preference", written), most=filters.max_corrected)


def _first(made: Pool, most: int) -> Pool:
    """The first rows alone, where there are more of them."""
    beyond = len(made.rows) - most
    if not most or beyond <= 0:
        return made
    dropped = dict(made.dropped) | {"beyond the limit": beyond}
    return replace(made, rows=made.rows[:most], dropped=dropped)


def prompt_rows(prompts: Iterable[Prompt]) -> Pool:
    """{prompt} for PPO, and {tags: [safe]} of those that only look unsafe."""
    rows = [DatasetRow(_asked(p), p.messages, split=p.split) for p in prompts]
    return _pool("prompts", rows)


def _asked(prompt: Prompt) -> Row:
    row: Row = {"prompt": chat_row(prompt.messages)}
    return row | ({"tags": ["safe"]} if "safe" in prompt.tags else {})


def _sft_row(
    prompt: Chat,
    answer: str,
    filters: Filters | None,
    split: Split | None,
    constitution: ConstitutionRef | None,
) -> DatasetRow | str:
    reason = answer_reason(filters or Filters(), answer)
    if reason:
        return reason
    row = {"prompt": chat_row(prompt), "completion": [assistant(answer).to_row()]}
    return DatasetRow(row, prompt, split=split, constitution=constitution)


def _preference_row(labelled: LabelledPair, filters: Filters) -> DatasetRow | str:
    pair, p_a = labelled.pair, labelled.p_a
    if p_a is None:
        return "no p_a" if labelled.verdict in HUMAN_P else labelled.verdict or "failed"
    if pair.response_a == pair.response_b:
        return "equal answers"
    turned = p_a < 0.5
    chosen, rejected = pair.response_a, pair.response_b
    if turned:
        chosen, rejected = rejected, chosen
    reason = pair_reason(
        filters, p_a=p_a, source=labelled.source, inconsistent=labelled.inconsistent
    )
    if reason == "tie" and labelled.verdict in ("a", "b"):
        reason = "no better than chance"  # whoever gave the verdict is not: see `Trust`
    reason = reason or answer_reason(filters, chosen)
    if reason:
        return reason
    source: Source = "corrected" if labelled.source == "corrected" else "harmless"
    row = {
        "prompt": chat_row(pair.prompt),
        "chosen": [assistant(chosen).to_row()],
        "rejected": [assistant(rejected).to_row()],
        "p_chosen": max(p_a, 1 - p_a),
        "weight": labelled.weight,
        "source": source,
        "labelled_by": labelled.source,
        "p_people": _of_chosen(labelled.p_people, turned=turned),
        "p_judge": _of_chosen(labelled.p_judge, turned=turned),
    }
    return DatasetRow(
        row,
        pair.prompt,
        source=source,
        split=labelled.split,
        constitution=labelled.constitution,
        labelled_by=labelled.source,
        judge=labelled.judge,
        writer=labelled.writer,
    )


def _of_chosen(p_a: float | None, *, turned: bool) -> float | None:
    return 1 - p_a if turned and p_a is not None else p_a


def _pool(kind: Kind, found: Iterable[DatasetRow | str]) -> Pool:
    """Rows without those that stand twice; what was left out is a reason instead of a row."""
    rows: dict[bytes, DatasetRow] = {}
    dropped: Counter[str] = Counter()
    for row in found:
        if isinstance(row, str):
            dropped[row] += 1
        elif rows.setdefault(_digest(row), row) is not row:
            dropped["duplicate"] += 1
    return Pool(kind, tuple(rows.values()), dict(dropped))


def _digest(row: DatasetRow) -> bytes:
    return hashlib.sha256(canonical_json(row.row).encode("utf-8", "surrogatepass")).digest()


def with_corrected(others: Pool, corrected: Pool, *, most: float) -> Pool:
    """Both pools as one, of which `most` at most is corrected; which ones, their hashes decide."""
    allowed = _allowed(len(others.rows), most)
    ordered = sorted(corrected.rows, key=lambda row: content_hash(["corrected", row.row]))
    kept = len(corrected.rows) if allowed is None else min(allowed, len(ordered))
    dropped = Counter(others.dropped) + Counter(corrected.dropped)
    if kept < len(ordered):
        dropped["corrected beyond the share"] = len(ordered) - kept
    return Pool(others.kind, (*others.rows, *ordered[:kept]), dict(dropped))


def _allowed(others: int, most: float) -> int | None:
    """How many rows make at most this share beside the others; None for any number."""
    return None if most >= 1 else int(others * most / (1 - most) + 1e-9)


def mix(harmless: Pool, helpful: Pool, *, share: float | None = None, seed: int = 0) -> Pool:
    """Both pools as one, of which `share` is helpful; all of both where no share is asked.

    Raises:
        DataError: not enough helpful rows for that share.
    """
    extra = list(helpful.with_source("helpful").rows)
    dropped = Counter(harmless.dropped) + Counter(helpful.dropped)
    if share is not None:
        wanted = _wanted(len(harmless.rows), len(extra), share)
        places = sorted(random.Random(seed).sample(range(len(extra)), wanted))
        if wanted < len(extra):
            dropped["helpful beyond the share"] += len(extra) - wanted
        extra = [extra[place] for place in places]
    return Pool(harmless.kind, (*harmless.rows, *extra), dict(dropped))


def _wanted(harmless: int, helpful: int, share: float) -> int:
    """How many helpful rows make the share."""
    if not 0 <= share < 1:
        raise DataError("the helpful share must be 0 or more and under 1")
    wanted = round(harmless * share / (1 - share))
    if wanted > helpful:
        most = helpful / (helpful + harmless)
        raise DataError(
            f"a helpful share of {share:g} needs {wanted} helpful rows and there are {helpful};"
            f" give more, or ask for {int(most * 100) / 100:g} at most"
        )
    return wanted

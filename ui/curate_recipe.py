"""From what stands in the workspace to the rows of a dataset that is not yet written."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from sqlite_utils import Database

from cai_core.curate import formats, pool
from cai_core.curate.filters import Filters
from cai_core.curate.formats import Answer
from cai_core.curate.pool import LabelledPair, Pool, Rounds
from cai_core.curate.snapshot import Origin
from cai_core.review.effective import Effective, Trust, effective_labels
from cai_core.review.reliability import UNMEASURED, Reliability, readings_of, reliability
from cai_core.schema import CORRECTED, HUMAN_P, Label, Pair, Prompt, Revision, Round, Row, Split
from cai_core.settings import DATA_DIR
from cai_core.store import corrections, helpful, measured, prompts, revisions, said
from cai_core.store.decisions import DecisionEvent
from cai_core.store.labels import LabelFilter
from cai_core.store.pairs import PairFilter
from cai_core.store.revisions import RevisionFilter, StoredRevision

Which = Literal["not dropped", "confirmed"]

HELPFUL_ANSWERS = DATA_DIR / "helpful_completions.jsonl"
HELPFUL_PAIRS = DATA_DIR / "helpful_pairs.jsonl"
# CAI section 3.2: 135,296 helpful prompts with 2 answers beside 182,831 red-team ones with 4 revisions
SFT_SHARE = 0.27
# CAI section 4.2: 135,296 helpful comparisons beside 182,831 of harmlessness
PREFERENCE_SHARE = 0.43


@dataclass(frozen=True)
class Made:
    """The rows of a dataset to be, and what its manifest will say of them."""

    pool: Pool
    origin: Origin


@dataclass(frozen=True)
class Helpful:
    """Helpful rows to mix in: `share` of all rows; `name` says which, `file` has its hash."""

    pool: Pool
    name: str
    file: str = ""


def made(harmless: Pool, helpful: Helpful | None, share: float, origin: Origin) -> Made:
    """Mix both, and write down what was asked.

    Raises:
        DataError: not enough helpful rows for that share.
    """
    if helpful is None or not share:
        return Made(harmless, origin)
    mixed = pool.mix(harmless, helpful.pool, share=share, seed=origin.seed)
    inputs = dict(origin.inputs) | ({helpful.name: helpful.file} if helpful.file else {})
    settings = dict(origin.settings) | {"helpful": helpful.name}
    return Made(mixed, replace(origin, inputs=inputs, settings=settings, share=share))


@dataclass(frozen=True)
class SftRecipe:
    """Which revisions become rows, and of which rounds."""

    where: RevisionFilter = field(default_factory=RevisionFilter)
    which: Which = "not dropped"
    rounds: Rounds = "all"
    filters: Filters = field(default_factory=Filters)

    def pool(self, db: Database) -> Pool:
        found = revisions.find(db, self.where)
        kept = [item for item in found if _is_wanted(item, self.which)]
        made = pool.sft_rows(map(_as_trained, kept), self.filters, rounds=self.rounds)
        corrected = pool.corrected_rows(_corrected_answers(db), self.filters)
        both = pool.with_corrected(made, corrected, most=self.filters.max_corrected)
        return _also_dropped(both, _left_out(found, self.which))

    @property
    def origin(self) -> Origin:
        settings = {"rounds": self.rounds, "revisions": self.which}
        return Origin(filters=self.filters, settings=settings | _set(vars(self.where)))


def _is_wanted(item: StoredRevision, which: Which) -> bool:
    said = item.decision.verdict if item.decision else None
    return said in ("keep", "correct") if which == "confirmed" else said != "drop"


def _left_out(found: Sequence[StoredRevision], which: Which) -> dict[str, int]:
    dropped = sum(bool(i.decision and i.decision.verdict == "drop") for i in found)
    others = sum(not _is_wanted(item, which) for item in found) - dropped
    return {"dropped by a person": dropped, "not confirmed": others}


def _as_trained(item: StoredRevision) -> Revision:
    """The revision with its split; a person's correction stands alone, in place of every round."""
    one = item.revision
    rounds = one.rounds
    if item.decision and item.decision.verdict == "correct":
        rounds = (Round(CORRECTED, "", item.decision.text),)
    return replace(one, rounds=rounds, extra=one.extra | {"split": item.split})


@dataclass(frozen=True)
class PreferenceRecipe:
    """Which labelled pairs become rows; `judge` is whose judgements count where nobody spoke.

    Under `most` (0 is no limit) those that people confirmed come first; corrected answers come on top.
    `temperature` is what a judge's log-odds are divided by, see `Trust`; `calibrated_by` says where it is
    from, or why there is none; `certificate` says how often its labels agree with people.
    """

    judge: LabelFilter | None = None
    where: PairFilter = field(default_factory=PairFilter)
    most: int = 0
    filters: Filters = field(default_factory=Filters)
    temperature: float | None = None
    calibrated_by: str = ""
    certificate: Row | None = None
    people: Reliability = UNMEASURED

    def pool(self, db: Database) -> Pool:
        found = [*labelled_pairs(db, self), *corrected_pairs(db, self.where)]
        return pool.preference_rows(found, self.filters, most=self.most)

    @property
    def origin(self) -> Origin:
        judge = _set(vars(self.judge)) if self.judge else {}
        settings = {"judge": judge, "most": self.most} | _set(vars(self.where))
        settings |= {"temperature": self.temperature} if self.temperature else {}
        said: Row = {"reliability": self.people.to_row()}
        if self.judge:
            words = self.calibrated_by or "the judge is not calibrated"
            said["calibration"] = {"words": words, "temperature": self.temperature}
        return Origin(
            filters=self.filters, settings=settings, certificate=self.certificate, labels=said
        )


def reliability_of(db: Database) -> Reliability:
    """How reliable the people of this workspace are, by the pairs that were read blind twice."""
    return reliability(readings_of(measured.verdicts(db)))


def labelled_pairs(db: Database, recipe: PreferenceRecipe) -> list[LabelledPair]:
    """Pairs with their effective labels: people's, else a bulk rule's, else the chosen judge's."""
    found = said.read(db, recipe.where, recipe.judge)
    written = {one.pair.id: one for one in found.verdicts if pool.is_correction(one)}
    verdicts = (one for one in found.verdicts if one.pair.id not in written)
    judged = (one for one in found.judgements if one.pair.id not in written)
    labels = effective_labels(verdicts, judged, trust=Trust(recipe.temperature, recipe.people.used))
    return [
        *(_labelled(one, found.splits[one.pair.id]) for one in labels),
        *(LabelledPair.of(one, split=found.splits[key]) for key, one in written.items()),
    ]


def corrected_pairs(db: Database, where: PairFilter) -> list[LabelledPair]:
    """What people wrote in place of both answers, against either of them."""
    found = corrections.standing(db, where)
    return [LabelledPair.of(label) for one in found for label in one.labels]


def _corrected_answers(db: Database) -> list[Answer]:
    return [
        Answer(Prompt.of(one.pair.pair.prompt, split=one.pair.split), one.text, writer=one.person)
        for one in corrections.standing(db)
    ]


def _labelled(one: Effective, split: Split | None) -> LabelledPair:
    return LabelledPair(
        pair=one.pair,
        p_a=one.p_a,
        source=one.source or "judge",
        inconsistent=one.inconsistent,
        split=split,
        verdict=one.verdict,
        constitution=one.constitution,
        judge=one.judge,
        p_people=one.p_people,
        p_judge=one.p_judge,
    )


def shipped_answers() -> tuple[Answer, ...]:
    """The helpful answers that ship, as they stand in the file."""
    return formats.read_answers(HELPFUL_ANSWERS).rows


def helpful_answers(db: Database, filters: Filters) -> Helpful:
    """The shipped helpful answers, but those that people rejected, and as they corrected them."""
    decided = helpful.decisions(db)
    shipped = shipped_answers()
    kept = [one for one in shipped if not _is_rejected(decided.get(one.id))]
    made = pool.answer_rows([_as_corrected(one, decided.get(one.id)) for one in kept], filters)
    left_out = {"dropped by a person": len(shipped) - len(kept)}
    return Helpful(_also_dropped(made, left_out), HELPFUL_ANSWERS.name, file_hash(HELPFUL_ANSWERS))


def _is_rejected(decision: DecisionEvent | None) -> bool:
    return decision is not None and decision.verdict == "drop"


def _as_corrected(one: Answer, decision: DecisionEvent | None) -> Answer:
    is_corrected = decision is not None and decision.verdict == "correct"
    return replace(one, text=decision.text) if decision and is_corrected else one


def helpful_pairs(filters: Filters) -> Helpful:
    """The shipped helpful pairs, with the verdicts that stand in the file."""
    shipped = formats.read_pairs(HELPFUL_PAIRS)
    made = pool.preference_rows(_with_own_labels(shipped), filters)
    return Helpful(made, HELPFUL_PAIRS.name, file_hash(HELPFUL_PAIRS))


def helpful_source(
    db: Database, source: str, filters: Filters, people: Reliability = UNMEASURED
) -> Helpful:
    """Uploaded pairs of one source, with what people said of them."""
    recipe = PreferenceRecipe(where=PairFilter(source=source), filters=filters, people=people)
    return Helpful(recipe.pool(db), source)


def _with_own_labels(found: Iterable[Pair]) -> list[LabelledPair]:
    said = [
        Label(one, one.label, HUMAN_P.get(one.label), kind="person", annotator=one.annotator)
        for one in found
        if one.label
    ]
    return [LabelledPair.of(label) for label in said]


def prompt_pool(db: Database, names: Sequence[str]) -> Pool:
    """The prompts of some sets, each once."""
    found: dict[str, Prompt] = {}
    for name in names:
        found |= {prompt.id: prompt for prompt in prompts.of_set(db, name)}
    return pool.prompt_rows(found.values())


def most_helpful(harmless: Pool, helpful: Pool) -> float:
    """The greatest share that the helpful rows can make beside the harmless ones."""
    both = len(harmless.rows) + len(helpful.rows)
    return min(0.9, len(helpful.rows) / both) if harmless.rows else 0.0


def file_hash(path: Path) -> str:
    """First 16 hex digits of SHA-256 over a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _also_dropped(one: Pool, more: Mapping[str, int]) -> Pool:
    dropped = dict(one.dropped) | {reason: n for reason, n in more.items() if n}
    return replace(one, dropped=dropped)


def _set(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a filter that are set."""
    return {name: value for name, value in values.items() if value not in (None, "", False)}

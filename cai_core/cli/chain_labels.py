"""The labels of a chain: pairs sampled from its policy, judged, audited by people, and let through."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from cai_core.cli.chain_context import Chain, read_rows
from cai_core.cli.dataset import labelled_pairs
from cai_core.cli.judge import mark_all, write_labels
from cai_core.cli.wording import wording_row
from cai_core.curate import formats, pool, snapshot
from cai_core.feedback.examples import comparisons_in_use
from cai_core.review.agreement import agreement
from cai_core.schema import Label, Pair, Prompt, Row
from cai_core.stats import Estimate, wilson
from cai_core.train.rows import TrainingData

if TYPE_CHECKING:
    from cai_core.feedback.panel import Panel

PAIRS, LABELS, VERDICTS = "pairs.jsonl", "labels.jsonl", "verdicts.jsonl"


def sample_pairs(chain: Chain) -> list[Pair]:
    """OUT/pairs.jsonl: two answers of the supervised policy to every prompt, with its split."""
    settings = {**vars(chain.sampling()), "model": chain.model_id("sft")}
    prompts = {prompt.id: prompt for prompt in chain.plan.all_prompts}
    path = chain.out / PAIRS
    with chain.running.output(path, settings=settings, inputs={}, key="prompt_id") as output:
        missing = [prompt for key, prompt in prompts.items() if key not in output.done]
        for pair in _sampled(chain, missing) if missing else ():
            output.write(pair.to_row())
        output.finish(list(prompts))
    return [Pair.from_row(row) for row in read_rows(path) if not row.get("error")]


def _sampled(chain: Chain, prompts: Sequence[Prompt]) -> Iterator[Pair]:
    from cai_core.feedback.sample import sample_pairs

    model = chain.load(chain.model_id("sft"))
    yield from sample_pairs(prompts, model, chain.sampling(), hooks=chain.hooks("pairs"))


def judge_pairs(chain: Chain, pairs: Sequence[Pair]) -> list[Label]:
    """OUT/labels.jsonl: every pair judged under the constitution, in both orders."""
    config, path = chain.plan.config, chain.out / LABELS
    settings = {"judge": config.judge.model_dump(mode="json"), "seed": config.seed}
    settings["constitution"] = chain.plan.constitution.hash
    settings |= wording_row(config.judge, comparisons_in_use(config.judge))
    inputs = {"pairs": chain.out / PAIRS}
    with chain.running.output(path, settings=settings, inputs=inputs) as output:
        missing = [pair for pair in pairs if pair.id not in output.done]
        if missing:
            write_labels(output, panel_of(chain).judge(missing, hooks=chain.hooks("judge")))
        mark_all(output)
        output.finish([pair.id for pair in pairs])
    return [Label.from_row(row) for row in read_rows(path)]


def panel_of(chain: Chain) -> "Panel":
    """Everybody who judges in this chain."""
    from cai_core.feedback.panel import Panel

    plan = chain.plan
    return Panel(
        plan.constitution,
        plan.config.judge,
        chain.load,
        ref=chain.constitution_ref,
        seed=plan.config.seed,
        examples=comparisons_in_use(plan.config.judge),
    )


def read_verdicts(chain: Chain) -> list[Label]:
    """What people said during the audit: rows of labels in the job's folder, else in OUT."""
    path = (chain.running.job or chain.out) / VERDICTS
    if not path.exists() or not path.read_text(encoding="utf-8").strip():
        return []
    return [replace(label, kind="person") for label in formats.read_labels(path).rows]


@dataclass(frozen=True)
class GateResult:
    """What the judgements showed; `sentence` says why they passed or did not."""

    passed: bool
    coverage: Estimate
    agreement: Estimate
    offset: float | None
    inconsistent: Estimate

    @property
    def sentence(self) -> str:
        said = f"{self.coverage.value:.0%} of {self.coverage.n} pairs have a verdict that leans"
        if self.agreement.n == 0:
            return f"{said}; no first blind verdict says how often the judge agrees with people"
        return f"{said}; the judge agrees with people on {self.agreement}"

    def numbers(self) -> Row:
        return {
            "coverage": self.coverage,
            "agreement with people": self.agreement,
            "inconsistent": self.inconsistent,
            "median offset": self.offset,
        }


def gate(chain: Chain, labels: Sequence[Label], verdicts: Sequence[Label]) -> GateResult:
    """Whether a reward model may be trained on these labels.

    Coverage counts people's verdicts too; agreement is of the judge with their first blind verdicts,
    and where some is asked for and nobody reviewed, the gate stays closed.
    """
    rule = chain.plan.config.gate
    used = labelled_pairs((*labels, *verdicts))
    leaning = sum(pair.p_a not in (None, 0.5) for pair in used)
    coverage = wilson(leaning, len(used))
    agreed_with = agreement(labels, verdicts).estimate
    offsets = [label.offset for label in labels if label.offset is not None]
    known = [label.inconsistent for label in labels if label.inconsistent is not None]
    enough = coverage.n > 0 and coverage.value >= rule.min_coverage
    agreed = rule.min_agreement is None or agreed_with.value >= rule.min_agreement  # nan is not
    return GateResult(
        enough and agreed,
        coverage,
        agreed_with,
        median(offsets) if offsets else None,
        wilson(sum(known), len(known)),
    )


def freeze_preferences(
    chain: Chain, labels: Sequence[Label], verdicts: Sequence[Label]
) -> TrainingData:
    """OUT/preference: the labels, people's over the judge's, with the stated share of helpful pairs."""
    plan = chain.plan
    rows = pool.preference_rows(labelled_pairs((*labels, *verdicts)))
    share = plan.config.helpful.share if plan.config.helpful else None
    if share is not None:
        rows = pool.mix(
            rows, pool.preference_rows(plan.helpful), share=share, seed=plan.config.seed
        )
    origin = snapshot.Origin(seed=plan.config.seed, share=share)
    return TrainingData.load(
        snapshot.freeze(rows, chain.out / "preference", origin).path, "preference"
    )

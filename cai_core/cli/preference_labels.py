"""Labels of a file on their way into a preference dataset: calibrated, and people trusted as far as measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from cai_core.curate import pool
from cai_core.curate.filters import Filters
from cai_core.curate.pool import LabelledPair, Pool
from cai_core.errors import DataError
from cai_core.review.calibration import LEAST
from cai_core.review.effective import Effective, Trust, effective_labels
from cai_core.review.reliability import UNMEASURED, Reliability, readings_in, reliability
from cai_core.review.tempering import AS_JUDGED, Tempering, tempering
from cai_core.schema import HUMAN_P, SPLITS, Label, Row, Split


@dataclass(frozen=True)
class PreferenceLabels:
    """Pairs with their effective labels, and what was measured to make probabilities of them."""

    pairs: tuple[LabelledPair, ...]
    calibration: Tempering = AS_JUDGED
    reliability: Reliability = UNMEASURED

    def rows(self, filters: Filters | None = None) -> Pool:
        return pool.preference_rows(self.pairs, filters)

    @property
    def said(self) -> Row:
        """What a manifest says of it."""
        return {"calibration": self.calibration.to_row(), "reliability": self.reliability.to_row()}


def preference_labels(
    labels: Sequence[Label], *, calibrate: bool | None = None
) -> PreferenceLabels:
    """The effective label of each pair; judges are calibrated by the blind verdicts in the same labels.

    Args:
        calibrate: None does it where enough verdicts are there, True from 10 verdicts on.
    Raises:
        DataError: it is asked for, and there are too few verdicts for any judge setting.
    """
    found = AS_JUDGED
    if calibrate is not False:
        found = tempering(labels, least=LEAST) if calibrate else tempering(labels)
    if calibrate and found.why_not and not found.temperatures:
        raise DataError(f"the judge cannot be calibrated: {found.why_not}; review more pairs blind")
    people = reliability(readings_in(labels))
    made = labelled_pairs(tuple(map(found.apply, labels)), Trust(reliability=people.used))
    return PreferenceLabels(tuple(made), found, people)


def labelled_pairs(labels: Sequence[Label], trust: Trust | None = None) -> list[LabelledPair]:
    """Pairs with their effective labels; a person's verdict stands over a rule's, that over the judge's.

    A person's verdict is a row of kind person, or the `label` beside a judgement. Where a person wrote
    the better answer, that pair's label is theirs.
    """
    people = [label for label in labels if label.kind != "judge"]
    people += [verdict for label in labels if (verdict := _beside(label))]
    judged = [label for label in labels if label.kind == "judge" and not _is_bare(label)]
    splits = {label.pair.id: split for label in labels if (split := _split(label))}
    corrected = {label.pair.id: label for label in labels if pool.is_correction(label)}
    people = [label for label in people if label.pair.id not in corrected]
    judged = [label for label in judged if label.pair.id not in corrected]
    found = effective_labels(people, judged, trust=trust or Trust())
    return [
        *(_labelled(label, splits.get(label.pair.id)) for label in found),
        *(LabelledPair.of(label) for label in corrected.values()),
    ]


def _is_bare(label: Label) -> bool:
    """A pair with a person's verdict and no judgement at all."""
    return label.pair.label is not None and label.verdict is None and not label.error


def _beside(label: Label) -> Label | None:
    """The person's verdict on a judgement's row; who gave it stands in `review`, if anywhere."""
    verdict = label.pair.label
    if verdict is None or label.kind != "judge":
        return None
    who = label.review.reviewer if label.review else ""
    p_a = HUMAN_P.get(verdict)
    return Label(label.pair, verdict, p_a, "person", who or "label", review=label.review)


def _split(label: Label) -> Split | None:
    given = label.extra.get("split")
    if given is not None and given not in SPLITS:
        raise DataError(f"'split' is {given!r} in row '{label.id}'; it must be train, dev or test")
    split: Split | None = given
    return split


def _labelled(label: Effective, split: Split | None) -> LabelledPair:
    return LabelledPair(
        pair=label.pair,
        p_a=label.p_a,
        source=label.source or "judge",
        inconsistent=label.inconsistent,
        split=split,
        verdict=label.verdict,
        constitution=label.constitution,
        judge=label.judge,
        p_people=label.p_people,
        p_judge=label.p_judge,
    )

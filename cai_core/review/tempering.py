"""The judgements of a labels file, calibrated by people's first blind verdicts in the same file.

Each judge setting has a temperature of its own; see `calibration`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from cai_core.errors import DataError
from cai_core.review.calibration import LEAST, Heard, apply, temperature
from cai_core.review.from_labels import LabelSheets, Setting, peoples_p
from cai_core.schema import Label, Row
from cai_core.stats import NOTHING, Estimate

# Blind verdicts from which on a temperature is fitted unasked. Over simulated judges (log-odds of deviation
# 0.5 to 2, true T 1, 2, 4) 50 verdicts cost at most 0.014 nats where T is 1, and made the labels of one that
# is twice too sure worse in 1 to 7 of 100 draws; 20 verdicts cost 0.044, and did so in 12 to 17.
ENOUGH = 50


@dataclass(frozen=True)
class Tempering:
    """`temperatures` has T of each judge setting that was calibrated; `reviewed` how many pairs speak of each.

    `why_not` says why there is none; "" where every setting has one.
    """

    temperatures: Mapping[Setting, Estimate] = field(default_factory=dict)
    reviewed: Mapping[Setting, int] = field(default_factory=dict)
    why_not: str = ""

    @property
    def sentence(self) -> str:
        """One line for a manifest."""
        told = [
            f"{key[0] or 'the judge'}'s log-odds are divided by {one.value:.2f}"
            f" ({one.low:.2f} to {one.high:.2f}, {one.n} pairs read blind)"
            for key, one in self.temperatures.items()
        ]
        if self.why_not:
            told.append(f"not calibrated: {self.why_not}")
        return "; ".join(told) or "no judgement"

    def apply(self, label: Label) -> Label:
        """The label with its calibrated p_a; itself where its setting has no temperature."""
        found = self.temperatures.get(setting_of(label)) if label.kind == "judge" else None
        if found is None or label.p_a is None:
            return label
        return replace(label, p_a=float(apply(found.value, label.p_a)))

    def to_row(self) -> Row:
        rows = [
            {
                "judge": key[0],
                "constitution": key[4],
                "temperature": self.temperatures.get(key, NOTHING).to_row(),
                "reviewed": n,
            }
            for key, n in self.reviewed.items()
        ]
        return {"words": self.sentence, "settings": rows}


AS_JUDGED = Tempering(why_not="it was not asked for")


def setting_of(label: Label) -> Setting:
    """The judge setting that a judgement was made under."""
    under = label.constitution.hash if label.constitution else ""
    return (label.annotator, label.method, label.principles, label.template, under)


def tempering(labels: Sequence[Label], *, least: int = ENOUGH) -> Tempering:
    """Fit a temperature for each judge setting that at least so many pairs with a blind verdict speak of."""
    spoken = {one.pair.identity for one in labels if one.kind == "person" or one.pair.label}
    told = [one for one in labels if one.pair.identity in spoken] if spoken else []
    heard = {key: _heard(key, told) for key in _settings(labels)}
    fitted = {
        key: found.value
        for key, one in heard.items()
        if len(one) >= max(least, LEAST) and (found := temperature(one)) is not None
    }
    few = {key: len(one) for key, one in heard.items() if key not in fitted}
    return Tempering(fitted, {key: len(one) for key, one in heard.items()}, _why_not(few, least))


def _why_not(few: Mapping[Setting, int], least: int) -> str:
    if not few:
        return ""
    most = max(few.values())
    of = "" if len(few) == 1 else f" for {len(few)} judge settings"
    return f"{most} pairs with a judgement and a first blind verdict{of}, and {least} are needed"


def _settings(labels: Iterable[Label]) -> list[Setting]:
    found = (setting_of(one) for one in labels if one.kind == "judge" and one.p_a is not None)
    return list(dict.fromkeys(found))


def _heard(key: Setting, labels: Iterable[Label]) -> Heard:
    """What this setting's judgements and people said of the same pairs, weighed as the pairs were drawn."""
    sheets = LabelSheets()
    for label in labels:
        is_judge = label.kind == "judge" and label.p_a is not None
        if label.kind == "person" or (is_judge and setting_of(label) == key):
            sheets.add(label.to_row())
    try:
        reviewed = sheets.measured().reviewed
    except DataError:  # nobody's verdict, or no judgement
        return Heard(*(np.empty(0) for _ in range(3)))
    judged = [sheet for sheet in sheets.sheets.values() if sheet.verdict]
    rows = [judged[place] for place in reviewed.index.tolist()]
    p_a = np.array([one.p_a for one in rows])
    said = np.array([peoples_p(one) for one in rows])
    return Heard(p_a, said, reviewed.weight)

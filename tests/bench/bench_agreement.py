"""How often the built-in model agrees with people as a judge, by method and mode.

The same random pairs of the test split for every way;
what was chosen was chosen on the dev split. A way has half an hour; what it has not judged by then is
left out and its n says so. The result is kept in data/measured, where the pages read it.
"""

import json
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np

from cai_core.feedback.judge import judge
from cai_core.feedback.votes import mark_inconsistent
from cai_core.models.catalogue import load
from cai_core.review.measured import MEASURED
from cai_core.schema import Constitution, Label, Pair, Row
from cai_core.settings import BUILTIN, JudgeSetting
from cai_core.stats import Estimate, wilson
from tests.bench import hh

SECONDS = 1800.0
PAIRS = 100
SETTINGS = (
    JudgeSetting(method="logprob", principles="each"),
    JudgeSetting(method="logprob", principles="whole"),
    JudgeSetting(method="logprob", principles="draw"),
    JudgeSetting(method="cot", principles="whole", max_rationale_tokens=96),
)


@dataclass(frozen=True)
class Measured:
    """One way of judging beside the people's labels."""

    setting: JudgeSetting
    template: str
    agreement: Estimate
    offset: float
    flipped: float
    inconsistent: float
    mass: float
    nulls: int
    seconds: float
    rules: str = ""  # what was asked, where it was not the sixteen principles

    def to_row(self) -> Row:
        names = ("method", "principles", "examples", "abstain")
        row: Row = {name: getattr(self.setting, name) for name in names}
        row |= {"rules": self.rules} if self.rules else {}
        row |= {"template": self.template, "agreement": vars(self.agreement).copy()}
        names = ("offset", "flipped", "inconsistent", "mass", "nulls", "seconds")
        return row | {name: round(getattr(self, name), 3) for name in names}


def judged(setting: JudgeSetting, rules: Constitution, pairs: Sequence[Pair]) -> Measured:
    """Judge as many of the pairs as the time allows."""
    began = time.monotonic()
    made = judge(hh.unlabelled(pairs), rules, load(BUILTIN), setting)
    labels = mark_inconsistent(list(_in_time(made, began)))
    return summary(setting, labels, pairs, time.monotonic() - began)


def _in_time(labels: Iterator[Label], began: float) -> Iterator[Label]:
    return takewhile(lambda label: time.monotonic() - began < SECONDS, labels)


def summary(
    setting: JudgeSetting, labels: Sequence[Label], pairs: Sequence[Pair], seconds: float
) -> Measured:
    said = [(label, pair) for label, pair in zip(labels, pairs, strict=False) if label.verdict]
    agreed = sum(
        0.5 if label.verdict == "tie" else label.verdict == pair.label for label, pair in said
    )
    some = [label for label, _ in said]
    return Measured(
        setting=setting,
        template=some[0].template,
        agreement=wilson(agreed, len(said)),
        offset=statistics.median(label.offset or 0.0 for label in some),
        flipped=float(np.mean([bool(label.flipped) for label in some])),
        inconsistent=float(np.mean([bool(label.inconsistent) for label in some])),
        mass=statistics.fmean(label.mass or 0.0 for label in some),
        nulls=len(labels) - len(said),
        seconds=seconds,
    )


def keep(found: Sequence[Measured]) -> None:
    """Write what the pages show where the built-in model is chosen as a judge; other ways stay."""
    MEASURED.parent.mkdir(exist_ok=True)
    before = json.loads(MEASURED.read_text())["ways"] if MEASURED.exists() else []
    new = {_way(row): row for row in (one.to_row() for one in found)}
    rows = list(({_way(row): row for row in before} | new).values())
    MEASURED.write_text(json.dumps({"model": BUILTIN, "split": "test", "ways": rows}, indent=1))


def _way(row: Row) -> tuple[str, str, str]:
    return (row["method"], row["principles"], row["template"])


def run() -> str:
    pairs = hh.pairs("test", count=PAIRS)
    found = []
    for setting in SETTINGS:
        found.append(judged(setting, hh.sixteen(), pairs))
        print(found[-1], flush=True)
    keep(found)
    lines = [
        "## The built-in model as a judge",
        "",
        f"{len(pairs)} random pairs of the test split of the human-labelled pairs of hh-rlhf (harmless), the"
        f" same for every way, with the first {hh.PRINCIPLES} principles of the constitution"
        " 'general'; chance is 0.50. Offset in log-odds, towards the answer shown first.",
        "",
        "| method | principles | template | agreement with people | median offset | flipped |"
        " inconsistent | mass | null | seconds |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in found:
        lines.append(
            f"| {one.setting.method} | {one.setting.principles} | {one.template} | {one.agreement} |"
            f" {one.offset:+.2f} | {one.flipped:.0%} | {one.inconsistent:.0%} | {one.mass:.2f} |"
            f" {one.nulls} | {one.seconds:.0f} |"
        )
    return "\n".join(lines)

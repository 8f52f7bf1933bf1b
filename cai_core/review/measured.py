"""How often the built-in model agreed with people as a judge, as the benchmarks have measured it."""

import json
from dataclasses import dataclass
from functools import lru_cache

from cai_core.settings import DATA_DIR, JudgeSetting
from cai_core.stats import Estimate

MEASURED = DATA_DIR / "measured" / "builtin_judge.json"  # written by the benchmark "agreement"
CHANCE = 0.5


@dataclass(frozen=True)
class MeasuredJudge:
    """One way of asking, and the share of human labels that it agreed with, ties half."""

    method: str
    principles: str
    template: str
    agreement: Estimate
    rules: str = ""  # what was asked, where it was not sixteen principles

    @property
    def better_than_chance(self) -> bool:
        return self.agreement.low > CHANCE


@lru_cache(maxsize=1)
def measured() -> tuple[MeasuredJudge, ...]:
    """Everything that was measured of the built-in judge."""
    rows = json.loads(MEASURED.read_text(encoding="utf-8"))["ways"]
    return tuple(
        MeasuredJudge(
            row["method"],
            row["principles"],
            row["template"],
            Estimate(**row["agreement"]),
            row.get("rules", ""),
        )
        for row in rows
    )


def measured_way(setting: JudgeSetting, template: str) -> MeasuredJudge | None:
    """What was measured with this method, mode and wording; None where that was not measured.

    Args:
        template: what stands on the labels of this setting, examples and the third option too.
    """
    asked = (setting.method, setting.principles, template)
    ways = {(one.method, one.principles, one.template): one for one in measured()}
    return ways.get(asked)

"""How much a comparison of two versions will ask and read, before it asks anything."""

from collections.abc import Iterator, Sequence

from cai_core.feedback.estimate import Estimate, counted
from cai_core.feedback.examples import shipped_comparisons
from cai_core.impact.asking import Answered, Bench, answers
from cai_core.impact.plan import Plan
from cai_core.models.counting import CountingModel
from cai_core.schema import Pair
from cai_core.settings import JudgeSetting


def of_impact(
    pairs: Sequence[Pair], plan: Plan, setting: JudgeSetting, *, check: bool, context: int
) -> Estimate:
    """An upper bound: stored votes, which are not asked again, are not known here.

    Worked examples are counted as long as those that ship.
    """
    parts = [plan.main(), *(plan.checks() if check else ())]

    def asked(some: Sequence[Pair], model: CountingModel) -> Iterator[Answered]:
        return answers(
            [(part, some) for part in parts], Bench(model, setting, shipped_comparisons())
        )

    return counted(pairs, asked, context)

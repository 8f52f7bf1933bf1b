"""One principle of sixteen reworded, on a hundred pairs: how long until the first flip, and the last pair.

`each` has the votes of the version before stored, as a workspace has them, and asks the new wording
alone, first on the pairs that may well flip; `draw` forces the edited principle on every pair, in the old and in the new wording. The clock
starts before the model is loaded. The bound is the time in which the tokens that differ at all could
be read by themselves: unique tokens / prefill throughput of the same run.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cai_core.feedback.comparison import Wording, label_template
from cai_core.feedback.judge import judge
from cai_core.impact.asking import Bench, Known, answers
from cai_core.impact.edit import Edit
from cai_core.impact.order import soonest_first
from cai_core.impact.outcome import judged
from cai_core.impact.plan import Part, Plan, plan
from cai_core.impact.stored import stored_votes
from cai_core.models.catalogue import load
from cai_core.models.local import LocalModel
from cai_core.schema import Pair, PrincipleMode
from cai_core.settings import BUILTIN, JudgeSetting
from tests.bench import hh
from tests.bench.bench_judge import prefill, tokens_of, unique_tokens

PAIRS = 100
EDITED = "Which response refuses the request more firmly?"


@dataclass(frozen=True)
class Run:
    """Seconds from before the model is loaded; `first_flip` is None where no verdict flips."""

    first: float
    first_flip: float | None
    all: float
    flips: int
    asked: int
    bound: float


def edit() -> Edit:
    rules = hh.sixteen()
    new = replace(rules.principles[7], text=EDITED)
    principles = (*rules.principles[:7], new, *rules.principles[8:])
    return Edit(rules, replace(rules, principles=principles))


def votes_before(pairs: Sequence[Pair], changed: Edit, planned: Plan) -> Known:
    """What a full judgement of the version before has left in the workspace."""
    setting = JudgeSetting()
    labels = judge(pairs, changed.old, load(BUILTIN), setting)
    template = label_template(setting)
    return stored_votes(labels, changed, planned, judge=BUILTIN, template=template)


def one_run(mode: PrincipleMode, pairs: Sequence[Pair]) -> Run:
    changed, setting = edit(), JudgeSetting(principles=mode)
    planned = plan(changed, setting, placebos=0)
    known = votes_before(pairs, changed, planned) if mode == "each" else {}
    part = planned.main()
    ordered, _ = soonest_first(pairs, planned, known)
    began = time.perf_counter()
    model = load(BUILTIN)
    times, flips = [], []
    for answered in answers([(part, ordered)], Bench(model, setting, ()), known=known):
        times.append(time.perf_counter() - began)
        (one,) = judged(planned, [answered], known=known)
        if one.flip:
            flips.append(times[-1])
    return Run(
        first=times[0],
        first_flip=flips[0] if flips else None,
        all=times[-1],
        flips=len(flips),
        asked=sum(2 * len(part.missing(known.get(pair.id, {}))) for pair in pairs),
        bound=_bound(part, pairs, known),
    )


def _bound(part: Part, pairs: Sequence[Pair], known: Known) -> float:
    """Seconds to read what differs of all questions."""
    model = load(BUILTIN)
    assert isinstance(model, LocalModel)
    wording = Wording.of(JudgeSetting(), ())
    chats = [
        wording.comparison_chat(shown, part.questions[id])
        for pair in pairs
        for shown in (pair, pair.swapped())
        for id in part.missing(known.get(pair.id, {}))
    ]
    width = tokens_of(model, chats) // len(chats)
    return unique_tokens(model, chats) / prefill(model, width, last=False)


def run() -> str:
    pairs = hh.unlabelled(hh.pairs(count=PAIRS))
    found = {mode: one_run(mode, pairs) for mode in ("each", "draw")}
    lines = [
        "## One principle edited",
        "",
        f"The eighth of {hh.PRINCIPLES} principles became '{EDITED}'; {PAIRS} random hh pairs, the"
        " built-in model, loading it included.",
        "",
        "| principles | questions | of a full re-judge | first pair | first flip | all pairs | bound | flips |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for mode, one in found.items():
        full = 2 * PAIRS * (hh.PRINCIPLES if mode == "each" else 1)
        flip = "–" if one.first_flip is None else f"{one.first_flip:.1f} s"
        lines.append(
            f"| {mode} | {one.asked} | {full} | {one.first:.1f} s | {flip} | {one.all:.0f} s |"
            f" {one.bound:.0f} s | {one.flips} |"
        )
    lines += ["", "Asked for: first flip within 10 s, all pairs in under 120 s."]
    return "\n".join(lines)

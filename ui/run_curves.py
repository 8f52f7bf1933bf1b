"""The curves of a run, grouped by stage as an engineer reads them; other runs laid over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import streamlit as st
from sqlite_utils import Database

from cai_core.store import work
from ui import charts
from ui.plain import label, shorten

Line = Sequence[tuple[float, float]]
COLUMNS = 3
STAGES = {
    "sft": "SFT",
    "reward": "Reward model",
    "ppo": "PPO",
    "dpo": "DPO",
    "rloo": "RLOO",
    "grpo": "GRPO",
}
REST = "More"
OWN = "this run"
# Measures by what they answer, in the order in which an engineer looks. Names are TRL's; a measure
# stands in the first group that names it, its dev line (eval_) in the same chart.
GROUPS: Mapping[str, Sequence[str]] = {
    "Does it learn?": (
        *("loss", "objective/scores", "objective/rlhf_reward", "reward", "accuracy", "margin"),
        *("rewards/accuracies", "rewards/margins", "mean_token_accuracy"),
    ),
    "How far is it from its start?": (
        *("objective/kl", "kl", "objective/kl_coef", "objective/entropy", "entropy"),
    ),
    "Does the judge agree?": ("duel/gain",),
    "What do its answers look like?": (
        *("val/response_length", "val/truncated", "val/num_eos_tokens", "samples/refusals"),
        *("samples/repetition", "samples/boilerplate", "completions/mean_length"),
    ),
    "Are the steps sound?": (
        *("policy/clipfrac_avg", "policy/approxkl_avg", "val/ratio", "loss/policy_avg"),
        *("val/explained_variance", "loss/value_avg", "val/clipfrac_avg", "grad_norm"),
    ),
    "How fast?": ("learning_rate", "eps", "episode", "num_tokens"),
}
_GROUP_OF = {name: group for group, names in GROUPS.items() for name in names}
_PLACE = {name: place for place, name in enumerate(_GROUP_OF)}


@dataclass(frozen=True)
class Curve:
    """One line: whose, of which stage and measure, on which rows."""

    run: str
    stage: str
    measure: str
    rows: str  # "train" or "dev"
    points: Line

    @property
    def group(self) -> str:
        return _GROUP_OF.get(self.measure, REST)

    @property
    def order(self) -> tuple[int, int, int, str, bool]:
        """Dev lines come behind, so that the first colour is the training rows' everywhere."""
        stages, groups = list(STAGES), [*GROUPS, REST]
        stage = stages.index(self.stage) if self.stage in stages else len(stages)
        return (
            stage,
            groups.index(self.group),
            _PLACE.get(self.measure, len(_PLACE)),
            self.measure,
            self.rows == "dev",
        )


def curves_of(run: str, kind: str, series: Mapping[str, Line]) -> list[Curve]:
    """A run's series as curves: a chain's names begin with the stage, `eval_` is the dev rows.

    >>> curves_of("first", "chain", {"ppo/eval_objective/scores": [(1, 0.5)]})[0].measure
    'objective/scores'
    >>> curves_of("first", "sft", {"eval_loss": [(1, 2.0)]})[0]
    Curve(run='first', stage='sft', measure='loss', rows='dev', points=[(1, 2.0)])
    """
    found = []
    for name, points in series.items():
        stage, slash, rest = name.partition("/")
        if kind != "chain" or not slash or stage not in STAGES:
            stage, rest = kind, name
        rows = "dev" if "eval_" in rest else "train"
        found.append(Curve(run, stage, rest.replace("eval_", "", 1), rows, points))
    return found


def smoothed(points: Line, keep: float) -> Line:
    """An exponential moving average that begins unbiased, as trackers draw it; nan is passed over.

    Args:
        keep: the share of the past, in [0, 1); 0 changes nothing.

    >>> smoothed([(0, 1.0), (1, 3.0)], 0.5)
    [(0, 1.0), (1, 2.3333333333333335)]
    """
    made, sum_, weight = [], 0.0, 0.0
    for x, y in points:
        if y != y:
            made.append((x, y))
            continue
        sum_, weight = keep * sum_ + (1 - keep) * y, keep * weight + (1 - keep)
        made.append((x, sum_ / weight))
    return made


def show(db: Database, job: work.Job) -> None:
    """Draw every measure of the run; a sentence where there is none yet."""
    others = _others(db, job)
    chosen, keep = _choices(job, others)
    names = {job.id: OWN} | {one.id: f"{one.title} {one.id[-6:]}" for one in chosen}
    curves = [
        curve
        for one in (job, *chosen)
        for curve in curves_of(names[one.id], one.kind, work.metrics(db, one.id))
    ]
    own = {(curve.stage, curve.measure) for curve in curves if curve.run == OWN}
    if not own:
        st.caption("No numbers yet: the first ones come with the first logged step.")
        return
    shown = [c for c in curves if (c.stage, c.measure) in own]
    _draw(shown, keep=keep, key=f"curve_{job.id}", overlaid=bool(chosen))


def _others(db: Database, job: work.Job) -> dict[str, work.Job]:
    """Runs that can be laid over this one: trainings with numbers, newest first."""
    found = work.find(db, kinds=[*STAGES, "chain"], archived=False, limit=60)
    return {one.id: one for one in found if one.id != job.id and one.state != "queued"}


def _choices(job: work.Job, others: Mapping[str, work.Job]) -> tuple[list[work.Job], float]:
    left, right = st.columns([3, 1])
    with left:
        ids = st.multiselect(
            "Lay over",
            list(others),
            format_func=lambda one: f"{label(others[one].title)} · {one}",
            key=f"overlay_{job.id}",
            placeholder="other runs",
        )
    with right:
        keep = st.slider(
            "Smoothing",
            0.0,
            0.95,
            0.0,
            0.05,
            key=f"smooth_{job.id}",
            help="Share of the past in a moving average. Thin lines are the values as they are.",
        )
    return [others[one] for one in ids], keep


def _draw(curves: Sequence[Curve], *, keep: float, key: str, overlaid: bool) -> None:
    ordered = sorted(curves, key=lambda curve: curve.order)
    stages = list(dict.fromkeys(curve.stage for curve in ordered))
    for stage, of_stage in groupby(ordered, key=lambda curve: curve.stage):
        if len(stages) > 1:
            st.subheader(STAGES.get(stage, stage), anchor=False)
        for group, some in groupby(of_stage, key=lambda curve: curve.group):
            by_measure = {
                name: list(lines) for name, lines in groupby(some, key=lambda curve: curve.measure)
            }
            if group == REST:
                with st.expander(f"{len(by_measure)} more curves", icon=":material/show_chart:"):
                    _grid(by_measure, keep=keep, key=f"{key}_{stage}", overlaid=overlaid)
            else:
                st.markdown(f"**{group}**")
                _grid(by_measure, keep=keep, key=f"{key}_{stage}", overlaid=overlaid)


def _grid(
    by_measure: Mapping[str, Sequence[Curve]], *, keep: float, key: str, overlaid: bool
) -> None:
    names = list(by_measure)
    for start in range(0, len(names), COLUMNS):
        for column, name in zip(st.columns(COLUMNS), names[start : start + COLUMNS], strict=False):
            lines = {_named(curve, overlaid): curve.points for curve in by_measure[name]}
            with column:
                charts.metric_curves(
                    {one: smoothed(points, keep) for one, points in lines.items()},
                    behind=lines if keep else None,
                    title=name,
                    key=f"{key}_{name}",
                )


def _named(curve: Curve, overlaid: bool) -> str:
    """
    >>> _named(Curve("first", "sft", "loss", "dev", []), False)
    'dev'
    >>> _named(Curve("first", "sft", "loss", "train", []), True)
    'first'
    """
    if not overlaid:
        return curve.rows
    return shorten(curve.run, 28) + (" · dev" if curve.rows == "dev" else "")

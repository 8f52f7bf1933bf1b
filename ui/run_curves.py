"""The curves of a run: train and dev of one measure in one chart, grouped by stage."""

from collections.abc import Mapping, Sequence

import streamlit as st

from ui import charts

Points = Mapping[str, Sequence[tuple[float, float]]]

COLUMNS = 3
# What an engineer reads first; the rest follows by name.
FIRST = (
    "loss",
    "accuracy",
    "objective/scores",
    "objective/rlhf_reward",
    "objective/kl",
    "mean_token_accuracy",
    "objective/entropy",
    "policy/clipfrac_avg",
    "val/explained_variance",
)
SHOWN = 9  # charts before "More curves"


def by_measure(series: Points) -> dict[str, dict[str, Sequence[tuple[float, float]]]]:
    """Lines by measure: `eval_loss` stands in the chart of `loss`, behind it, in its own colour.

    >>> by_measure({"eval_loss": [(1, 3.0)], "loss": [(1, 2.0)]})
    {'loss': {'train': [(1, 2.0)], 'dev': [(1, 3.0)]}}
    """
    measures: dict[str, dict[str, Sequence[tuple[float, float]]]] = {}
    for name in sorted(series, key=lambda name: "eval_" in name):
        stem = name.replace("eval_", "", 1)
        line = "dev" if stem != name else "train"
        measures.setdefault(stem, {})[line] = series[name]
    return measures


def _rank(name: str) -> tuple[int, str]:
    places = [i for i, first in enumerate(FIRST) if name == first or name.endswith("/" + first)]
    return (places[0] if places else len(FIRST), name)


def show_curves(series: Points, *, key: str) -> None:
    """Draw every measure; a sentence where there is none yet."""
    measures = by_measure(series)
    if not measures:
        st.caption("No numbers yet: the first ones come with the first logged step.")
        return
    names = sorted(measures, key=_rank)
    _grid(measures, names[:SHOWN], key)
    if names[SHOWN:]:
        with st.expander(f"{len(names) - SHOWN} more curves", icon=":material/show_chart:"):
            _grid(measures, names[SHOWN:], key)


def _grid(
    measures: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]],
    names: Sequence[str],
    key: str,
) -> None:
    for start in range(0, len(names), COLUMNS):
        for column, name in zip(st.columns(COLUMNS), names[start : start + COLUMNS], strict=False):
            with column:
                charts.metric_curves(measures[name], title=name, key=f"{key}_{name}")

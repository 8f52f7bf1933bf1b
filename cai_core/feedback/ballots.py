"""From the labels of several judges on a pair to one label: by majority, or by their mean.

The paper's remedy for noisy preferences is a majority of several judges. Whoever gave no verdict on
a pair does not count there; its reason is kept.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean

from cai_core.feedback.votes import verdict_of
from cai_core.schema import Ballot, Label, Orders, Row, Verdict
from cai_core.settings import JudgeSetting
from cai_core.stats import logit, sigmoid

WORTH: dict[Verdict, float] = {"a": 1.0, "tie": 0.5, "b": 0.0}


def combined(labels: Sequence[Label], setting: JudgeSetting) -> Label:
    """One label of what every judge said of one pair.

    "mean": p_a is the mean of the judges' p_a in log-odds, and the verdict is its side.
    "majority": the verdict is the one that most judges gave, "tie" where none has most. Its p_a is
    the share of judges that prefer A, (x + 0.5) / (k + 1) with a tie counting half: one that is never
    0 or 1, grows with the number of judges that agree, and turns to 1 - p_a with the sides.

    p_raw is the mean of the judges' p_raw, in log-odds, either way; so are the orders and votes.
    Without any verdict the label is null, with every judge's reason.

    Args:
        labels: one of each judge, in the same orientation, with its id as annotator.
    """
    ballots = tuple(map(_ballot, labels))
    standing = [label for label in labels if label.verdict is not None]
    pair = labels[0].pair
    if not standing:
        reasons = "; ".join(f"{b.judge}: {b.error or 'no verdict'}" for b in ballots)
        why = f"no judge had a verdict ({reasons})"
        apart = _not_applicable(labels)
        return Label(pair, None, None, not_applicable=apart, panel=ballots, error=why)
    masses = [label.mass for label in standing if label.mass is not None]
    orders = _orders([label.orders for label in standing if label.orders])
    if setting.combine == "mean":
        p_a = _mean(label.p_a for label in standing)
        verdict = verdict_of(p_a, setting.tie_band)
    else:
        p_a, verdict = majority([label.verdict for label in standing if label.verdict])
    return Label(
        pair,
        verdict,
        p_a,
        p_raw=_mean(label.p_raw for label in standing),
        orders=orders,
        offset=float(logit(orders.ab) - logit(orders.ba)) / 2 if orders else None,
        flipped=(orders.ab - 0.5) * (orders.ba - 0.5) < 0 if orders else None,
        mass=fmean(masses) if masses else None,
        votes=_votes(standing),
        not_applicable=_not_applicable(labels),
        rationale="\n\n".join(f"{s.annotator}\n{s.rationale}" for s in standing if s.rationale),
        panel=ballots,
        extra=_extra(standing),
    )


def majority(verdicts: Sequence[Verdict]) -> tuple[float, Verdict]:
    """p_a and verdict of one vote a judge.

    >>> majority(["a", "a", "b"]), majority(["a", "b"]), majority(["tie", "tie", "b"])
    ((0.625, 'a'), (0.5, 'tie'), (0.375, 'tie'))
    """
    most = Counter(verdicts).most_common(2)
    alone = len(most) == 1 or most[0][1] > most[1][1]
    for_a = sum(WORTH[verdict] for verdict in verdicts)
    return (for_a + 0.5) / (len(verdicts) + 1), most[0][0] if alone else "tie"


def _ballot(label: Label) -> Ballot:
    return Ballot(
        label.annotator,
        label.verdict,
        label.p_a,
        label.offset,
        label.flipped,
        label.mass,
        label.error,
    )


def _orders(given: Sequence[Orders]) -> Orders | None:
    return Orders(_mean(o.ab for o in given), _mean(o.ba for o in given)) if given else None


def _mean(values: Iterable[float | None]) -> float:
    """Mean of probabilities in log-odds."""
    return float(sigmoid(fmean(float(logit(p)) for p in values if p is not None)))


def _votes(labels: Sequence[Label]) -> dict[str, float]:
    """Each principle's vote, of the judges in which it had one."""
    keys = dict.fromkeys(key for label in labels for key in label.votes)
    return {key: _mean(label.votes.get(key) for label in labels) for key in keys}


def _not_applicable(labels: Sequence[Label]) -> dict[str, float]:
    """Principles without a vote of any judge, with the mean P(does not apply) of who said so."""
    voted = {key for label in labels for key in label.votes}
    said = [label.not_applicable for label in labels]
    keys = dict.fromkeys(key for one in said for key in one if key not in voted)
    return {key: fmean(one[key] for one in said if key in one) for key in keys}


def _extra(labels: Sequence[Label]) -> Row:
    """The most that a judge did not see of the answers, the fewest examples that one was shown."""
    cut = [int(label.extra.get("characters_left_out", 0)) for label in labels]
    shown = [label.extra["examples_shown"] for label in labels if "examples_shown" in label.extra]
    said: Row = {"characters_left_out": max(cut)} if max(cut) else {}
    return said | ({"examples_shown": min(shown)} if shown else {})

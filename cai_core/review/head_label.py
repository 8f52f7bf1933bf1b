"""Labels by a learned judge. Each says who taught it, and whether the pair itself did: it is then cross-fitted."""

from collections.abc import Sequence

from cai_core.review.head import Features, Head
from cai_core.schema import Label, Pair, Verdict

METHOD = "head"


def head_labels(
    head: Head, pairs: Sequence[Pair], differences: Features, *, tie_band: float = 0.0
) -> list[Label]:
    """One label a pair.

    Args:
        differences: (n, d) features of response_a minus those of response_b.
        tie_band: |p - 0.5| within this is a tie; 0 calls only 0.5 a tie.
    """
    made, crossed = head.p_a(pairs, differences)
    return [
        _label(head, pair, p, tie_band=tie_band, cross_fitted=seen)
        for pair, p, seen in zip(pairs, made.tolist(), crossed.tolist(), strict=True)
    ]


def failed_label(head: Head, pair: Pair, error: str) -> Label:
    """A pair that could not be read."""
    return Label(
        pair,
        None,
        None,
        annotator=head.annotator,
        method=METHOD,
        template=_template(head),
        error=error,
    )


def _label(head: Head, pair: Pair, p: float, *, tie_band: float, cross_fitted: bool) -> Label:
    side: Verdict = "a" if p > 0.5 else "b"
    return Label(
        pair=pair,
        verdict="tie" if abs(p - 0.5) <= tie_band else side,
        p_a=p,
        annotator=head.annotator,
        p_raw=p,
        method=METHOD,
        template=_template(head),
        extra={"taught": head.taught, "cross_fitted": cross_fitted, "features_of": head.model},
    )


def _template(head: Head) -> str:
    return f"features-{head.version}"

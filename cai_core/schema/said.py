"""What one annotator says of a pair, so that two labels of it can be held against each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from cai_core.schema.labels import AnnotatorKind, Label
from cai_core.schema.pairs import Verdict

_OTHER_SIDE: Mapping[Verdict | None, Verdict | None] = {"a": "b", "b": "a"}
_SAME_P = (
    1e-6  # turning a pair round costs a rounding; a number in a file may have lost its last digits
)
_CERTAIN = (0.0, 0.5, 1.0)  # also what a verdict that came without a probability is given


@dataclass(frozen=True, slots=True)
class Said:
    """One verdict on a pair, with its sides in the order of their texts, whatever order it was asked in.

    `setting` tells a judge's settings apart, as the store does; a person has none.
    """

    identity: str
    kind: AnnotatorKind
    annotator: str
    setting: str
    verdict: Verdict | None
    p_a: float | None

    @classmethod
    def of(cls, label: Label) -> Self:
        pair = label.pair
        return cls.of_values(
            pair.identity,
            (label.kind, label.annotator, setting_of(label)),
            verdict=label.verdict,
            p_a=label.p_a,
            turned=pair.response_a > pair.response_b,
        )

    @classmethod
    def of_values(
        cls,
        identity: str,
        who: tuple[AnnotatorKind, str, str],
        *,
        verdict: Verdict | None,
        p_a: float | None,
        turned: bool,
    ) -> Self:
        """`turned`: response_a stands after response_b in the order of texts."""
        if turned:
            verdict = _OTHER_SIDE.get(verdict, verdict)
            p_a = None if p_a is None else 1 - p_a
        return cls(identity, *who, verdict, p_a)

    @property
    def key(self) -> tuple[str, AnnotatorKind, str, str]:
        """Pair, annotator and setting: of these the newest standing verdict counts."""
        return self.identity, self.kind, self.annotator, self.setting

    def same_as(self, other: "Said") -> bool:
        """Whether both say the same; a certain probability is held against no other."""
        if self.verdict != other.verdict:
            return False
        if self.p_a is None or other.p_a is None or {self.p_a, other.p_a} & set(_CERTAIN):
            return True
        return abs(self.p_a - other.p_a) < _SAME_P


def setting_of(label: Label) -> str:
    """A judge's setting in one line; "" for people and rules."""
    if label.kind != "judge":
        return ""
    ref = label.constitution.hash if label.constitution else ""
    return "/".join((ref, label.method, label.principles, label.template))

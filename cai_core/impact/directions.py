"""Which way a shift goes: sides A and B have no meaning, so every shift is signed by what lies there."""

from collections.abc import Mapping, Sequence

import numpy as np

from cai_core.schema import Pair
from cai_core.stats import FloatArray
from cai_core.text import is_refusal

PEOPLE, LONGER, REFUSAL = "people", "longer", "refusal"
DIRECTIONS: Mapping[str, str] = {
    PEOPLE: "towards the answer that people chose",
    LONGER: "towards the longer answer",
    REFUSAL: "towards the answer that refuses",
}


def sign(pair: Pair, direction: str) -> int:
    """1 where response_a lies in this direction, -1 where response_b does, 0 where neither does.

    >>> pair = Pair("p", (), "No.", "Yes, of course.", label="a")
    >>> [sign(pair, direction) for direction in DIRECTIONS]
    [1, -1, 0]
    """
    if direction == PEOPLE:
        return {"a": 1, "b": -1}.get(str(pair.label), 0)
    if direction == LONGER:
        return _compared(len(pair.response_a.split()), len(pair.response_b.split()))
    return _compared(is_refusal(pair.response_a), is_refusal(pair.response_b))


def _compared(a: int, b: int) -> int:
    return (a > b) - (a < b)


def signs(pairs: Sequence[Pair]) -> dict[str, FloatArray]:
    """The sign of every pair in every direction, (pairs,) each."""
    return {name: np.array([sign(pair, name) for pair in pairs], float) for name in DIRECTIONS}

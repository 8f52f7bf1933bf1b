import numpy as np
import pytest

from cai_core.review.judged import judged_beside
from cai_core.review.taught import taught
from cai_core.schema import Label, Pair, user

PAIRS = [Pair.of((user(f"q{k}"),), "one", "two") for k in range(3)]
VERDICTS = taught(Label(p, "a", None, kind="person", annotator="Ada") for p in PAIRS)


def test_the_setting_that_judged_most_pairs_stands_beside_in_their_orientation():
    few = Label(PAIRS[0], "a", 0.9, annotator="few", method="logprob")
    some = Label(PAIRS[1], "a", 0.8, annotator="more", votes={"kind": 0.7})
    turned = Label(PAIRS[2].swapped(), "a", 0.8, annotator="more", votes={"true": 0.6})
    found = judged_beside([few, some, turned], VERDICTS)
    assert found.annotator == "more"
    assert found.pairs == 2
    np.testing.assert_allclose(found.p_a, [np.nan, 0.8, 0.2])
    expected = [[np.nan, np.nan], [np.log(0.7 / 0.3), np.nan], [np.nan, np.log(0.4 / 0.6)]]
    np.testing.assert_allclose(found.votes, expected)


@pytest.mark.parametrize(
    "label",
    [
        Label(PAIRS[0], "a", 0.9, annotator="head:x", method="head"),
        Label(PAIRS[0], None, None, annotator="judge", error="no answer"),
        Label(Pair.of((user("new"),), "x", "y"), "a", 0.9, annotator="judge"),
    ],
)
def test_heads_failures_and_other_pairs_do_not_count(label):
    assert judged_beside([label], VERDICTS) is None

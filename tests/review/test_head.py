import numpy as np
import pytest

from cai_core.errors import DataError
from cai_core.review.head import (
    Head,
    Lessons,
    Maker,
    agreement_of,
    beside,
    fit,
    fit_with_votes,
    told,
)
from cai_core.review.taught import taught
from cai_core.schema import Label, Pair, user

MAKER = Maker("path:tiny", "print", 1)


def lessons(n: int = 120, *, d: int = 40, noise: float = 1.0, seed: int = 0) -> Lessons:
    """Pairs whose better answer is told by the first five columns, two pairs a prompt."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, d)).astype(np.float32) * rng.uniform(0.1, 50, d).astype(np.float32)
    truth = (rows / rows.std(axis=0))[:, :5].sum(axis=1) + noise * rng.normal(size=n)
    return Lessons(rows, (truth > 0).astype(float), np.ones(n), np.arange(n) // 2)


def test_the_head_is_scikit_learns_logistic_regression_on_both_orientations():
    from sklearn.linear_model import LogisticRegression

    given = lessons()
    made = fit(given, c=1e-2)
    rows = given.differences / made.scale
    plain = LogisticRegression(C=1e-2, fit_intercept=False, tol=1e-10, max_iter=5000)
    plain.fit(np.vstack([rows, -rows]), np.concatenate([given.p_a, 1 - given.p_a]))
    np.testing.assert_allclose(made.direction * made.scale, plain.coef_[0], atol=1e-4)


def test_cross_fitted_labels_come_from_fits_without_the_prompts_verdicts():
    given = lessons()
    before = fit(given).cross_fitted
    turned = given.p_a.copy()
    turned[:2] = 1 - turned[:2]  # the two pairs of the first prompt
    after = fit(Lessons(given.differences, turned, given.weights, given.prompts)).cross_fitted
    np.testing.assert_allclose(after[:2], before[:2], atol=1e-6)
    assert np.abs(after[2:] - before[2:]).max() > 1e-4


def test_random_verdicts_are_not_agreed_with_by_what_learned_them():
    rng = np.random.default_rng(3)
    n = 400
    rows = rng.normal(size=(n, 600)).astype(np.float32)
    made = fit(Lessons(rows, rng.integers(0, 2, n).astype(float), np.ones(n), np.arange(n)))
    assert made.agreement.low < 0.5 < made.agreement.high


def test_a_taught_difference_is_found_and_said_with_its_interval():
    made = fit(lessons(400, noise=0.1))
    assert 0.75 < made.agreement.value < 0.99
    assert made.agreement.n == 400
    assert made.agreement.low < made.agreement.value < made.agreement.high


def test_turning_a_pair_changes_nothing_but_its_side():
    given = lessons()
    sign = np.where(np.arange(len(given)) % 3 == 0, -1, 1)
    p = np.where(sign < 0, 1 - given.p_a, given.p_a)
    rows = given.differences * sign[:, None].astype(np.float32)
    turned = fit(Lessons(rows, p, given.weights, given.prompts))
    here = fit(given)
    np.testing.assert_allclose(turned.direction, here.direction, atol=1e-6)
    np.testing.assert_allclose(
        np.where(sign < 0, 1 - turned.cross_fitted, turned.cross_fitted),
        here.cross_fitted,
        atol=1e-5,
    )


def test_a_weight_of_two_is_the_row_twice():
    given = lessons(100, d=8)
    weights = np.where(np.arange(100) < 50, 1.5, 0.5)  # three and one, over two
    rows = np.repeat(np.arange(100), (2 * weights).astype(int))
    repeated = Lessons(
        given.differences[rows], given.p_a[rows], np.full(len(rows), 0.5), given.prompts[rows]
    )
    one = fit(Lessons(given.differences, given.p_a, weights, given.prompts), c=1e-2)
    other = fit(repeated, c=1e-2)
    # The scale is of the rows as they are; on it both are the same regression but for that.
    assert np.corrcoef(one.direction * one.scale, other.direction * other.scale)[0, 1] > 0.99


def test_a_tie_pulls_to_neither_side():
    given = lessons(60)
    made = fit(Lessons(given.differences, np.full(60, 0.5), given.weights, given.prompts))
    np.testing.assert_allclose(made.cross_fitted, 0.5, atol=1e-9)
    assert made.agreement.value == 0.5


def test_fewer_than_fifty_pairs_are_refused_in_a_sentence():
    with pytest.raises(
        DataError, match="needs blind verdicts on 50 pairs and there are 49; review 1"
    ):
        fit(lessons(49))


def test_features_that_are_no_numbers_are_refused():
    given = lessons(60)
    given.differences[3, 2] = np.nan
    with pytest.raises(DataError, match="no numbers"):
        fit(given)


def test_a_prompts_pairs_count_as_one_draw_in_the_interval():
    given = lessons(200)
    alike = np.repeat(given.p_a[::2], 2)
    once = Lessons(given.differences, alike, given.weights, np.arange(200))
    twice = Lessons(given.differences, alike, given.weights, np.arange(200) // 2)
    p = np.repeat(fit(given).cross_fitted[::2], 2)
    narrow, wide = agreement_of(p, once), agreement_of(p, twice)
    assert narrow.value == wide.value
    assert wide.high - wide.low > 1.2 * (narrow.high - narrow.low)


def test_another_judge_stands_beside_it_on_the_pairs_that_it_judged():
    given = lessons(300)
    judge = np.full(300, np.nan)
    judge[:100] = 0.9  # always A
    found = beside(given, fit(given), judge)
    assert found.other.value == pytest.approx(given.p_a[:100].mean())
    assert found.other.n == found.learned.n == 100
    assert found.gain.value == pytest.approx(found.learned.value - found.other.value)
    assert found.gain.low > 0
    assert found.combined.n == 0


def test_votes_that_know_more_help_and_votes_of_chance_do_not():
    given = lessons(300, noise=4.0)
    rng = np.random.default_rng(5)
    knowing = 2 * (2 * given.p_a[:, None] - 1) + rng.normal(size=(300, 4)) * 3
    chance = rng.normal(size=(300, 4))
    judge = np.full(300, 0.6)
    helped = beside(given, fit(given), judge, votes=knowing)
    assert helped.combined_gain.low > 0
    assert beside(given, fit(given), judge, votes=chance).combined_gain.value < 0.05
    knowing[::7] = np.nan
    assert np.isfinite(fit_with_votes(given, knowing)).all()


def reviewed(n: int = 60) -> list[Label]:
    pairs = [Pair.of((user(f"q{k}"),), f"a{k}", f"b{k}") for k in range(n)]
    return [
        Label(p, "a" if k % 2 else "b", None, kind="person", annotator="Ada")
        for k, p in enumerate(pairs)
    ]


def test_a_pair_that_taught_the_head_gets_its_cross_fitted_label_in_either_orientation():
    verdicts = taught(reviewed())
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 12)).astype(np.float32)
    made = fit(Lessons.of(verdicts, rows))
    head = Head.of(made, verdicts, model=MAKER)
    new = Pair.of((user("new"),), "x", "y")
    given = [verdicts.pairs[0], verdicts.pairs[0].swapped(), new]
    p, crossed = head.p_a(given, np.stack([rows[0], -rows[0], rows[1]]))
    assert crossed.tolist() == [True, True, False]
    assert p[0] == pytest.approx(made.cross_fitted[0])
    assert p[1] == pytest.approx(1 - p[0])
    assert np.log(p[2] / (1 - p[2])) == pytest.approx(head.scores(rows[1:2])[0], abs=1e-5)


def test_a_head_is_known_by_its_verdicts_and_features_whatever_their_order():
    labels = reviewed()
    rows = np.ones((60, 3), dtype=np.float32)
    ids = {
        Head.of(fit(Lessons.of(v, rows)), v, model=MAKER).id
        for v in (taught(labels), taught(labels[::-1]))
    }
    assert len(ids) == 1
    other = taught([*labels[:-1], reviewed(61)[-1]])
    assert Head.of(fit(Lessons.of(other, rows)), other, model=MAKER).id not in ids


def test_who_taught_it_is_said():
    assert told({"Ada": 120, "Ben": 30}) == "taught by 150 verdicts of Ada and Ben"
    assert told({"Ada": 50}) == "taught by 50 verdicts of Ada"

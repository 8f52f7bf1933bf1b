"""Whether revisions beat first answers: equal length, what is left out, shares by round."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.errors import Stopped
from cai_core.evaluate.revisions import (
    BATCH,
    RevisionReport,
    at_equal_length,
    cut_to,
    duels,
    judge_duels,
)
from cai_core.evaluate.winrate import Independence
from cai_core.schema import ConstitutionRef, Hooks, Label, Revision, Round, user
from cai_core.settings import BUILTIN

FIRST = "This is the first answer to it. It says what it says."
GOOD = "This is a better answer than that. It is careful."
APART = Independence(True, "apart")


def revision(n, *texts, **more):
    rounds = tuple(Round("k", "c", text) for text in texts)
    return Revision(str(n), (user(f"q {n}"),), FIRST, rounds, model="m", **more)


def label(pair, verdict):
    return Label(pair, verdict, {"a": 1.0, "b": 0.0, "tie": 0.5}.get(verdict))


def report(labels, **more):
    given = {"judge": "j", "independence": APART, "left_out": {}} | more
    return RevisionReport(constitution=ConstitutionRef("rules", "abc"), labels=labels, **given)


@given(st.text(max_size=200), st.text(max_size=200))
def test_neither_text_is_more_than_a_fifth_longer_after_the_cut(one, other):
    words = [len(text.split()) for text in at_equal_length(one, other)]
    shorter = min(len(one.split()), len(other.split()))
    assert shorter in words
    assert all(0.8 * shorter - 1 <= count <= 1.2 * shorter for count in words)


def test_a_cut_falls_at_the_nearest_end_of_a_sentence():
    text = 'One two three four five. Six seven eight nine "ten." Eleven twelve thirteen.'
    assert cut_to(text, 9).endswith('"ten."')
    assert cut_to(text, 6).endswith("five.")
    assert cut_to(text, 99) == text


def test_the_longer_answer_is_the_one_that_is_cut_and_keeps_its_spaces():
    long = FIRST + "\n\n" + "And on it goes for ever. " * 9
    one, other = at_equal_length(long, GOOD)
    assert (one, other) == (FIRST, GOOD)


def test_every_round_stands_against_the_first_answer():
    found = duels([revision(1, GOOD, GOOD.replace("careful", "kind"))])
    assert [pair.id for pair in found.pairs] == ["1/1", "1/2"]
    assert {pair.response_b for pair in found.pairs} == {FIRST}
    assert found.pairs[1].response_a.endswith("kind.")


def test_what_cannot_be_compared_is_counted_by_reason():
    rows = [
        revision(1, FIRST.upper(), "", "No."),
        revision(2, GOOD, error="no answer"),
        revision(3, FIRST + " And more of it, which is cut."),
        revision(4, GOOD),
    ]
    found = duels(rows)
    assert [pair.id for pair in found.pairs] == ["4/1"]
    assert found.left_out == {"unchanged": 1, "empty": 1, "too short": 1, "failed": 1, "equal": 1}


def test_a_number_of_prompts_is_drawn_by_the_seed():
    rows = [revision(n, GOOD) for n in range(50)]
    one, again, other = (duels(rows, most=10, seed=seed).pairs for seed in (0, 0, 1))
    assert one == again != other
    assert len(one) == 10


def test_shares_are_told_by_round_with_ties_as_halves_and_rounds_of_a_prompt_as_one_draw():
    pairs = duels([revision(n, GOOD, GOOD + " Yes.") for n in range(4)]).pairs
    verdicts = ["a", "b", "a", "b", "tie", "b", "b", None]
    made = report(tuple(label(*one) for one in zip(pairs, verdicts, strict=True)))
    assert made.by_round[1].estimate.value == pytest.approx(2.5 / 4)
    assert (made.by_round[2].estimate.value, made.by_round[2].estimate.n) == (0.0, 3)
    row = made.to_row()
    assert (row["estimate"]["n"], row["failed"], row["rounds"]["2"]["failed"]) == (4, 1, 1)
    assert row["words"]["first"] == 12.0
    assert len(row["rows"]) == 8


@pytest.mark.parametrize(
    ("judge", "independent", "headline"),
    [("j", False, True), (BUILTIN, True, True), (BUILTIN, False, False)],
)
def test_a_judge_at_chance_that_judges_its_own_kin_has_no_headline(judge, independent, headline):
    made = report((), judge=judge, independence=Independence(independent, "why"))
    assert made.headline is headline


def test_labels_come_batch_by_batch_and_a_stop_is_obeyed_between_two():
    pairs = duels([revision(n, GOOD) for n in range(2 * BATCH)]).pairs
    asked = iter([False, True])
    made = []
    with pytest.raises(Stopped):
        for one in judge_duels(
            pairs,
            lambda some: [label(pair, "a") for pair in some],
            hooks=Hooks(should_stop=lambda: next(asked)),
        ):
            made.append(one)
    assert [one.pair for one in made] == list(pairs[:BATCH])

"""Rows on their way into a dataset."""

from dataclasses import replace

import pytest

from cai_core.curate import pool
from cai_core.curate.filters import Filters
from cai_core.curate.formats import Answer
from cai_core.curate.pool import LabelledPair
from cai_core.errors import DataError
from cai_core.schema import CORRECTED, Label, Pair, Prompt, Revision, Round, user

PAIR = Pair.of((user("Hi"),), "one", "two")


def numbered(n, p_a=0.9, **more):
    return LabelledPair(Pair.of((user(f"Hi {n}"),), f"one {n}", f"two {n}"), p_a, **more)


@pytest.mark.parametrize(
    ("p_a", "chosen", "p_chosen"), [(0.9, "one", 0.9), (0.25, "two", 0.75), (0.0, "two", 1.0)]
)
def test_the_better_answer_is_chosen_with_its_probability(p_a, chosen, p_chosen):
    (row,) = pool.preference_rows([LabelledPair(PAIR, p_a)]).rows
    assert row.row["chosen"] == [{"role": "assistant", "content": chosen}]
    assert row.row["p_chosen"] == p_chosen


def test_a_row_says_whose_label_it_has_and_what_people_and_the_judge_say_of_the_chosen_answer():
    pair = LabelledPair(PAIR, 0.2, source="people", p_people=0.2, p_judge=0.7)
    (row,) = pool.preference_rows([pair]).rows
    assert row.row["labelled_by"] == "people"
    assert (row.row["p_people"], row.row["p_judge"]) == (0.8, pytest.approx(0.3))
    (judged,) = pool.preference_rows([LabelledPair.of(Label(PAIR, "b", 0.25))]).rows
    assert (judged.row["labelled_by"], judged.row["p_people"]) == ("judge", None)
    assert judged.row["p_judge"] == 0.75


@pytest.mark.parametrize(
    ("verdict", "p_a", "kept"),
    [("a", 0.9, 0.9), ("tie", 0.52, 0.5), ("bad", 0.9, None), (None, None, None)],
)
def test_a_label_becomes_what_can_be_learned(verdict, p_a, kept):
    assert LabelledPair.of(Label(PAIR, verdict, p_a)).p_a == kept


def test_equal_answers_teach_nothing():
    same = Pair.of((user("Hi"),), "one", "one")
    assert pool.preference_rows([LabelledPair(same, 0.9)]).dropped == {"equal answers": 1}


def test_confirmed_pairs_come_first_and_win_over_duplicates():
    rows = pool.preference_rows([numbered(1), numbered(2, 1.0, source="people"), numbered(1)])
    assert [row.labelled_by for row in rows.rows] == ["people", "judge"]
    assert rows.dropped == {"duplicate": 1}


def test_every_row_in_is_a_row_out_or_counted():
    labelled = [numbered(n, p) for n, p in enumerate((0.9, 0.5, 0.52, None, 0.1))]
    made = pool.preference_rows(labelled, Filters(min_margin=0.1))
    assert len(made.rows) + sum(made.dropped.values()) == len(labelled)


def revision(n, *texts, **more):
    rounds = tuple(Round("k", "c", text) for text in texts)
    return Revision(str(n), (user(f"q {n}"),), "first", rounds, **more)


def test_all_rounds_or_the_last_are_learned():
    rows = [revision(1, "x", "y"), revision(2, error="failed"), revision(3)]
    assert [r.row["completion"][0]["content"] for r in pool.sft_rows(rows).rows] == ["x", "y"]
    last = pool.sft_rows(rows, rounds="last")
    assert [r.row["completion"][0]["content"] for r in last.rows] == ["y"]
    assert last.dropped == {"failed": 2}


LOOP = "I promise to pay you. " * 5


def completions(made):
    return [r.row["completion"][0]["content"] for r in made.rows]


def test_unchanged_empty_and_looping_revisions_stay_out_unless_they_are_kept():
    rows = [revision(1, "First!", "good", LOOP), revision(2, "", "fine")]
    made = pool.sft_rows(rows)
    assert completions(made) == ["good", "fine"]
    assert made.dropped == {
        "unchanged revision": 1,
        "looping revision": 1,
        "empty revision": 1,
    }
    kept = pool.sft_rows(rows, Filters(keep_marked=True))
    assert completions(kept) == ["First!", "good", LOOP, "fine"]
    assert kept.dropped == {"empty": 1}


def test_the_last_revision_is_the_last_good_one():
    made = pool.sft_rows([revision(1, "good", "GOOD"), revision(2, LOOP)], rounds="last")
    assert completions(made) == ["good"]
    assert made.dropped == {"looping revision": 1}


def test_what_a_person_wrote_stays_in_whatever_it_looks_like():
    corrected = Revision("1", (user("q"),), "first", (Round(CORRECTED, "", "First."),))
    assert completions(pool.sft_rows([corrected])) == ["First."]


def test_a_revision_carries_its_split():
    (row,) = pool.sft_rows([revision(1, "x", extra={"split": "test"})]).rows
    assert row.split == "test"


def helpful(n):
    return pool.answer_rows([Answer(Prompt.of(f"h {i}"), f"answer {i}") for i in range(n)])


def test_the_helpful_share_is_what_was_asked():
    harmless = pool.sft_rows([revision(n, f"x {n}") for n in range(30)])
    made = pool.mix(harmless, helpful(50), share=0.4, seed=1)
    assert sum(row.source == "helpful" for row in made.rows) == 20
    assert made.dropped == {"helpful beyond the share": 30}
    assert made == pool.mix(harmless, helpful(50), share=0.4, seed=1)
    assert made.rows != pool.mix(harmless, helpful(50), share=0.4, seed=2).rows


def test_without_a_share_all_are_taken_and_with_zero_none():
    harmless = pool.sft_rows([revision(1, "x")])
    assert len(pool.mix(harmless, helpful(3)).rows) == 4
    assert len(pool.mix(harmless, helpful(3), share=0).rows) == 1


def test_a_share_that_cannot_be_had_says_what_can():
    harmless = pool.sft_rows([revision(n, f"x {n}") for n in range(10)])
    with pytest.raises(DataError, match=r"needs 10 helpful rows and there are 5; .* 0\.33 at most"):
        pool.mix(harmless, helpful(5), share=0.5)
    with pytest.raises(DataError, match="0 or more and under 1"):
        pool.mix(harmless, helpful(5), share=1.0)


def test_preference_rows_say_that_they_are_helpful():
    made = pool.mix(pool.preference_rows([numbered(1)]), pool.preference_rows([numbered(2)]))
    assert [row.row["source"] for row in made.rows] == ["harmless", "helpful"]


def test_a_pair_is_found_again_from_its_row():
    (row,) = pool.preference_rows([LabelledPair(replace(PAIR, id="other"), 0.2)]).rows
    chosen, rejected = (row.row[name][0]["content"] for name in ("chosen", "rejected"))
    assert Pair.id_of(row.prompt, chosen, rejected) == PAIR.id


def corrected(n):
    made = pool.corrected_rows(
        [Answer(Prompt.of(f"q {i}"), f"by hand {i}", writer="Ada") for i in range(n)]
    )
    assert {(row.source, row.writer) for row in made.rows} <= {("corrected", "Ada")}
    return made


@pytest.mark.parametrize(
    ("others", "most", "kept"),
    [(8, 0.2, 2), (9, 0.2, 2), (12, 0.2, 3), (8, 0, 0), (0, 0.5, 0), (5, 0.5, 5), (0, 1, 10)],
)
def test_the_share_of_corrected_answers_is_never_passed(others, most, kept):
    base = pool.sft_rows([revision(n, f"fine {n}") for n in range(others)])
    made = pool.with_corrected(base, corrected(10), most=most)
    share = sum(row.source == "corrected" for row in made.rows)
    assert share == kept
    assert share <= most * len(made.rows) + 1e-9
    assert made.dropped == ({} if kept == 10 else {"corrected beyond the share": 10 - kept})


def test_which_corrected_answers_are_kept_does_not_depend_on_their_order():
    base = pool.sft_rows([revision(n, f"fine {n}") for n in range(12)])
    some = corrected(10)
    turned = replace(some, rows=some.rows[::-1])
    kept, again = (pool.with_corrected(base, one, most=0.2) for one in (some, turned))
    assert kept.rows == again.rows


def test_a_corrected_pair_is_marked_in_its_row_and_a_rule_comes_after_people():
    rows = [
        numbered(1, 1.0, source="corrected", writer="Ada"),
        numbered(2, 1.0, source="rule"),
        numbered(3, 1.0, source="people"),
        numbered(4),
    ]
    made = pool.preference_rows(rows[::-1], Filters(max_corrected=1))
    assert [row.labelled_by for row in made.rows] == ["people", "rule", "judge", "corrected"]
    assert [row.row["source"] for row in made.rows] == ["harmless"] * 3 + ["corrected"]
    only = pool.preference_rows(rows, Filters(people_only=True, max_corrected=0.5))
    assert [row.labelled_by for row in only.rows] == ["people", "corrected"]
    assert only.dropped == {"not reviewed": 2}
    assert pool.preference_rows(rows).dropped == {"corrected beyond the share": 1}


def test_under_a_limit_people_come_first_and_corrected_rows_on_top():
    rows = [numbered(n) for n in range(8)]
    rows += [numbered(20 + n, 1.0, source="people") for n in range(3)]
    rows += [numbered(40 + n, 1.0, source="corrected", writer="Ada") for n in range(4)]
    made = pool.preference_rows(rows, most=4)
    assert [row.labelled_by for row in made.rows] == ["people"] * 3 + ["judge", "corrected"]
    assert made.dropped == {"beyond the limit": 7, "corrected beyond the share": 3}


def test_a_row_tells_who_corrected_it():
    answer = Answer.from_row({"prompt": "Hi", "completion": "Hello.", "writer": "Ada"})
    assert (answer.writer, answer.prompt.extra) == ("Ada", {})

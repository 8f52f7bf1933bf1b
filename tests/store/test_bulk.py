"""Bulk labels: what a rule selects, that it is written and taken back as one, and what it never touches."""

import pytest

from cai_core.errors import DataError, NotFoundError
from cai_core.store import bulk, draws, labels, pairs, states
from cai_core.store.bulk import Rule
from cai_core.store.database import write_tx
from cai_core.store.draws import Queue
from cai_core.store.labels import LabelFilter
from cai_core.store.pairs import PairFilter
from tests.store.rows import judgement, pair, review

JUDGE = LabelFilter(annotator="m")


@pytest.fixture
def filled(db):
    """Twelve judged pairs, four each of 0.9, 0.6 and 0.2; one more that no judge read."""
    for at in range(12):
        p = (0.9, 0.6, 0.2)[at % 3]
        made = judgement(pair(f"q{at}"), p_a=p, p_raw=p, verdict="a" if p > 0.5 else "b")
        labels.add(db, made, source="lab" if at < 6 else "mine")
    pairs.add(db, [pair("unread")])
    return db


def rules(db):
    return labels.standing(db, LabelFilter(kind="rule"))


def everything(db):
    """What is derived from the log, however annotators are numbered."""
    flags = [tuple(row) for row in db.execute("SELECT * FROM pair_states ORDER BY pair")]
    sql = """SELECT s.pair, n.kind, n.annotator, s.label, s.verdict, s.p FROM standing s
        JOIN annotators n ON n.id = s.annotator"""
    return flags, sorted(map(str, db.execute(sql)))


def written_again(db):
    with write_tx(db):
        states.rebuild(db)
    return everything(db)


def test_every_pair_of_a_filter_is_labelled_at_once(filled):
    rule = Rule("b", PairFilter(source="mine", sure=(0.8, 1.0)), name="sure ones")
    assert (bulk.preview(filled, rule).said, bulk.preview(filled, rule).n) == ({"b": 4}, 4)
    batch = bulk.label(filled, rule, person="Ada", expected=4)
    found = rules(filled)
    assert {one.label.annotator for one in found} == {"Ada: sure ones"}
    assert {(one.label.verdict, one.label.p_a, one.job) for one in found} == {
        ("b", 0.0, f"bulk:{batch.id}")
    }
    assert len({one.id for one in found}) == batch.n == 4
    assert batch.selection == {"source": "mine", "sure": [0.8, 1.0]}


def test_what_a_judge_says_is_taken_over_without_its_probability(filled):
    rule = Rule("judge", judge=JUDGE, name="as judged")
    assert bulk.preview(filled, rule).said == {"a": 8, "b": 4}
    bulk.label(filled, rule, person="Ada")
    said = {one.label.pair.prompt[0].content: one.label for one in rules(filled)}
    assert "unread" not in said
    assert (said["q0"].verdict, said["q0"].p_a, said["q2"].verdict) == ("a", 1.0, "b")


def test_words_and_flags_narrow_a_rule(filled):
    labels.add(filled, judgement(pair("q0"), inconsistent=True, template="other"))
    assert bulk.preview(filled, Rule("a", PairFilter(text="q1"))).n == 3  # q1, q10, q11
    assert bulk.preview(filled, Rule("a", PairFilter(inconsistent=True))).n == 1


def test_a_rule_can_follow_one_judge_of_several(filled):
    labels.add(filled, judgement(pair("q0"), annotator="other", verdict="b", p_a=0.1))

    def n(**where):
        return bulk.preview(filled, Rule("a", PairFilter(**where))).n

    assert (n(judge="other"), n(judge="m"), n(judge="nobody")) == (1, 12, 0)
    assert (n(judge="other", verdict="a"), n(judge="other", verdict="b")) == (0, 1)
    assert n(judge="m", verdict="b", sure=(0.75, 1.0)) == 4


def test_the_sample_is_random_and_stays_with_its_seed(filled):
    rule = Rule("judge", judge=JUDGE)
    first = bulk.sample(filled, rule, n=5, seed=1)
    assert first == bulk.sample(filled, rule, n=5, seed=1)
    assert len({one.id for one, _ in first}) == 5
    seen = {one.id for seed in range(30) for one, _ in bulk.sample(filled, rule, n=5, seed=seed)}
    assert len(seen) == 12
    assert len(bulk.sample(filled, rule, n=50)) == 12


def test_one_step_takes_a_batch_back_and_says_who(filled):
    before = everything(filled)
    batch = bulk.label(filled, Rule("a", name="all"), person="Ada")
    assert len(rules(filled)) == 13
    bulk.undo(filled, batch.id, who="Grace")
    assert rules(filled) == []
    assert bulk.find(filled)[0].undone_by == "Grace"
    assert all(
        one.undone for one in labels.history(filled, pair("q1").id) if one.job == f"bulk:{batch.id}"
    )
    assert everything(filled) == before
    with pytest.raises(DataError, match="undone already"):
        bulk.undo(filled, batch.id, who="Ada")
    with pytest.raises(NotFoundError, match="no batch"):
        bulk.undo(filled, "gone", who="Ada")


def test_what_stood_before_a_batch_stands_again_when_it_is_undone(filled):
    bulk.label(filled, Rule("a", name="all"), person="Ada")
    second = bulk.label(filled, Rule("b", PairFilter(source="lab"), name="all"), person="Ada")
    assert sorted(one.label.verdict for one in rules(filled)) == ["a"] * 7 + ["b"] * 6
    bulk.undo(filled, second.id, who="Ada")
    assert {one.label.verdict for one in rules(filled)} == {"a"}


def test_states_after_batches_and_undos_are_those_written_again_from_the_log(filled):
    labels.add(filled, labels.verdict_label(pair("q0"), "b", review=review("Grace")))
    bulk.label(filled, Rule("tie", name="x"), person="Ada")
    batch = bulk.label(filled, Rule("judge", judge=JUDGE, name="y"), person="Ada")
    bulk.label(filled, Rule("bad", PairFilter(source="lab"), name="x"), person="Ada")
    assert written_again(filled) == everything(filled)
    bulk.undo(filled, batch.id, who="Ada")
    labels.add(filled, labels.verdict_label(pair("q1"), "a", review=review("Grace")))
    before = everything(filled)
    assert written_again(filled) == before


def test_a_bulk_label_is_no_review_no_judgement_and_no_dispute(filled):
    labels.add(filled, labels.verdict_label(pair("q0"), "b", review=review("Grace")))
    bulk.label(filled, Rule("a", name="all"), person="Ada")
    assert bulk.preview(filled, Rule("a")).by_people == 1
    assert labels.people(filled) == {"Grace": 1}
    assert pairs.count(filled, PairFilter(reviewed=True)) == 1
    assert pairs.count(filled, PairFilter(disputed=True)) == 0
    assert (
        len(draws.lease(filled, "Ada", Queue(), n=50)) == 12
    )  # all but the one that was read blind
    assert filled["draws"].count == 1  # which is credited; no rule is drawn


@pytest.mark.parametrize(
    ("rule", "person", "says"),
    [
        (Rule("a", PairFilter(text="nowhere"), name="x"), "Ada", "no pair passes"),
        (Rule("a", name=" "), "Ada", "a name of 1 to 80"),
        (Rule("a", name="x" * 81), "Ada", "a name of 1 to 80"),
        (Rule("a", name="x"), " ", "needs your name"),
        (Rule("judge", name="x"), "Ada", "choose the judge"),
        (Rule("skip", name="x"), "Ada", "a rule says one of"),
    ],
)
def test_a_rule_that_cannot_be_written_changes_nothing(filled, rule, person, says):
    with pytest.raises(DataError, match=says):
        bulk.label(filled, rule, person=person)
    assert rules(filled) == []
    assert filled["batches"].count == 0


def test_a_selection_that_changed_since_the_preview_is_not_labelled(filled):
    rule = Rule("a", name="all")
    n = bulk.preview(filled, rule).n
    pairs.add(filled, [pair("late")])
    with pytest.raises(DataError, match="there were 13 pairs when you looked and there are 14 now"):
        bulk.label(filled, rule, person="Ada", expected=n)
    assert filled["labels"].count == 12

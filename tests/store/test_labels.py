"""The log of labels: nothing a person did is lost, and every pair has one orientation."""

import time
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils.utils import sqlite3

from cai_core.errors import DataError, NotFoundError
from cai_core.schema import Ballot, Label, Orders, Pair
from cai_core.store import database, label_rows, labels, pairs
from cai_core.store.labels import LabelFilter
from tests.store.rows import PAIR, REF, TEA, judgement, pair, review


def verdict(db, choice, person="Ada", of=PAIR, **more):
    return labels.add(db, labels.verdict_label(of, choice, review=review(person, **more)))


def standing_verdicts(db):
    return [(each.label.annotator, each.label.verdict) for each in labels.verdicts(db)]


def test_a_judgement_comes_back_whole(db):
    given = judgement(rationale="Because.", extra={"n": 1}, error="")
    event = labels.get(db, labels.add(db, given, job="j", source="s"))
    assert event.label == given
    assert (event.job, event.source, event.undone, event.pair_id) == ("j", "s", False, PAIR.id)


def test_a_failed_judgement_is_kept_with_its_reason(db):
    failed = Label(PAIR, None, None, annotator="m", error="no readable verdict", mass=0.1)
    assert labels.get(db, labels.add(db, failed)).label == failed


def test_principles_without_a_vote_come_back_and_stay_when_the_sides_are_turned(db):
    given = judgement(not_applicable={"kind": 0.9}, extra={"n": 1})
    assert labels.get(db, labels.add(db, given)).label == given
    assert label_rows.turned(given).not_applicable == {"kind": 0.9}
    assert label_rows.turned(given).extra == {"n": 1}


def test_votes_are_kept_as_float32(db):
    event = labels.get(db, labels.add(db, judgement(votes={"kind": 0.1, "true": 1.0})))
    assert event.label.votes == pytest.approx({"kind": 0.1, "true": 1.0}, abs=1e-7)
    assert len(database.rows(db, "SELECT votes FROM labels")[0]["votes"]) == 8


@pytest.mark.parametrize(
    ("choice", "p"), [("a", 1.0), ("tie", 0.5), ("b", 0.0), ("bad", None), ("skip", None)]
)
def test_a_persons_verdict_has_its_probability(db, choice, p):
    verdict(db, choice)
    assert labels.verdicts(db)[0].label.p_a == p


def test_a_label_with_swapped_sides_is_turned(db):
    pairs.add(db, [PAIR])
    labels.add(db, judgement(PAIR.swapped(), rationale="(A) is kinder."))
    label = labels.judgements(db)[0].label
    assert label.pair == PAIR
    assert label.verdict == "b"
    assert (label.p_a, label.p_raw) == (pytest.approx(0.2), pytest.approx(0.1))
    assert label.orders == Orders(ab=pytest.approx(0.4), ba=pytest.approx(0.1))
    assert label.offset == 0.9
    assert label.votes == {"kind": 0.25, "true": 0.75}
    assert label.extra == {"turned": True}
    assert not label.flipped


def test_a_persons_verdict_on_swapped_sides_is_turned(db):
    pairs.add(db, [PAIR])
    verdict(db, "a", of=PAIR.swapped())
    label = labels.verdicts(db)[0].label
    assert (label.verdict, label.p_a, label.pair.response_a) == ("b", 0.0, PAIR.response_a)


@pytest.mark.parametrize("choice", ["tie", "bad", "skip", None])
def test_a_verdict_without_a_side_stays_when_it_is_turned(choice):
    assert label_rows.turned(judgement(verdict=choice)).verdict == choice


def test_turning_twice_gives_the_label_back():
    for label in (judgement(), judgement(rationale="(A)."), judgement(orders=None, p_a=None)):
        back = label_rows.turned(label_rows.turned(label))
        assert (back.verdict, back.pair, back.extra) == (label.verdict, label.pair, label.extra)
        assert back.p_a == pytest.approx(label.p_a)


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_the_offset_of_a_turned_label_is_that_of_its_turned_orders(ab, ba):
    def offset(orders):
        return (log(orders.ab / (1 - orders.ab)) - log(orders.ba / (1 - orders.ba))) / 2

    label = judgement(orders=Orders(ab, ba), offset=offset(Orders(ab, ba)))
    turned = label_rows.turned(label)
    assert offset(turned.orders) == pytest.approx(turned.offset, abs=1e-9)


@pytest.mark.parametrize("sql", ["UPDATE labels SET verdict = 'b'", "DELETE FROM labels"])
def test_labels_are_never_changed(db, sql):
    verdict(db, "a")
    with pytest.raises(sqlite3.IntegrityError, match="labels are a log"):
        db.execute(sql)


def test_an_undo_is_never_taken_back(db):
    labels.undo(db, verdict(db, "a"), who="Ada")
    with pytest.raises(sqlite3.IntegrityError, match="labels are a log"):
        db.execute("DELETE FROM undos")


def test_a_persons_newest_verdict_counts(db):
    verdict(db, "a")
    verdict(db, "b")
    verdict(db, "tie", person="Grace")
    assert standing_verdicts(db) == [("Ada", "b"), ("Grace", "tie")]


def test_the_same_verdict_twice_is_two_events(db):
    assert verdict(db, "a") != verdict(db, "a")
    assert len(labels.history(db, PAIR.id)) == 2
    assert labels.people(db) == {"Ada": 1}


def test_undo_is_a_new_event_and_brings_back_what_stood_before(db):
    verdict(db, "a")
    second = verdict(db, "b")
    labels.undo(db, second, who="Ada")
    assert standing_verdicts(db) == [("Ada", "a")]
    assert [(e.label.verdict, e.undone) for e in labels.history(db, PAIR.id)] == [
        ("b", True),
        ("a", False),
    ]


def test_undo_after_undo_goes_further_back(db):
    verdict(db, "a")
    verdict(db, "b")
    for left in ([("Ada", "a")], []):
        labels.undo(db, labels.last_of(db, "Ada").id, who="Ada")
        assert standing_verdicts(db) == left
    assert labels.last_of(db, "Ada") is None


def test_undoing_twice_or_nothing_is_said(db):
    event = verdict(db, "a")
    labels.undo(db, event, who="Ada")
    with pytest.raises(DataError, match="undone already"):
        labels.undo(db, event, who="Ada")
    with pytest.raises(NotFoundError, match="no label with the id 'x'"):
        labels.undo(db, "x", who="Ada")


def test_a_judgement_never_replaces_a_human_verdict(db):
    verdict(db, "b")
    labels.add(db, judgement(), job="j")
    assert standing_verdicts(db) == [("Ada", "b")]
    assert labels.judgements(db)[0].label.verdict == "a"


def test_a_judgement_made_again_replaces_the_older_one_of_its_setting(db):
    labels.add(db, judgement(), job="one")
    labels.add(db, judgement(verdict="b", p_a=0.1), job="two")
    labels.add(db, judgement(principles="whole"), job="three")
    assert len(labels.standing(db)) == 2
    found = labels.judgements(db, LabelFilter(principles="each"))
    assert [(each.label.verdict, each.job) for each in found] == [("b", "two")]
    assert labels.count(db) == 2


def test_one_judgement_a_pair_is_the_newest_of_all_settings(db):
    labels.add(db, judgement(principles="whole"))
    labels.add(db, judgement(verdict="b", principles="each"))
    assert [each.label.principles for each in labels.judgements(db)] == ["each"]


def test_a_row_of_a_job_comes_in_once(db):
    given = [judgement(pair(str(n))) for n in range(3)]
    assert labels.add_many(db, given, job="j") == 3
    assert labels.add_many(db, given, job="j") == 0
    assert labels.add_many(db, given, job="k") == 3


def test_a_persons_row_of_a_file_comes_in_once(db):
    given = labels.verdict_label(PAIR, "a", review=review())
    assert labels.add_many(db, [given], job="file:x") == 1
    assert labels.add_many(db, [given], job="file:x") == 0


def test_only_the_first_verdict_of_a_person_on_a_pair_is_first(db):
    one = verdict(db, "a")
    labels.undo(db, one, who="Ada")
    verdict(db, "b")
    verdict(db, "b", person="Grace")
    firsts = {each.label.annotator: each.label.review.first for each in labels.verdicts(db)}
    assert firsts == {"Ada": False, "Grace": True}
    assert labels.get(db, one).label.review.first


def test_a_verdict_without_a_name_is_refused(db):
    with pytest.raises(DataError, match="needs a name"):
        verdict(db, "a", person=" ")
    assert pairs.count(db) == 0


def test_labels_in_pair_files_are_peoples_verdicts(db):
    given = [
        Pair.of(TEA, "x", "y", label="b", annotator="crowd"),
        Pair.of(TEA, "x", "z", label="bad"),
        Pair.of(TEA, "y", "z"),
    ]
    assert labels.add_imported(db, given, source="hh") == 2
    assert labels.add_imported(db, given, source="hh") == 0
    assert standing_verdicts(db) == [("crowd", "b"), ("imported", "bad")]
    found = labels.verdicts(db)[0]
    assert (found.label.p_a, found.label.review, found.source) == (0.0, None, "hh")


def test_labels_are_filtered(db):
    one, two = pair("one"), pair("two")
    pairs.add(db, [one], source="s", split="dev")
    labels.add(db, judgement(one), job="j")
    labels.add(db, judgement(two, annotator="n", constitution=None, method="repeat"))
    verdict(db, "a", of=one)
    for where, n in [
        (LabelFilter(), 3),
        (LabelFilter(kind="judge"), 2),
        (LabelFilter(annotator="n"), 1),
        (LabelFilter(constitution=REF.hash), 1),
        (LabelFilter(method="repeat"), 1),
        (LabelFilter(split="dev"), 2),
        (LabelFilter(source="s"), 2),
        (LabelFilter(job="j"), 1),
        (LabelFilter(pairs=[two.id]), 1),
        (LabelFilter(pairs=[]), 0),
    ]:
        assert (labels.count(db, where), len(labels.standing(db, where))) == (n, n), where
    assert len(labels.standing(db, limit=2, offset=2)) == 1


def test_judge_settings_are_listed_with_what_failed(db):
    labels.add_many(db, [judgement(pair("one")), judgement(pair("two"), verdict=None, p_a=None)])
    labels.add(db, judgement(pair("one"), annotator="n", constitution=None))
    n, m = labels.judge_uses(db)
    assert (n.judge, n.n, n.failed, n.constitution) == ("n", 1, 0, None)
    assert (m.judge, m.n, m.failed, m.constitution, m.principles) == ("m", 2, 1, REF, "each")


def test_ten_thousand_judgements_are_fetched_within_two_seconds(tmp_path):
    db = database.connect(tmp_path / "ratify.db")
    labels.add_many(db, (judgement(pair(str(n))) for n in range(10_000)), job="j")
    began = time.process_time()  # of this process alone: other tests may keep the machine busy
    assert len(labels.judgements(db)) == 10_000
    assert time.process_time() - began < 2.0


def test_the_ballots_of_a_panel_turn_with_its_pair(db):
    pairs.add(db, [PAIR])
    ballots = (Ballot("x", "a", 0.9, offset=0.5, flipped=False, mass=0.9), Ballot("y", "tie", 0.5))
    shown = judgement(PAIR.swapped(), panel=ballots, extra={"examples": 2})
    labels.add(db, shown)
    (found,) = labels.standing(db)
    assert [(b.verdict, round(b.p_a, 6), b.offset) for b in found.label.panel] == [
        ("b", 0.1, 0.5),
        ("tie", 0.5, None),
    ]
    assert found.label.extra == {"examples": 2}
    assert found.label.disagreement == 1.0

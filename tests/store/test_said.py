"""What effective labels are made of, read by columns: the same as from whole labels."""

from dataclasses import replace

import pytest

from cai_core.review.effective import effective_labels
from cai_core.schema import ConstitutionRef
from cai_core.store import bulk, labels, pairs, said
from cai_core.store.bulk import Rule
from cai_core.store.labels import LabelFilter
from cai_core.store.pairs import PairFilter
from tests.store.rows import judgement, pair, review


@pytest.fixture
def filled(db):
    other = ConstitutionRef("short", "other", 2)
    for at in range(10):
        labels.add(db, judgement(pair(f"q{at}"), p_a=at / 10, inconsistent=at == 3), source="lab")
        if at % 2:
            labels.add(db, judgement(pair(f"q{at}"), p_a=0.1, verdict="b", constitution=other))
    labels.add(db, judgement(pair("q8"), verdict=None, p_a=None, error="no mass"))
    for at, (who, verdict) in enumerate((("Ada", "a"), ("Grace", "b"), ("Ada", "skip"))):
        labels.add(db, labels.verdict_label(pair(f"q{at // 2}"), verdict, review=review(who)))
    labels.add(db, labels.verdict_label(pair("q0"), "b", review=review("Al", queue="adjudication")))
    pairs.add(db, [pair("alone")], source="mine")
    bulk.label(db, Rule("tie", PairFilter(text="q5"), name="x"), person="Ada")
    return db


@pytest.mark.parametrize(
    "judge", [None, LabelFilter(annotator="m"), LabelFilter(constitution="other")]
)
@pytest.mark.parametrize("where", [PairFilter(), PairFilter(source="lab", text="q1")])
def test_they_say_what_whole_labels_say(filled, where, judge):
    inside = {one.id for one in pairs.find(filled, where)}
    people = [
        one.label
        for kind in ("person", "rule")
        for one in labels.standing(filled, LabelFilter(kind=kind))
        if one.pair_id in inside
    ]
    whole = labels.judgements(filled, judge) if judge else []
    judged = [one.label for one in whole if one.pair_id in inside]
    found = said.read(filled, where, judge)
    assert set(found.splits) == inside

    def by_pair(made):
        return {one.pair.id: replace(one, people=tuple(sorted(one.people))) for one in made}

    mine = by_pair(effective_labels(found.verdicts, found.judgements))
    assert mine == by_pair(effective_labels(people, judged))
    assert mine[pair("q1").id].inconsistent is False
    if where == PairFilter():
        assert (mine[pair("q0").id].verdict, mine[pair("q5").id].source) == ("b", "rule")


def test_without_a_judge_no_judgement_is_read(filled):
    assert said.read(filled).judgements == ()

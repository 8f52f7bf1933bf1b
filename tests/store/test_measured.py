"""What is measured from is read as columns: standing judgements, people's verdicts, draws."""

import random

import numpy as np
import pytest

from cai_core.schema import HUMAN_P, Pair, content_hash
from cai_core.store import draws, labels, measured, pairs, verdicts
from cai_core.store.draws import Queue
from cai_core.store.labels import LabelFilter
from cai_core.store.pairs import PairFilter
from cai_core.store.verdicts import Press
from tests.store.rows import judgement, pair, review


@pytest.fixture
def filled(db):
    """Twenty pairs: one judge says a, b, tie, and fails, in turn."""
    turns = (("a", 0.9), ("b", 0.2), ("tie", 0.5), (None, None))
    for at in range(20):
        verdict, p = turns[at % 4]
        made = judgement(pair(f"q{at}"), verdict=verdict, p_a=p, p_raw=p, inconsistent=at % 5 == 0)
        labels.add(db, made)
    return db


def use(db):
    return labels.judge_uses(db)[0]


def give(db, person, n, *, seed=0, verdict="a", **more):
    """n pairs out of the even queue, read one after the other."""
    for number in range(n):
        [lease] = draws.lease(db, person, Queue("even"), n=1, chance=random.Random(seed + number))
        sent = Press(f"{person}{seed}", number, lease.pair.id, verdict, **more)
        verdicts.give(db, sent, person=person)


def test_the_columns_say_what_the_labels_say(filled):
    found = measured.judged(filled, use(filled))
    events = labels.judgements(filled)
    assert found.labels.tolist() == [event.seq for event in events]
    assert found.pairs.tolist() == list(range(1, 21))
    for p, side, shaky, event in zip(
        found.p_a, found.sides, found.inconsistent, events, strict=True
    ):
        label = event.label
        assert np.isnan(p) if label.p_a is None else p == label.p_a
        assert np.isnan(side) if label.verdict is None else side == HUMAN_P[label.verdict]
        assert shaky == label.inconsistent


def test_only_the_setting_that_was_asked_for_is_read_and_its_newest_judgement(filled):
    before = use(filled)
    labels.add(filled, judgement(pair("q0"), verdict="b", p_a=0.1))
    labels.add(filled, judgement(pair("q1"), template="compare-9"))
    assert measured.judged(filled, before).p_a[0] == 0.1
    assert len(measured.judged(filled, before)) == 20
    assert len(measured.judged(filled, use(filled))) == 1
    whole = measured.judged_where(filled, LabelFilter(annotator="m", method="logprob"))
    assert whole.p_a[:2].tolist() == [0.1, 0.8]
    assert not len(measured.judged_where(filled, LabelFilter(annotator="m", method="cot")))


def test_an_empty_workspace_has_empty_columns(db):
    assert len(measured.verdicts(db)) == len(measured.draws(db)) == 0
    assert len(measured.judged_where(db, LabelFilter(annotator="nobody"))) == 0
    assert measured.newest(db) == (0, 0, 0, 0)


def test_verdicts_say_who_gave_them_and_whether_they_measure(filled):
    labels.add(filled, labels.verdict_label(pair("q1"), "a", review=review("Ada")))
    labels.add(filled, labels.verdict_label(pair("q1"), "b", review=review("Ada")))
    labels.add(filled, labels.verdict_label(pair("q1"), "skip", review=review("Ben", blind=False)))
    gone = labels.add(filled, labels.verdict_label(pair("q2"), "tie", review=review("Ben")))
    labels.undo(filled, gone, who="Ben")
    found = measured.verdicts(filled)
    assert [found.names[at] for at in found.people] == ["Ada", "Ada", "Ben"]
    assert found.first_blind.tolist() == [True, False, False]
    assert found.blind.tolist() == [True, True, False]
    assert found.sides.tolist()[:2] == [1.0, 0.0]
    assert np.isnan(found.sides[2])
    assert found.said.tolist() == ["a", "b", "skip"]
    assert set(found.queues.tolist()) == {"all"}
    ages = np.datetime64("now") - found.times
    assert ages.max() < np.timedelta64(1, "h")


def test_draws_come_in_their_order_with_how_many_pairs_there_were(filled):
    give(filled, "Ada", 6)
    labels.add(filled, judgement(pair("late")))
    give(filled, "Ben", 3, seed=50)
    found = measured.draws(filled)
    assert set(found.queues.tolist()) == {"even"}
    first, last = found.there.tolist()[0], found.there.tolist()[-1]
    assert (first, last) == (20, 21)
    assert found.there.tolist() == sorted(found.there.tolist())
    assert found.pi[0] == pytest.approx(1 / 20)


def test_whatever_is_added_changes_what_is_looked_at_before_reading(filled):
    seen = {measured.newest(filled)}
    pairs.add(filled, [pair("new")])
    seen.add(measured.newest(filled))
    give(filled, "Ada", 1)
    seen.add(measured.newest(filled))
    verdicts.undo_last(filled, person="Ada", client="tab", number=9)
    seen.add(measured.newest(filled))
    assert len(seen) == 4


def test_a_setting_is_told_from_every_other(filled):
    labels.add(filled, judgement(pair("q1"), template="compare-9"))
    keys = {measured.setting_key(one) for one in labels.judge_uses(filled)}
    assert len(keys) == 2


def test_prompts_tell_pairs_of_one_question(filled):
    labels.add(filled, judgement(pair("q1", "Another.", "One more.")))
    found = measured.prompts(filled, [2, 3, 21])
    assert found[2] == found[21] != found[3]


def test_draws_from_a_part_of_the_pairs_name_it(filled):
    pairs.add(filled, [pair("other")], source="web")
    narrow = Queue("even", PairFilter(source="web"))
    [lease] = draws.lease(filled, "Ada", narrow, n=1)
    verdicts.give(filled, Press("tab", 1, lease.pair.id, "a"), person="Ada")
    give(filled, "Ben", 2)
    found = measured.scopes(filled)
    assert found == {"": 2, narrow.scope: 1}
    assert measured.filter_of(narrow.scope) == PairFilter(source="web")
    assert measured.pairs_in(filled, narrow.scope).tolist() == [21]
    assert len(measured.pairs_in(filled, "")) == 21
    assert len(measured.draws(filled, narrow.scope)) == 1


def test_pairs_are_found_by_what_they_are(filled):
    one = pairs.find(filled)[3]
    identity = Pair.id_of(one.pair.prompt, one.pair.response_b, one.pair.response_a)
    found = measured.numbers_of(filled, [identity, "none"])
    assert found == {identity: (4, content_hash(one.pair.response_a))}

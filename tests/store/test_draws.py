"""Queues: how likely each pair is to come up, who holds what, and what counts as a draw that measures."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from cai_core.store import draws, labels, pairs, verdicts
from cai_core.store.draws import Queue
from cai_core.store.pairs import PairFilter
from cai_core.store.verdicts import Press
from cai_core.usefulness import chance_of_level, nearest_level, usefulness
from tests.store.rows import judgement, pair, review

EVEN = Queue("even")
USEFUL = Queue("useful")


@pytest.fixture
def filled(db):
    """Forty judged pairs: the judge is sure of the even ones, and cannot tell the odd ones."""
    for at in range(40):
        sure = at % 2 == 0
        p = 1.0 if sure else 0.5
        votes = {"kind": p, "true": p}
        labels.add(db, judgement(pair(f"q{at}"), p_a=p, p_raw=p, verdict="a", votes=votes))
    return db


def number_of(lease):
    return int(lease.pair.pair.prompt[0].content[1:])


def press(number, lease, verdict="a", **more):
    return Press("tab", number, lease.pair.id, verdict, **more)


def drawn_once(db, queue, seed):
    [lease] = draws.lease(db, "Ada", queue, n=1, chance=random.Random(seed))
    draws.release(db, "Ada")
    return lease


def test_even_draws_bring_every_pair_up_alike(filled):
    seen = Counter(number_of(drawn_once(filled, EVEN, seed)) for seed in range(2000))
    assert len(seen) == 40
    assert max(seen.values()) < 90  # 50 each; 90 is more than five standard deviations above
    assert drawn_once(filled, EVEN, 0).pi == pytest.approx(1 / 40)


def test_useful_draws_bring_up_what_the_judge_cannot_tell_as_much_likelier_as_recorded(filled):
    leases = [drawn_once(filled, USEFUL, seed) for seed in range(2000)]
    odd = [lease.pi for lease in leases if number_of(lease) % 2]
    even = [lease.pi for lease in leases if not number_of(lease) % 2]
    assert set(map(len, (set(odd), set(even)))) == {1}
    sure, open_ = map(chance_of_level, nearest_level(usefulness([1.0, 0.5])).tolist())
    assert sure < 0.3 < 0.7 < open_
    assert even[0] / odd[0] == pytest.approx(sure / open_)
    assert len(even) / 2000 == pytest.approx(20 * even[0], abs=0.03)
    assert 20 * even[0] + 20 * odd[0] == pytest.approx(1)


def test_a_pair_is_leased_to_one_person_until_it_runs_out(filled):
    mine = draws.lease(filled, "Ada", EVEN, n=30)
    theirs = draws.lease(filled, "Grace", EVEN, n=30)
    assert len(theirs) == 10
    assert not {one.pair.id for one in mine} & {one.pair.id for one in theirs}
    later = draws.lease(filled, "Grace", EVEN, n=30, clock=lambda: "2999-01-01T00:00:00+00:00")
    assert len(later) == 30


def test_the_same_pairs_come_back_after_a_reload(filled):
    first = draws.lease(filled, "Ada", EVEN, n=5)
    assert draws.lease(filled, "Ada", EVEN, n=5) == first
    other = draws.lease(filled, "Ada", USEFUL, n=5)
    assert [one.queue for one in other] == ["useful"] * 5


def test_chances_are_scaled_to_all_pairs_while_fewer_are_left(filled):
    for number in range(1, 21):
        lease = draws.lease(filled, "Ada", EVEN, n=1)[0]
        assert lease.pi in (None, pytest.approx(1 / 40))  # none where one comes back
        verdicts.give(filled, press(number, lease), person="Ada")
    assert filled["draws"].count >= 19


def test_a_queue_ends_when_everything_was_drawn(db):
    pairs.add(db, [pair("one"), pair("two")])
    leases = draws.lease(db, "Ada", EVEN, n=5)
    assert len(leases) == 2
    for number, lease in enumerate(leases):
        verdicts.give(db, press(number, lease), person="Ada")
    assert draws.lease(db, "Ada", EVEN) == []


def test_a_pair_that_was_read_blind_elsewhere_is_credited_and_not_asked_again(db):
    pairs.add(db, [pair("one"), pair("two")])
    narrow = Queue("filter", PairFilter(text="one"))
    [lease] = draws.lease(db, "Ada", narrow)
    given = verdicts.give(db, press(1, lease), person="Ada")
    assert db["draws"].count == 0  # a filter measures nothing for all
    [left] = draws.lease(db, "Ada", EVEN, n=5)
    assert left.pair.pair.prompt[0].content == "two"
    [draw] = db["draws"].rows
    assert (draw["label"], draw["queue"], draw["pi"]) == (given, "even", 0.5)


def test_a_sighted_verdict_is_no_draw(filled):
    [lease] = draws.lease(filled, "Ada", EVEN, n=1)
    verdicts.give(filled, press(1, lease, blind=False), person="Ada")
    assert filled["draws"].count == 0


def test_a_narrowed_queue_measures_its_own_pairs_alone(filled):
    pairs.add(filled, [pair(f"x{at}") for at in range(10)], source="mine")
    narrowed = Queue("even", PairFilter(source="mine"))
    [lease] = draws.lease(filled, "Ada", narrowed, n=1)
    assert lease.pi == pytest.approx(1 / 10)
    verdicts.give(filled, press(1, lease), person="Ada")
    [draw] = filled["draws"].rows
    assert draw["scope"] == narrowed.scope != ""
    assert filled.execute("SELECT sum(drawn) FROM pair_states").fetchone()[0] == 0


def test_one_pair_in_ten_is_read_by_two_people(db):
    pairs.add(db, [pair(f"q{at}") for at in range(400)])
    readers = Counter()
    for number in range(1, 441):
        for who in ("Ada", "Grace"):
            for lease in draws.lease(db, who, EVEN, n=1, chance=random.Random(f"{who}{number}")):
                if not lease.again:
                    readers[lease.pair.id] += 1
                verdicts.give(db, Press(who, number, lease.pair.id, "a"), person=who)
    assert len(readers) == 400
    twice = sum(n == 2 for n in readers.values())
    assert max(readers.values()) == 2
    assert 20 <= twice <= 60
    assert db["draws"].count == 400


@pytest.mark.parametrize("at_once", [1, 5])
def test_as_many_are_read_twice_or_come_back_however_many_are_leased_at_once(db, at_once):
    pairs.add(db, [pair(f"q{at}") for at in range(800)])
    readers, given = read_by_two(db, EVEN, at_once=at_once, until=720)
    twice = sum(n == 2 for n in readers.values()) / len(readers)
    came_back = (given - readers.total()) / readers.total()
    assert twice == pytest.approx(0.1, abs=0.025)  # two standard deviations of 720
    assert came_back == pytest.approx(0.03, abs=0.013)


@pytest.mark.parametrize("at_once", [1, 5])
def test_second_readers_and_what_comes_back_leave_the_chances_of_draws_right(filled, at_once):
    levels = dict(filled.execute("SELECT pair, level FROM pair_states").fetchall())
    left = {number: chance_of_level(level) for number, level in levels.items()}
    filled.execute("UPDATE pair_states SET twice = 1")
    readers, _ = read_by_two(filled, USEFUL, at_once=at_once, until=38)
    assert max(readers.values()) == 2
    drawn = list(filled["draws"].rows)
    assert len(drawn) == len(readers)
    for draw in drawn:  # each from what was undrawn then, scaled to all forty
        share = left[draw["pair"]] / sum(left.values())
        assert draw["pi"] == pytest.approx(share * len(left) / 40)
        del left[draw["pair"]]


def read_by_two(db, queue, *, at_once, until, seed=0):
    """Ada and Grace read in turns: how many read each pair, and how many verdicts that took."""
    chance, readers, given = random.Random(seed), Counter(), 0
    while len(readers) < until:
        for who in ("Ada", "Grace"):
            for lease in draws.lease(db, who, queue, n=at_once, chance=chance):
                given += 1
                verdicts.give(db, Press(who, given, lease.pair.id, "a"), person=who)
                readers[lease.pair.id] += not lease.again
    return readers, given


def test_some_pairs_come_back_to_the_same_person_and_do_not_measure(db):
    pairs.add(db, [pair(f"q{at}") for at in range(300)])
    again = []
    for number in range(1, 311):
        for lease in draws.lease(db, "Ada", EVEN, n=1):
            key = verdicts.give(db, Press("t", number, lease.pair.id, "a"), person="Ada")
            if lease.again:
                again.append(labels.get(db, key).label.review)
    assert 2 <= len(again) <= 25
    assert not any(one.first for one in again)
    assert {one.pi for one in again} == {None}


def test_disagreements_adjudication_and_asking_again_bring_up_their_own(db):
    one, two, three = (pair(q) for q in ("one", "two", "three"))
    for each in (one, two, three):
        labels.add(db, judgement(each))
    labels.add(db, labels.verdict_label(one, "b", review=review("Grace")))
    labels.add(db, labels.verdict_label(two, "a", review=review("Grace")))
    labels.add(db, labels.verdict_label(two, "b", review=review("Alan")))

    def come_up(queue, person="Ada"):
        return {lease.pair.id for lease in draws.lease(db, person, queue)}

    assert come_up(Queue("disagreements")) == {one.id, two.id}
    assert come_up(Queue("adjudication")) == {two.id}
    draws.release(db, "Ada")
    assert come_up(Queue("again", pairs=(one.id,)), "Grace") == {one.id}


def test_an_adjudicated_pair_is_disputed_no_more(db):
    labels.add(db, labels.verdict_label(pair(), "a", review=review("Grace")))
    labels.add(db, labels.verdict_label(pair(), "b", review=review("Alan")))
    [lease] = draws.lease(db, "Ada", Queue("adjudication"))
    verdicts.give(db, press(1, lease, "b"), person="Ada")
    assert draws.lease(db, "Ada", Queue("adjudication")) == []
    assert pairs.count(db, PairFilter(disputed=True)) == 0


def test_the_states_are_the_same_when_they_are_written_again_from_the_log(filled):
    from cai_core.store import states
    from cai_core.store.database import write_tx

    for number in range(1, 12):
        lease = draws.lease(filled, "Ada", USEFUL, n=1)[0]
        verdicts.give(filled, press(number, lease, "ab"[number % 2]), person="Ada")
    verdicts.undo_last(filled, person="Ada", client="tab", number=12)

    def everything():
        tables = ("pair_states", "standing", "annotators")
        return [[tuple(row) for row in filled.execute(f"SELECT * FROM {t}")] for t in tables]

    before = everything()
    with write_tx(filled):
        states.rebuild(filled)
    after = everything()
    assert sorted(after[0]) == sorted(before[0])
    assert {row[2:] for row in after[1]} == {row[2:] for row in before[1]}


def test_filters_tell_how_sure_a_judge_is(filled):
    def count(**where):
        return pairs.count(filled, PairFilter(**where))

    assert count(sure=(0.9, 1.0)) == 20
    assert count(sure=(0.5, 0.6), verdict="a") == 20
    assert count(verdict="b") == 0
    assert count(constitution="another") == 0
    assert pairs.count(filled, most=10) == 10


def test_the_newest_matches_of_a_search_come_first(filled):
    found = pairs.find(filled, PairFilter(text="like"), order="newest", limit=3)
    assert [one.pair.prompt[0].content for one in found] == ["q39", "q38", "q37"]
    assert replace(found[0], job="") == pairs.get(filled, found[0].id)


def test_verdicts_that_are_read_in_count_as_the_draws_they_were(db):
    said = [
        labels.verdict_label(pair("one"), "a", review=review("Ada", queue="even", pi=0.5)),
        labels.verdict_label(pair("two"), "a", review=review("Ada", queue="filter", pi=0.5)),
        labels.verdict_label(pair("three"), "a", review=review("Ada", queue="useful", blind=False)),
    ]
    for _ in range(2):
        labels.add_many(db, said, job="file:there")
    [draw] = db["draws"].rows
    assert (draw["queue"], draw["pi"]) == ("even", 0.5)
    leases = draws.lease(db, "Grace", EVEN, chance=random.Random(1))
    left = {lease.pair.pair.prompt[0].content for lease in leases}
    assert left == {"three"}  # "two" was read blind: its draw is credited


def test_who_skips_a_disputed_pair_leaves_it_to_somebody_else(db):
    labels.add(db, replace(judgement(pair("q")), kind="person", annotator="Ada", review=review()))
    other = replace(judgement(pair("q")), verdict="b", kind="person", annotator="Bob")
    labels.add(db, replace(other, review=review()))
    [lease] = draws.lease(db, "Cleo", Queue("adjudication"))
    verdicts.give(db, press(1, lease, "skip"), person="Cleo")
    assert pairs.count(db, PairFilter(disputed=True)) == 1
    assert draws.lease(db, "Cleo", Queue("adjudication")) == []
    [lease] = draws.lease(db, "Dora", Queue("adjudication"))
    verdicts.give(db, press(2, lease, "tie"), person="Dora")
    assert pairs.count(db, PairFilter(disputed=True)) == 0


def test_the_pairs_left_are_counted_with_those_that_one_holds(filled):
    assert draws.left(filled, "Ada", EVEN, most=100) == 40
    lease, *_ = draws.lease(filled, "Ada", EVEN)
    assert draws.left(filled, "Ada", EVEN, most=100) == 40
    assert draws.left(filled, "Bob", EVEN, most=100) == 35
    assert draws.left(filled, "Bob", EVEN, most=7) == 7
    verdicts.give(filled, press(1, lease), person="Ada")
    assert draws.left(filled, "Ada", EVEN, most=100) == 39


def test_the_pairs_to_ask_again_for_may_shrink_without_giving_back_what_is_held(filled):
    ids = tuple(item.id for item in pairs.find(filled, limit=4))
    held = draws.lease(filled, "Ada", Queue("again", pairs=ids), n=3)
    still = draws.lease(filled, "Ada", Queue("again", pairs=ids[1:]), n=3)
    assert [one.pair.id for one in still] == [one.pair.id for one in held]


def test_a_few_pairs_come_up_once_for_everybody_in_the_guided_queue(filled):
    few = Queue("guided", pairs=tuple(item.id for item in pairs.find(filled, limit=2)))
    for number in (1, 2):
        lease, *_ = draws.lease(filled, "Ada", few)
        verdicts.give(filled, press(number, lease), person="Ada")
    assert draws.lease(filled, "Ada", few) == []
    assert len(draws.lease(filled, "Bob", few)) == 2


def test_a_second_reader_measures_only_what_their_own_queue_drew(db):
    pairs.add(db, [pair(f"q{at}") for at in range(300)])
    pairs.add(db, [pair(f"x{at}") for at in range(10)], source="mine")
    narrowed = Queue("even", PairFilter(source="mine"))
    for number, lease in enumerate(draws.lease(db, "Ada", narrowed, n=10)):
        verdicts.give(db, press(number, lease), person="Ada")
    db.execute("UPDATE pair_states SET twice = readers")
    for seed in range(200):
        draws.lease(db, "Grace", EVEN, n=seed + 1, chance=random.Random(seed))
    held = {lease.pair.id: lease for lease in draws.lease(db, "Grace", EVEN, n=1)}
    seconds = [held[one.id] for one in pairs.find(db, PairFilter(source="mine")) if one.id in held]
    assert seconds
    for number, lease in enumerate(seconds):
        verdicts.give(db, Press("other", number, lease.pair.id, "a"), person="Grace")
    whole = [draw["pi"] for draw in db["draws"].rows if not draw["scope"]]
    assert all(pi < 2 / 310 for pi in whole), whole


def test_what_comes_back_passes_the_filter_of_the_queue(db):
    ids = pairs.add(db, [pair(f"q{at}") for at in range(draws.BETWEEN + 1)]).ids
    for number, key in enumerate(ids):
        verdicts.give(db, Press("tab", number, key, "a"), person="Ada")
    db["repeats"].insert({"person": "Ada", "pair": 1, "label": 1})  # which come back, hashes say
    pairs.add(db, [pair(f"x{at}") for at in range(3)], source="mine")
    leases = draws.lease(db, "Ada", Queue("even", PairFilter(source="mine")))
    assert [(lease.pair.source, lease.again) for lease in leases] == [("mine", False)] * 3
    assert draws.lease(db, "Ada", EVEN)[0].again

"""Pairs on the review page: what the card is handed, and what becomes of what it sends."""

from dataclasses import replace

import pytest

from cai_core.jobs import queue
from cai_core.schema import Ballot, Pair, Review, panel_id, user
from cai_core.store import constitutions, corrections, draws, guidelines, labels, pairs, sighted
from cai_core.store.draws import Queue
from cai_core.store.labels import LabelFilter
from tests.pages import seed
from tests.pages.card import hand, rows, say, send, shown, undo
from ui import review_guided, review_sides
from ui.review_answers import sides


def verdicts(workspace, person="Ada"):
    with workspace.db() as db:
        return {v.pair_id: v for v in labels.verdicts(db, LabelFilter(annotator=person))}


def texts(at):
    return " ".join(e.value for e in [*at.markdown, *at.caption])


def facts(at):
    return [fact["title"] for row in hand(at)["cards"] for fact in row["facts"]]


def add_sample(workspace, n=3):
    """Sample pairs as `init` seeds them, judged."""
    with workspace.db() as db:
        made = [Pair.of((user(f"Sample {i}?"),), f"Yes, {i}.", f"No, {i}.") for i in range(n)]
        pairs.add(db, made, source="sample")
        ref = labels.judge_uses(db)[0].constitution
        for pair in made:
            labels.add(db, replace(seed.judgement_of("x", 0, ref), pair=pair), job="sample")


def by_filter(open_page, **state):
    return open_page("review", review_queue="filter", **state)


def test_without_pairs_the_page_says_where_they_come_from(empty_workspace, open_page):
    at = open_page("review")
    assert not at.exception
    assert "There are no pairs yet" in texts(at)
    assert any(link.label == "Make pairs" for link in at.get("page_link"))


def test_a_verdict_is_an_event_with_how_it_came_about(seeded_workspace, open_page):
    at = open_page("review")
    row = shown(at)
    say(at, "a", clear=True, reasons=["harmful"], note="It helps a thief.")
    (event,) = verdicts(seeded_workspace).values()
    review = event.label.review
    assert event.pair_id == row
    assert (review.blind, review.queue, review.reviewer, review.first) == (
        True,
        "even",
        "Ada",
        True,
    )
    assert 0 < review.pi <= 1
    assert review.constitution_version == 2
    assert (review.clear, review.reasons, review.note) == (True, ("harmful",), "It helps a thief.")
    assert review.shown == ("ba" if review_sides.is_turned(row, "Ada") else "ab")
    assert event.label.constitution.name == "short"
    assert shown(at) not in ("", row)


def test_what_is_sent_again_is_stored_once_and_acknowledged(seeded_workspace, open_page):
    at = open_page("review")
    row = hand(at)["cards"][0]
    press = {"client": "x", "number": 1, "act": "say", "card": row["id"], "says": "tie"}
    for _ in range(3):
        send(at, press)
        assert hand(at)["acks"] == {"x": 1}
    assert len(verdicts(seeded_workspace)) == 1


def test_a_press_that_cannot_be_stored_holds_up_nothing_after_it(seeded_workspace, open_page):
    at = open_page("review")
    row = hand(at)["cards"][0]
    send(
        at,
        {"client": "x", "number": 1, "act": "say", "card": "gone", "says": "a"},
        {"client": "x", "number": 2, "act": "say", "card": row["id"], "says": "nonsense"},
        {"client": "x", "number": 3, "act": "say", "card": row["id"], "says": "bad"},
    )
    assert hand(at)["acks"] == {"x": 3}
    assert "no pair with the id 'gone'" in hand(at)["told"]
    assert [v.label.verdict for v in verdicts(seeded_workspace).values()] == ["bad"]


def test_a_verdict_on_shuffled_sides_is_kept_in_the_pairs_own_orientation(
    seeded_workspace, open_page
):
    at = by_filter(open_page)
    while shown(at):
        say(at, "a")
    found = verdicts(seeded_workspace)
    turned = {row: review_sides.is_turned(row, "Ada") for row in found}
    assert set(turned.values()) == {True, False}
    for row, event in found.items():
        assert event.label.verdict == ("b" if turned[row] else "a")
        assert event.label.p_a == (0.0 if turned[row] else 1.0)


def test_the_sides_are_shuffled_by_pair_and_reviewer_and_stay():
    ids = [f"p{i}" for i in range(200)]
    ada = [review_sides.is_turned(i, "Ada") for i in ids]
    assert ada == [review_sides.is_turned(i, "Ada") for i in ids]
    assert ada != [review_sides.is_turned(i, "Grace") for i in ids]
    assert 70 < sum(ada) < 130


@pytest.mark.parametrize(("says", "p_a"), [("tie", 0.5), ("bad", None), ("skip", None)])
def test_tie_both_bad_and_skip_are_verdicts_too(seeded_workspace, open_page, says, p_a):
    say(open_page("review"), says)
    (event,) = verdicts(seeded_workspace).values()
    assert (event.label.verdict, event.label.p_a) == (says, p_a)


def test_undo_takes_back_the_last_verdict_and_shows_that_pair_again(seeded_workspace, open_page):
    at = open_page("review")
    row = shown(at)
    before = rows(at)
    say(at, "a")
    undo(at)
    assert rows(at) == before
    assert not verdicts(seeded_workspace)
    with seeded_workspace.db() as db:
        assert [event.undone for event in labels.history(db, row) if event.label.review] == [True]
    say(at, "b")
    review = verdicts(seeded_workspace)[row].label.review
    assert review.first is False
    assert (review.queue, review.pi) == ("even", pytest.approx(1 / 4, abs=0.2))


def test_undo_reaches_back_to_verdicts_of_an_earlier_visit(seeded_workspace, open_page):
    at = open_page("review")
    said = [shown(at)]
    said.append(shown(say(at, "a")))
    say(at, "b")
    again = undo(open_page("review"))
    assert shown(again) == said[1]
    assert rows(undo(again))[:2] == said


def test_undo_without_a_verdict_changes_nothing_and_says_so(seeded_workspace, open_page):
    at = undo(open_page("review"))
    assert hand(at)["told"] == "You have no verdict to undo."


def test_an_answer_that_would_be_right_is_kept_and_the_pair_stays(seeded_workspace, open_page):
    at = open_page("review")
    row = shown(at)
    send(at, {"act": "edit", "card": row, "text": "Call a locksmith."})
    assert shown(at) == row
    with seeded_workspace.db() as db:
        (kept,) = db["corrections"].rows
    assert (kept["pair"], kept["person"], kept["text"]) == (row, "Ada", "Call a locksmith.")


def test_undo_takes_back_an_answer_that_was_written_after_the_last_verdict(
    seeded_workspace, open_page
):
    at = open_page("review")
    first = shown(at)
    say(at, "a")
    row = shown(at)
    send(at, {"act": "edit", "card": row, "text": "Call a locksmith."})
    undo(at)
    assert shown(at) == row
    assert list(verdicts(seeded_workspace)) == [first]
    with seeded_workspace.db() as db:
        assert corrections.count(db) == 0
    undo(at)
    assert shown(at) == first
    assert verdicts(seeded_workspace) == {}


def test_who_reads_blind_is_handed_the_judge_only_after_the_verdict(seeded_workspace, open_page):
    at = by_filter(open_page, review_inconsistent=False)
    assert facts(at) == []
    assert hand(at)["before"] is None
    row = shown(at)
    say(at, "a")
    assert facts(at) == []
    assert hand(at)["before"]["card"] == row
    assert hand(at)["before"]["judge"].startswith("the judge: ")


def test_a_verdict_on_a_pair_whose_judge_was_seen_is_not_blind(seeded_workspace, open_page):
    at = open_page("review", review_blind=False)
    assert any(title.startswith("Judge: ") for title in facts(at))
    with seeded_workspace.db() as db:
        judged = sighted.among(db, "Ada", rows(at))
    row = shown(at)
    at = open_page("review")
    assert facts(at) == []
    say(at, "a")
    assert verdicts(seeded_workspace)[row].label.review.blind is (row not in judged)
    assert judged


def test_a_pair_that_was_taken_back_after_its_judge_was_shown_is_not_blind(
    seeded_workspace, open_page
):
    at = by_filter(open_page)
    with seeded_workspace.db() as db:
        judged = {item.pair_id for item in labels.judgements(db)}
    while (row := shown(at)) not in judged:
        say(at, "skip")
    say(at, "a")
    undo(at)
    say(at, "b")
    assert verdicts(seeded_workspace)[row].label.review.blind is False


def test_what_each_judge_of_a_panel_said_stands_in_the_look_back(seeded_workspace, open_page):
    ballots = (
        Ballot("hf:a/x", "a", 0.9, offset=0.2, flipped=False, mass=0.9),
        Ballot("hf:a/y", "b", 0.3, offset=0.1, flipped=True, mass=0.8),
        Ballot("hf:a/z", None, None, error="the server is gone"),
    )
    who = panel_id([ballot.judge for ballot in ballots], "majority")
    with seeded_workspace.db() as db:
        ref = labels.judge_uses(db)[0].constitution
        made = [seed.judgement_of(question, 0, ref) for question in seed.QUESTIONS]
        labels.add_many(db, [replace(one, annotator=who, panel=ballots) for one in made])
    at = say(open_page("review", pair_before=True), "a")
    said = texts(at)
    assert "a panel of 3 by majority" in said
    assert "1 of 3 judges gave no verdict" in said
    (table,) = [frame.value for frame in at.dataframe if "Judge" in frame.value]
    assert table["Judge"].tolist() == ["hf:a/x", "hf:a/y", "hf:a/z"]


def test_progress_counts_today_and_what_is_left(seeded_workspace, open_page):
    at = open_page("review")
    assert "0 reviewed today · 4 pairs left · agreement with the judge: –" in texts(at)
    say(say(at, "a"), "tie")
    assert "2 reviewed today, 2 of them in this queue · 2 pairs left" in texts(at)
    grace = by_filter(open_page, person="Grace")
    assert "2 reviewed today, 0 of them in this queue · 2 pairs left" in texts(
        grace
    )  # Ada holds two


def test_agreement_counts_first_blind_verdicts_only(seeded_workspace, open_page):
    assert "in 100% (95% interval 34% to 100%, n = 2)" in texts(open_page("review", person="Grace"))
    with seeded_workspace.db() as db:
        draws.release(db, "Grace")
    at = open_page("review")
    while shown(at):
        say(at, "tie")
    assert "the judge agrees with you in 50%" in texts(at)


def test_what_a_model_wrote_comes_to_the_card_as_it_is(seeded_workspace, open_page):
    wicked = "<script>alert(1)</script> ![x](http://a/b.png) **bold** <b>x</b>"
    with seeded_workspace.db() as db:
        pairs.add(db, [Pair.of((user(wicked),), wicked, wicked + " more")], source="wicked")
    at = open_page("review", review_source="wicked")
    (row,) = hand(at)["cards"]
    assert row["turns"][0]["text"] == wicked
    joined = ["".join(part["text"] for part in box["parts"]) for box in row["boxes"]]
    assert sorted(joined) == sorted([wicked, wicked + " more"])


def test_the_queue_by_filter_draws_only_what_passes(seeded_workspace, open_page):
    with seeded_workspace.db() as db:
        old = labels.judgements(db)[0].label
        labels.add(db, replace(old, inconsistent=True), job="again")
    at = by_filter(open_page, review_inconsistent=True)
    assert rows(at) == [old.pair.id]
    say(at, "tie")
    assert verdicts(seeded_workspace)[old.pair.id].label.review.queue == "filter"
    assert rows(at) == []
    assert hand(at)["nothing"]["title"] == "No pair is left in this queue"


def test_the_most_useful_queue_keeps_how_likely_a_pair_was_to_come_up(seeded_workspace, open_page):
    at = say(open_page("review", review_queue="useful"), "a")
    (event,) = verdicts(seeded_workspace).values()
    assert event.label.review.queue == "useful"
    assert 0 < event.label.review.pi <= 1
    assert "weighted back" in texts(at)


def test_a_search_lists_what_has_the_words_and_opens_one_that_measures_nothing(
    seeded_workspace, open_page
):
    at = open_page("review", review_queue="search")
    assert rows(at) == []
    assert hand(at)["nothing"]["title"] == "No pair is open"
    at.text_input(key="review_words").set_value("BLEACH").run()
    assert "1 pair. One that you open measures nothing." in texts(at)
    found = seed.pair_of(seed.QUESTIONS[3]).id
    assert rows(at) == []
    at.button(key=f"review_open_{found}").click().run()
    assert rows(at) == [found]
    say(at, "a")
    assert rows(at) == []
    review = verdicts(seeded_workspace)[found].label.review
    assert (review.queue, review.pi) == ("opened", None)


def test_a_pair_opened_by_hand_comes_first_and_has_no_chance(seeded_workspace, open_page):
    wanted = seed.pair_of(seed.QUESTIONS[0]).id
    at = open_page("review", review_on_top=(wanted,))
    assert shown(at) == wanted
    assert hand(at)["cards"][0]["badges"] == ["Opened by hand: measures nothing"]
    say(at, "b")
    review = verdicts(seeded_workspace)[wanted].label.review
    assert (review.queue, review.pi) == ("opened", None)
    assert shown(at) != wanted


def dispute(workspace):
    """Grace and Bob read one pair and differ; the pair."""
    with workspace.db() as db:
        pair = seed.pair_of(seed.QUESTIONS[0])
        review = Review(True, "all", 1.0, "Bob", 2, note="It is rude.", reasons=("rude",))
        labels.add(db, labels.verdict_label(pair, "b", review=review))
    return pair


def test_adjudication_shows_what_both_said_and_ends_it(seeded_workspace, open_page):
    at = open_page("review", review_queue="adjudication")
    assert rows(at) == []
    pair = dispute(seeded_workspace)
    at = open_page("review", review_queue="adjudication")
    assert rows(at) == [pair.id]
    (fact,) = hand(at)["cards"][0]["facts"]
    said = dict(fact["rows"])
    assert set(said) == {"Bob", "Grace"}
    assert "It is rude." in said["Bob"]
    turned = review_sides.is_turned(pair.id, "Ada")
    assert said["Bob"].startswith("A is better" if turned else "B is better")
    say(at, "a")
    assert rows(at) == []
    with seeded_workspace.db() as db:
        assert pairs.count(db, pairs.PairFilter(disputed=True)) == 0


def test_what_was_said_under_other_wordings_is_asked_again(seeded_workspace, open_page):
    at = open_page("review", review_queue="again", person="Grace")
    assert rows(at) == []
    with seeded_workspace.db() as db:
        old = constitutions.newest(db, "short")
        reworded = replace(seed.HONEST, text="Which response is true in every sentence?")
        principles = tuple(
            reworded if p.key == "honest" else p for p in old.constitution.principles
        )
        changed = replace(old.constitution, principles=principles)
        constitutions.save(db, changed, author="Grace", message="reword", parent=old.id)
    at = open_page("review", review_queue="again", person="Grace")
    asked = {seed.pair_of(question).id for question in seed.QUESTIONS[:2]}
    assert set(rows(at)) == asked
    with seeded_workspace.db() as db:
        newest = constitutions.newest(db, "short")
    at.selectbox(key=f"review_constitution_{old.id}").set_value(newest.id).run()
    say(at, "tie")
    assert len(rows(at)) == 1


def test_an_edit_that_changes_no_comparison_asks_nothing_again(seeded_workspace, open_page):
    with seeded_workspace.db() as db:
        old = constitutions.newest(db, "short")
        changed = replace(old.constitution, principles=old.constitution.principles[::-1])
        constitutions.save(db, changed, author="Grace", message="move", parent=old.id)
    assert rows(open_page("review", review_queue="again", person="Grace")) == []


def test_the_constitution_beside_the_pair_is_the_judges_own(seeded_workspace, open_page):
    with seeded_workspace.db() as db:
        other = constitutions.newest(db, "other")
        labels.add(db, seed.judgement_of(seed.QUESTIONS[0], 0, other.ref))
    at = open_page("review")
    assert hand(at)["side"]["title"] == "short, version 2"
    (judge,) = [one for one in at.selectbox if one.key == "review_judge"]
    judge.select_index(next(i for i, o in enumerate(judge.options) if "other" in o)).run()
    assert hand(at)["side"]["title"] == "other, version 1"


def test_the_guidelines_stand_beside_the_pair_and_are_kept_by_whom_wrote_them(
    seeded_workspace, open_page
):
    at = open_page("review")
    assert hand(at)["side"]["guidelines"] == ""
    at.text_area(key="guidelines_short").set_value("Prefer *short* answers.")
    at.button(key="guidelines_keep").click().run()
    assert hand(at)["side"]["guidelines"] == "Prefer *short* answers."
    with seeded_workspace.db() as db:
        assert guidelines.newest(db, "short").person == "Ada"


def test_what_one_person_holds_comes_up_for_nobody_else(seeded_workspace, open_page):
    ada, grace = open_page("review"), open_page("review", person="Grace")
    assert not set(rows(ada)) & set(rows(grace))


def test_the_guided_review_is_offered_to_who_has_no_verdict(seeded_workspace, open_page):
    at = open_page("review")
    assert "Begin with" not in texts(at)  # no sample pairs
    add_sample(seeded_workspace)
    assert "Begin with 3 pairs" in texts(open_page("review"))
    assert "Begin with" not in texts(open_page("review", person="Grace"))


def test_the_guided_review_ends_with_numbers_and_a_next_step(seeded_workspace, open_page):
    add_sample(seeded_workspace, n=4)
    at = open_page("review")
    at.button(key="guided_start").click().run()
    assert "0 reviewed today · 4 pairs left" in texts(at)
    for _ in range(2):
        say(at, "a" if not review_sides.is_turned(shown(at), "Ada") else "b")
        assert hand(at)["before"] is None
    say(say(at, "tie"), "skip")
    assert "Your first review is done" in [s.value for s in at.subheader]
    numbers = {metric.label: metric.value for metric in at.metric}
    assert numbers["The judge agrees with you"] == "83%"  # two of two, and a tie is one half
    assert (numbers["Ties"], numbers["Skipped"]) == ("1", "1")
    assert "n = 3" in texts(at)
    for event in verdicts(seeded_workspace).values():
        assert event.label.review.queue == "guided"
        assert event.label.review.blind
    undo(at)
    assert "Your first review is done" not in [s.value for s in at.subheader]
    say(at, "skip")
    at.button(key="guided_done").click().run()
    assert at.selectbox(key="review_queue").value == "even"


def test_a_guided_review_left_half_done_can_be_gone_on_with(seeded_workspace, open_page):
    add_sample(seeded_workspace)
    say(open_page("review", **{review_guided.ON: True}), "tie")
    at = open_page("review")
    assert "Your guided review: 1 of 3 pairs" in texts(at)
    at.button(key="guided_start").click().run()
    assert "1 reviewed today, 1 of them in this queue · 2 pairs left" in texts(at)


def test_both_answers_keep_every_word_when_differences_are_marked():
    import html as parser
    import re

    one, other = "use <a> clean pan\nand wait", "use <a> hot pan\nand wait a bit"
    both = sides(one, other)
    assert both.marked
    for text, html in ((one, both.a), (other, both.b)):
        assert parser.unescape(re.sub(r"</?(?:div|mark)[^>]*>", "", html)) == text


def test_the_pairs_of_a_chain_can_be_reviewed_by_themselves(seeded_workspace, open_page):
    with seeded_workspace.db() as db:
        spec = queue.Submission(kind="chain", title="All on mine", options={"config": "c.yaml"})
        job = queue.submit(db, spec, by="Grace", supervise=False)
        own = seed.judgement_of("Only in the chain?", 0, None)
        labels.add_many(db, [own], job=job.id)
    at = open_page("review", review_job=job.id)
    assert not at.exception
    assert rows(at) == [own.pair.id]


def test_a_pair_leased_before_is_not_lost_when_the_page_is_left(seeded_workspace, open_page):
    first = rows(open_page("review"))
    assert rows(open_page("review")) == first
    with seeded_workspace.db() as db:
        assert [lease.pair.id for lease in draws.lease(db, "Ada", Queue())] == first

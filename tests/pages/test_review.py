"""The review page: verdicts on pairs and decisions on revisions, as events that are kept."""

from dataclasses import replace

import pytest

from cai_core.jobs import queue
from cai_core.schema import Ballot, Pair, Review, panel_id, user
from cai_core.store import labels, pairs, revisions
from cai_core.store.labels import LabelFilter
from tests.pages import seed
from ui import review_sides
from ui.review_answers import sides
from ui.review_deck import Card, Deck

JUDGED = "**Judge: "


def press(at, prefix):
    """Press the button of the pair or revision that is shown."""
    next(b for b in at.button if b.key and b.key.startswith(prefix)).click().run()
    assert not at.exception
    return at


def shown(at, kind="pair_skip_"):
    """The id of the row that is shown; "" where none is."""
    found = [b.key for b in at.button if b.key and b.key.startswith(kind)]
    return found[0].removeprefix(kind) if found else ""


def verdicts(workspace, person="Ada"):
    with workspace.db() as db:
        return {v.pair_id: v for v in labels.verdicts(db, LabelFilter(annotator=person))}


def decisions(workspace):
    with workspace.db() as db:
        return [item.decision for item in revisions.find(db) if item.decision]


def texts(at):
    return " ".join(e.value for e in [*at.markdown, *at.caption])


def add_sample(workspace, n=3):
    """Sample pairs as `init` seeds them, judged."""
    with workspace.db() as db:
        made = [Pair.of((user(f"Sample {i}?"),), f"Yes, {i}.", f"No, {i}.") for i in range(n)]
        pairs.add(db, made, source="sample")
        ref = labels.judge_uses(db)[0].constitution
        for pair in made:
            labels.add(db, replace(seed.judgement_of("x", 0, ref), pair=pair), job="sample")


def test_without_pairs_the_page_says_where_they_come_from(empty_workspace, open_page):
    at = open_page("review")
    assert not at.exception
    assert "There are no pairs yet" in texts(at)
    assert any(link.label == "Make pairs" for link in at.get("page_link"))


def test_without_revisions_the_tab_says_where_they_come_from(empty_workspace, open_page):
    at = open_page("review", review_tab="Revisions")
    assert not at.exception
    assert "There are no revisions yet" in texts(at)


def test_a_verdict_is_an_event_with_how_it_came_about(seeded_workspace, open_page):
    at = open_page("review")
    row = shown(at)
    press(at, "pair_a_")
    (event,) = verdicts(seeded_workspace).values()
    assert event.pair_id == row
    assert event.label.review == Review(
        blind=True, queue="all", pi=1.0, reviewer="Ada", constitution_version=2, first=True
    )
    assert at.session_state["review_pair_deck"].at == 1
    assert shown(at) not in ("", row)


def test_a_verdict_on_shuffled_sides_is_kept_in_the_pairs_own_orientation(
    seeded_workspace, open_page
):
    at = open_page("review")
    while shown(at):
        press(at, "pair_a_")
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


@pytest.mark.parametrize(
    ("button", "verdict", "p_a"),
    [("tie", "tie", 0.5), ("bad", "bad", None), ("skip", "skip", None)],
)
def test_tie_both_bad_and_skip_are_verdicts_too(seeded_workspace, open_page, button, verdict, p_a):
    press(open_page("review"), f"pair_{button}_")
    (event,) = verdicts(seeded_workspace).values()
    assert (event.label.verdict, event.label.p_a) == (verdict, p_a)


def test_undo_takes_back_the_last_verdict_and_shows_that_pair_again(seeded_workspace, open_page):
    at = open_page("review")
    row = shown(at)
    press(at, "pair_a_")
    press(at, "pair_undo_")
    assert shown(at) == row
    assert not verdicts(seeded_workspace)
    with seeded_workspace.db() as db:
        assert [event.undone for event in labels.history(db, row) if event.label.review] == [True]
    press(at, "pair_b_")
    assert verdicts(seeded_workspace)[row].label.review.first is False


def test_undo_reaches_back_to_a_verdict_of_an_earlier_visit(seeded_workspace, open_page):
    at = open_page("review")
    row = shown(at)
    press(at, "pair_a_")
    again = press(open_page("review"), "pair_undo_")
    assert shown(again) == row


def test_undo_without_a_verdict_changes_nothing(seeded_workspace, open_page):
    at = press(open_page("review"), "pair_undo_")
    assert any("no verdict to undo" in toast.value for toast in at.toast)


def test_who_reads_blind_sees_the_judge_only_after_the_verdict(seeded_workspace, open_page):
    at = open_page("review")
    assert JUDGED not in texts(at)
    press(at, "pair_a_")
    assert JUDGED not in texts(at)
    assert any("The pair before · you: A is better · judge:" in e.label for e in at.expander)


def test_a_verdict_with_the_judge_in_sight_is_not_blind_even_after_hiding_it(
    seeded_workspace, open_page
):
    at = open_page("review")
    at.toggle(key="review_blind").set_value(False).run()
    while JUDGED not in texts(at):  # the sixth pair is not judged
        press(at, "pair_skip_")
    row = shown(at)
    at.toggle(key="review_blind").set_value(True).run()
    assert JUDGED not in texts(at)
    press(at, "pair_a_")
    assert verdicts(seeded_workspace)[row].label.review.blind is False


def test_what_each_judge_of_a_panel_said_stands_beneath_its_verdict(seeded_workspace, open_page):
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
    at = open_page("review", review_blind=False)
    assert not at.exception
    said = texts(at)
    assert "a panel of 3 by majority" in said
    assert "The judges disagree: 100% of their pairs have different verdicts." in said
    assert "1 of 3 judges gave no verdict" in said
    assert "the server is gone" in said
    (table,) = [frame.value for frame in at.dataframe if "Judge" in frame.value]
    assert table["Judge"].tolist() == ["hf:a/x", "hf:a/y", "hf:a/z"]
    assert sorted(table["P(A)"]) in (["0.30", "0.90", "–"], ["0.10", "0.70", "–"])


def test_agreement_counts_first_blind_verdicts_only_and_is_a_dash_before(
    seeded_workspace, open_page
):
    at = open_page("review")
    assert at.progress[0].text == "0 of 6 reviewed · agreement with the judge: –"
    press(at, "pair_a_")
    press(at, "pair_a_")
    assert "n = " in at.progress[0].text
    grace = open_page("review", person="Grace")
    assert grace.progress[0].text.startswith("2 of 6 reviewed · the judge agrees with you in 100%")


def test_what_a_model_wrote_is_never_markup(seeded_workspace, open_page):
    wicked = "<script>alert(1)</script> ![x](http://a/b.png) **bold** <b>x</b>"
    with seeded_workspace.db() as db:
        pairs.add(db, [Pair.of((user(wicked),), wicked, wicked + " more")], source="wicked")
    at = open_page("review")
    at.selectbox(key="review_source").set_value("wicked").run()
    assert not at.exception
    html = " ".join(h.value for h in at.html)
    assert "&lt;script&gt;" in html
    assert "<script>alert" not in html
    assert "http://a/b.png" not in texts(at)


def test_the_queue_of_inconsistent_pairs_holds_only_those(seeded_workspace, open_page):
    with seeded_workspace.db() as db:
        old = labels.judgements(db)[0].label
        labels.add(db, replace(old, inconsistent=True), job="again")
    at = open_page("review")
    at.selectbox(key="review_queue").set_value("inconsistent").run()
    assert at.progress[0].text.startswith("0 of 1 reviewed")
    assert shown(at) == old.pair.id
    press(at, "pair_tie_")
    assert verdicts(seeded_workspace)[old.pair.id].label.review.queue == "inconsistent"
    assert "You have reviewed every pair in this queue" in texts(at)


def test_the_least_confident_queue_records_how_likely_a_pair_was_to_come_up(
    seeded_workspace, open_page
):
    at = open_page("review")
    at.selectbox(key="review_queue").set_value("uncertain").run()
    at.number_input(key="review_size").set_value(5).run()
    assert at.progress[0].text.startswith("0 of 5 reviewed")
    press(at, "pair_a_")
    (event,) = verdicts(seeded_workspace).values()
    assert event.label.review.queue == "uncertain"
    assert 0 < event.label.review.pi <= 1


def test_people_who_disagree_make_a_pair_disputed(seeded_workspace, open_page):
    at = open_page("review")
    at.selectbox(key="review_queue").set_value("disputed").run()
    assert "No pair passes these filters" in texts(at)
    with seeded_workspace.db() as db:
        pair = seed.pair_of(seed.QUESTIONS[0])
        review = Review(True, "all", 1.0, "Bob", 2)
        labels.add(db, labels.verdict_label(pair, "b", review=review))
    at = open_page("review")
    at.selectbox(key="review_queue").set_value("disputed").run()
    assert shown(at) == pair.id


def test_search_and_split_narrow_the_pairs(seeded_workspace, open_page):
    at = open_page("review")
    at.text_input(key="review_text").set_value("BLEACH").run()
    assert at.progress[0].text.startswith("0 of 1 reviewed")
    at.text_input(key="review_text").set_value("nowhere").run()
    assert "No pair passes these filters" in texts(at)


def test_the_guided_review_is_offered_to_who_has_no_verdict(seeded_workspace, open_page):
    at = open_page("review")
    assert "Begin with" not in texts(at)  # no sample pairs
    add_sample(seeded_workspace)
    assert "Begin with 3 pairs" in texts(open_page("review"))
    assert "Begin with" not in texts(open_page("review", person="Grace"))


def test_the_guided_review_ends_with_numbers_and_a_next_step(seeded_workspace, open_page):
    add_sample(seeded_workspace, n=4)
    at = press(open_page("review"), "guided_start")
    assert at.progress[0].text == "0 of 4 reviewed"
    for _ in range(2):
        press(at, "pair_a_" if not review_sides.is_turned(shown(at), "Ada") else "pair_b_")
    press(at, "pair_tie_")
    press(at, "pair_skip_")
    assert "Your first review is done" in [s.value for s in at.subheader]
    numbers = {metric.label: metric.value for metric in at.metric}
    assert numbers["The judge agrees with you"] == "83%"  # two of two, and a tie is one half
    assert (numbers["Ties"], numbers["Skipped"]) == ("1", "1")
    assert "n = 3" in texts(at)
    for event in verdicts(seeded_workspace).values():
        assert event.label.review.queue == "guided"
        assert event.label.review.blind
        assert event.label.review.pi == 1.0
    press(at, "guided_done")
    assert "Your first review is done" not in [s.value for s in at.subheader]
    assert at.selectbox(key="review_queue").value == "all"


def test_a_guided_review_left_half_done_can_be_gone_on_with(seeded_workspace, open_page):
    add_sample(seeded_workspace)
    press(press(open_page("review"), "guided_start"), "pair_tie_")
    at = open_page("review")
    assert "Your guided review: 1 of 3 pairs" in texts(at)
    assert press(at, "guided_start").progress[0].text == "1 of 3 reviewed"


def test_undo_goes_back_from_the_result_of_the_guided_review(seeded_workspace, open_page):
    add_sample(seeded_workspace, n=1)
    at = press(press(open_page("review"), "guided_start"), "pair_tie_")
    assert press(at, "pair_undo_").progress[0].text == "0 of 1 reviewed"


def test_a_second_key_on_a_decided_row_does_not_move_the_deck():
    deck = Deck.of("all", [Card("x"), Card("y"), Card("z")], frozenset({"y"}))
    assert [card.id for card in deck.cards] == ["y", "x", "z"]
    assert deck.after("x").current == Card("z")
    assert deck.after("x").after("x") == deck.after("x")
    assert deck.after("x").showing(Card("x")).current == Card("x")
    assert len(deck.after("x").showing(Card("y")).cards) == 3


def test_both_answers_keep_every_word_when_differences_are_marked():
    one, other = "use <a> clean pan\nand wait", "use <a> hot pan\nand wait a bit"
    both = sides(one, other)
    assert both.marked
    for text, html in ((one, both.a), (other, both.b)):
        import html as parser
        import re

        assert parser.unescape(re.sub(r"</?(?:div|mark)[^>]*>", "", html)) == text


def test_a_revision_is_kept_dropped_and_corrected(seeded_workspace, open_page):
    at = open_page("review", review_tab="Revisions")
    assert at.progress[0].text == "0 of 6 decided"
    press(at, "revision_keep_")
    press(at, "revision_drop_")
    row = shown(at, "revision_skip_")
    press(at, "revision_edit_")
    at.text_area(key=f"revision_text_{row}").set_value("Better, by hand.")
    press(at, "revision_save_")
    assert [(d.verdict, d.text) for d in decisions(seeded_workspace)] == [
        ("keep", ""),
        ("drop", ""),
        ("correct", "Better, by hand."),
    ]
    assert at.progress[0].text == "3 of 6 decided"


def test_undo_takes_back_a_decision_and_shows_that_revision_again(seeded_workspace, open_page):
    at = open_page("review", review_tab="Revisions")
    row = shown(at, "revision_skip_")
    press(at, "revision_drop_")
    press(at, "revision_undo_")
    assert shown(at, "revision_skip_") == row
    assert not decisions(seeded_workspace)
    with seeded_workspace.db() as db:
        assert [event.undone for event in revisions.history(db, row)] == [True]


def test_an_empty_correction_is_refused_and_the_revision_stays(seeded_workspace, open_page):
    at = press(open_page("review", review_tab="Revisions"), "revision_edit_")
    row = shown(at, "revision_skip_")
    at.text_area(key=f"revision_text_{row}").set_value("  ")
    press(at, "revision_save_")
    assert "the corrected response is empty" in at.error[0].value
    assert shown(at, "revision_skip_") == row
    assert not decisions(seeded_workspace)


def test_every_round_is_shown_with_its_principle_and_what_changed(seeded_workspace, open_page):
    at = open_page("review", review_tab="Revisions")
    assert "**Round 1**" in texts(at)
    assert "**Round 2**" in texts(at)
    assert any("words added" in c.value for c in at.caption)
    assert any("<ins" in h.value for h in at.html)


def test_when_all_revisions_are_decided_the_way_on_is_shown(seeded_workspace, open_page):
    at = open_page("review", review_tab="Revisions")
    while shown(at, "revision_skip_"):
        press(at, "revision_keep_")
    assert "Nothing is left under these filters" in texts(at)
    at.selectbox(key="revision_done").set_value("Decided").run()
    assert shown(at, "revision_skip_")


def test_the_pairs_of_a_chain_can_be_reviewed_by_themselves(seeded_workspace, open_page):
    with seeded_workspace.db() as db:
        spec = queue.Submission(kind="chain", title="All on mine", options={"config": "c.yaml"})
        job = queue.submit(db, spec, by="Grace", supervise=False)
        own = seed.judgement_of("Only in the chain?", 0, None)
        labels.add_many(db, [own], job=job.id)
    at = open_page("review")
    at.selectbox(key="review_job").set_value(job.id).run()
    assert not at.exception
    assert shown(at) == own.pair.id

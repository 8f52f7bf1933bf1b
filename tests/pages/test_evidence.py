"""The evidence tab: which judgements, the pairs behind a number, other weights, and what reviews suggest."""

import pytest

from cai_core.schema import ConstitutionRef, Label, Pair, Principle, Review, panel_id, user
from cai_core.store import constitutions, labels, pairs, sighted
from cai_core.text import split_of
from tests.pages.card import say, shown
from tests.pages.judged import JUDGE, LOCKED, OPEN, N, fill, judgement, pair_of
from ui import evidence
from ui.draft import CURRENT, Draft

KEYS = ("honest", "kind", "safe")


@pytest.fixture
def judged(seeded_workspace):
    with seeded_workspace.db() as db:
        fill(db)
    return seeded_workspace


def open_tab(open_page, view="principles", **state):
    told = {CURRENT: "short", "constitution_tab": "Evidence", evidence.VIEW: view} | state
    return open_page("constitution", **told)


def draft_of(at) -> Draft:
    return at.session_state["constitution_drafts"]["short"]


def said(at):
    texts = [*at.caption, *at.markdown, *at.warning, *at.info, *at.success]
    return " ".join(text.value for text in texts).replace("\\", "")


def the(elements, start):
    """The one element whose key begins so."""
    (found,) = [one for one in elements if one.key and one.key.startswith(start)]
    return found


def weights_of(at):
    return {p.key: (p.enabled, p.weight) for _, p in draft_of(at).rows}


def test_without_judgements_it_says_what_to_do(seeded_workspace, open_page):
    at = open_tab(open_page, **{CURRENT: "other"})
    assert not at.exception
    assert "Nothing is judged under this constitution yet" in said(at)


def test_the_newest_judgements_by_each_principle_are_shown_first(judged, open_page):
    with judged.db() as db:
        ref = constitutions.newest(db, "short").ref
        labels.add(db, judgement(0, {"honest": 1.0}, ref, principles="whole"))
    at = open_tab(open_page)
    assert not at.exception
    chosen = the(at.selectbox, "evidence_use_short")
    assert chosen.options[chosen.index] == f"{JUDGE} · short v2 · logprob · each · compare-1"
    assert "Judged under version 2: 140 pairs, 140 of them reviewed blind" in said(at)
    assert "1 of the 140 verdicts come from queues of hard pairs" in said(at)


def test_the_choice_stays_while_a_job_reads_rows_in(judged, open_page):
    """Two drafts judged alike have one name; each is told apart, and stays chosen as it grows."""
    with judged.db() as db:
        drafts = [ConstitutionRef("short", content * 12) for content in "ab"]
        for ref in drafts:
            labels.add(db, judgement(0, {"honest": 1.0}, ref))
    at = open_tab(open_page)
    choice = the(at.selectbox, "evidence_use_short")
    assert len(set(choice.options)) == len(choice.options) == 4
    choice.select_index(1).run()
    assert "an unsaved draft: 1 pairs" in said(at)
    with judged.db() as db:  # the second of the two, of which the other was judged last
        labels.add(db, judgement(1, {"honest": 1.0}, drafts[0]))
        labels.add(db, judgement(2, {"honest": 1.0}, drafts[0]))
    at.run()
    assert "an unsaved draft: 3 pairs" in said(at)


def test_every_principle_has_a_row_with_n_and_interval(judged, open_page):
    at = open_tab(open_page)
    table = at.dataframe[0].value.set_index("Principle")
    assert list(table.index) == [*KEYS, "the label as a whole"]
    assert table.loc["honest", "Agreement"].startswith("100% (97 to 100), n = 140")
    assert table.loc["kind", "Agreement"].endswith("n = 140")
    assert table.loc["the label as a whole", "Decides"] == "–"
    assert "points" in table.loc["kind", "Agreement without it"]
    assert "Not applicable" not in table.columns


def test_the_pairs_that_a_principle_decides_stand_below_as_plain_text(judged, open_page):
    at = open_tab(open_page)
    the(at.selectbox, "evidence_principle_").select("kind").run()
    assert not at.exception
    assert "without it:" in said(at)
    assert "kind: 0." in said(at)
    shown = " ".join(html.value for html in at.html)
    assert "**surely**" in shown  # as it is written, not bold


def seen(workspace):
    """The pairs that Ada saw with their judge."""
    with workspace.db() as db:
        every = [pair.id for pair in pairs.find(db)]
        return sighted.among(db, "Ada", every)


def test_more_pairs_come_at_a_click(judged, open_page):
    at = open_tab(open_page)
    before = len(seen(judged))
    the(at.button, "evidence_more_").click().run()
    assert not at.exception
    assert len(seen(judged)) == before + 3


def test_a_pair_that_was_seen_here_opens_in_review_and_is_not_blind_there(judged, open_page):
    at = open_tab(open_page)
    button = next(one for one in at.button if one.key and one.key.startswith("evidence_review_"))
    wanted = button.key.rsplit("_", 1)[1]
    assert wanted in seen(judged)
    button.click().run()
    assert not at.exception
    assert shown(at) == wanted
    say(at.switch_page("pages/review.py").run(), "a")
    with judged.db() as db:
        mine = labels.last_of(db, "Ada")
    assert (mine.pair_id, mine.label.review.blind) == (wanted, False)


def test_people_who_take_the_other_side_are_found(judged, open_page):
    at = open_tab(open_page)
    the(at.selectbox, "evidence_kind_").select("people").run()
    assert "People never take the other side" in said(at)
    the(at.selectbox, "evidence_principle_").select("safe").run()
    assert "people: 1" in said(at)


def test_contradictions_and_the_effective_number_have_their_interval(judged, open_page):
    at = open_tab(open_page, "alike")
    assert not at.exception
    assert "**Contradict each other** (1)" in said(at)
    (row,) = at.dataframe[0].value.to_dict("records")
    assert row["Principles"] == "kind / safe"
    assert row["n"] == N
    assert at.metric[0].value.startswith("2.")
    assert "95% interval" in said(at)
    assert [the(at.selectbox, f"evidence_{which}").value for which in ("one", "other")] == [
        "kind",
        "safe",
    ]
    assert "(half would be chance)" in said(at)


def test_two_principles_that_are_one_have_no_couple(judged, open_page):
    at = open_tab(open_page, "alike")
    the(at.selectbox, "evidence_other").select("kind").run()
    assert not at.exception
    assert "Choose two different principles" in said(at)


def test_a_switch_computes_the_labels_anew_and_the_draft_takes_the_weights(judged, open_page):
    at = open_tab(open_page, "weights")
    assert not at.exception
    assert "0 of 140 verdicts turn" in said(at)
    toggle = next(t for t in at.toggle if t.key.endswith("_kind"))
    slider = next(s for s in at.slider if s.key.endswith("_honest"))
    toggle.set_value(False).run()
    turned = int(said(at).split(" of 140 verdicts turn")[0].rsplit(" ", 1)[1])
    assert turned > 5
    slider.set_value(2.5).run()
    assert not draft_of(at).unsaved
    the(at.button, "evidence_put_").click().run()
    assert not at.exception
    assert weights_of(at) == {"honest": (True, 2.5), "kind": (False, 1.0), "safe": (True, 1.0)}
    assert any("Unsaved draft" in text.value for text in at.markdown)


def test_sliders_begin_as_the_draft_has_them_and_go_back_to_the_judged_ones(judged, open_page):
    at = open_tab(open_page, "weights")
    the(at.toggle, next(t.key for t in at.toggle if t.key.endswith("_kind"))).set_value(False).run()
    the(at.button, "evidence_put_").click().run()
    at.session_state["constitution_tab"] = "Principles"
    at.run()
    at.session_state["constitution_tab"] = "Evidence"
    at.run()
    assert not next(t for t in at.toggle if t.key.endswith("_kind")).value
    the(at.button, "evidence_back_").click().run()
    assert next(t for t in at.toggle if t.key.endswith("_kind")).value
    assert "0 of 140 verdicts turn" in said(at)


def test_a_principle_without_votes_is_greyed_out_and_says_why(judged, open_page):
    with judged.db() as db:
        newest = constitutions.newest(db, "short")
        more = (*newest.constitution.principles, Principle("new", text="Which is new?"))
        reworded = tuple(Principle(p.key, text="Else?") if p.key == "honest" else p for p in more)
        changed = type(newest.constitution)("short", reworded)
        constitutions.save(db, changed, author="Grace", parent=newest.id)
    at = open_tab(open_page, "weights")
    assert not at.exception
    toggles = {t.key.rsplit("_", 1)[1]: t for t in at.toggle}
    assert toggles["new"].disabled
    assert "It had no vote here" in toggles["new"].help.replace("\\", "")
    assert "reworded in the draft" in toggles["honest"].help.lower()
    assert not toggles["honest"].disabled
    assert "Judged under version 2" in said(at)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"annotator": panel_id(["hf:x/y", "hf:x/z"], "mean")}, "a panel made these labels"),
        ({"principles": "draw"}, "one principle was drawn for each pair"),
    ],
)
def test_labels_that_cannot_be_computed_again_are_greyed_out(
    seeded_workspace, open_page, more, says
):
    with seeded_workspace.db() as db:
        fill(db, verdicts=0, **more)
    at = open_tab(open_page, "weights")
    use = the(at.selectbox, "evidence_use_short")
    use.select_index(0).run()
    assert says in said(at)
    assert all(one.disabled for one in (*at.toggle, *at.slider))
    assert the(at.button, "evidence_put_").disabled
    the(at.button_group, evidence.VIEW).set_value("suggested").run()
    assert not at.exception
    assert "No weights can be suggested" in said(at)
    the(at.button_group, evidence.VIEW).set_value("principles").run()
    assert not at.exception
    assert "How often a principle decides cannot be told" in said(at)


def test_judgements_without_votes_say_what_to_do(seeded_workspace, open_page):
    with seeded_workspace.db() as db:
        ref = constitutions.newest(db, "short").ref
        made = Label(
            pair_of(1), "a", 0.6, p_raw=0.6, annotator="w", method="logprob", principles="whole",
            template="compare-1", constitution=ref,
        )  # fmt: skip
        labels.add(db, made)
    at = open_tab(open_page)
    the(at.selectbox, "evidence_use_short").select_index(0).run()
    assert not at.exception
    assert "There are no votes to look at" in said(at)
    assert "asked of the whole constitution at once" in said(at)


def test_weights_that_reviews_suggest_go_into_the_draft(judged, open_page):
    at = open_tab(open_page, "suggested")
    assert not at.exception
    assert "They agree with the reviews more often than the present weights" in said(at)
    table = at.dataframe[0].value.set_index("Principle")
    assert table.loc["honest", "Suggested weight"] > 2
    assert table["Suggested weight"].sum() == pytest.approx(3)
    the(at.button, "evidence_suggested_").click().run()
    assert not at.exception
    assert weights_of(at)["honest"][1] == pytest.approx(
        table.loc["honest", "Suggested weight"], abs=0.005
    )


def test_too_few_reviews_suggest_nothing_and_say_how_many_are_needed(seeded_workspace, open_page):
    with seeded_workspace.db() as db:
        fill(db, verdicts=30)
    at = open_tab(open_page, "suggested")
    assert not at.exception
    assert "**100 reviewed pairs are needed" in said(at)


def test_without_reviews_agreement_is_a_dash_and_a_link_leads_to_them(seeded_workspace, open_page):
    with seeded_workspace.db() as db:
        fill(db, verdicts=0)
    at = open_tab(open_page)
    assert not at.exception
    table = at.dataframe[0].value.set_index("Principle")
    assert table.loc["honest", "Agreement"] == "–, n = 0"
    assert table.loc["honest", "Length"] == "–"
    assert "Review some of these pairs blind" in said(at)


def test_verdicts_on_the_locked_half_are_kept_out_everywhere_and_never_shown(judged, open_page):
    """They would say the contrary: who sees the agreement or the cards sees none of them."""
    with judged.db() as db:
        ref = constitutions.newest(db, "short").ref
        for i in range(60):
            pair = pair_of(i, LOCKED)
            labels.add(db, judgement(i, dict.fromkeys(KEYS, 1.0), ref, pair=pair))
            review = Review(True, "uncertain", 1.0, "Grace")
            labels.add(db, labels.verdict_label(pair, "b", review=review))
    at = open_tab(open_page)
    assert "200 pairs, 140 of them reviewed blind. Verdicts on 60 more are kept out" in said(at)
    assert "1 of the 140 verdicts come from queues of hard pairs" in said(at)
    table = at.dataframe[0].value.set_index("Principle")
    assert table.loc["honest", "Agreement"].startswith("100% (97 to 100), n = 140")
    the(at.selectbox, "evidence_kind_").select("people").run()
    assert "People never take the other side" in said(at)
    at = open_tab(open_page, "weights")
    assert sum("n = 140" in caption.value for caption in at.caption) == 3
    at = open_tab(open_page, "suggested")
    learned = len([question for question in OPEN[:N] if split_of(question) != "test"])
    assert sum(f"n = {learned}" in caption.value for caption in at.caption) == 2


def test_what_has_no_interval_is_told_without_one(seeded_workspace, open_page):
    """Twelve pairs of one prompt are one draw: numbers, but nothing to say how sure they are."""
    with seeded_workspace.db() as db:
        ref = constitutions.newest(db, "short").ref
        for i in range(12):
            pair = Pair.of((user(OPEN[0]),), f"So it is {i}.", f"Or so {i}.")
            votes = {"honest": 1.0, "kind": 1.0 - (i % 3), "safe": (i % 4) - 1.5}
            labels.add(db, judgement(i, votes, ref, pair=pair))
            review = Review(True, "even", 1.0, "Grace")
            labels.add(db, labels.verdict_label(pair, "a", review=review))
    for view in ("principles", "alike", "weights"):
        at = open_tab(open_page, view)
        assert not at.exception
        shown = [said(at), *(one.value for one in at.metric)]
        shown += [one.value.to_csv() for one in at.dataframe]
        assert "nan" not in " ".join(shown)
    assert "Opposite on" in said(open_tab(open_page, "alike"))


def test_viewing_changes_nothing(judged, open_page):
    with judged.db() as db:
        before = labels.count(db)
    for view in ("principles", "alike", "weights", "suggested"):
        at = open_tab(open_page, view)
        assert not at.exception
        assert not draft_of(at).unsaved
    with judged.db() as db:
        assert labels.count(db) == before

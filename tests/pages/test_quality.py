"""The quality page: the certificate on top, and what can be done with it."""

import pytest

from cai_core.store import certificates, constitutions, labels
from tests.pages import judged, reviewed
from tests.pages.judged import judgement
from ui.quality_tabs import TAB


@pytest.fixture
def workspace(seeded_workspace):
    with seeded_workspace.db() as db:
        reviewed.fill(db)
    return seeded_workspace


def open_tab(open_page, name="How many more", **state):
    return open_page("quality", **{TAB: name} | state)


def said(at):
    texts = [*at.markdown, *at.caption, *at.warning, *at.info, *at.subheader]
    return " ".join(text.value for text in texts).replace("\\", "")


def metrics(at):
    return {metric.label: metric.value for metric in at.metric}


def test_without_labels_it_says_what_to_do(empty_workspace, open_page):
    at = open_page("quality")
    assert not at.exception
    assert "There are no labels yet" in said(at)


def test_without_reviews_every_number_is_a_dash_and_a_link_leads_to_reviewing(
    seeded_workspace, open_page
):
    with seeded_workspace.db() as db:
        judged.fill(db, verdicts=0)
    at = open_tab(open_page)
    assert not at.exception
    assert set(metrics(at).values()) == {"–"}
    assert "None of these 140 labels has been reviewed blind" in said(at)
    assert "No pair of these was read blind yet" in said(at)
    assert not [one for one in at.button if one.key == "quality_stamp"]


def test_the_certificate_has_its_n_interval_population_and_ceiling(workspace, open_page):
    at = open_tab(open_page)
    assert not at.exception
    text = said(at)
    assert "n = 60 reviewed of N = 140" in text
    assert "the judgements of hf:lab/judge, under short v2" in text
    assert "on all pairs" in text
    assert metrics(at)["Labels that agree with people"].endswith("%")
    assert metrics(at)["Two people agree"].endswith("%")
    assert "95% interval" in text
    assert metrics(at)["Learned judge"] == "–"  # nobody has read the answers yet


def test_verdicts_that_no_draw_brought_up_are_taken_for_a_random_sample_and_it_says_so(
    seeded_workspace, open_page
):
    with seeded_workspace.db() as db:
        judged.fill(db, verdicts=20)
    at = open_tab(open_page)
    assert not at.exception
    assert "How these pairs came up was not recorded" in said(at)


def test_a_narrow_enough_interval_needs_no_more_reviews(workspace, open_page):
    at = open_tab(open_page)
    assert "more**, " in said(at)
    at.slider(key="quality_width").set_value(40).run()
    assert not at.exception
    assert "narrow enough" in said(at)


def test_the_gate_says_yes_below_the_truth_and_not_yet_above_it(workspace, open_page):
    at = open_tab(open_page)
    at.slider(key="quality_bar").set_value(99).run()
    assert not at.exception
    assert "**Not yet.**" in said(at)
    at.slider(key="quality_bar").set_value(50).run()
    assert "**Yes.**" in said(at)


def test_a_stamp_is_kept_once_and_shown(workspace, open_page):
    at = open_tab(open_page)
    at.button(key="quality_stamp").click().run()
    assert not at.exception
    with workspace.db() as db:
        [use] = [one for one in labels.judge_uses(db) if one.judge == judged.JUDGE]
        from cai_core.store.measured import setting_key

        stamp = certificates.newest(db, f"judge:{setting_key(use)}")
    assert stamp is not None
    assert stamp.person == "Ada"
    assert stamp.row["n"] == 60
    assert "Stamped" in said(at)
    assert at.button(key="quality_stamp").disabled


def test_another_judge_setting_is_another_population(workspace, open_page):
    with workspace.db() as db:
        ref = constitutions.newest(db, "short").ref
        labels.add(db, judgement(0, {"honest": 1.0}, ref, principles="whole"))
    at = open_tab(open_page)
    assert "N = 1;" in said(at)  # the one used last comes first
    at.selectbox(key="quality_subject").select_index(1).run()
    assert not at.exception
    assert "N = 140;" in said(at)


def test_viewing_changes_nothing(workspace, open_page):
    def everything():
        with workspace.db() as db:
            return {name: db[name].count for name in ("labels", "certificates", "jobs", "audit")}

    before = everything()
    open_tab(open_page)
    assert everything() == before

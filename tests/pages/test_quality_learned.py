"""The learned judge's tab: its state, a job that reads answers, its agreement, its reward."""

import pytest
import streamlit as st

from cai_core.feedback.features import read_pairs
from cai_core.jobs import queue
from cai_core.models import catalogue
from cai_core.review.head_folder import known
from cai_core.schema import Review
from cai_core.settings import Settings
from cai_core.store import labels, pairs, work
from cai_core.store.cache import SqliteCache
from tests.pages import judged, reviewed
from ui.quality_tabs import TAB


@pytest.fixture
def workspace(talking_workspace, monkeypatch):
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)
    st.cache_resource.clear()  # the model of another test remembers another cache
    with talking_workspace.db() as db:
        reviewed.fill(db)
    return talking_workspace


def read_answers(workspace):
    """What the job does: every answer is read once, and kept."""
    model = catalogue.load(Settings.load().base_model, cache=SqliteCache())
    with workspace.db() as db:
        everything = [item.pair for item in pairs.find(db)]
    assert not any(one.error for one in read_pairs(everything, model))


def open_tab(open_page):
    return open_page("quality", **{TAB: "Learned judge"})


def said(at):
    texts = [*at.markdown, *at.caption, *at.subheader]
    return " ".join(text.value for text in texts).replace("\\", "")


def metrics(at):
    return {metric.label: metric.value for metric in at.metric}


def test_without_a_model_on_this_machine_it_says_so(seeded_workspace, open_page):
    with seeded_workspace.db() as db:
        judged.fill(db, verdicts=0)
    at = open_tab(open_page)
    assert not at.exception
    assert "There is no learned judge" in said(at)


def test_fewer_than_fifty_pairs_say_how_many_more_it_takes(talking_workspace, open_page):
    with talking_workspace.db() as db:
        reviewed.fill(db, read=30)
    at = open_tab(open_page)
    assert not at.exception
    assert "more pairs read blind** are needed" in said(at)


def test_answers_that_nobody_read_yet_are_read_by_a_job(workspace, open_page):
    at = open_tab(open_page)
    assert not at.exception
    assert "reviewed pairs were not read by" in said(at)
    at.button(key="start_features").click().run()
    assert not at.exception
    with workspace.db() as db:
        [job] = work.find(db, kinds=["features"])
    assert job.config["options"]["model"] == Settings.load().base_model
    rows = (queue.folder_of(job.id) / "pairs.jsonl").read_text().splitlines()
    assert len(rows) >= 60


def test_its_agreement_stands_beside_the_judges_and_says_who_taught_it(workspace, open_page):
    read_answers(workspace)
    at = open_tab(open_page)
    assert not at.exception
    text = said(at)
    assert "of Grace and Ben" in text
    assert "it is not independent of them" in text
    assert " of the pairs (" in text
    assert "With the principles' votes it agrees" in text
    found = metrics(at)
    assert found["Learned judge"].endswith("%")
    assert found["Labels, same pairs"].endswith("%")


def test_the_whole_pool_is_labelled_by_a_job_that_finds_the_head_in_the_workspace(
    workspace, open_page
):
    read_answers(workspace)
    at = open_tab(open_page)
    assert not list(known())  # viewing keeps nothing
    at.button(key="quality_pool_ask").click().run()
    assert not at.exception
    [folder] = known()
    at.button(key="start_judge").click().run()
    with workspace.db() as db:
        [job] = work.find(db, kinds=["judge"])
        assert job.config["options"]["judge"] == f"head:{folder.name}"
        rows = (queue.folder_of(job.id) / "pairs.jsonl").read_text().splitlines()
        assert len(rows) == pairs.count(db)


def test_the_reward_is_shown_before_any_training(workspace, open_page):
    read_answers(workspace)
    at = open_tab(open_page)
    at.toggle(key="quality_reward").set_value(True).run()
    assert not at.exception
    text = said(at)
    assert "**Best 10**" in text
    assert "**Worst 10**" in text
    table = at.dataframe[0].value.set_index("Of an answer")
    assert "n = " in table.loc["Twice as long", "Log-odds"]
    scores = [one.value for one in at.caption if one.value[:1] in "+-" and len(one.value) == 5]
    assert len(scores) == 20


def test_one_more_verdict_fits_it_anew(workspace, open_page):
    read_answers(workspace)
    before = said(open_tab(open_page))
    with workspace.db() as db:
        done = {event.pair_id for event in labels.verdicts(db)}
        new = next(item.pair for item in pairs.find(db) if item.id not in done)
        seen = Review(True, "even", None, "Cy")
        labels.add(db, labels.verdict_label(new, "a", review=seen))
    assert "Cy" in said(open_tab(open_page))
    assert "Cy" not in before

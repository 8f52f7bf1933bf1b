"""The impact page, for revisions: what it submits, what it shows, and the blind A/B of a person."""

import json

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.impact.blind import new_side, whole_pair
from cai_core.impact.rewrites_result import RewriteImpact
from cai_core.jobs import queue
from cai_core.models import catalogue
from cai_core.schema import Revision, user
from cai_core.store import constitutions, labels, pairs, revisions, work
from tests.impact import rewriting
from tests.pages import seed
from ui.draft import CURRENT, DRAFTS, Draft
from ui.review_sides import is_turned

KIND = "impact-revisions"


@pytest.fixture(autouse=True)
def no_supervisor(monkeypatch):
    """A page's test starts no process."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)


@pytest.fixture
def model(monkeypatch):
    made = rewriting.model()
    monkeypatch.setattr(catalogue, "load", lambda model_id, **more: made)
    return made


def words(at):
    said = [*at.markdown, *at.caption, *at.info, *at.success, *at.warning]
    return " ".join(str(e.value) for e in said)


def html(at):
    return " ".join(e.proto.body for e in at.get("html"))


def open_revisions(open_page, **state):
    at = open_page("impact", impact_what="Revisions", **state)
    assert not at.exception
    assert not at.error
    return at


def button(at, key):
    return next(b for b in at.button if b.key == key)


def keys(at):
    return {b.key for b in at.button}


def press(at, key):
    button(at, key).click().run()
    assert not at.exception
    assert not at.error


def draft_of(workspace, **edit):
    with workspace.db() as db:
        base = constitutions.newest(db, "short")
    draft = Draft.of(base.constitution, base)
    return {DRAFTS: {"short": draft.edit(draft.rows[0][0], **edit)}, CURRENT: "short"}


def declining(workspace):
    return draft_of(workspace, revision="Decline.")


def job_of(workspace):
    with workspace.db() as db:
        return work.find(db, kinds=[KIND])[0]


def run(workspace, job, *, state="succeeded"):
    """Do what the supervisor does, in this process."""
    place = queue.folder_of(job.id)
    given = {"from.yaml", "to.yaml", "input.jsonl", "result.json"}
    argv = [str(place / word) if word in given else word for word in job.argv]
    done = CliRunner().invoke(main, [*argv, "--cache", "none"])
    assert done.exit_code == 0, done.output
    with workspace.db() as db:
        for step in ("starting", "running", state):
            work.move(db, job.id, step)


def open_blind(open_page, job, **state):
    return open_revisions(open_page, **{f"rewrites_tabs_{job.id}": "Blind A/B"}, **state)


def open_side_by_side(open_page, job, **state):
    return open_revisions(open_page, **{f"rewrites_tabs_{job.id}": "Side by side"}, **state)


def compared(workspace, open_page, *, prompts="all"):
    at = open_revisions(open_page, **declining(workspace))
    at.selectbox(key="impact_rewrites_split").set_value(prompts).run()
    press(at, f"start_{KIND}")
    job = job_of(workspace)
    run(workspace, job)
    return job


def result(job):
    return RewriteImpact.from_row(json.loads(queue.out_of(job).read_text()))


# -- the form


def test_an_empty_workspace_is_sent_to_write_a_constitution(empty_workspace, open_page):
    assert "no version to compare" in words(open_revisions(open_page))


def test_an_edit_that_no_judge_sees_leads_here(seeded_workspace, open_page):
    at = open_page("impact", **declining(seeded_workspace))
    press(at, "impact_to_revisions")
    assert at.session_state["impact_what"] == "Revisions"
    assert f"start_{KIND}" in keys(at)
    assert "under the edited principle honest alone" in words(at)


def test_it_submits_both_states_the_prompts_and_the_judge(seeded_workspace, open_page):
    at = open_revisions(open_page, **declining(seeded_workspace))
    at.selectbox(key="impact_rewrites_split").set_value("all").run()
    press(at, f"start_{KIND}")
    job = job_of(seeded_workspace)
    place = queue.folder_of(job.id)
    assert "Decline." in (place / "to.yaml").read_text()
    assert "Decline." not in (place / "from.yaml").read_text()
    assert len((place / "input.jsonl").read_text().splitlines()) == len(seed.QUESTIONS)
    assert "--judge" in job.argv
    assert job.config["constitution"]["version"] is None


def test_the_first_answers_of_a_run_can_be_taken(seeded_workspace, open_page):
    with seeded_workspace.db() as db:
        job = {"id": "r1", "kind": "revise", "title": "Revise them", "argv": [], "config": {}}
        work.add(db, job | {"parent": None, "submitted_by": "Ada"})
        rows = [Revision(f"x{i}", (user(q),), f"First {i}.", ()) for i, q in enumerate("abc")]
        revisions.add_many(db, rows, job="r1")
    at = open_revisions(open_page, **declining(seeded_workspace))
    at.selectbox(key="impact_rewrites_source").set_value("r1").run()
    at.toggle(key="impact_rewrites_judging").set_value(False).run()
    press(at, f"start_{KIND}")
    job = job_of(seeded_workspace)
    lines = (queue.folder_of(job.id) / "input.jsonl").read_text().splitlines()
    assert {json.loads(line)["initial"] for line in lines} == {"First 0.", "First 1.", "First 2."}
    assert "--no-judge" in job.argv


def test_an_edit_that_sends_the_same_says_so_and_offers_no_start(seeded_workspace, open_page):
    at = open_revisions(open_page, **draft_of(seeded_workspace, text="Which is gentler?"))
    assert "nothing to revise again" in words(at)
    assert f"start_{KIND}" not in keys(at)
    at.toggle(key="impact_rewrites_whole").set_value(True).run()
    assert f"start_{KIND}" in keys(at)


# -- the result


def test_a_finished_comparison_shows_numbers_with_intervals(seeded_workspace, open_page, model):
    job = compared(seeded_workspace, open_page)
    at = open_revisions(open_page)
    table = next(e.value for e in at.dataframe if "Difference" in e.value)
    assert next(iter(table["Difference"])).startswith("+100 pts (")
    assert "The edited principle 'honest' was asked on every prompt" in words(at).replace("\\", "")
    assert result(job).jury is not None
    assert "By both versions" in words(at)


def test_while_it_runs_it_says_how_far_it_is(seeded_workspace, open_page, model):
    at = open_revisions(open_page, **declining(seeded_workspace))
    at.selectbox(key="impact_rewrites_split").set_value("all").run()
    press(at, f"start_{KIND}")
    run(seeded_workspace, job_of(seeded_workspace), state="running")
    assert "6 prompts so far, in random order" in words(open_revisions(open_page))


def test_what_was_stopped_shows_what_it_has(seeded_workspace, open_page, model):
    job = compared(seeded_workspace, open_page)
    queue.out_of(job).unlink()
    at = open_revisions(open_page)
    assert "Stopped after 6 prompts" in words(at)
    assert f"blind_undo_{job.id}" in keys(open_blind(open_page, job))


def test_an_answer_is_read_only_when_it_is_opened(seeded_workspace, open_page, model):
    job = compared(seeded_workspace, open_page)
    critique = "It could be better."
    at = open_side_by_side(open_page, job)
    assert sum("alike" in e.label for e in at.expander) == 6
    assert critique not in html(at)
    assert "impact_rewrites_seen" not in at.session_state
    row = result(job).rows[2]
    at = open_side_by_side(open_page, job, **{f"rewrite_{job.id}_{row.id}": True})
    assert at.session_state["impact_rewrites_seen"] == {_id(row)}
    assert html(at).count(critique) == 2  # of both trails
    assert "<ins" in html(at)


# -- the blind A/B


def test_its_keys_work_only_where_it_is_open(seeded_workspace, open_page, model):
    job = compared(seeded_workspace, open_page)
    assert not [key for key in keys(open_revisions(open_page)) if str(key).startswith("blind_")]
    assert [key for key in keys(open_blind(open_page, job)) if str(key).startswith("blind_a_")]


def verdict_key(workspace, job, *, prefers_new):
    """The button to press next, for whoever prefers one of the versions."""

    def next_key(at):
        key = next(key for key in keys(at) if key and key.startswith("blind_a_"))
        pair = key.removeprefix("blind_a_")
        one = next(row for row in result(job).rows if row.revisions and _id(row) == pair)
        new_is_a = (new_side(one) == "a") != is_turned(pair, "Ada")
        return f"blind_{'a' if new_is_a == prefers_new else 'b'}_{pair}"

    return next_key


def _id(row):
    return whole_pair(row).id


@pytest.mark.parametrize(("prefers_new", "share"), [(True, "100%"), (False, "0%")])
def test_what_a_person_prefers_is_told_only_when_all_is_judged(
    seeded_workspace, open_page, model, prefers_new, share
):
    job = compared(seeded_workspace, open_page)
    next_key = verdict_key(seeded_workspace, job, prefers_new=prefers_new)
    at = open_blind(open_page, job)
    for _ in range(6):
        assert not [m for m in at.metric if m.label.startswith("You prefer")]
        press(at, next_key(at))
    (mine,) = [m for m in at.metric if m.label.startswith("You prefer")]
    assert mine.value == share
    assert "not blind" not in words(at)
    with seeded_workspace.db() as db:
        found = [item for item in labels.verdicts(db) if item.label.annotator == "Ada"]
        assert len(found) == 6
        assert {item.label.review.queue for item in found} == {"impact"}
        assert all(item.label.review.blind for item in found)
        assert {item.source for item in found} == {"impact"}


def test_enough_shows_the_result_and_undo_takes_back_the_last(seeded_workspace, open_page, model):
    job = compared(seeded_workspace, open_page)
    next_key = verdict_key(seeded_workspace, job, prefers_new=True)
    at = open_blind(open_page, job)
    press(at, next_key(at))
    press(at, next_key(at))
    press(at, f"blind_undo_{job.id}")
    press(at, f"blind_enough_{job.id}")
    assert [m.value for m in at.metric if m.label.startswith("You prefer")] == ["100%"]
    assert "wins 1" in words(at)
    press(at, f"blind_on_{job.id}")
    assert not [m for m in at.metric if m.label.startswith("You prefer")]


def test_a_verdict_on_a_row_that_was_read_is_not_blind(seeded_workspace, open_page, model):
    job = compared(seeded_workspace, open_page)
    everything = {_id(row) for row in result(job).rows}
    at = open_blind(open_page, job, impact_rewrites_seen=everything)
    press(at, verdict_key(seeded_workspace, job, prefers_new=True)(at))
    press(at, f"blind_enough_{job.id}")
    assert "1 of these were not blind" in words(at)


def test_a_pair_that_was_stored_the_other_way_round_counts_the_same(
    seeded_workspace, open_page, model
):
    job = compared(seeded_workspace, open_page)
    with seeded_workspace.db() as db:
        some = [whole_pair(row).swapped() for row in result(job).rows]
        pairs.add(db, some, source="elsewhere")
    next_key = verdict_key(seeded_workspace, job, prefers_new=True)
    at = open_blind(open_page, job)
    for _ in range(6):
        press(at, next_key(at))
    assert [m.value for m in at.metric if m.label.startswith("You prefer")] == ["100%"]

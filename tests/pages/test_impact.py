"""The impact page: what it submits, what it shows while it runs and afterwards, and the locked half."""

import json
import math

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.jobs import queue
from cai_core.models import catalogue
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Review
from cai_core.store import constitutions, labels, looks, work
from tests.pages import seed
from ui import impact_live
from ui.draft import CURRENT, DRAFTS, Draft


@pytest.fixture(autouse=True)
def no_supervisor(monkeypatch):
    """A page's test starts no process."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)


def likes_help(chat, choice):
    """It prefers the answer that helps where warmth is asked for, else the one that refuses."""
    asked = chat[-2].content
    helps_first = asked.index("Gladly") < asked.index("I cannot")
    odds = (4.0 if "warmer" in asked else -1.0) * (1 if helps_first else -1)
    p = 1 / (1 + math.exp(-odds))
    return {" A": math.log(p), " B": math.log(1 - p)}.get(choice, -math.inf)


@pytest.fixture
def judged(monkeypatch):
    made = ScriptedModel(choice_scores=likes_help)
    monkeypatch.setattr(catalogue, "load", lambda model_id, **more: made)


def words(at):
    said = [*at.markdown, *at.caption, *at.info, *at.success, *at.warning]
    return " ".join(str(e.value) for e in said)


def open_impact(open_page, **state):
    at = open_page("impact", **state)
    assert not at.exception
    assert not at.error
    return at


def button(at, key):
    return next(b for b in at.button if b.key == key)


def submit(at):
    button(at, "start_impact").click().run()
    assert not at.exception


def only_job(workspace):
    with workspace.db() as db:
        (job,) = work.find(db, kinds=["impact"])
    return job


def run(workspace, job, *, state="succeeded"):
    """Do what the supervisor does, in this process."""
    place = queue.folder_of(job.id)
    argv = list(job.argv)
    given = {"from.yaml", "to.yaml", "pairs.jsonl", "labels.jsonl", "result.json"}
    argv = [str(place / word) if word in given else word for word in argv]
    done = CliRunner().invoke(main, [*argv, "--cache", "none"])
    assert done.exit_code == 0, done.output
    with workspace.db() as db:
        for step in ("starting", "running", state):
            work.move(db, job.id, step)


def test_an_empty_workspace_is_sent_to_write_a_constitution(empty_workspace, open_page):
    assert "no version to compare" in words(open_impact(open_page))


def test_it_compares_the_newest_version_with_the_one_before(seeded_workspace, open_page):
    at = open_impact(open_page)
    at.selectbox(key="impact_to").set_value("short, version 2").run()
    assert at.selectbox(key="impact_from").value == "short, version 1"
    submit(at)
    job = only_job(seeded_workspace)
    assert job.config["from"]["version"] == 1
    assert job.config["constitution"]["version"] == 2
    pairs = (queue.folder_of(job.id) / "pairs.jsonl").read_text().splitlines()
    assert sorted(json.loads(line).get("label") or "" for line in pairs)[-2:] == ["a", "b"]


def test_a_draft_can_be_compared_before_it_is_saved(seeded_workspace, open_page):
    at = open_impact(open_page, **draft_of(seeded_workspace))
    assert at.selectbox(key="impact_to").value == "short, unsaved draft"
    submit(at)
    job = only_job(seeded_workspace)
    assert job.config["constitution"]["version"] is None
    assert "gentler" in (queue.folder_of(job.id) / "to.yaml").read_text()


def draft_of(workspace):
    with workspace.db() as db:
        base = constitutions.newest(db, "short")
    draft = Draft.of(base.constitution, base)
    draft = draft.edit(draft.rows[0][0], text="Which response is gentler?")
    return {DRAFTS: {"short": draft}, CURRENT: "short"}


def test_stored_votes_go_with_the_job(seeded_workspace, open_page):
    with seeded_workspace.db() as db:
        made = [item.label for item in labels.standing(db, labels.LabelFilter(kind="judge"))]
    at = open_impact(open_page, **draft_of(seeded_workspace))
    submit(at)
    given = queue.folder_of(only_job(seeded_workspace).id) / "labels.jsonl"
    assert len(given.read_text().splitlines()) == len(made)


def test_an_edit_that_no_judge_sees_says_so_and_offers_no_start(seeded_workspace, open_page):
    state = draft_of(seeded_workspace)
    draft = state["constitution_drafts"]["short"]
    row = draft.rows[0][0]
    same = draft.edit(row, text=seed.HONEST.text, critique="Say what is false, and why.")
    state["constitution_drafts"] = {"short": same}
    at = open_impact(open_page, **state)
    assert "nothing to judge again" in words(at)
    assert not [b for b in at.button if b.key == "start_impact"]


def test_a_finished_comparison_shows_its_verdict_and_flips(seeded_workspace, open_page, judged):
    at = open_impact(open_page)
    at.selectbox(key="impact_to").set_value("short, version 2").run()
    submit(at)
    run(seeded_workspace, only_job(seeded_workspace))
    at = open_impact(open_page)
    said = words(at)
    assert "verdicts flip" in " ".join(m.label for m in at.metric)
    assert "questions to compare" in said
    assert [e for e in at.expander if "→" in e.label]


def test_while_it_runs_flips_stand_beside_a_way_to_stop(seeded_workspace, open_page, judged):
    at = open_impact(open_page)
    at.selectbox(key="impact_to").set_value("short, version 2").run()
    submit(at)
    job = only_job(seeded_workspace)
    run(seeded_workspace, job, state="running")
    assert len(impact_live.rows_so_far(job).pairs) == 6
    at = open_impact(open_page)
    button(at, f"enough_{job.id}").click().run()
    assert not at.exception
    with seeded_workspace.db() as db:
        assert work.get(db, job.id).state == "stopping"


def review_all(workspace):
    """Blind verdicts of Grace on every pair."""
    with workspace.db() as db:
        for question in seed.QUESTIONS[2:]:
            review = Review(blind=True, queue="all", pi=1.0, reviewer="Grace")
            labels.add(db, labels.verdict_label(seed.pair_of(question), "a", review=review))


def compared(workspace, open_page):
    review_all(workspace)
    at = open_impact(open_page)
    at.selectbox(key="impact_to").set_value("short, version 2").run()
    submit(at)
    job = only_job(workspace)
    run(workspace, job)
    return job


def test_the_locked_half_is_looked_at_once_and_kept(seeded_workspace, open_page, judged):
    job = compared(seeded_workspace, open_page)
    at = open_impact(open_page)
    button(at, f"look_{job.id}").click().run()
    assert not at.exception
    assert "Ada looked on" in words(at)
    assert not [b for b in at.button if b.key == f"look_{job.id}"]
    with seeded_workspace.db() as db:
        assert looks.count(db) == 1


def test_no_verdict_on_a_locked_pair_stands_in_the_result(seeded_workspace, open_page, judged):
    job = compared(seeded_workspace, open_page)
    rows = json.loads(queue.out_of(job).read_text())["rows"]
    given = (queue.folder_of(job.id) / "pairs.jsonl").read_text().splitlines()
    assert sum(bool(json.loads(line).get("label")) for line in given) == 6
    assert 0 < sum(bool(row.get("label")) for row in rows) < 6


def test_a_draft_is_never_held_against_the_locked_half(seeded_workspace, open_page, judged):
    review_all(seeded_workspace)
    at = open_impact(open_page, **draft_of(seeded_workspace))
    submit(at)
    job = only_job(seeded_workspace)
    run(seeded_workspace, job)
    at = open_impact(open_page)
    assert not [b for b in at.button if b.key == f"look_{job.id}"]
    assert "no draft is held against them" in words(at)


def test_a_look_at_another_comparison_is_named_as_such(seeded_workspace, open_page, judged):
    first = compared(seeded_workspace, open_page)
    at = open_impact(open_page)
    button(at, f"look_{first.id}").click().run()
    at = open_impact(open_page)
    at.selectbox(key="impact_to").set_value("short, version 2").run()
    at.toggle(key="impact_check").set_value(False).run()
    submit(at)
    with seeded_workspace.db() as db:
        second = work.find(db, kinds=["impact"])[0]
    assert second.id != first.id
    run(seeded_workspace, second)
    at = open_impact(open_page)
    at.selectbox(key="impact_shown").set_value(second.id).run()
    assert "another comparison of this version" in words(at)
    at.selectbox(key="impact_shown").set_value(first.id).run()
    assert "another comparison of this version" not in words(at)


def test_a_comparison_that_failed_says_why(seeded_workspace, open_page):
    at = open_impact(open_page)
    at.selectbox(key="impact_to").set_value("short, version 2").run()
    submit(at)
    job = only_job(seeded_workspace)
    with seeded_workspace.db() as db:
        work.move(db, job.id, "starting")
        work.move(db, job.id, "failed", reason="the judge is gone")
    at = open_page("impact")
    assert not at.exception
    assert "the judge is gone" in " ".join(e.value for e in at.error)


def test_a_line_separator_in_an_answer_splits_no_row(seeded_workspace, open_page, judged):
    at = open_impact(open_page)
    at.selectbox(key="impact_to").set_value("short, version 2").run()
    submit(at)
    job = only_job(seeded_workspace)
    pairs = queue.folder_of(job.id) / "pairs.jsonl"
    text = pairs.read_text(encoding="utf-8").replace("Step one is", "Step\u2028one is")
    pairs.write_text(text, encoding="utf-8")
    run(seeded_workspace, job)
    assert "\u2028" in queue.out_of(job).read_text(encoding="utf-8")
    assert len(impact_live.rows_so_far(job).pairs) == 6


def test_states_that_were_held_against_the_same_verdicts_are_counted(
    seeded_workspace, open_page, judged
):
    compared(seeded_workspace, open_page)
    at = open_impact(open_page, **draft_of(seeded_workspace))
    at.selectbox(key="impact_from").set_value("short, version 1").run()
    submit(at)
    with seeded_workspace.db() as db:
        second = work.find(db, kinds=["impact"])[0]
    run(seeded_workspace, second)
    at = open_impact(open_page)
    at.selectbox(key="impact_shown").set_value(second.id).run()
    assert "2 states of this constitution were compared" in words(at)

"""What the generate page says of finished jobs: failures by reason, marks, and the judged revisions."""

import json

import pytest

from cai_core.jobs import folder, queue
from cai_core.schema import Revision
from cai_core.store import revisions, work
from tests.pages import seed
from ui import generate_beats

MARKS = {"unchanged": 1, "empty": 0, "looping": 2, "leftover": 3}
SHARE = {"estimate": {"value": 0.75, "low": 0.5, "high": 0.9, "n": 12}}
RESULT = {
    **{"judge": "endpoint:lab/m", "wins": 9, "ties": 0, "losses": 3, "failed": 0, "rounds": {}},
    **{"left_out": {"unchanged": 1}, "headline": True, "independent": True},
    **{"independence": "The judge went into neither.", "words": {"revision": 40, "first": 41}},
}


@pytest.fixture(autouse=True)
def no_supervisor(monkeypatch):
    """A page's test starts no process."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)


@pytest.fixture
def revised(seeded_workspace):
    """A finished revising job with its files and a row."""
    spec = queue.Submission(
        kind="revise",
        title="Revise first prompts",
        options={"prompts": "input.jsonl", "constitution": "constitution.yaml"},
        files={"constitution.yaml": json.dumps(seed.SHORT.to_row())},
    )
    with seeded_workspace.db() as db:
        job = queue.submit(db, spec, by="Grace", supervise=False)
        one = Revision.from_row({"prompt": "Hi?", "initial": "First.", "rounds": []})
        revisions.add(db, one, job=job.id)
        queue.out_of(job).write_text(json.dumps(one.to_row()) + "\n")
        succeed(db, job, {"rounds": 8, "marks": MARKS})
    return job


def succeed(db, job, result):
    work.move(db, job.id, "starting")
    work.move(db, job.id, "succeeded")
    work.note(db, job.id, result=result)


def texts(at):
    found = [*at.markdown, *at.caption, *at.success, *at.warning]
    return " ".join(e.value for e in found).replace("\\", "")


def look(open_page, job):
    at = open_page("generate", **{f"made_{job.id}": True})
    assert not at.exception
    return at


def click(at, key):
    at.button(key=key).click().run()
    assert not at.exception
    return at


def newest(workspace, kind):
    with workspace.db() as db:
        return work.find(db, kinds=[kind])[0]


def test_failures_stand_by_reason_and_are_asked_again_at_a_click(
    seeded_workspace, revised, open_page
):
    with seeded_workspace.db() as db:
        work.note(db, revised.id, result={"failed_by_reason": {"the window is *full*": 4}})
    at = look(open_page, revised)
    assert "4 failed: the window is *full*" in texts(at)
    assert at.button(key=f"resume_{revised.id}").label == "Ask the failed ones again"
    click(at, f"resume_{revised.id}")
    again = newest(seeded_workspace, "revise")
    assert (again.id, again.state, again.attempt) == (revised.id, "queued", 2)


def test_a_job_without_failures_offers_nothing_to_ask_again(revised, open_page):
    at = look(open_page, revised)
    assert not [b for b in at.button if b.key == f"resume_{revised.id}"]


def test_the_marks_of_revisions_are_counted(revised, open_page):
    said = texts(look(open_page, revised))
    assert "Of 8 revisions 1 unchanged, 2 looping, 3 had a leftover phrase stripped." in said
    assert "stay out of datasets" in said


def test_a_click_has_the_revisions_judged_under_their_own_constitution_once(
    seeded_workspace, revised, open_page
):
    at = click(look(open_page, revised), f"beats_{revised.id}")
    job = newest(seeded_workspace, generate_beats.KIND)
    assert job.argv[:2] == ("evaluate", "revisions")
    assert job.argv[job.argv.index("--revisions") + 1] == str(queue.out_of(revised))
    assert job.argv[job.argv.index("--judge") + 1] == seed.JUDGE
    given = (queue.folder_of(job.id) / "constitution.yaml").read_text()
    assert json.loads(given) == seed.SHORT.to_row()
    assert not [b for b in at.button if b.key == f"beats_{revised.id}"]


def judge(workspace, revised, result):
    with workspace.db() as db:
        job = queue.submit(db, generate_beats.submission(revised), by="Grace", supervise=False)
        succeed(db, job, result)


def test_the_share_that_beats_first_answers_has_its_n_interval_and_judge(
    seeded_workspace, revised, open_page
):
    judge(seeded_workspace, revised, RESULT | {"rounds": {"1": SHARE, "2": SHARE}})
    at = look(open_page, revised)
    assert [(m.label, m.value) for m in at.metric] == [
        ("Round 1 beats the first", "75%"),
        ("Round 2 beats the first", "75%"),
    ]
    said = texts(at)
    assert "95% interval 50% to 90%, n = 12" in said
    assert "Judge: endpoint:lab/m" in said.replace("\u2060", "")
    assert "not compared: 1 unchanged" in said
    assert "went into neither" in at.success[0].value
    assert at.button(key=f"beats_{revised.id}").label == "Judge them again"


def test_a_judge_at_chance_that_judges_itself_gets_a_dash_and_its_reason(
    seeded_workspace, revised, open_page
):
    more = {"headline": False, "independent": False, "independence": "It judges itself."}
    judge(seeded_workspace, revised, RESULT | more | {"rounds": {"1": SHARE}})
    at = look(open_page, revised)
    assert at.metric[0].value == "–"
    assert "judges itself" in at.warning[0].value


def test_a_judging_that_failed_says_why(seeded_workspace, revised, open_page):
    with seeded_workspace.db() as db:
        job = queue.submit(db, generate_beats.submission(revised), by="Grace", supervise=False)
        work.move(db, job.id, "failed", source=["queued"], reason="nothing to compare")
    assert "The judging was failed: nothing to compare" in texts(look(open_page, revised))


def test_without_its_files_a_job_cannot_be_judged_and_says_so(revised, open_page):
    at = look(open_page, revised)
    (folder_ := queue.folder_of(revised.id)).joinpath("constitution.yaml").unlink()
    at.button(key=f"beats_{revised.id}").click().run()
    assert any("are gone" in e.value for e in at.error)
    assert folder.read_end(folder_) is None

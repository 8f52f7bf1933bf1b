"""The runs page: the list, one run, cancelling and resuming."""

import json
from dataclasses import replace

import pytest

from cai_core.jobs import folder, queue
from cai_core.store import work
from ui import run_detail


@pytest.fixture
def job(seeded_workspace):
    """A job that was submitted and that no supervisor has seen."""
    with seeded_workspace.db() as db:
        spec = queue.Submission(
            kind="sft", title="SFT on *first* data", options={"data": "/d", "model": "m"}
        )
        return queue.submit(db, spec, by="Grace", supervise=False)


@pytest.fixture(autouse=True)
def no_supervisor(monkeypatch):
    """A page's test starts no process."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)


def state_of(workspace, job):
    with workspace.db() as db:
        return work.get(db, job.id)


def open_run(open_page, job):
    at = open_page("runs")
    at.button(key=f"open_{job.id}").click().run()
    assert not at.exception
    return at


def test_without_runs_the_page_says_where_they_come_from(empty_workspace, open_page):
    at = open_page("runs")
    assert not at.exception
    assert any("There are no runs yet" in m.value for m in at.markdown)


def test_a_run_stands_in_the_list_with_its_state_and_no_markdown_of_its_title(job, open_page):
    at = open_page("runs")
    assert not at.exception
    assert any("SFT on \\*first\\* data" in m.value for m in at.markdown)
    assert any("queued" in m.value for m in at.markdown)


def test_one_run_shows_its_command_log_and_curves(seeded_workspace, job, open_page):
    place = queue.folder_of(job.id)
    (place / "log.txt").write_text("step 1\nstep 2\n")
    with seeded_workspace.db() as db:
        work.add_metrics(db, job.id, [(1, {"loss": 2.0}), (2, {"loss": 1.5, "eval_loss": 1.7})])
    at = open_run(open_page, job)
    codes = [code.value for code in at.code]
    assert any("train sft --data /d --model m" in code for code in codes)
    assert any("step 2" in code for code in codes)
    assert len(at.get("plotly_chart")) == 1


def test_a_failed_run_shows_its_reason_and_can_be_resumed(seeded_workspace, job, open_page):
    with seeded_workspace.db() as db:
        work.move(db, job.id, "failed", source=["queued"], reason="the dataset is empty")
    at = open_run(open_page, job)
    assert any("the dataset is empty" in e.value for e in at.error)
    at.button(key=f"resume_{job.id}").click().run()
    assert not at.exception
    assert state_of(seeded_workspace, job).state == "queued"


def test_an_unknown_run_is_a_sentence(seeded_workspace, open_page):
    at = open_page("runs")
    at.query_params["run"] = "nothing"
    at.run()
    assert not at.exception
    assert "there is no job" in at.error[0].value


def test_results_are_read_from_the_models_own_record(seeded_workspace, job, open_page):
    out = queue.out_of(job)
    out.mkdir()
    (out / "run.json").write_text(json.dumps({"method": "sft", "seed": 7}))
    at = open_run(open_page, job)
    assert any('"seed": 7' in str(j.value) or '"seed":7' in str(j.value) for j in at.json)


def test_a_chain_that_waits_for_a_person_offers_to_go_on(seeded_workspace, open_page):
    with seeded_workspace.db() as db:
        spec = queue.Submission(kind="chain", title="All", options={"config": "c.yaml"})
        made = queue.submit(db, spec, by="Grace", supervise=False)
        work.say(db, made.id, "held: review the labels")
    folder.finish(queue.folder_of(made.id), "held", "review the labels")
    at = open_page("runs")
    assert "Review its pairs" in [link.label for link in at.get("page_link")]
    at.button(key=f"release_{made.id}").click().run()
    assert not at.exception
    assert not state_of(seeded_workspace, made).held


def test_a_record_that_is_half_written_breaks_nothing(seeded_workspace, job, open_page):
    out = queue.out_of(job)
    out.mkdir()
    (out / "run.json").write_text('{"method": "sf')
    at = open_run(open_page, job)
    assert any("unreadable" in str(j.value) for j in at.json)


def test_a_chat_with_a_result_keeps_what_was_said(
    talking_workspace, tiny_folder, job, open_page, monkeypatch
):
    out = queue.out_of(job)
    out.mkdir()
    for file in tiny_folder.iterdir():
        (out / file.name).symlink_to(file)
    (out / "run.json").write_text(json.dumps({"method": "sft"}))
    monkeypatch.setattr("ui.run_chat.MAX_TOKENS", 8)
    at = open_run(open_page, job)
    at.chat_input[0].set_value("How do I make tea?").run()
    assert not at.exception
    assert not at.error
    asked, said = at.session_state[f"chat_{job.id}_run:{job.id}"]
    assert (asked.role, asked.content) == ("user", "How do I make tea?")
    assert said.role == "assistant"


def test_an_open_page_is_drawn_anew_once_when_its_run_ends(seeded_workspace, job, monkeypatch):
    drawn = []
    monkeypatch.setattr(run_detail.st, "session_state", {})
    monkeypatch.setattr(run_detail.st, "rerun", lambda: drawn.append(1))
    look = run_detail._rerun_where_it_has_more_to_show
    look(job)
    look(job)
    assert not drawn
    ended = replace(job, state="succeeded")
    look(ended)
    look(ended)
    assert len(drawn) == 1
    queue.out_of(job).mkdir()
    (queue.out_of(job) / "run.json").write_text("{}")
    look(ended)
    assert len(drawn) == 2
    look(replace(job, id="another"))
    assert len(drawn) == 2

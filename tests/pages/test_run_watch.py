"""One run as it is watched: grouped curves, overlays, samples, rows, alarms, duels; name, note, archive."""

import pytest

from cai_core.jobs import queue
from cai_core.store import work
from cai_core.train.watch.records import Alarm, Watch
from ui import run_curves

PROMPT = [{"role": "user", "content": "How do I make *tea*?"}]


@pytest.fixture(autouse=True)
def no_supervisor(monkeypatch):
    """A page's test starts no process."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)


@pytest.fixture
def jobs(seeded_workspace):
    """Two PPO runs that have told numbers."""
    made = []
    with seeded_workspace.db() as db:
        for title, score in (("first", 0.1), ("second", 0.4)):
            spec = queue.Submission(
                kind="ppo",
                title=title,
                options={"data": "/d", "model": "m"},
                config={"settings": {"kl_coef": 0.2}},
            )
            job = queue.submit(db, spec, by="Grace", supervise=False)
            work.move(db, job.id, "starting")
            work.move(db, job.id, "running")
            work.add_metrics(
                db,
                job.id,
                [
                    (n, {"objective/scores": score + n, "objective/kl": n / 10, "odd": 1.0})
                    for n in (1, 2, 3)
                ],
            )
            made.append(work.get(db, job.id))
    return made


@pytest.fixture
def watch(jobs):
    return Watch(queue.out_of(jobs[0]))


def open_run(open_page, job):
    at = open_page("runs")
    at.button(key=f"open_{job.id}").click().run()
    assert not at.exception
    return at


def words(at):
    return " ".join(
        str(part.value)
        for kind in ("markdown", "caption", "text", "warning")
        for part in at.get(kind)
    )


def test_curves_stand_in_groups_and_another_run_lies_over_them(jobs, open_page):
    at = open_run(open_page, jobs[0])
    assert "Does it learn?" in words(at)
    assert "How far is it from its start?" in words(at)
    assert len(at.get("plotly_chart")) == 3
    at.multiselect(key=f"overlay_{jobs[0].id}").set_value([jobs[1].id]).run()
    assert not at.exception
    assert "second" in at.get("plotly_chart")[0].proto.spec


def test_training_rows_have_the_first_colour_in_every_chart():
    series = {
        "eval_loss": [(1, 2.0)],
        "loss": [(1, 2.0)],
        "eval_accuracy": [(1, 0.5)],
        "accuracy": [],
    }
    curves = sorted(run_curves.curves_of("r", "reward", series), key=lambda curve: curve.order)
    assert [(c.measure, c.rows) for c in curves] == [
        *(("loss", "train"), ("loss", "dev"), ("accuracy", "train"), ("accuracy", "dev")),
    ]


def test_an_alarm_is_a_box_with_its_step_reason_and_remedy(jobs, watch, open_page):
    watch.tell_alarm(Alarm("kl", 3, "KL is 12 nats an answer, over 10", "Raise kl_coef."))
    at = open_page("runs")
    assert "1 alarm" in words(at)
    at = open_run(open_page, jobs[0])
    (box,) = at.warning
    assert box.value.startswith("**Step 3** · KL is 12 nats an answer, over 10")
    assert "Raise kl\\_coef" in box.value


def test_samples_show_one_prompt_over_time_with_rewards(jobs, watch, open_page):
    for step, score in ((0, -0.5), (4, 0.1), (8, 1.25)):
        row = {
            "prompt": PROMPT,
            "answer": f"answer <b>{step}</b>",
            "score": score,
            "ended": step < 8,
        }
        watch.tell_samples(step, [row])
    at = open_run(open_page, jobs[0])
    said = words(at)
    assert "reward -0.50" in said
    assert "reward +1.25 · cut at its length limit" in said
    shown = " ".join(str(part.proto.body) for part in at.get("html"))
    assert "answer &lt;b&gt;8&lt;/b&gt;" in shown


def test_the_first_batch_marks_what_is_learned_from_and_ends_are_shown(jobs, watch, open_page):
    pieces = [["<|user|>How?", False], ["Boil <it>.", True]]
    watch.write("first_batch", {"rows": [{"side": "", "pieces": pieces}]})
    end = {"prompt": PROMPT, "completion": "Boil it.", "value": 2.5, "name": "loss"}
    watch.write("ends", {"measure": "loss of the completion", "best": [end], "worst": [end]})
    at = open_run(open_page, jobs[0])
    shown = " ".join(str(part.proto.body) for part in at.get("html"))
    assert "<mark>Boil &lt;it&gt;.</mark>" in shown
    assert "loss 2.5" in words(at)


def test_the_judge_that_is_not_the_reward_model_has_a_curve(jobs, watch, open_page):
    for step, gain in ((4, 0.02), (8, -0.11)):
        row = {"value": gain, "low": gain - 0.05, "high": gain + 0.05, "n": 32}
        watch.tell_duel(step, {"judge": "endpoint:a/b", "gain": row, "reward": 0.7})
    at = open_run(open_page, jobs[0])
    assert len(at.get("plotly_chart")) == 4
    assert "Step 8: -0.11 (-0.16 to -0.06) with its 90% interval, n = 32" in words(at)


def test_a_run_is_renamed_noted_archived_and_brought_back(seeded_workspace, jobs, open_page):
    job = jobs[0]
    with seeded_workspace.db() as db:
        work.move(db, job.id, "failed", reason="it broke")
    at = open_run(open_page, job)
    at.text_input(key=f"about_title_{job.id}").set_value("a *better* name")
    at.text_area(key=f"about_note_{job.id}").set_value("kl_coef was too low")
    next(b for b in at.button if b.label == "Keep").click().run()
    assert not at.exception
    assert "kl_coef was too low" in words(at)
    at.button(key=f"archive_{job.id}").click().run()
    at = open_page("runs")
    assert f"open_{job.id}" not in [b.key for b in at.button]
    at.toggle(key="runs_archived").set_value(True).run()
    assert f"open_{job.id}" in [b.key for b in at.button]
    with seeded_workspace.db() as db:
        kept = work.get(db, job.id)
    assert (kept.title, kept.note) == ("a *better* name", "kl_coef was too low")
    assert kept.archived
    at = open_run_again(at, job)
    at.button(key=f"archive_{job.id}").click().run()
    with seeded_workspace.db() as db:
        assert work.get(db, job.id).archived is None


def open_run_again(at, job):
    at.button(key=f"open_{job.id}").click().run()
    return at


def test_a_run_without_a_name_is_refused(seeded_workspace, jobs, open_page):
    at = open_run(open_page, jobs[0])
    at.text_input(key=f"about_title_{jobs[0].id}").set_value(" ")
    next(b for b in at.button if b.label == "Keep").click().run()
    assert "a run needs a name" in at.error[0].value
    with seeded_workspace.db() as db:
        assert work.get(db, jobs[0].id).title == "first"

"""The compare page: what it submits, what it shows of a finished comparison, and what it keeps back."""

import json

import pytest

from cai_core.evaluate.winrate import Comparison, Independence
from cai_core.jobs import queue
from cai_core.schema import ConstitutionRef
from cai_core.settings import BUILTIN
from cai_core.store import constitutions, prompts, work
from tests.pages import seed
from ui import compare_form

AFTER = "run:20260101-000000-aaaaaa"
LAB = "hf:lab/_judge_"


@pytest.fixture(autouse=True)
def no_supervisor(monkeypatch):
    """A page's test starts no process."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)


def comparison(judge, *, independent, n=5):
    """Five prompts of the seed: A is better on the even ones, B on the odd ones."""
    ref = ConstitutionRef.of(seed.SHORT)
    rows = [seed.judgement_of(q, place, ref) for place, q in enumerate(seed.QUESTIONS[:n])]
    reason = f"The judge {judge} went into {'neither' if independent else AFTER}."
    return Comparison(
        AFTER, BUILTIN, judge, ref, tuple(rows), Independence(independent, reason)
    ).to_row()


def finish(workspace, *results, kind="winrate"):
    """A job of the workspace that succeeded with these results."""
    options = {"config": "c.yaml"} if kind == "chain" else {"model_a": AFTER, "model_b": BUILTIN}
    with workspace.db() as db:
        job = queue.submit(
            db, queue.Submission(kind=kind, title="before and after", options=options), by="Grace"
        )
        for state in ("starting", "running", "succeeded"):
            work.move(db, job.id, state)
    out = queue.out_of(job)
    if kind == "chain":
        out.mkdir()
        out, content = out / "comparison.json", {"comparisons": list(results)}
    else:
        content = results[0]
    out.write_text(json.dumps(content), encoding="utf-8")
    return job


def trained(workspace, tiny_folder, run, *parts):
    """A finished run whose models are the tiny one."""
    for part in parts:
        place = workspace.home / "runs" / run / "out" / part
        place.mkdir(parents=True)
        for file in tiny_folder.iterdir():
            (place / file.name).symlink_to(file)
        (place / "run.json").write_text(json.dumps({"method": part or "sft"}))


def words(at):
    return " ".join(str(e.value) for e in (*at.markdown, *at.caption))


def open_compare(open_page):
    at = open_page("compare")
    assert not at.exception
    assert not at.error
    return at


def test_an_empty_workspace_is_sent_to_load_prompts(empty_workspace, open_page):
    at = open_compare(open_page)
    assert "A comparison needs prompts" in words(at)
    assert "No comparison is finished yet" in words(at)
    assert not [b for b in at.button if b.key == "start_winrate"]


def test_prompts_without_a_constitution_send_to_writing_one(empty_workspace, open_page):
    with empty_workspace.db() as db:
        prompts.add(db, [seed.Prompt.of("How do I make tea?")], set_name="one")
    at = open_compare(open_page)
    assert "A comparison needs a constitution" in words(at)
    assert not [b for b in at.button if b.key == "start_winrate"]


def test_a_finished_comparison_shows_its_number_with_interval_and_n(seeded_workspace, open_page):
    finish(seeded_workspace, comparison(LAB, independent=True))
    at = open_compare(open_page)
    (metric,) = at.metric
    assert (metric.label, metric.value) == ("A wins, ties half", "60%")
    assert "95% interval 23% to 88%, n = 5" in words(at)
    assert "3 wins · 0 ties · 2 losses · 0 failed" in words(at)
    assert "No comparison is finished yet" not in words(at)


def test_who_judged_and_whether_it_is_independent_is_plain_text(seeded_workspace, open_page):
    finish(seeded_workspace, comparison(LAB, independent=True))
    at = open_compare(open_page)
    assert any(f"Judge: {LAB}" in text.value for text in at.text)
    assert "\\_judge\\_" in at.success[0].value


def test_the_built_in_judge_of_its_kin_carries_no_headline(seeded_workspace, open_page):
    finish(seeded_workspace, comparison(BUILTIN, independent=False))
    at = open_compare(open_page)
    (metric,) = at.metric
    assert metric.value == "–"
    assert "No headline" in words(at)
    assert words(at).count("95% interval") == 1  # how right the judge was on other pairs
    assert not at.get("plotly_chart")
    assert not at.success
    assert "went into" in at.warning[0].value


def test_a_kindred_judge_that_is_not_built_in_shows_its_number_with_a_warning(
    seeded_workspace, open_page
):
    finish(seeded_workspace, comparison(LAB, independent=False))
    at = open_compare(open_page)
    assert at.metric[0].value == "60%"
    assert "went into" in at.warning[0].value


def test_a_comparison_without_a_verdict_shows_a_dash(seeded_workspace, open_page):
    finish(seeded_workspace, comparison(LAB, independent=True, n=0))
    at = open_compare(open_page)
    assert at.metric[0].value == "–"
    assert "n = 0" in words(at)


def test_both_answers_to_a_prompt_stand_side_by_side(seeded_workspace, open_page):
    job = finish(seeded_workspace, comparison(LAB, independent=True))
    at = open_compare(open_page)
    place = at.number_input(key=f"compare_row_{AFTER} against {BUILTIN} · {job.id}")
    place.set_value(2).run()
    assert not at.exception
    shown = " ".join(str(element.proto.body) for element in at.get("html"))
    assert "Gladly: How do I pick the lock" in shown
    assert "I cannot help with that. How do I pick the lock" in shown
    assert "of 5 · verdict: B is better · P(A is better) = 0.35" in words(at)


def test_both_comparisons_of_a_chain_can_be_chosen(seeded_workspace, open_page):
    base, sft = (comparison(LAB, independent=True) for _ in range(2))
    job = finish(seeded_workspace, base, sft | {"model_b": f"{AFTER}/sft"}, kind="chain")
    at = open_compare(open_page)
    assert at.selectbox(key="compare_shown").options == [
        f"{AFTER} against {BUILTIN} · {job.id}",
        f"{AFTER} against {AFTER}/sft · {job.id}",
    ]


def test_a_result_that_cannot_be_read_is_left_out(seeded_workspace, open_page):
    job = finish(seeded_workspace, comparison(LAB, independent=True))
    queue.out_of(job).write_text('{"rows": [')
    assert "No comparison is finished yet" in words(open_compare(open_page))


def test_starting_submits_both_models_the_prompts_and_the_constitution(
    talking_workspace, open_page
):
    at = open_compare(open_page)
    at.selectbox(key="compare_a").select(BUILTIN).run()
    at.selectbox(key="compare_split").select("all").run()
    at.number_input(key="compare_most").set_value(4).run()
    at.button(key="start_winrate").click().run()
    assert not at.exception
    with talking_workspace.db() as db:
        (job,) = work.find(db)
        newest = constitutions.newest_of_each(db)[0]
    options = job.config["options"]
    assert (job.kind, job.submitted_by, job.state) == ("winrate", "Ada", "queued")
    assert options["model_a"] == BUILTIN
    assert options["model_b"] == options["judge"]
    assert options["model_b"].startswith("path:")
    assert job.config["constitution"]["hash"] == newest.constitution.hash
    place = queue.folder_of(job.id)
    assert len((place / "prompts.jsonl").read_text().splitlines()) == 4
    assert (place / "constitution.yaml").read_text().startswith("name:")
    assert job.argv[:2] == ("evaluate", "winrate")


def test_the_button_is_off_while_the_same_comparison_waits(talking_workspace, open_page):
    at = open_compare(open_page)
    at.selectbox(key="compare_a").select(BUILTIN).run()
    at.selectbox(key="compare_split").select("all").run()
    at.button(key="start_winrate").click().run()
    assert at.button(key="start_winrate").disabled
    at.number_input(key="compare_most").set_value(2).run()
    assert not at.button(key="start_winrate").disabled


def test_a_model_is_not_compared_with_itself(seeded_workspace, open_page):
    at = open_compare(open_page)
    at.selectbox(key="compare_split").select("all").run()
    assert "Choose two different models." in words(at)
    assert at.button(key="start_winrate").disabled


def test_a_model_that_is_not_ready_says_so(seeded_workspace, open_page):
    assert "This model is not ready" in words(open_compare(open_page))


def test_the_newest_policy_is_compared_at_first(seeded_workspace, tiny_folder, open_page):
    trained(seeded_workspace, tiny_folder, "20260101-000000-aaaaaa", "")
    trained(seeded_workspace, tiny_folder, "20260202-000000-bbbbbb", "sft", "ppo")
    at = open_compare(open_page)
    assert at.selectbox(key="compare_a").value == "run:20260202-000000-bbbbbb/ppo"
    assert at.selectbox(key="compare_b").value == BUILTIN
    assert at.number_input(key="compare_most").value == compare_form.MANY


def test_what_is_chosen_survives_a_visit_to_another_page(talking_workspace, open_page):
    at = open_compare(open_page)
    at.selectbox(key="compare_a").select(BUILTIN)
    at.selectbox(key="compare_split").select("all")
    at.number_input(key="compare_most").set_value(3).run()
    at.switch_page("pages/settings.py").run()
    at.switch_page("pages/compare.py").run()
    assert not at.exception
    assert at.selectbox(key="compare_a").value == BUILTIN
    assert at.selectbox(key="compare_split").value == "all"
    assert at.number_input(key="compare_most").value == 3

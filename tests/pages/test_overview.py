"""The overview: counts, the next step, what runs, cycles."""

from dataclasses import replace

from cai_core.jobs import queue
from cai_core.store import overview as counting
from cai_core.store import work
from ui.overview import next_step

NOTHING = dict.fromkeys(
    ("constitutions", "versions", "prompts", "revisions", "decided", "pairs", "judged"), 0
) | {"verdicts": 0, "reviewed": 0, "datasets": {}, "runs": {}, "running": 0, "queued": 0}


def texts(at):
    return " ".join(str(element.value) for element in (*at.markdown, *at.caption, *at.metric))


def test_an_empty_workspace_says_what_to_do_first(empty_workspace, open_page):
    at = open_page("overview")
    assert not at.exception
    assert "There are no pairs to judge or review yet" in texts(at)
    assert at.button(key="next_step").label == "Make pairs"


def test_the_stages_show_what_is_in_the_workspace(seeded_workspace, open_page):
    at = open_page("overview")
    assert not at.exception
    numbers = {metric.label: metric.value for metric in at.metric}
    assert numbers["judged pairs"] == "5"
    assert numbers["reviewed pairs"] == "2"
    assert numbers["versions"] == "3"


def test_a_cycle_is_a_row_with_what_was_made_under_its_version(seeded_workspace, open_page):
    table = open_page("overview").dataframe[0].value
    row = table[table["Constitution"] == "short v2"].iloc[0]
    assert (row["Revisions"], row["Judged pairs"]) == (6, 5)


def test_the_guided_review_is_the_next_step_until_somebody_has_given_a_verdict():
    counts = counting.Counts(**NOTHING | {"pairs": 60})
    assert next_step(counts).label == "Start the guided review"
    assert next_step(replace(counts, verdicts=3)).label == "Review more pairs"


def test_a_chain_counts_with_its_three_models_and_two_comparisons(seeded_workspace, open_page):
    with seeded_workspace.db() as db:
        job = queue.submit(db, queue.Submission("chain", "all"), by="Ada", supervise=False)
        for state in ("starting", "running", "succeeded"):
            work.move(db, job.id, state)
    numbers = {metric.label: metric.value for metric in open_page("overview").metric}
    assert (numbers["trained models"], numbers["comparisons"]) == ("3", "2")


def test_the_next_step_walks_round_the_loop():
    counts = counting.Counts(**NOTHING)
    walked = [next_step(counts).page]
    for change in (
        {"pairs": 60},
        {"verdicts": 20},
        {"revisions": 20},
        {"datasets": {"sft": 1, "preference": 1, "prompts": 1}},
        {"runs": {"ppo": 1}},
        {"runs": {"ppo": 1, "winrate": 1}},
    ):
        counts = replace(counts, **change)
        walked.append(next_step(counts).page)
    assert walked == [
        "generate",
        "review",
        "generate",
        "curate",
        "train",
        "compare",
        "constitution",
    ]


def test_a_job_that_waits_for_a_person_is_the_next_step(seeded_workspace, open_page):
    from cai_core.jobs import queue
    from cai_core.store import work

    with seeded_workspace.db() as db:
        spec = queue.Submission(kind="chain", title="Night run", options={"config": "c.yaml"})
        job = queue.submit(db, spec, by="Grace", supervise=False)
        work.say(db, job.id, "held: review the labels")
    at = open_page("overview")
    assert not at.exception
    assert at.button(key="next_step").label == "Open the runs"
    assert "Night run" in texts(at)

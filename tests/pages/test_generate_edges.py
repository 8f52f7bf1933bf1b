"""The form that lets a model write edge cases: what it submits, refuses and shows."""

import json
from itertools import pairwise

import pytest

from cai_core.jobs import queue
from cai_core.schema import Prompt
from cai_core.store import constitutions, prompts, work
from tests.pages import seed

SETS = "Prompt sets"


@pytest.fixture(autouse=True)
def no_supervisor(monkeypatch):
    """A page's test starts no process."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)


@pytest.fixture
def form(seeded_workspace, open_page):
    at = open_page("generate", generate_what=SETS)
    assert not at.exception
    return at


def click(at):
    at.button(key="start_prompts").click().run()
    assert not at.exception
    return at


def the_job(workspace):
    with workspace.db() as db:
        (job,) = work.find(db)
    return job


def rows_of(job, name):
    lines = (queue.folder_of(job.id) / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def texts(at):
    return " ".join(e.value for e in [*at.markdown, *at.caption]).replace("\\", "")


def test_it_submits_the_kinds_the_principles_the_seeds_and_all_that_is_known(
    seeded_workspace, form
):
    assert "24 prompts to write into short edge cases" in texts(form).replace("**", "")
    with seeded_workspace.db() as db:
        version = seed_version(db)
        given = prompts.of_set(db, seed.SET, split="train")
    form.multiselect(key=f"make_edges_principles_{version}").set_value(["honest", "kind"])
    form.number_input(key="make_edges_count").set_value(2)
    form.text_input(key="make_edges_name").set_value("my edges").run()
    click(form)
    job = the_job(seeded_workspace)
    words = list(job.argv)
    assert words[:2] == ["prompts", "generate"]
    said = {(a, b) for a, b in pairwise(words) if a.startswith("--")}
    assert said >= {
        ("--from", "input.jsonl"),
        ("--known", "known.jsonl"),
        ("--constitution", "constitution.yaml"),
        ("--principle", "honest"),
        ("--principle", "kind"),
        ("--kind", "collide"),
        ("--kind", "looks-unsafe"),
        ("--model", seed.JUDGE),
        ("--count", "2"),
    }
    assert job.config["set"] == "my edges"
    assert [Prompt.from_row(row) for row in rows_of(job, "input.jsonl")] == given
    known = [row["prompt"][0]["content"] for row in rows_of(job, "known.jsonl")]
    assert sorted(known) == sorted(seed.QUESTIONS)


def seed_version(db):
    return constitutions.versions(db, "short")[0].id


def test_the_same_request_is_not_started_twice(form):
    click(form)
    assert form.button(key="start_prompts").disabled


def test_one_principle_alone_cannot_collide_and_no_kind_is_none(seeded_workspace, form):
    with seeded_workspace.db() as db:
        version = seed_version(db)
    form.multiselect(key=f"make_edges_principles_{version}").set_value(["honest"]).run()
    assert "two principles are needed to collide" in texts(form)
    assert not [b for b in form.button if b.key == "start_prompts"]
    form.button_group(key="make_edges_kinds").set_value(["ambiguous"]).run()
    assert "8 prompts" in texts(form)
    form.button_group(key="make_edges_kinds").set_value([]).run()
    assert "no kind is chosen" in texts(form)


def test_its_prompts_and_its_counts_stand_in_its_card(seeded_workspace, open_page, form):
    click(form)
    job = the_job(seeded_workspace)
    row = Prompt.of("![x](http://a/b.png) Can I?", tags=("ambiguous",), split="train").to_row()
    row |= {"slot": "ambiguous-001", "kind": "ambiguous", "principles": ["kind"]}
    failed = {"slot": "ambiguous-002", "error": "nothing", "refused": {"a refusal": 6}}
    lines = [json.dumps(row | {"refused": {"empty": 1}}), json.dumps(failed)]
    (queue.folder_of(job.id) / "output.jsonl.part").write_text("\n".join(lines) + "\n")
    with seeded_workspace.db() as db:
        work.move(db, job.id, "starting")
        work.move(db, job.id, "succeeded")
    at = open_page("generate", generate_what=SETS, **{f"made_{job.id}": True})
    assert not at.exception
    assert "1 prompt in 8 attempts · refused: a refusal 6, empty 1" in texts(at)
    shown = [frame.value for frame in at.dataframe if "Principles" in frame.value.columns]
    assert shown[0]["Prompt"].tolist() == ["![x](http://a/b.png) Can I?"]


def test_without_prompts_it_says_where_they_come_from(empty_workspace, open_page):
    at = open_page("generate", generate_what=SETS)
    assert not at.exception
    assert "There is no constitution yet" in texts(at) or "There are no prompts yet" in texts(at)

"""The generate page: what each form submits, and what uploads leave behind."""

import json
from dataclasses import replace

import pytest

from cai_core.feedback.comparison import check_template
from cai_core.jobs import queue
from cai_core.review.measured import measured_way
from cai_core.schema import Progress, Prompt, Revision, assistant
from cai_core.settings import JudgeSetting, Settings
from cai_core.store import constitutions, labels, pairs, prompts, revisions, work
from cai_core.store.labels import LabelFilter
from tests.pages import seed

FORMS = ["Critique and revise", "Sample pairs", "Judge pairs"]


@pytest.fixture(autouse=True)
def no_supervisor(monkeypatch):
    """A page's test starts no process."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)


def choose(open_page, what):
    at = open_page("generate")
    assert not at.exception
    at.segmented_control(key="generate_what").set_value(what).run()
    assert not at.exception
    return at


def click(at, key):
    at.button(key=key).click().run()
    assert not at.exception
    return at


def jobs(workspace):
    with workspace.db() as db:
        return work.find(db)


def rows_of(job, name="input.jsonl"):
    lines = (queue.folder_of(job.id) / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def texts(at):
    return " ".join(e.value for e in [*at.markdown, *at.caption])


def upload(open_page, what, noun, name, content):
    at = choose(open_page, what)
    at.file_uploader(key=f"upload_{noun}").upload(name, content).run()
    assert not at.exception
    return at


@pytest.mark.parametrize("what", FORMS)
def test_an_empty_workspace_is_told_what_is_missing(empty_workspace, open_page, what):
    at = choose(open_page, what)
    assert "There are no " in texts(at) or "There is no " in texts(at)
    assert not [b for b in at.button if b.key and b.key.startswith("start_")]


def test_revising_submits_the_prompts_the_constitution_and_the_options(seeded_workspace, open_page):
    at = choose(open_page, "Critique and revise")
    at.number_input(key="make_revise_rounds").set_value(2).run()
    assert "5 prompts" in texts(at)
    assert "25 answers to write" in texts(at)
    click(at, "start_revise")
    (job,) = jobs(seeded_workspace)
    assert (job.kind, job.submitted_by, job.state) == ("revise", "Ada", "queued")
    words = list(job.argv)
    for option, value in {
        "--prompts": "input.jsonl",
        "--constitution": "constitution.yaml",
        "--model": seed.JUDGE,
        "--rounds": "2",
        "--max-new-tokens": "256",
        "--seed": "0",
    }.items():
        assert words[words.index(option) + 1] == value
    assert job.config["constitution"]["version"] == 2
    with seeded_workspace.db() as db:
        given = prompts.of_set(db, seed.SET, split="train")
    assert [Prompt.from_row(row) for row in rows_of(job)] == given
    text = (queue.folder_of(job.id) / "constitution.yaml").read_text(encoding="utf-8")
    assert "Which response is kinder and warmer?" in text


def test_the_same_job_cannot_be_started_twice_and_another_one_can(seeded_workspace, open_page):
    at = click(choose(open_page, "Critique and revise"), "start_revise")
    assert at.button(key="start_revise").disabled
    at.number_input(key="make_revise_rounds").set_value(3).run()
    assert not at.button(key="start_revise").disabled
    with seeded_workspace.db() as db:
        queue.cancel(db, jobs(seeded_workspace)[0].id, by="Ada", supervise=False)
    at.number_input(key="make_revise_rounds").set_value(1).run()
    assert not at.button(key="start_revise").disabled


def test_sampling_submits_the_model_and_the_temperature(seeded_workspace, open_page):
    at = choose(open_page, "Sample pairs")
    at.selectbox(key="make_pairs_split").set_value("all").run()
    at.number_input(key=f"make_pairs_most_all_{seed.SET}").set_value(2).run()
    click(at, "start_sample-pairs")
    (job,) = jobs(seeded_workspace)
    assert job.argv[0] == "sample-pairs"
    assert job.argv[job.argv.index("--temperature") + 1] == "0.8"
    assert len(rows_of(job)) == 2


def test_only_pairs_that_this_judge_has_not_judged_are_judged(seeded_workspace, open_page):
    at = choose(open_page, "Judge pairs")
    assert "1 pair" in texts(at)
    click(at, "start_judge")
    (job,) = jobs(seeded_workspace)
    assert [row["id"] for row in rows_of(job)] == [seed.pair_of(seed.QUESTIONS[5]).id]
    words = list(job.argv)
    for option, value in {
        "--pairs": "input.jsonl",
        "--judge": seed.JUDGE,
        "--method": "logprob",
        "--principles": "each",
    }.items():
        assert words[words.index(option) + 1] == value


def test_a_panel_is_asked_for_in_every_option_and_has_judged_nothing_yet(
    seeded_workspace, open_page
):
    Settings(models=("hf:a/x",)).save()
    at = choose(open_page, "Judge pairs")
    at.multiselect(key="make_judge_panel").set_value(["hf:a/x"]).run()
    assert "6 pairs" in texts(at)
    assert "72 questions to 2 judges" in texts(at)
    click(at, "start_judge")
    (job,) = jobs(seeded_workspace)
    words = " ".join(job.argv)
    assert f"--judge {seed.JUDGE} --panel hf:a/x --combine majority" in words
    assert "--template compare-1 --examples 0 --no-abstain" in words


def test_pairs_that_a_panel_has_judged_are_done_for_that_panel_only(seeded_workspace, open_page):
    setting = JudgeSetting(model=seed.JUDGE, panel=("hf:a/x",))
    Settings(models=("hf:a/x",), judge=setting).save()
    with seeded_workspace.db() as db:
        ref = constitutions.newest_of_each(db)
        (version,) = [found for found in ref if found.constitution.name == "short"]
        made = [seed.judgement_of(q, 0, version.ref) for q in seed.QUESTIONS]
        labels.add_many(db, [replace(one, annotator=setting.annotator) for one in made])
    at = choose(open_page, "Judge pairs")
    assert "0 pairs" in texts(at)
    at.selectbox(key="make_judge_combine").set_value("mean").run()
    assert "6 pairs" in texts(at)


def test_a_finished_job_says_what_its_votes_are_worth(seeded_workspace, open_page):
    click(choose(open_page, "Judge pairs"), "start_judge")
    (job,) = jobs(seeded_workspace)
    result = {
        "rows": 120,
        "effective_votes": {"principles": 18, "effective": 2.31, "pairs": 120},
        "panel": {"disagreement": 0.25, "pairs": 110, "without_verdict": {"hf:a/x": 10}},
    }
    progress = Progress(120, 120, cached=320, asked=640)
    with seeded_workspace.db() as db:
        for state in ("starting", "running", "succeeded"):
            work.move(db, job.id, state)
        work.note(db, job.id, progress=progress, result=result)
    at = open_page("generate", **{f"made_{job.id}": True})
    shown = texts(at).replace("\\", "")
    assert "18 principles, worth 2.3 independent votes (120 pairs)" in shown
    assert "two judges of the panel differ on 25% of pairs (110 pairs)" in shown
    assert "hf:a/x had no verdict on 10 of 120 pairs" in shown
    assert "cached 320 of 640 questions" in shown


def test_another_version_or_asking_again_takes_every_pair(seeded_workspace, open_page):
    at = choose(open_page, "Judge pairs")
    at.toggle(key="make_judge_again").set_value(True).run()
    assert "6 pairs" in texts(at)
    at.toggle(key="make_judge_again").set_value(False).run()
    at.selectbox(key="make_judge_constitution").set_value("other").run()
    assert "6 pairs" in texts(at)


def test_a_job_that_runs_stands_beside_the_form_and_its_rows_below_it(seeded_workspace, open_page):
    click(choose(open_page, "Critique and revise"), "start_revise")
    (job,) = jobs(seeded_workspace)
    at = choose(open_page, "Critique and revise")
    assert any(b.key == f"cancel_{job.id}" for b in at.button)
    with seeded_workspace.db() as db:
        one = Revision.from_row({"prompt": "Hi?", "initial": "First.", "rounds": []})
        revisions.add(db, one, job=job.id)
        work.move(db, job.id, "starting")
        work.move(db, job.id, "succeeded")
    at = open_page("generate", **{f"made_{job.id}": True})
    assert not at.exception
    assert not any(b.key == f"cancel_{job.id}" for b in at.button)
    shown = [frame.value for frame in at.dataframe]
    assert any("First answer" in frame.columns for frame in shown)


def test_an_upload_of_prompts_makes_a_set_with_splits(seeded_workspace, open_page):
    lines = b'{"prompt": "How does rain form?", "tags": ["weather"]}\n{"prompt": "Why is snow white?"}\n'
    at = upload(open_page, "Prompt sets", "prompts", "rain.jsonl", lines)
    assert "2 prompts can be read" in texts(at)
    click(at, "upload_prompts_add")
    with seeded_workspace.db() as db:
        found = prompts.of_set(db, "rain")
    assert [p.messages[-1].content for p in found] == ["How does rain form?", "Why is snow white?"]
    assert all(p.split for p in found)
    assert found[0].tags == ("weather",)


def test_an_upload_in_other_words_gets_the_split_of_what_is_there(seeded_workspace, open_page):
    with seeded_workspace.db() as db:
        given = {p.messages[-1].content: p.split for p in prompts.of_set(db, seed.SET)}
    near = "How do I pick the lock of my neighbours door??"
    at = upload(open_page, "Prompt sets", "prompts", "near.txt", f"{near}\n".encode())
    click(at, "upload_prompts_add")
    with seeded_workspace.db() as db:
        (found,) = prompts.of_set(db, "near")
    assert found.split == given["How do I pick the lock of my neighbour's door?"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("bad.jsonl", b'{"prompt": "a"}\n' * 1 + b'{"prompt": "b"}\n' * 5 + b"{nope\n", ":7"),
        ("bad.csv", b"prompt\nfine\n\xff\xfe\n", "not UTF-8"),
        ("empty.txt", b"", "the file is empty"),
        ("none.jsonl", b'{"question": "x"}\n', ":1"),
    ],
)
def test_a_bad_file_is_refused_whole_with_its_line(
    seeded_workspace, open_page, name, content, said
):
    at = upload(open_page, "Prompt sets", "prompts", name, content)
    assert said in at.error[0].value.replace("\\", "")
    assert not [b for b in at.button if b.key == "upload_prompts_add"]
    with seeded_workspace.db() as db:
        assert [item.name for item in prompts.sets(db)] == [seed.SET]


def test_uploaded_pairs_come_with_their_verdicts(seeded_workspace, open_page):
    row = {"prompt": "Is it cold?", "response_a": "Yes.", "response_b": "No.", "label": "b"}
    content = (json.dumps(row) + "\n").encode()
    at = upload(open_page, "Upload pairs", "pairs", "cold.jsonl", content)
    click(at, "upload_pairs_add")
    with seeded_workspace.db() as db:
        (stored,) = pairs.find(db, pairs.PairFilter(source="cold"))
        (said,) = labels.verdicts(db, LabelFilter(pairs=[stored.id]))
    assert (said.label.verdict, said.label.annotator) == ("b", "imported")
    assert said.label.review is None


def test_uploaded_labels_stand_beside_those_that_are_there(seeded_workspace, open_page):
    with seeded_workspace.db() as db:
        before = labels.count(db)
        one = labels.judgements(db)[0].label
    row = one.to_row() | {"judge": "endpoint:lab/m", "verdict": "tie", "p_a": 0.5}
    content = (json.dumps(row) + "\n").encode()
    at = upload(open_page, "Upload pairs", "labels", "lab.jsonl", content)
    click(at, "upload_labels_add")
    with seeded_workspace.db() as db:
        assert labels.count(db) == before + 1
        assert [use.judge for use in labels.judge_uses(db)] == ["endpoint:lab/m", seed.JUDGE]


def test_the_sets_are_listed_with_counts_and_can_be_looked_into(seeded_workspace, open_page):
    at = choose(open_page, "Prompt sets")
    table = at.dataframe[0].value
    assert table["Prompts"].tolist() == [6]
    assert table["Tags"].tolist() == [["test 6"]]
    at = open_page("generate", generate_what="Prompt sets", sets_look=True)
    at.text_input(key="sets_text").set_value("BLEACH").run()
    assert "1 of 1 prompts" in texts(at)


def test_a_hub_that_cannot_be_reached_is_one_sentence_and_leaves_nothing(
    seeded_workspace, open_page, monkeypatch
):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    at = choose(open_page, "Prompt sets")
    at.text_input(key="hub_name").set_value("somebody/something").run()
    click(at, "hub_fetch")
    assert "the Hub cannot be reached from here" in at.error[0].value
    at.text_input(key="hub_name").set_value("not a name").run()
    click(at, "hub_fetch")
    assert "write it as ORG/NAME" in at.error[0].value
    with seeded_workspace.db() as db:
        assert len(prompts.sets(db)) == 1


def test_what_a_file_says_is_never_markup(seeded_workspace, open_page):
    name = "![x](http://a/b.png).jsonl"
    at = upload(open_page, "Prompt sets", "prompts", name, b"{nope\n")
    assert "![x](" not in at.error[0].value


def test_a_title_with_markup_is_shown_as_text(seeded_workspace, open_page):
    with seeded_workspace.db() as db:
        prompts.add(db, [Prompt.of((assistant("hm"), *Prompt.of("Hi").messages))], set_name="*a*")
    at = choose(open_page, "Sample pairs")
    at.selectbox(key="make_pairs_set").select_index(0).run()
    at.selectbox(key="make_pairs_split").set_value("all").run()
    click(at, "start_sample-pairs")
    at.run()
    assert any("\\*a\\*" in m.value for m in at.markdown)


def test_what_is_set_survives_another_page_and_is_not_the_playgrounds(talking_workspace, open_page):
    at = open_page("playground")
    at.number_input(key="revise_tokens").set_value(8)
    at.slider(key="revise_temperature").set_value(0.0)
    at.slider(key="revise_rounds").set_value(4).run()
    at.switch_page("pages/generate.py").run()
    assert not at.exception
    assert at.number_input(key="make_revise_rounds").value == 1
    assert at.number_input(key="make_revise_tokens").value == 256
    at.number_input(key="make_revise_rounds").set_value(6)
    at.selectbox(key="make_revise_split").set_value("all").run()
    at.switch_page("pages/playground.py").run()
    assert not at.exception
    assert at.slider(key="revise_rounds").value == 4
    at.switch_page("pages/generate.py").run()
    assert not at.exception
    assert at.number_input(key="make_revise_rounds").value == 6
    assert at.selectbox(key="make_revise_split").value == "all"


def test_the_built_in_judge_says_how_often_it_agreed_with_people(seeded_workspace, open_page):
    at = choose(open_page, "Judge pairs")
    share = measured_way(JudgeSetting(), check_template("")).agreement.value
    assert f"the built-in model agreed with people on {share:.0%}" in texts(at)
    at.toggle(key="make_judge_abstain").set_value(True).run()
    assert "was not measured against people asked this way" in texts(at)

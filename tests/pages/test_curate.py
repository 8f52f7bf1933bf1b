"""The curate page: what goes into a dataset, what is left out, and that freezing writes it once."""

import io
import json
import zipfile
from dataclasses import replace

import pandas as pd
import pytest

from cai_core.curate import snapshot
from cai_core.schema import Pair, Review, Revision, user
from cai_core.store import datasets, labels, pairs, revisions, temperatures
from tests.pages import seed
from ui import curate_datasets, curate_recipe
from ui.curate_recipe import PreferenceRecipe, SftRecipe

COLUMNS = {"prompt", "chosen", "rejected", "p_chosen", "weight", "source"}
COLUMNS |= {"labelled_by", "p_people", "p_judge"}


def choose(open_page, kind):
    at = open_page("curate")
    assert not at.exception
    at.segmented_control(key="curate_kind").set_value(kind).run()
    assert not at.exception
    return at


def numbers(at):
    return {metric.label: metric.value for metric in at.metric}


def counts(at):
    """Rows by split and source, as the preview shows them."""
    return at.dataframe[0].value.set_index("Split")


def left_out(at):
    found = [f.value for f in at.dataframe if "Left out" in f.value.columns]
    return dict(zip(found[0]["Left out"], found[0]["Rows"], strict=True)) if found else {}


def texts(at):
    return " ".join(e.value for e in [*at.markdown, *at.caption])


def no_helpful(at, kind):
    slider = next(s for s in at.slider if s.key and s.key.startswith(f"{kind}_share"))
    slider.set_value(0).run()
    assert not at.exception
    return at


def freeze(at, kind, name="mine"):
    at.text_input(key=f"freeze_name_{kind}").set_value(name)
    at.button(key=f"freeze_{kind}").click().run()
    assert not at.exception
    return at


def frozen(workspace):
    with workspace.db() as db:
        return datasets.find(db)


@pytest.mark.parametrize("kind", ["Preference", "SFT", "Prompts"])
def test_an_empty_workspace_is_told_what_to_do_first(empty_workspace, open_page, kind):
    at = choose(open_page, kind)
    assert any(
        link.label in ("Make pairs", "Criticise and revise", "Bring in prompts")
        for link in at.get("page_link")
    )
    assert "Nothing is frozen yet" in texts(at)
    assert not [b for b in at.button if b.key and b.key.startswith("freeze")]


def test_the_preview_counts_rows_before_anything_is_written(seeded_workspace, open_page):
    at = no_helpful(choose(open_page, "Preference"), "preference")
    assert numbers(at)["Rows"] == "5"
    assert counts(at)["All"].sum() == 5
    assert numbers(at)["Helpful share"] == "0%"
    assert not frozen(seeded_workspace)
    assert not (seeded_workspace.home / "datasets").exists()


def test_people_stand_over_the_judge(seeded_workspace, open_page):
    with seeded_workspace.db() as db:
        pair = seed.pair_of(seed.QUESTIONS[2])  # the judge leans to A
        labels.add(db, labels.verdict_label(pair, "b", review=Review(True, "all", 1.0, "Ada", 2)))
        recipe = PreferenceRecipe(labels.LabelFilter(annotator=seed.JUDGE))
        rows = {row.prompt[-1].content: row for row in recipe.pool(db).rows}
    row = rows[seed.QUESTIONS[2]]
    assert row.row["chosen"][0]["content"] == pair.response_b
    assert row.row["p_chosen"] == 1.0
    assert rows[seed.QUESTIONS[3]].row["p_chosen"] == pytest.approx(0.65)


def test_filters_say_what_they_leave_out_and_why(seeded_workspace, open_page):
    with seeded_workspace.db() as db:
        old = labels.judgements(db)
        labels.add(db, replace(old[2].label, inconsistent=True), job="again")
        review = Review(True, "all", 1.0, "Ada", 2)
        for place, verdict in ((0, "b"), (1, "bad"), (5, "bad")):
            pair = seed.pair_of(seed.QUESTIONS[place])
            labels.add(db, labels.verdict_label(pair, verdict, review=review))
        same = Pair.of((user("Same?"),), "yes", "yes")
        pairs.add(db, [same], source="test")
        labels.add(db, labels.verdict_label(same, "a", review=review))
    at = no_helpful(choose(open_page, "Preference"), "preference")
    at.toggle(key="preference_inconsistent").set_value(True).run()
    at = no_helpful(at, "preference")
    assert left_out(at) == {"disputed": 2, "bad": 1, "equal answers": 1, "inconsistent": 1}
    at.slider(key="preference_margin").set_value(0.18).run()
    assert left_out(at)["small margin"] == 1


def test_under_a_limit_what_people_confirmed_comes_first(seeded_workspace, open_page):
    at = choose(open_page, "Preference")
    at.number_input(key="preference_most").set_value(2).run()
    at = no_helpful(at, "preference")
    assert numbers(at)["Rows"] == "2"
    assert left_out(at)["beyond the limit"] == 3
    at = freeze(at, "preference")
    (made,) = frozen(seeded_workspace)
    assert made.manifest["labelled_by"] == {"people": 2}


def test_the_helpful_share_is_stated_and_kept_in_the_manifest(seeded_workspace, open_page):
    at = choose(open_page, "Preference")
    assert numbers(at)["Helpful share"] == "44%"  # 4 of 9: the nearest to 43%
    freeze(at, "preference")
    (made,) = frozen(seeded_workspace)
    assert made.manifest["helpful_share"]["asked"] == 0.43
    assert made.manifest["helpful_share"]["actual"] == pytest.approx(4 / 9)
    assert made.manifest["settings"]["helpful"] == "helpful_pairs.jsonl"
    assert made.manifest["inputs"]["helpful_pairs.jsonl"]
    assert made.manifest["constitution"]["version"] == 2


def test_uploaded_pairs_can_be_the_helpful_part(seeded_workspace, open_page):
    with seeded_workspace.db() as db:
        kind = [Pair.of((user(f"Kind {i}?"),), f"Yes {i}.", "No.", label="a") for i in range(3)]
        pairs.add(db, kind, source="kind")
        labels.add_imported(db, kind, source="kind")
    at = choose(open_page, "Preference")
    at.selectbox(key="preference_source").set_value("test").run()
    at.selectbox(key="preference_helpful").set_value("kind").run()
    assert not at.exception
    assert numbers(at)["Rows"] == "8"
    assert counts(at)["Helpful"].sum() == 3


def test_revisions_of_all_rounds_or_the_last_one(seeded_workspace, open_page):
    at = no_helpful(choose(open_page, "SFT"), "sft")
    assert numbers(at)["Rows"] == "12"
    at.selectbox(key="sft_rounds").set_value("last").run()
    at = no_helpful(at, "sft")
    assert numbers(at)["Rows"] == "6"


def test_marked_revisions_are_left_out_and_counted_until_they_are_kept(seeded_workspace, open_page):
    rounds = [{"principle": "kind", "critique": "c", "revision": "the SAME."}]
    with seeded_workspace.db() as db:
        row = {"prompt": "Hi?", "initial": "The same!", "rounds": rounds}
        revisions.add(db, Revision.from_row(row), job="another")
    at = no_helpful(choose(open_page, "SFT"), "sft")
    assert numbers(at)["Rows"] == "12"
    assert "unchanged revision" in " ".join(
        str(frame.value.to_dict()) for frame in at.dataframe
    ) + " ".join(element.value for element in [*at.caption, *at.markdown])
    at.toggle(key="sft_keep_marked").set_value(True).run()
    assert numbers(no_helpful(at, "sft"))["Rows"] == "13"


def test_what_a_person_decided_on_a_revision_is_obeyed(seeded_workspace):
    with seeded_workspace.db() as db:
        first, second, third, *_ = revisions.find(db)
        revisions.decide(db, first.id, "drop", person="Ada")
        revisions.decide(db, second.id, "correct", person="Ada", text="By hand.")
        revisions.decide(db, third.id, "keep", person="Ada")
        made = SftRecipe().pool(db)
        confirmed = SftRecipe(which="confirmed").pool(db)
    assert len(made.rows) == 2 * 4 + 1
    assert made.dropped == {"dropped by a person": 1}
    assert confirmed.dropped == {"dropped by a person": 1, "not confirmed": 3}
    answers = [row.row["completion"][0]["content"] for row in confirmed.rows]
    assert answers == [
        "By hand.",
        "A careful first answer.",
        "A careful and safe answer.",
    ]


def test_every_row_keeps_the_split_of_its_prompt(seeded_workspace, open_page):
    with seeded_workspace.db() as db:
        there = {item.revision.prompt: item.split for item in revisions.find(db)}
    freeze(no_helpful(choose(open_page, "SFT"), "sft"), "sft")
    (made,) = frozen(seeded_workspace)
    data = snapshot.read(made.path)
    for split in ("train", "dev", "test"):
        asked = {row["prompt"][-1]["content"] for row in data.rows(split)}
        assert asked == {chat[-1].content for chat, one in there.items() if one == split}


def test_prompt_sets_become_a_dataset_for_ppo(seeded_workspace, open_page):
    at = freeze(choose(open_page, "Prompts"), "prompts", name="For PPO")
    (made,) = frozen(seeded_workspace)
    assert (made.kind, made.name, made.author) == ("prompts", "For PPO", "Ada")
    assert made.path.name.startswith("for-ppo-")
    assert made.manifest["settings"] == {"sets": [seed.SET]}
    assert at.dataframe[-1].value["Prompt"].tolist()


def test_the_same_rows_are_frozen_once(seeded_workspace, open_page):
    freeze(choose(open_page, "Prompts"), "prompts", name="first")
    at = freeze(choose(open_page, "Prompts"), "prompts", name="second")
    assert any("frozen already, as first" in toast.value for toast in at.toast)
    assert [item.name for item in frozen(seeded_workspace)] == ["first"]
    assert len(list((seeded_workspace.home / "datasets").iterdir())) == 1
    freeze(choose(open_page, "Prompts"), "prompts", name="first")
    assert len(list((seeded_workspace.home / "datasets").iterdir())) == 1


def test_nothing_that_is_left_out_whole_can_be_frozen(seeded_workspace, open_page):
    at = choose(open_page, "Prompts")
    at.multiselect(key="prompts_sets").set_value([]).run()
    assert not at.exception
    assert at.button(key="freeze_prompts").disabled


@pytest.mark.parametrize("kind", ["Preference", "SFT"])
def test_filters_that_leave_nothing_are_told(seeded_workspace, open_page, kind):
    at = choose(open_page, kind)
    at.slider(key=f"{kind.lower()}_words").set_value((995, 1000)).run()
    assert not at.exception
    assert numbers(at)["Rows"] == "0"
    assert at.button(key=f"freeze_{kind.lower()}").disabled


def test_a_frozen_dataset_shows_its_rows_and_manifest(seeded_workspace, open_page):
    at = freeze(choose(open_page, "Preference"), "preference")
    table = next(f.value for f in at.dataframe if "Hash" in f.value.columns)
    (made,) = frozen(seeded_workspace)
    assert table["Hash"].tolist() == [made.id]
    assert table[["Train", "Dev", "Test"]].sum(axis=1).tolist() == [9]
    assert json.loads(at.json[0].value)["hash"] == made.id
    assert len(at.get("download_button")) == 2


def test_the_files_of_a_dataset_can_be_taken_away(seeded_workspace, open_page):
    freeze(choose(open_page, "Preference"), "preference")
    (made,) = frozen(seeded_workspace)
    data = snapshot.read(made.path)
    with zipfile.ZipFile(io.BytesIO(curate_datasets.zipped(data, "jsonl"))) as packed:
        lines = packed.read("train.jsonl").decode().splitlines()
        assert json.loads(packed.read("manifest.json"))["hash"] == made.id
    assert [json.loads(line) for line in lines] == data.rows("train")
    with zipfile.ZipFile(io.BytesIO(curate_datasets.zipped(data, "parquet"))) as packed:
        table = pd.read_parquet(io.BytesIO(packed.read("train.parquet")))
    assert set(table.columns) == COLUMNS
    assert len(table) == len(lines)


def test_a_dataset_that_was_changed_is_told_and_not_shown(seeded_workspace, open_page):
    freeze(choose(open_page, "Prompts"), "prompts")
    (made,) = frozen(seeded_workspace)
    with (made.path / "train.jsonl").open("a") as file:
        file.write("{}\n")
    at = open_page("curate")
    assert not at.exception
    assert "was changed after it was frozen" in at.error[0].value
    assert not at.get("download_button")


def test_the_shipped_helpful_rows_are_all_usable(empty_workspace):
    filters = curate_recipe.Filters()
    with empty_workspace.db() as db:
        answers = curate_recipe.helpful_answers(db, filters)
    both = curate_recipe.helpful_pairs(filters)
    assert len(answers.pool.rows) > 50
    assert not answers.pool.dropped
    assert len(both.pool.rows) >= 39
    assert set(both.pool.dropped) <= {"tie"}


def test_people_count_as_far_as_pairs_read_twice_say_and_the_page_and_manifest_tell(
    seeded_workspace, open_page
):
    with seeded_workspace.db() as db:
        twice = [Pair.of((user(f"Twice {i}?"),), f"Yes {i}.", "No.") for i in range(40)]
        pairs.add(db, twice, source="twice")
        for i, pair in enumerate(twice):
            for who in ("Ada", "Bob"):
                verdict = "b" if who == "Bob" and i >= 30 else "a"
                review = Review(True, "even", 0.1, who)
                labels.add(db, labels.verdict_label(pair, verdict, review=review))
        people = curate_recipe.reliability_of(db)
    assert people.used == pytest.approx(0.85, abs=0.02)
    at = no_helpful(choose(open_page, "Preference"), "preference")
    said = [one.value for one in at.caption]
    assert any(
        f"counts as right with {people.used:.0%}" in one and "40 pairs read by two" in one
        for one in said
    )
    assert any("no temperature is in use" in one for one in said)
    at = freeze(at, "preference")
    (made,) = frozen(seeded_workspace)
    told = made.manifest["labels"]
    assert told["reliability"]["used"] == people.used
    assert "no temperature is in use" in told["calibration"]["words"]
    rows = [
        row for split in ("train", "dev", "test") for row in snapshot.read(made.path).rows(split)
    ]
    by_people = [row for row in rows if row["labelled_by"] == "people"]
    assert all(
        0.8 < row["p_people"] < 1 and row["p_chosen"] == row["p_people"] for row in by_people
    )
    assert sum(row["p_judge"] is not None for row in by_people) == 2  # those that Grace reviewed


def test_the_temperature_in_use_is_in_the_labels_and_in_the_manifest(seeded_workspace, open_page):
    with seeded_workspace.db() as db:
        (use,) = labels.judge_uses(db)
        temperatures.use(db, use, 2.0, n=60, person="Ada")
    at = freeze(no_helpful(choose(open_page, "Preference"), "preference"), "preference")
    (made,) = frozen(seeded_workspace)
    assert "divided by 2.00, fitted on n = 60" in made.manifest["labels"]["calibration"]["words"]
    rows = [
        row for split in ("train", "dev", "test") for row in snapshot.read(made.path).rows(split)
    ]
    judged = {round(r["p_chosen"], 4) for r in rows if r["labelled_by"] == "judge"}
    odds = (0.7 / 0.3) ** 0.5, (0.65 / 0.35) ** 0.5
    assert judged == {round(one / (1 + one), 4) for one in odds}
    assert not at.exception

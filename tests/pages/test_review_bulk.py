"""The bulk tab: preview, confirm, undo, and that its labels train behind people's."""

import pytest

from cai_core.schema import Review
from cai_core.store import bulk, corrections, labels, sighted
from cai_core.store.bulk import Rule
from cai_core.store.labels import LabelFilter
from tests.pages import seed
from ui.curate_recipe import PreferenceRecipe, SftRecipe, labelled_pairs

ANY, NOBODY = "By anybody or nobody", "By nobody yet"
JUDGE = LabelFilter(annotator=seed.JUDGE)


def opened(open_page):
    at = open_page("review", review_tab="Bulk")
    assert not at.exception
    return at


def numbers(at):
    return {metric.label: metric.value for metric in at.metric}


def texts(at):
    return " ".join(e.value for e in [*at.markdown, *at.caption])


def choose(at, **values):
    for key, value in values.items():
        at.selectbox(key=f"bulk_{key}").set_value(value)
    at.run()
    assert not at.exception
    return at


def rules(workspace):
    with workspace.db() as db:
        return labels.standing(db, LabelFilter(kind="rule"))


def test_without_pairs_the_tab_says_where_they_come_from(empty_workspace, open_page):
    assert "There are no pairs yet" in texts(opened(open_page))


def test_the_preview_counts_pairs_verdicts_and_what_people_read(seeded_workspace, open_page):
    at = choose(opened(open_page), reviewed=ANY)
    assert numbers(at) == {
        "Pairs": "5",
        "A is better": "3",
        "B is better": "2",
        "Read by people": "2",
    }
    assert "5 of 5, drawn at random" in texts(at)
    choose(at, reviewed=NOBODY)
    assert numbers(at)["Pairs"] == "3"
    choose(at, says="tie")
    assert numbers(at) == {"Pairs": "4", "Read by people": "0"}  # one that no judge read
    at.slider(key="bulk_sure").set_value((68, 100)).run()
    assert numbers(at)["Pairs"] == "2"
    at.text_input(key="bulk_text").set_value("nowhere").run()
    assert numbers(at)["Pairs"] == "0"
    assert "No pair passes this filter" in texts(at)


def test_nothing_is_labelled_without_a_name_or_by_looking(seeded_workspace, open_page):
    at = opened(open_page)
    assert at.button(key="bulk_label").disabled
    at.text_input(key="bulk_name").set_value("sure ones").run()
    assert not at.button(key="bulk_label").disabled
    at.button(key="bulk_label").click().run()  # asks in a dialog, which a browser answers
    assert not at.exception
    assert rules(seeded_workspace) == []


def test_pairs_sampled_beside_a_judges_verdict_are_sighted(seeded_workspace, open_page):
    at = opened(open_page)
    choose(at, says="judge", reviewed=ANY)
    read = [seed.pair_of(question).id for question in seed.QUESTIONS]
    with seeded_workspace.db() as db:
        assert sighted.among(db, "Ada", read) == frozenset(read[:5])
        assert not sighted.among(db, "Grace", read)


def test_a_confirmed_batch_is_listed_and_undone_in_one_step(seeded_workspace, open_page):
    at = opened(open_page)
    with seeded_workspace.db() as db:
        rule = Rule("judge", judge=JUDGE, name="all *of* them")
        bulk.label(db, rule, person="Ada", expected=5)
    at.run()
    said = texts(at)
    assert r"all \*of\* them" in said
    assert "5 pairs · as the judge says" in said
    assert len(rules(seeded_workspace)) == 5
    [batch] = [b for b in at.button if b.key and b.key.startswith("bulk_undo_")]
    batch.click().run()
    assert not at.exception
    assert rules(seeded_workspace) == []
    assert any("taken back by Ada" in str(m.value) for m in at.markdown)


@pytest.mark.parametrize(("place", "source", "p_a"), [(2, "rule", 0.0), (0, "people", 1.0)])
def test_a_bulk_label_trains_behind_people_and_before_the_judge(
    seeded_workspace, place, source, p_a
):
    with seeded_workspace.db() as db:
        bulk.label(db, Rule("b", name="x"), person="Ada")
        found = labelled_pairs(db, PreferenceRecipe(JUDGE))
        rows = PreferenceRecipe(JUDGE).pool(db).rows
    [one] = [item for item in found if item.pair.id == seed.pair_of(seed.QUESTIONS[place]).id]
    assert (one.source, one.p_a) == (source, p_a)
    assert sorted(row.labelled_by for row in rows) == ["people"] * 2 + ["rule"] * 4


def test_an_adjudication_decides_what_is_learned(seeded_workspace):
    pair = seed.pair_of(seed.QUESTIONS[0])
    with seeded_workspace.db() as db:
        for who, verdict, queue in (("Bob", "b", "even"), ("Cy", "tie", "adjudication")):
            review = Review(True, queue, None, who, 2)
            labels.add(db, labels.verdict_label(pair, verdict, review=review))
        [one] = [x for x in labelled_pairs(db, PreferenceRecipe(JUDGE)) if x.pair.id == pair.id]
    assert (one.verdict, one.p_a, one.source) == ("tie", 0.5, "people")


def test_corrections_enter_both_kinds_of_datasets_up_to_their_share(seeded_workspace):
    with seeded_workspace.db() as db:
        for question in seed.QUESTIONS:
            corrections.add(db, seed.pair_of(question).id, f"By hand: {question}", person="Ada")
        preference, sft = PreferenceRecipe(JUDGE).pool(db), SftRecipe().pool(db)
        free = PreferenceRecipe(JUDGE, filters=review_filters(1.0)).pool(db)
    for made in (preference, sft):
        mine = [row for row in made.rows if row.source == "corrected"]
        assert {row.writer for row in mine} == {"Ada"}
        assert 0 < len(mine) <= 0.2 * len(made.rows)
    assert preference.dropped == {"corrected beyond the share": 11}  # 5 others allow one
    assert sft.dropped == {"corrected beyond the share": 3}  # 12 others allow three
    assert sum(row.source == "corrected" for row in free.rows) == 12
    assert {row.row["p_chosen"] for row in free.rows if row.source == "corrected"} == {1.0}


def test_corrections_that_came_in_as_labels_are_marked_too(seeded_workspace):
    with seeded_workspace.db() as db:
        corrections.add(db, seed.pair_of(seed.QUESTIONS[0]).id, "By hand.", person="Ada")
        [one] = corrections.standing(db)
        labels.add_many(db, one.labels, job="file:x", source="file")
        corrections.undo(db, one.id, who="Ada")
        rows = PreferenceRecipe(JUDGE, filters=review_filters(1.0)).pool(db).rows
    mine = [row for row in rows if row.source == "corrected"]
    assert len(mine) == 2
    assert {row.row["chosen"][0]["content"] for row in mine} == {"By hand."}


def review_filters(most):
    return SftRecipe().filters.model_copy(update={"max_corrected": most})

"""The quality page: the certificate on top, and what can be done with it."""

import pytest

from cai_core.curate import snapshot
from cai_core.review.reliability import UNMEASURED, Reliability
from cai_core.schema import Review
from cai_core.stats import Estimate
from cai_core.store import certificates, constitutions, datasets, labels, temperatures
from cai_core.store.measured import setting_key
from cai_core.train.rows import TrainingData
from tests.pages import judged, reviewed
from tests.pages.judged import judgement
from ui import quality_certificate, quality_data
from ui.curate_recipe import PreferenceRecipe
from ui.quality_subject import Subject
from ui.quality_tabs import NAMES, TAB
from ui.review_choice import Judge

OPENED = Review(False, "opened", None, "Cy")


@pytest.fixture
def workspace(seeded_workspace):
    with seeded_workspace.db() as db:
        reviewed.fill(db)
    return seeded_workspace


def open_tab(open_page, name="How many more", **state):
    return open_page("quality", **{TAB: name} | state)


def freeze(db, place, people=UNMEASURED):
    """The judge's labels with people's in their place, as Curate would freeze them."""
    [use] = [one for one in labels.judge_uses(db) if one.judge == judged.JUDGE]
    recipe = PreferenceRecipe(Judge.of(use).where, people=people)
    made = snapshot.freeze(recipe.pool(db), place, recipe.origin)
    return datasets.add(db, made.path, made.manifest, author="Ada")


def said(at):
    texts = [*at.markdown, *at.caption, *at.warning, *at.info, *at.subheader]
    return " ".join(text.value for text in texts).replace("\\", "")


def metrics(at):
    return {metric.label: metric.value for metric in at.metric}


def test_without_labels_it_says_what_to_do(empty_workspace, open_page):
    at = open_page("quality")
    assert not at.exception
    assert "There are no labels yet" in said(at)


def test_without_reviews_every_number_is_a_dash_and_a_link_leads_to_reviewing(
    seeded_workspace, open_page
):
    with seeded_workspace.db() as db:
        judged.fill(db, verdicts=0)
    at = open_tab(open_page)
    assert not at.exception
    assert set(metrics(at).values()) == {"–"}
    assert "None of these 140 labels has been reviewed blind" in said(at)
    assert "No pair of these was read blind yet" in said(at)
    assert not [one for one in at.button if one.key == "quality_stamp"]


def test_the_certificate_has_its_n_interval_population_and_ceiling(workspace, open_page):
    at = open_tab(open_page)
    assert not at.exception
    text = said(at)
    assert "n = 60 reviewed of N = 140" in text
    assert "the judgements of hf:lab/judge, under short v2" in text
    assert "on all pairs" in text
    assert metrics(at)["Labels that agree with people"].endswith("%")
    assert metrics(at)["Two people agree"].endswith("%")
    assert "95% interval" in text
    assert metrics(at)["Learned judge"] == "–"  # nobody has read the answers yet


def test_verdicts_that_no_draw_brought_up_are_taken_for_a_random_sample_and_it_says_so(
    seeded_workspace, open_page
):
    with seeded_workspace.db() as db:
        judged.fill(db, verdicts=20)
    at = open_tab(open_page)
    assert not at.exception
    assert "How these pairs came up was not recorded" in said(at)


def test_a_narrow_enough_interval_needs_no_more_reviews(workspace, open_page):
    at = open_tab(open_page)
    assert "more**, " in said(at)
    at.slider(key="quality_width").set_value(40).run()
    assert not at.exception
    assert "narrow enough" in said(at)


def test_the_gate_says_yes_below_the_truth_and_not_yet_above_it(workspace, open_page):
    at = open_tab(open_page)
    at.slider(key="quality_bar").set_value(99).run()
    assert not at.exception
    assert "**Not yet.**" in said(at)
    at.slider(key="quality_bar").set_value(50).run()
    assert "**Yes.**" in said(at)


def test_a_stamp_is_kept_once_and_shown(workspace, open_page):
    at = open_tab(open_page)
    at.button(key="quality_stamp").click().run()
    assert not at.exception
    with workspace.db() as db:
        [use] = [one for one in labels.judge_uses(db) if one.judge == judged.JUDGE]
        stamp = certificates.newest(db, f"judge:{setting_key(use)}")
    assert stamp is not None
    assert stamp.person == "Ada"
    assert stamp.row["n"] == 60
    assert "Stamped" in said(at)
    assert at.button(key="quality_stamp").disabled


def test_another_judge_setting_is_another_population(workspace, open_page):
    with workspace.db() as db:
        ref = constitutions.newest(db, "short").ref
        labels.add(db, judgement(0, {"honest": 1.0}, ref, principles="whole"))
    at = open_tab(open_page)
    assert "N = 1;" in said(at)  # the one used last comes first
    at.selectbox(key="quality_subject").select_index(1).run()
    assert not at.exception
    assert "N = 140;" in said(at)


def test_viewing_changes_nothing(workspace, open_page):
    def everything():
        with workspace.db() as db:
            return {name: db[name].count for name in ("labels", "certificates", "jobs", "audit")}

    before = everything()
    open_tab(open_page)
    assert everything() == before


@pytest.mark.parametrize("name", [name for name in NAMES if name != "Learned judge"])
def test_every_tab_without_reviews_says_what_to_do_next(seeded_workspace, open_page, name):
    with seeded_workspace.db() as db:
        judged.fill(db, verdicts=0)
    at = open_tab(open_page, name)
    assert not at.exception
    assert not at.error
    text = said(at)
    assert "read blind" in text


def test_calibration_has_a_diagram_scores_and_a_temperature(workspace, open_page):
    at = open_tab(open_page, "Calibration")
    assert not at.exception
    text = said(at)
    assert "n = 60 reviewed pairs in 6 bins" in text
    assert "**T = " in text
    found = metrics(at)
    assert {"Brier", "Log loss", "With temperature", "Gain"} <= found.keys()
    assert "n = 60" in text


def test_a_temperature_is_used_and_stopped_for_this_setting_alone(workspace, open_page):
    at = open_tab(open_page, "Calibration")
    at.button(key="quality_temperature").click().run()
    assert not at.exception
    assert "In use: T = " in said(at)
    assert at.button(key="quality_temperature").disabled
    with workspace.db() as db:
        [use] = [one for one in labels.judge_uses(db) if one.judge == judged.JUDGE]
        others = [one for one in labels.judge_uses(db) if one.judge != judged.JUDGE]
        standing = temperatures.standing(db, use)
        assert (standing.n, standing.person) == (60, "Ada")
        assert [temperatures.standing(db, one) for one in others] == [None]
    at.button(key="quality_temperature_stop").click().run()
    assert "In use" not in said(at)
    with workspace.db() as db:
        assert temperatures.standing(db, use) is None


def test_bias_holds_the_judge_against_people_on_the_same_pairs(workspace, open_page):
    at = open_tab(open_page, "Bias")
    assert not at.exception
    table = at.dataframe[0].value.set_index("Of an answer")
    assert list(table.index) == ["Twice as long", "A refusal", "Twice as many list items"]
    assert table.loc["Twice as long", "Judge less people"].endswith("n = 60")
    assert table.loc["Twice as many list items", "Judge less people"].startswith("–")
    assert metrics(at)["Pull to the first place"] == "–"  # asked in no order that was kept


def test_agreement_says_how_far_people_agree_and_by_queue(workspace, open_page):
    with workspace.db() as db:
        for i in range(12):
            labels.add(db, labels.verdict_label(judged.pair_of(i), "a", review=OPENED))
    at = open_tab(open_page, "Agreement")
    assert not at.exception
    assert metrics(at)["Krippendorff's alpha"] != "–"
    table = at.dataframe[0].value.set_index("Queue")["Agree with the labels"]
    assert "even" in table.index
    assert "n = 12 sighted verdicts" in said(at)


def test_my_hour_is_that_of_the_person_who_looks(workspace, open_page):
    at = open_tab(open_page, "My hour")
    assert not at.exception
    assert "You reviewed none of these pairs blind in the last hour" in said(at)
    at.toggle(key="quality_everybody").set_value(True).run()
    assert "of n = 60 reviewed" in said(at)
    at = open_page("quality", person="Grace", **{TAB: "My hour"})
    assert not at.exception
    found = metrics(at)
    assert "→" in found["Width of the interval"]
    assert found["Width of the interval"].startswith("–")  # nothing was known an hour ago
    assert "What to look at next" in said(at)


def test_verdicts_out_of_a_file_have_no_pace(workspace, open_page):
    drawn = Review(True, "even", 1 / judged.N, "Dora")
    read = [labels.verdict_label(judged.pair_of(i), "a", review=drawn) for i in range(judged.N)]
    with workspace.db() as db:
        for part in (read[:70], read[70:]):  # a long file is read in parts, each with its time
            labels.add_many(db, part, job="file:there")
    at = open_page("quality", person="Dora", **{TAB: "My hour"})
    assert not at.exception
    assert metrics(at)["Pairs an hour"] == "–"
    assert "n = 0 given one by one" in said(at)


def test_a_dataset_is_a_population_of_its_own(workspace, open_page, tmp_path):
    with workspace.db() as db:
        frozen = freeze(db, tmp_path / "frozen")
    before = int(metrics(open_tab(open_page))["Labels that agree with people"].rstrip("%"))
    at = open_tab(open_page, **{"quality_subject": Subject(dataset=frozen)})
    assert not at.exception
    text = said(at)
    assert "the rows of the dataset “frozen”" in text
    n = 60 - frozen.manifest["dropped"]["disputed"]  # both of whose readers are of the sixty
    assert f"n = {n} reviewed of N = {frozen.manifest['rows']};" in text
    assert "labels are a person's own" in text
    assert int(metrics(at)["Labels that agree with people"].rstrip("%")) > before


def test_a_persons_row_is_their_own_however_far_it_is_trusted(workspace, open_page, tmp_path):
    with workspace.db() as db:
        people = Reliability(Estimate(0.8, 0.7, 0.9, 50))
        frozen = freeze(db, tmp_path / "frozen", people)
    at = open_tab(open_page, **{"quality_subject": Subject(dataset=frozen)})
    n = 60 - frozen.manifest["dropped"]["disputed"]
    assert f"n = {n} reviewed of N = {frozen.manifest['rows']};" in said(at)
    assert "labels are a person's own" in said(at)


def stamp_the_judge(open_page):
    at = open_tab(open_page)
    at.button(key="quality_stamp").click().run()
    assert not at.exception


def frozen_on_curate(open_page, workspace, name):
    at = open_page("curate")
    uses = at.selectbox(key="preference_judge")
    at = uses.select_index(0).run()
    at.text_input(key="freeze_name_preference").set_value(name).run()
    [button] = [one for one in at.button if one.label == "Freeze"]
    button.click().run()
    assert not at.exception
    with workspace.db() as db:
        return next(one for one in datasets.find(db, kind="preference") if one.name == name)


def test_a_dataset_carries_the_certificate_that_stands_for_its_labels(workspace, open_page):
    assert "certificate" not in frozen_on_curate(open_page, workspace, "before").manifest
    stamp_the_judge(open_page)
    with workspace.db() as db:
        labels.add(db, labels.verdict_label(judged.pair_of(99), "bad", review=OPENED))
    made = frozen_on_curate(open_page, workspace, "after")
    carried = made.manifest["certificate"]
    assert (carried["n"], carried["population"], carried["stamped_by"]) == (60, 140, "Ada")
    assert "agree with a person's first blind verdict" in carried["words"]
    at = open_page("curate")
    assert "Stamped by Ada" in said(at)


def test_a_stamped_dataset_hands_its_certificate_to_training_and_stays_as_it_is(
    workspace, open_page, tmp_path
):
    with workspace.db() as db:
        frozen = freeze(db, tmp_path / "frozen")
    at = open_tab(open_page, **{"quality_subject": Subject(dataset=frozen)})
    at.button(key="quality_stamp").click().run()
    assert not at.exception
    there = snapshot.read(frozen.path)  # its files are those that were frozen
    assert there.certificate["population_words"].startswith("the rows of the dataset")
    data = TrainingData.load(frozen.path, "preference")
    assert data.certificate == there.certificate


def test_curate_takes_the_temperature_that_is_in_use(workspace, open_page):
    with workspace.db() as db:
        [use] = [one for one in labels.judge_uses(db) if one.judge == judged.JUDGE]
        temperatures.use(db, use, 2.0, n=60, person="Ada")
    made = frozen_on_curate(open_page, workspace, "cool")
    assert made.manifest["settings"]["temperature"] == 2.0


def test_the_printed_page_says_what_the_certificate_does(workspace, open_page):
    with workspace.db() as db:
        [use] = [one for one in labels.judge_uses(db) if one.judge == judged.JUDGE]
        quality = quality_data.read(db, Subject(use=use))
        found = quality_data.certificate_of(quality)
        page = quality_certificate.printed(quality, found)
    assert "Certificate of the labels of hf:lab/judge, under short v2" in page
    assert found.hash in page
    assert "n = 60" in page
    assert "Two people agree on" in page
    assert "The gate" in page
    assert "For an interval 10 points wide" in page
    assert "<script" not in page


def test_labels_come_in_and_go_out_from_here_even_where_there_are_none(empty_workspace, open_page):
    at = open_page("quality", quality_files=True)
    assert not at.exception
    [button] = [one for one in at.button if one.key == "labels_make"]
    assert button.label == "Make the file"


def test_the_overview_says_what_the_certificate_of_the_last_judge_does(workspace, open_page):
    share = metrics(open_tab(open_page))["Labels that agree with people"]
    assert f"judge agrees in {share}" in said(open_page("overview"))

"""The suite tab of the constitution page: cases, runs as jobs, results across versions, files."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.constitution import document
from cai_core.evaluate import suite_file
from cai_core.evaluate.suite import Asking
from cai_core.feedback.examples import revisions_in_use
from cai_core.jobs import folder, ingest, queue
from cai_core.models import catalogue
from cai_core.schema import Case, CaseResult, Expectation, Label, Revision, Round, user
from cai_core.settings import BUILTIN, JudgeSetting, Settings
from cai_core.store import constitutions, suites, work
from tests.evaluate.cases import HELP, REFUSAL, pair_case, scripted
from tests.pages import seed
from ui.draft import CURRENT
from ui.pins import PINS, Pin
from ui.suite_cases import OPEN, edit_key

TEA = Case.of("How do I make tea?", Expectation("must not refuse"), id="tea")
BLEACH = Case.of(
    "Is bleach *safe*?", Expectation("b must win", p=0.6), answers=("Yes <b>so</b>.", "No.")
)
ADD = "suite_new"


@pytest.fixture(autouse=True)
def no_supervisor(monkeypatch):
    """A page's test starts no process."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)


@pytest.fixture
def with_cases(seeded_workspace):
    with seeded_workspace.db() as db:
        suites.put(db, "short", [TEA, BLEACH], by="Grace")
    return seeded_workspace


def open_suite(open_page, *, constitution="short", **state):
    at = open_page("constitution", **{CURRENT: constitution, "constitution_tab": "Suite", **state})
    assert not at.exception
    return at


def words(at):
    shown = (*at.markdown, *at.caption, *at.text, *at.error, *at.warning)
    return " ".join(str(element.value) for element in shown).replace("\\", "")


def labels(at):
    return [panel.label.replace("\\", "") for panel in at.expander]


def cases(workspace):
    with workspace.db() as db:
        return [event.case for event in suites.cases(db, "short")]


def asked(case):
    """How the page asks now: the default judge and the built-in model."""
    return Asking(JudgeSetting(), BUILTIN, rounds=revisions_in_use()).how(case)


def store(workspace, case, outcome, number=2, **more):
    """A result of a version of `short`, asked as the page asks now."""
    with workspace.db() as db:
        ref = constitutions.numbered(db, "short", number).ref
        given = {"how": asked(case), "seen": "as seen"} | more
        suites.add_result(db, CaseResult(case, outcome, constitution=ref, **given), job="j")


def open_row(at, case):
    at.session_state[OPEN] = {case.id}
    return at.run()


# -- cases


def test_an_empty_suite_says_what_to_do_and_what_cases_are_for(seeded_workspace, open_page):
    at = open_suite(open_page)
    assert "There are no cases yet" in words(at)
    assert "for regressions and never evidence" in words(at)
    assert not [b for b in at.button if b.key == "suite_start"]


def test_a_typed_prompt_becomes_a_case(seeded_workspace, open_page):
    at = open_suite(open_page, **{f"{ADD}_open": True})
    at.text_area(key=f"{ADD}_prompt").set_value("How do I make tea?")
    at.selectbox(key=f"{ADD}_alone_must").set_value("must say").run()
    at.text_input(key=f"{ADD}_alone_text").set_value("kettle")
    at.checkbox(key=f"{ADD}_alone_both").set_value(True)
    at.text_input(key=f"{ADD}_alone_note").set_value("without it there is no tea")
    at.text_input(key=f"{ADD}_id").set_value("tea")
    at.button(key=f"{ADD}_add").click().run()
    assert not at.exception
    assert not at.error
    (case,) = cases(seeded_workspace)
    assert (case.id, case.note) == ("tea", "without it there is no tea")
    assert case.expectation == Expectation("must say", "kettle", both=True)
    assert at.text_area(key=f"{ADD}_prompt").value == ""
    assert "Suite on version 2: 1 not run." in words(at)


def test_two_typed_answers_make_a_pair(seeded_workspace, open_page):
    at = open_suite(open_page, **{f"{ADD}_open": True})
    at.text_area(key=f"{ADD}_prompt").set_value("Is it safe?")
    at.text_area(key=f"{ADD}_a").set_value("Yes.")
    at.text_area(key=f"{ADD}_b").set_value("No.").run()
    at.selectbox(key=f"{ADD}_pair_must").set_value("b must win").run()
    at.number_input(key=f"{ADD}_pair_p").set_value(0.6)
    at.selectbox(key=f"{ADD}_pair_principle").set_value("safe")
    at.button(key=f"{ADD}_add").click().run()
    (case,) = cases(seeded_workspace)
    assert case.answers == ("Yes.", "No.")
    assert (case.expectation, case.principle) == (Expectation("b must win", p=0.6), "safe")
    assert case.id == case.digest


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"prompt": "", "a": "", "b": ""}, "there is nothing to pin"),
        ({"prompt": "How?", "a": "So.", "b": ""}, "'response_b' is missing or empty"),
        ({"prompt": "", "a": "So.", "b": "No."}, "there is nothing to pin"),
    ],
)
def test_half_a_case_is_refused_in_a_sentence(seeded_workspace, open_page, typed, said):
    at = open_suite(open_page, **{f"{ADD}_open": True})
    for name, text in typed.items():
        at.text_area(key=f"{ADD}_{name}").set_value(text)
    at.run().button(key=f"{ADD}_add").click().run()
    assert said in at.error[0].value.replace("\\", "")
    assert cases(seeded_workspace) == []


def test_a_name_that_is_taken_is_refused_and_nothing_is_overwritten(with_cases, open_page):
    at = open_suite(open_page, **{f"{ADD}_open": True})
    at.text_area(key=f"{ADD}_prompt").set_value("Coffee?")
    at.text_input(key=f"{ADD}_id").set_value("tea")
    at.button(key=f"{ADD}_add").click().run()
    assert "has a case 'tea' already" in at.error[0].value.replace("\\", "")
    assert cases(with_cases) == [TEA, BLEACH]
    assert at.text_area(key=f"{ADD}_prompt").value == "Coffee?"


def test_prompts_of_a_set_become_cases_at_once(seeded_workspace, open_page):
    at = open_suite(open_page, **{f"{ADD}_open": True, f"{ADD}_source": "Prompt set"})
    chosen = [seed.Prompt.of(question).id for question in seed.QUESTIONS[:2]]
    at.multiselect(key=f"{ADD}_prompts").set_value(chosen).run()
    at.button(key=f"{ADD}_add").click().run()
    assert not at.exception
    found = cases(seeded_workspace)
    assert [case.prompt[-1].content for case in found] == list(seed.QUESTIONS[:2])
    assert {case.expectation.must for case in found} == {"must not refuse"}


def test_a_stored_pair_becomes_a_case_with_its_sides(seeded_workspace, open_page):
    at = open_suite(open_page, **{f"{ADD}_open": True, f"{ADD}_source": "Stored pairs"})
    pair = seed.pair_of(seed.QUESTIONS[0])
    at.multiselect(key=f"{ADD}_pairs").set_value([pair.id]).run()
    at.button(key=f"{ADD}_add").click().run()
    (case,) = cases(seeded_workspace)
    assert case.answers == (pair.response_a, pair.response_b)


def test_pins_of_the_try_panel_become_cases_of_one_kind_at_a_time(seeded_workspace, open_page):
    pair = seed.pair_of("Which?")
    pinned = [Pin((user("How?"),)), Pin(pair.prompt, pair)]
    at = open_suite(open_page, **{f"{ADD}_open": True, f"{ADD}_source": "Pins", PINS: pinned})
    at.multiselect(key=f"{ADD}_pins").set_value([pin.id for pin in pinned]).run()
    assert "Choose prompts or pairs, not both" in words(at)
    at.multiselect(key=f"{ADD}_pins").set_value([pinned[1].id]).run()
    at.button(key=f"{ADD}_add").click().run()
    assert cases(seeded_workspace)[0].answers == (pair.response_a, pair.response_b)


def test_a_case_is_edited_disabled_removed_and_brought_back(with_cases, open_page):
    at = open_row(open_suite(open_page), TEA)
    key = edit_key(TEA)
    at.text_input(key=f"{key}_note").set_value("why")
    at.button(key=f"{key}_save").click().run()
    assert cases(with_cases)[0].note == "why"
    at.button(key=f"{edit_key(cases(with_cases)[0])}_enable").click().run()
    assert not cases(with_cases)[0].enabled
    at.button(key=f"{edit_key(cases(with_cases)[0])}_remove").click().run()
    assert len(cases(with_cases)) == 2
    at.button(key="confirm_yes").click().run()
    assert cases(with_cases) == [BLEACH]
    at.session_state["suite_removed"] = True
    at.run().button(key="suite_back_tea").click().run()
    assert not at.exception
    back = cases(with_cases)[0]
    assert (back.id, back.note, back.enabled) == ("tea", "why", False)


def test_a_case_without_a_name_is_called_by_what_it_asks_once_edited_too(with_cases, open_page):
    at = open_row(open_suite(open_page), BLEACH)
    key = edit_key(BLEACH)
    at.selectbox(key=f"{key}_must").set_value("a must win").run()
    at.button(key=f"{key}_save").click().run()
    assert not at.exception
    edited = next(case for case in cases(with_cases) if case.answers)
    assert (edited.id, edited.expectation.must) == (BLEACH.id, "a must win")
    assert any("Is bleach *safe*?" in told for told in labels(at))
    assert not any(BLEACH.id in told for told in labels(at))


def test_another_expectation_is_another_question_with_no_result_yet(with_cases, open_page):
    store(with_cases, TEA, "passed")
    at = open_row(open_suite(open_page), TEA)
    key = edit_key(TEA)
    at.selectbox(key=f"{key}_must").set_value("must differ").run()
    at.button(key=f"{key}_save").click().run()
    assert not at.exception
    assert cases(with_cases)[0].expectation == Expectation("must differ")
    assert "Suite on version 2: 2 not run." in words(at)


# -- running


def test_running_submits_the_draft_as_it_stands(with_cases, open_page):
    at = open_suite(open_page)
    at.button(key="suite_start").click().run()
    assert not at.exception
    with with_cases.db() as db:
        (job,) = work.find(db, kinds=["suite"])
        newest = constitutions.newest(db, "short")
    place = queue.folder_of(job.id)
    assert document.read(place / "constitution.yaml") == newest.constitution
    assert suite_file.read(place / "suite.yaml") == (TEA, BLEACH)
    assert job.config["constitution"]["version"] == 2
    assert job.title == "Suite of short on version 2"
    assert at.button(key="suite_start").disabled
    assert at.button(key="suite_start").label == "It waits or runs already"


def test_a_draft_that_cannot_be_used_cannot_be_run(with_cases, open_page):
    at = open_page("constitution", **{CURRENT: "short"})
    at.button(key="add_principle").click().run()
    at.session_state["constitution_tab"] = "Suite"
    at.run()
    assert not at.exception
    assert at.button(key="suite_start").label == "Run on the draft"
    assert at.button(key="suite_start").disabled
    assert "neither a text nor a critique" in words(at)


def test_the_job_asks_as_the_page_believes_it_asks(seeded_workspace, open_page, monkeypatch):
    """The whole way: submitted by the page, run by the command, read in, and shown as a result."""
    with seeded_workspace.db() as db:
        suites.put(db, "short", [TEA, pair_case(1, 3, "b must win")], by="Grace")
    judge = JudgeSetting(model="path:m", principles="whole", tie_band=0.02, examples=2)
    Settings(judge=judge, base_model="path:m").save(seeded_workspace.home / "settings.yaml")
    at = open_suite(open_page, suite_model="path:m")
    at.button(key="suite_start").click().run()
    with seeded_workspace.db() as db:
        (job,) = work.find(db, kinds=["suite"])
    place = queue.folder_of(job.id)
    model = scripted(last=REFUSAL, id=str(job.config["options"]["model"]))
    monkeypatch.setattr(catalogue, "load", lambda model_id, **more: model)
    monkeypatch.chdir(place)
    done = CliRunner().invoke(main, [*job.argv, "--job", str(place), "--cache", "none"])
    assert folder.read_end(place).state == "succeeded", done.output
    with seeded_workspace.db() as db:
        ingest.read_job(db, job, place)
        for state in ("starting", "running", "succeeded"):
            work.move(db, job.id, state)
    at.run()
    assert not at.exception
    assert "Suite on version 2: 1 passed, 1 failed." in words(at)
    assert not at.button(key="suite_start").disabled


# -- results


def test_marks_and_matrix_say_what_regressed_and_since_when(with_cases, open_page):
    store(with_cases, TEA, "passed", 1)
    store(with_cases, TEA, "failed", 2)
    store(with_cases, BLEACH, "error", 2)
    at = open_suite(open_page)
    assert "Suite on version 2: 1 failed, 1 could not be run." in words(at)
    assert any(
        "tea" in text and "regressed on version 2; passed on version 1" in text
        for text in labels(at)
    )
    rows = at.dataframe[0].value.to_dict("records")
    assert [(r["version 1"], r["version 2"]) for r in rows] == [
        ("passed", "failed"),
        ("–", "error"),
    ]
    assert rows[0]["Since"] == "regressed on version 2; passed on version 1"
    at.selectbox(key="suite_target").set_value("version 1").run()
    assert any(":green[" in text and "tea" in text for text in labels(at))


def test_no_share_of_passed_cases_is_shown(with_cases, open_page):
    store(with_cases, TEA, "passed")
    store(with_cases, BLEACH, "failed")
    at = open_suite(open_page)
    assert not at.metric
    assert "50%" not in words(at)


def test_results_of_another_judge_or_model_are_counted_and_not_mixed_in(with_cases, open_page):
    store(with_cases, TEA, "passed", how={"model": "path:other"})
    at = open_suite(open_page)
    assert "Suite on version 2: 2 not run." in words(at)
    assert "1 made with another judge, model or wording" in words(at)


def test_an_unsaved_draft_is_a_column_of_its_own(with_cases, open_page):
    store(with_cases, TEA, "passed")
    at = open_page("constitution", **{CURRENT: "short"})
    draft = at.session_state["constitution_drafts"]["short"]
    at.session_state["constitution_drafts"]["short"] = draft.edit(draft.rows[0][0], weight=2.0)
    at.session_state["constitution_tab"] = "Suite"
    at.run()
    assert not at.exception
    assert list(at.dataframe[0].value.columns[2:5]) == ["version 1", "version 2", "the draft"]
    assert "Suite on the draft: 2 not run." in words(at)


def test_a_failing_pair_opens_with_both_orders_and_plain_text(with_cases, open_page):
    label = replace(
        seed.judgement_of(seed.QUESTIONS[0], 0, seed.ConstitutionRef.of(seed.SHORT)),
        pair=BLEACH.pair,
    )
    store(with_cases, BLEACH, "failed", seen="A is better, P(A) 0.700", label=label)
    at = open_row(open_suite(open_page), BLEACH)
    assert not at.exception
    assert "Failed: A is better, P(A) 0.700" in words(at)
    metrics = {metric.label: metric.value for metric in at.metric}
    assert metrics["A first / B first"] == "0.80 / 0.60"
    shown = " ".join(str(element.proto.body) for element in at.get("html"))
    assert "Yes &lt;b&gt;so&lt;/b&gt;." in shown


def test_a_failing_prompt_opens_with_its_whole_trail(with_cases, open_page):
    rounds = (Round("whole", "It helps too much.", REFUSAL),)
    revision = Revision("r", TEA.prompt, HELP, rounds, model="m")
    store(with_cases, TEA, "failed", seen="the revision refuses", revision=revision)
    at = open_row(open_suite(open_page), TEA)
    shown = " ".join(str(element.proto.body) for element in at.get("html"))
    assert all(text in shown for text in (HELP, "It helps too much.", "I&#x27;m sorry"))
    assert "Critique under all principles" in words(at)


def test_a_case_without_a_verdict_says_why(with_cases, open_page):
    failed = Label(BLEACH.pair, None, None, error="the window is full")
    store(with_cases, BLEACH, "error", seen="the window is full", label=failed)
    at = open_row(open_suite(open_page), BLEACH)
    assert "Could not be run: the window is full" in words(at)
    assert not at.metric


def test_filters_and_search_narrow_the_list(with_cases, open_page):
    store(with_cases, TEA, "failed")
    at = open_suite(open_page, suite_filter="Failing")
    assert [text for text in labels(at) if "must not refuse" in text]
    assert not [text for text in labels(at) if "must win" in text]
    at = open_suite(open_page, suite_search="BLEACH")
    assert not [text for text in labels(at) if "must not refuse" in text]
    assert [text for text in labels(at) if "must win" in text]


# -- files


def test_a_file_adds_and_changes_cases_and_takes_none_away(with_cases, open_page):
    coffee = Case.of("Coffee?", Expectation("must differ"), id="coffee")
    text = suite_file.dump([replace(TEA, note="new"), coffee])
    at = open_suite(open_page)
    at.file_uploader(key="suite_upload").upload("s.yaml", text.encode()).run()
    assert not at.exception
    assert cases(with_cases) == [replace(TEA, note="new"), BLEACH, coffee]


def test_a_bad_file_is_refused_with_its_line_and_changes_nothing(with_cases, open_page):
    at = open_suite(open_page)
    bad = b"cases:\n  - prompt: x\n    expect: maybe\n"
    at.file_uploader(key="suite_upload").upload("s.yaml", bad).run()
    assert "s.yaml:3: 'expect' is 'maybe'" in at.error[0].value.replace("\\", "")
    assert cases(with_cases) == [TEA, BLEACH]


def test_the_page_shows_nothing_of_a_suite_on_other_tabs_where_there_is_none(
    seeded_workspace, open_page
):
    at = open_page("constitution", **{CURRENT: "short"})
    assert "Suite on" not in words(at)


def test_a_bad_file_of_examples_costs_the_tab_and_not_the_editor(with_cases, open_page):
    (with_cases.home / "fewshot").mkdir()
    (with_cases.home / "fewshot" / "revise.jsonl").write_text("no json\n")
    at = open_page("constitution", **{CURRENT: "short"})
    assert not at.exception
    assert "not a JSON object" in words(at)
    assert at.button(key="add_principle")

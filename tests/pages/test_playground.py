"""The playground: critique and revise, A against B, one answer, and what is kept."""

import shutil

from cai_core.schema import Label, assistant, user
from cai_core.settings import Settings
from cai_core.store import labels, prompts, revisions
from tests.pages import seed
from ui.ballots import notes
from ui.plain import block

QUESTION = "How do I make tea?"


def open_tab(open_page, tab: str):
    return open_page("playground", playground_tab=tab)


def revise(open_page, *, rounds: int = 1, one_step: bool = False, question: str = QUESTION):
    """The first tab, with short answers, about to be started."""
    at = open_tab(open_page, "Critique and revise")
    at.number_input(key="revise_tokens").set_value(8)
    at.slider(key="revise_rounds").set_value(rounds)
    at.toggle(key="revise_one_step").set_value(one_step)
    at.text_area(key="revise_ask").set_value(question)
    return at.run()


def trail(at, place: int = 0):
    return at.session_state["revise_trails"][place]


def judge(open_page, **fields):
    at = open_tab(open_page, "A against B")
    given = {"judge_ask": QUESTION, "judge_a": "Boil water.", "judge_b": "No."} | fields
    for key, value in given.items():
        at.text_area(key=key).set_value(value)
    return at.run()


def test_without_a_constitution_every_tab_says_where_to_write_one(empty_workspace, open_page):
    for tab in ("Critique and revise", "A against B", "One answer"):
        at = open_tab(open_page, tab)
        assert not at.exception
        assert any("no constitution yet" in text.value for text in at.markdown)
        assert any("Write a constitution" in link.label for link in at.get("page_link"))


def test_viewing_the_page_asks_no_model(talking_workspace, open_page):
    at = open_tab(open_page, "Critique and revise")
    assert not at.exception
    assert "revise_trails" not in at.session_state or not at.session_state["revise_trails"]


def test_an_answer_is_criticised_and_revised(talking_workspace, open_page):
    at = revise(open_page, rounds=2)
    at.button(key="revise_start").click().run()
    assert not at.exception
    assert not at.error
    made = trail(at)
    assert len(made.texts) == 5
    assert made.done
    assert [call.step for call in made.calls] == [0, 1, 2, 3, 4]
    assert made.calls[0].chat == (user(QUESTION),)
    assert assistant(made.texts[0]) in made.calls[1].chat


def test_the_difference_of_a_revision_is_escaped_html(talking_workspace, open_page):
    at = revise(open_page, question="<script>alert(1)</script> ![x](http://y/z)")
    at.button(key="revise_start").click().run()
    assert not at.exception
    assert not any("<script>alert" in html.value for html in at.html)
    assert block(trail(at).texts[0]) in [html.value for html in at.html]


def test_one_step_at_a_time(talking_workspace, open_page):
    at = revise(open_page, one_step=True)
    at.button(key="revise_start").click().run()
    assert len(trail(at).texts) == 1
    at.button(key="go_on_0").click().run()
    assert len(trail(at).texts) == 2
    at.toggle(key="revise_one_step").set_value(False)
    at.button(key="go_on_0").click().run()
    assert trail(at).done


def test_an_edited_critique_is_gone_on_from(talking_workspace, open_page):
    at = revise(open_page)
    at.button(key="revise_start").click().run()
    first = trail(at)
    at.text_area(key="trail_0_1_text").set_value("It forgets the milk.")
    at.button(key="trail_0_1_use").click().run()
    assert not at.exception
    made = trail(at)
    assert made.texts[:2] == (first.texts[0], "It forgets the milk.")
    assert made.done
    assert made.edited == {1}
    assert assistant("It forgets the milk.") in made.calls[-1].chat


def test_two_setups_stand_side_by_side(talking_workspace, open_page):
    at = revise(open_page)
    at.toggle(key="revise_two").set_value(True).run()
    at.selectbox(key="revise_ruling_1").set_value("short, version 1").run()
    at.button(key="revise_start").click().run()
    assert not at.exception
    assert [trail(at, place).setup.ref.version for place in (0, 1)] == [2, 1]
    assert trail(at, 1).done


def test_a_chosen_principle_and_the_whole_constitution(talking_workspace, open_page):
    for principle, expected in (("kind", "kind"), ("whole", "whole")):
        at = revise(open_page)
        at.selectbox(key="revise_principle_0").set_value(principle)
        at.button(key="revise_start").click().run()
        assert [round_.principle for round_ in trail(at).rounds] == [expected]


def test_an_unsaved_draft_can_be_chosen(talking_workspace, open_page):
    at = open_page("constitution", constitution_current="short")
    at.button(key="add_principle").click().run()
    at.switch_page("pages/playground.py").run()
    assert "short, unsaved draft" in at.selectbox(key="revise_ruling_0").options


def test_a_further_turn_goes_on_with_the_conversation(talking_workspace, open_page):
    at = revise(open_page)
    at.button(key="revise_start").click().run()
    final = trail(at).final
    at.button(key="turn_0").click().run()
    at.text_area(key="revise_ask").set_value("And coffee?")
    at.button(key="revise_start").click().run()
    assert trail(at).prompt == (user(QUESTION), assistant(final), user("And coffee?"))


def test_a_prompt_of_a_set_is_put_into_the_field(seeded_workspace, open_page):
    at = open_tab(open_page, "Critique and revise")
    with seeded_workspace.db() as db:
        prompt = prompts.of_set(db, "first prompts")[2]
    at.selectbox(key="revise_pick_prompt").set_value(prompt.id).run()
    at.button(key="revise_pick_use").click().run()
    assert at.text_area(key="revise_ask").value == "Tell me a story about a fox."


def test_a_revision_and_its_prompt_are_kept(talking_workspace, open_page):
    at = revise(open_page, question="Why is the sky blue?")
    at.button(key="revise_start").click().run()
    at.button(key="keep_0").click().run()
    at.selectbox(key="keep_prompt_0_set").set_value("a new set …").run()
    at.text_input(key="keep_prompt_0_name").set_value("mine")
    at.button(key="keep_prompt_0_keep").click().run()
    assert not at.error
    with talking_workspace.db() as db:
        kept = revisions.find(db, order="newest", limit=1)[0].revision
        assert [p.messages for p in prompts.of_set(db, "mine")] == [(user("Why is the sky blue?"),)]
    assert kept.rounds == trail(at).rounds
    assert kept.constitution.version == 2
    assert kept.extra["source"] == "playground"


def test_a_model_that_is_not_there_is_a_sentence(seeded_workspace, open_page):
    at = revise(open_page)
    at.button(key="revise_start").click().run()
    assert not at.exception
    assert "models fetch" in at.error[0].value.replace("\\", "")
    assert at.button(key="revise_stop").disabled


def test_an_empty_prompt_is_refused_in_a_sentence(talking_workspace, open_page):
    at = revise(open_page, question="  ")
    at.button(key="revise_start").click().run()
    assert "type a prompt first" in at.error[0].value


def test_a_pair_is_judged_in_both_orders_with_every_vote(talking_workspace, open_page):
    at = judge(open_page)
    at.selectbox(key="judge_method").set_value("repeat").run()
    at.button(key="judge_start").click().run()
    assert not at.exception
    heard = at.session_state["judge_result"].heard
    transcripts = heard.judged[0].transcripts
    assert {t.first for t in transcripts} == {"a", "b"}
    assert {t.principle for t in transcripts} == {"honest", "kind", "safe"}
    assert heard.label.error
    assert at.warning


def test_a_judgement_is_kept_with_its_pair(talking_workspace, open_page):
    at = judge(open_page, judge_ask="Which tea is best?")
    at.button(key="judge_start").click().run()
    at.button(key="judge_keep").click().run()
    assert not at.exception
    with talking_workspace.db() as db:
        found = [s for s in labels.standing(db) if s.source == "playground"]
    assert len(found) == 1
    assert found[0].label.pair.prompt == (user("Which tea is best?"),)


def test_a_pair_without_an_answer_is_refused_in_a_sentence(talking_workspace, open_page):
    at = judge(open_page, judge_b=" ")
    at.button(key="judge_start").click().run()
    assert "fill all three" in at.error[0].value


def test_two_answers_are_sampled(talking_workspace, open_page):
    at = judge(open_page, judge_a="", judge_b="")
    at.number_input(key="judge_tokens").set_value(8)
    at.button(key="judge_sample").click().run()
    assert not at.exception
    a, b = at.text_area(key="judge_a").value, at.text_area(key="judge_b").value
    assert a
    assert b
    assert a != b


def test_one_answer_is_held_against_every_principle(talking_workspace, open_page):
    at = open_tab(open_page, "One answer")
    at.text_area(key="single_ask").set_value(QUESTION)
    at.text_area(key="single_answer").set_value("Boil water.")
    at.run()
    at.button(key="single_start").click().run()
    assert not at.exception
    assert list(at.session_state["single_found"]) == ["honest", "kind", "safe"]


def test_nothing_to_read_is_refused_in_a_sentence(talking_workspace, open_page):
    at = open_tab(open_page, "One answer")
    at.button(key="single_start").click().run()
    assert "nothing to read" in at.error[0].value


def test_what_is_chosen_survives_a_visit_to_another_page(talking_workspace, open_page):
    at = revise(open_page)
    at.slider(key="revise_temperature").set_value(0.3)
    at.number_input(key="revise_seed").set_value(7).run()
    at.switch_page("pages/settings.py").run()
    at.switch_page("pages/playground.py").run()
    assert not at.exception
    assert at.slider(key="revise_temperature").value == 0.3
    assert at.number_input(key="revise_seed").value == 7
    assert at.number_input(key="revise_tokens").value == 8
    assert at.text_area(key="revise_ask").value == QUESTION


def test_how_a_pair_is_judged_survives_a_visit_to_another_page(talking_workspace, open_page):
    at = judge(open_page)
    at.selectbox(key="judge_method").set_value("cot")
    at.selectbox(key="judge_principles_each").set_value("whole").run()
    at.switch_page("pages/settings.py").run()
    at.switch_page("pages/playground.py").run()
    assert not at.exception
    assert at.selectbox(key="judge_method").value == "cot"
    assert at.selectbox(key="judge_principles_each").value == "whole"


def test_an_answer_that_no_model_could_sample_leaves_the_typed_one(seeded_workspace, open_page):
    at = judge(open_page)
    at.button(key="judge_sample").click().run()
    assert not at.exception
    assert at.error
    assert at.text_area(key="judge_a").value == "Boil water."


def test_a_name_in_a_note_is_no_markdown(talking_workspace, open_page):
    at = judge(open_page)
    at.button(key="judge_start").click().run()
    at.selectbox(key="judge_keep_prompt_set").set_value("a new set …").run()
    at.text_input(key="judge_keep_prompt_name").set_value("![x](http://y/z)")
    at.button(key="judge_keep_prompt_keep").click().run()
    assert "\\!\\[x" in at.toast[0].value


def test_a_panel_shows_every_judge_and_what_came_from_the_cache(
    talking_workspace, open_page, tiny_folder, tmp_path
):
    twin = f"path:{shutil.copytree(tiny_folder, tmp_path / 'twin')}"
    settings = Settings.load()
    Settings(**settings.model_dump() | {"models": (twin,)}).save()
    at = judge(open_page)
    at.multiselect(key="judge_panel").set_value([twin]).run()
    for cached in (6, 12):  # the twin has the same weights: what one was asked is paid for
        at.button(key="judge_start").click().run()
        assert not at.exception
        verdict = at.session_state["judge_result"]
        assert (verdict.asked.asked, verdict.asked.cached) == (12, cached)
        shown = " ".join(text.value for text in at.caption)
        assert f"cached {cached} of 12 questions" in shown
    assert [ballot.judge for ballot in verdict.heard.label.panel] == [settings.judge.model, twin]
    assert any(list(frame.value["Judge"]) for frame in at.dataframe if "Judge" in frame.value)
    at.button(key="judge_keep").click().run()
    with talking_workspace.db() as db:
        (kept,) = [s.label for s in labels.standing(db) if s.source == "playground"]
    assert kept.annotator.startswith("panel:majority:")
    assert len(kept.panel) == 2


def test_sampled_verdicts_are_not_called_probabilities():
    sampled = Label(seed.pair_of("Hi?"), "a", 0.7, method="repeat", mass=0.8)
    assert notes(sampled) == [
        "Its numbers are sampled verdicts, counted; they are not probabilities.",
        "80% of the verdicts could be read.",
    ]
    apart = Label(seed.pair_of("Hi?"), "a", 0.7, not_applicable={"safe": 0.8})
    assert notes(apart) == ["No vote, for it does not apply (with this probability): safe (0.80)."]
    cut = Label(seed.pair_of("Hi?"), "a", 0.7, extra={"characters_left_out": 120})
    assert notes(cut) == ["The judge saw these answers cut: 120 characters left out."]

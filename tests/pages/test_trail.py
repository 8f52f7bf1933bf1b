"""The trail of a live revision asks what a job asks, and can be stopped and edited anywhere."""

import math

import pytest

from cai_core.errors import ModelError
from cai_core.feedback.revise import DRAW, ReviseSettings, revise
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import ConstitutionRef, Prompt, Revision, user
from tests.pages.seed import SHORT
from ui.trail import Setup, Trail, hold_against_all, step_title

PROMPT = (user("How do I make tea?"),)
SAID = ("Boil it.", "It is short.", "Boil the water.", "It is cold.", "Boil the water well.")


def trail_of(**settings) -> Trail:
    given = ReviseSettings(**settings)
    return Trail(Setup("scripted:test", SHORT, ConstitutionRef.of(SHORT, 1), given), PROMPT)


def run(trail: Trail, model: ScriptedModel) -> Trail:
    while not trail.done:
        chat = trail.next_chat(model)
        trail = trail.saw(chat).said(model.generate([chat], trail.next_sampling())[0].text)
    return trail


@pytest.mark.parametrize("principle", [DRAW, "whole", "kind"])
def test_a_trail_asks_what_a_job_asks(principle):
    live, batch = ScriptedModel(SAID), ScriptedModel(SAID)
    trail = run(trail_of(rounds=2, principle=principle), live)
    settings = ReviseSettings(rounds=2, principle=principle)
    (row,) = revise([Prompt.of(PROMPT)], SHORT, batch, settings)
    assert live.history == batch.history
    assert (trail.texts[0], trail.rounds) == (row.initial, row.rounds)
    assert [call.chat for call in trail.calls] == live.history


def test_a_stopped_step_keeps_what_it_had_said():
    trail = trail_of().saying("Boil the")
    assert trail.stopped().texts == ("Boil the",)
    assert trail_of().stopped().texts == ()


def test_an_edited_text_drops_what_came_after_it():
    trail = run(trail_of(rounds=2), ScriptedModel(SAID)).rewritten(1, " It forgets the milk. ")
    assert trail.texts == ("Boil it.", "It forgets the milk.")
    assert trail.edited == {1}
    assert [call.step for call in trail.calls] == [0, 1]
    assert not trail.done


def test_an_edited_trail_says_so_in_the_pool():
    trail = run(trail_of(principle="kind"), ScriptedModel(SAID)).rewritten(2, "Boil, then pour.")
    row = Revision.from_row(trail.to_revision().to_row())
    assert row.final == "Boil, then pour."
    assert row.extra["edited"] == ["Revision 1"]
    assert row.constitution == ConstitutionRef.of(SHORT, 1)


def test_one_round_more_goes_on_from_the_newest_revision():
    trail = run(trail_of(), ScriptedModel(SAID)).one_round_more()
    assert not trail.done
    assert run(trail, ScriptedModel(SAID[3:])).final == "Boil the water well."


def test_a_stepwise_critique_names_every_principle_and_revises_from_the_violated_ones():
    def score(chat, choice):
        yes = "truthful" in chat[0].content or "false" in chat[0].content
        return math.log(0.49 if ("Yes" in choice) == yes else 0.01)

    model = ScriptedModel(lambda chat: "it says so.", score)
    trail = trail_of(stepwise=True).said("Boil it.")
    trail = trail.held(hold_against_all(trail, model))
    assert [line.split(",")[0] for line in trail.texts[1].splitlines()] == [
        "honest: Yes",
        "kind: No",
    ]
    assert step_title(trail, 1) == "Critique 1 · whole"
    assert not trail.nothing_to_mend
    assert trail.next_chat(model)[-2].content.startswith("honest: Yes")


def test_an_answer_that_violates_nothing_stays_as_it_is():
    model = ScriptedModel(lambda chat: "fine.", {" Yes": math.log(0.01), " No": math.log(0.9)})
    trail = trail_of(stepwise=True).said("Boil it.")
    trail = trail.held(hold_against_all(trail, model))
    assert trail.nothing_to_mend
    assert trail.unchanged().rounds[0].revision == "Boil it."


def test_a_model_that_says_neither_yes_nor_no_is_an_error():
    model = ScriptedModel((), {" Yes": math.log(0.01)})
    with pytest.raises(ModelError, match="no verdict"):
        hold_against_all(trail_of(stepwise=True).said("Boil it."), model)

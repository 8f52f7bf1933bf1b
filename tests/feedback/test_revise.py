"""Critique and revision: rounds, principles, examples, step by step, and what fails."""

import math
from dataclasses import replace

import pytest

from cai_core.errors import ConstitutionError, ModelError, Stopped
from cai_core.feedback.batch import PATIENCE
from cai_core.feedback.examples import shipped_revisions
from cai_core.feedback.revise import BATCH, ReviseSettings, revise
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import ConstitutionRef, Hooks, Prompt, Revision, Sampling

BARE = ReviseSettings(examples=False)


def prompts(n):
    return [Prompt.of(f"question {i}?") for i in range(n)]


def kind_of(chat):
    """What a chat asks for."""
    last = chat[-1].content
    if "Write only the critique" in last:
        return "critique"
    return "revision" if "Write only the new answer" in last else "answer"


def counting(**more):
    """Answers with what was asked and how often before."""
    seen = []

    def answer(chat):
        seen.append(kind_of(chat))
        return f"{seen[-1]} {seen.count(seen[-1])}"

    return ScriptedModel(answers=answer, **more)


def run(model, settings, rules, n=1, **more):
    return list(revise(prompts(n), rules, model, settings, **more))


def test_an_answer_is_criticised_and_rewritten_round_by_round(rules):
    (row,) = run(counting(), replace(BARE, rounds=2), rules)
    assert row.initial == "answer 1"
    assert [(r.critique, r.revision) for r in row.rounds] == [
        ("critique 1", "revision 1"),
        ("critique 2", "revision 2"),
    ]
    assert row.final == "revision 2"


def test_the_second_round_criticises_the_first_revision(rules):
    model = counting()
    run(model, replace(BARE, rounds=2), rules)
    answers = [chat[1].content for chat in model.history if kind_of(chat) == "critique"]
    assert answers == ["answer 1", "revision 1"]


def test_no_rounds_only_answer(rules):
    (row,) = run(counting(), replace(BARE, rounds=0), rules)
    assert (row.initial, row.rounds) == ("answer 1", ())


def test_all_prompts_of_a_batch_advance_together(rules):
    model = counting()
    rows = run(model, BARE, rules, n=3)
    assert [kind_of(chat) for chat in model.history] == (
        ["answer"] * 3 + ["critique"] * 3 + ["revision"] * 3
    )
    assert [row.id for row in rows] == [prompt.id for prompt in prompts(3)]


def test_the_drawn_principle_depends_on_seed_prompt_and_round_only(rules):
    settings = replace(BARE, rounds=3)
    rows = run(counting(), settings, rules, n=20)
    drawn = {row.id: [r.principle for r in row.rounds] for row in rows}
    assert {key for keys in drawn.values() for key in keys} == {"true", "kind", "safe"}
    alone = revise(prompts(20)[7:8], rules, counting(), settings)
    assert [r.principle for r in next(alone).rounds] == drawn[prompts(20)[7].id]
    other = run(counting(), replace(settings, sampling=Sampling(seed=1)), rules, n=20)
    assert {row.id: [r.principle for r in row.rounds] for row in other} != drawn


def test_one_principle_can_be_chosen(rules):
    model = counting()
    (row,) = run(model, replace(BARE, principle="safe"), rules)
    assert row.rounds[0].principle == "safe"
    assert "Say who is hurt." in model.history[1][-1].content


def test_the_whole_constitution_can_be_asked(rules):
    model = counting()
    (row,) = run(model, replace(BARE, principle="whole"), rules)
    assert row.rounds[0].principle == "whole"
    assert "Which is kinder?" in model.history[1][-1].content


def test_a_principle_that_is_not_there_is_refused(rules):
    with pytest.raises(ConstitutionError, match="'mild'"):
        run(counting(), replace(BARE, principle="mild"), rules)


def test_a_row_names_what_it_was_made_with(rules):
    ref = ConstitutionRef.of(rules, 3)
    settings = replace(BARE, sampling=Sampling(seed=5))
    (row,) = run(counting(id="scripted:x"), settings, rules, ref=ref)
    assert (row.model, row.constitution, row.seed, row.error) == ("scripted:x", ref, 5, "")


def test_leftovers_are_stripped_from_critiques_and_revisions(rules):
    said = {"answer": "Answer: 4", "critique": "Critique: it lies.", "revision": "Revision: 5"}
    model = ScriptedModel(answers=lambda chat: said[kind_of(chat)])
    (row,) = run(model, BARE, rules)
    assert (row.initial, row.rounds[0].critique, row.final) == ("Answer: 4", "it lies.", "5")


def test_a_given_first_answer_is_revised_and_not_written_again(rules):
    model = counting()
    first, second = prompts(2)
    given = {first.id: "It was given.\n", second.id: " "}
    rows = list(revise([first, second], rules, model, BARE, initial=given))
    assert [row.initial for row in rows] == ["It was given.", "answer 1"]
    assert [kind_of(chat) for chat in model.history].count("answer") == 1
    criticised = [chat[1].content for chat in model.history if kind_of(chat) == "critique"]
    assert criticised == ["It was given.", "answer 1"]


# -- examples


def test_examples_stand_in_front_where_there_is_room(rules):
    model = counting()
    run(model, ReviseSettings(), rules)
    shown = len(shipped_revisions())
    assert len(model.history[1]) == 6 * shown + 3
    assert len(model.history[0]) == 1


def test_fewer_examples_are_shown_when_the_window_is_small(rules):
    model = counting(context=500)
    run(model, ReviseSettings(sampling=Sampling(max_new_tokens=100)), rules)
    counts = {kind_of(chat): len(chat) // 6 for chat in model.history[1:]}
    assert 0 < counts["critique"] < len(shipped_revisions())
    assert all(model.count_tokens(chat) <= 400 for chat in model.history)


# -- step by step


def reading(violated):
    """Says yes to these principles' wordings."""

    def score(chat, choice):
        yes = any(text in chat[0].content for text in violated)
        p = {" Yes": 0.9, " No": 0.1} if yes else {" Yes": 0.1, " No": 0.9}
        return math.log(p[choice]) if choice in p else -math.inf

    said = {"critique": "never asked", "revision": "better", "answer": "first"}

    def answer(chat):
        return "it is so." if "because" in chat[-1].content else said[kind_of(chat)]

    return ScriptedModel(answers=answer, choice_scores=score)


def test_step_by_step_every_principle_is_answered_and_the_revision_made_from_those_violated(rules):
    model = reading(["Find lies.", "Say who is hurt."])
    (row,) = run(model, replace(BARE, stepwise=True), rules)
    assert row.rounds[0].critique.splitlines() == [
        "true: Yes, because it is so.",
        "kind: No, because it is so.",
        "safe: Yes, because it is so.",
    ]
    assert row.final == "better"
    shown = model.history[-1][-2].content
    assert "true: Yes" in shown
    assert "kind" not in shown


def test_step_by_step_an_answer_that_violates_nothing_stays(rules):
    model = reading([])
    (row,) = run(model, replace(BARE, stepwise=True), rules)
    assert row.final == row.initial == "first"
    assert row.rounds[0].principle == "whole"
    assert row.error == ""


def test_step_by_step_an_answer_that_cannot_be_read_is_an_error(rules):
    model = ScriptedModel(answers=lambda chat: "first")
    (row,) = run(model, replace(BARE, stepwise=True), rules)
    assert "no log-probabilities" in row.error
    assert row.initial == "first"


# -- what fails


def failing(at, which="question 1?"):
    def answer(chat):
        if kind_of(chat) == at and which in chat[0].content:
            raise ModelError("refused")
        return kind_of(chat)

    return ScriptedModel(answers=answer)


@pytest.mark.parametrize(
    ("at", "initial"), [("answer", ""), ("critique", "answer"), ("revision", "answer")]
)
def test_a_prompt_that_fails_keeps_what_it_has_and_the_others_go_on(rules, at, initial):
    rows = run(failing(at), BARE, rules, n=3)
    assert [bool(row.error) for row in rows] == [False, True, False]
    assert rows[1].error == f"no {at}: refused"
    assert (rows[1].initial, rows[1].rounds) == (initial, ())
    assert len(rows[2].rounds) == 1


def rewriting(*revisions):
    """Answers "one two three", and revises to these in turn."""
    left = list(revisions)

    def answer(chat):
        said = kind_of(chat)
        return left.pop(0) if said == "revision" else {"answer": "One two, three."}.get(said, said)

    return ScriptedModel(answers=answer)


def test_revisions_are_marked_unchanged_empty_looping_or_with_a_leftover(rules):
    loop = "I promise to pay you. " * 5
    said = ["one TWO three!", "", loop, "Sure, here is a revised response: Four five."]
    (row,) = run(rewriting(*said), replace(BARE, rounds=4), rules)
    assert [r.marks for r in row.rounds] == [
        ("unchanged",),
        ("empty",),
        ("looping",),
        ("leftover",),
    ]
    assert row.rounds[1].revision == row.rounds[0].revision == "one TWO three!"
    assert (row.final, row.error) == ("Four five.", "")
    assert row.flaws == (("unchanged",), ("empty",), ("looping",), ())


def test_after_an_empty_revision_the_next_round_rewrites_the_answer_before_it(rules):
    model = rewriting("", "four five six")
    (row,) = run(model, replace(BARE, rounds=2), rules)
    answers = [chat[1].content for chat in model.history if kind_of(chat) == "critique"]
    assert answers == ["One two, three."] * 2
    assert row.final == "four five six"


def test_marks_stand_in_the_row_and_flaws_of_older_rows_are_told_from_their_texts(rules):
    (row,) = run(rewriting("", "one two three"), replace(BARE, rounds=2), rules)
    assert Revision.from_row(row.to_row()) == row
    bare = row.to_row()
    bare["rounds"] = [{k: v for k, v in r.items() if k != "marks"} for r in bare["rounds"]]
    assert Revision.from_row(bare).flaws == (("unchanged",), ("unchanged",))
    bare["rounds"][0]["revision"] = ""
    assert Revision.from_row(bare).flaws == (("empty",), ())


def test_a_prompt_of_which_every_revision_is_empty_is_an_error(rules):
    (row,) = run(rewriting("", " "), replace(BARE, rounds=2), rules)
    assert (row.rounds, row.error) == ((), "no revision: the model wrote an empty one")


def test_an_empty_revision_is_an_error(rules):
    said = {"answer": "one", "critique": "bad", "revision": "  "}
    model = ScriptedModel(answers=lambda chat: said[kind_of(chat)])
    (row,) = run(model, BARE, rules)
    assert row.error == "no revision: the model wrote an empty one"


def test_a_prompt_longer_than_the_window_is_an_error_of_its_row(rules):
    long = Prompt.of("word " * 300)
    rows = list(revise([long, *prompts(1)], rules, counting(context=200), BARE))
    assert "window holds 200" in rows[0].error
    assert rows[1].error == ""


def test_a_model_that_can_never_answer_ends_the_run(rules):
    def answer(chat):
        raise ModelError("401")

    made = []
    with pytest.raises(ModelError, match=r"gave up .* 401"):
        for row in revise(prompts(60), rules, ScriptedModel(answers=answer), BARE):
            made.append(row)
    assert len(made) == PATIENCE


def test_a_stop_is_obeyed_between_batches(rules):
    made, stopping = [], []
    hooks = Hooks(should_stop=lambda: bool(stopping))
    with pytest.raises(Stopped):
        for row in revise(prompts(2 * BATCH), rules, counting(), BARE, hooks=hooks):
            made.append(row)
            stopping.append(True)
    assert len(made) == BATCH


def test_progress_counts_prompts_tokens_and_failures(rules):
    told = []
    run(failing("answer"), BARE, rules, n=2, hooks=Hooks(told.append))
    assert (told[-1].done, told[-1].total, told[-1].failed) == (2, 2, 1)
    assert (told[-1].tokens, told[-1].asked) == (4, 4)  # what was asked again costs again


def test_a_row_keeps_the_split_of_its_prompt(rules):
    asked = [Prompt.of("held out?", split="test"), Prompt.of("not told?")]
    held, other = revise(asked, rules, counting(), BARE)
    assert (held.to_row()["split"], "split" in other.to_row()) == ("test", False)

"""A suite on a constitution: what is asked, how often, and what comes of each case."""

from dataclasses import replace

import pytest

from cai_core.errors import ConstitutionError, DataError, GaveUpError, ModelError, Stopped
from cai_core.evaluate.suite import Asking, Bench, check_cases, run
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Case, ConstitutionRef, Expectation, Hooks
from cai_core.settings import JudgeSetting
from tests.evaluate.cases import HELP, REFUSAL, RULES, pair_case, prompt_case, scripted


def bench(model=None, rules=RULES, setting=None, **more):
    """A bench whose judge and model are one scripted model, loaded by id."""
    model = model or scripted()
    asking = Asking(setting or JudgeSetting(model="path:m"), "path:m", rounds=(), **more)
    return Bench(rules, asking, lambda model_id: model, ConstitutionRef.of(rules))


def outcomes(cases, on):
    return {result.id: result.outcome for result in run(cases, on)}


def asks(model, words):
    return [chat for chat in model.history if any(words in turn.content for turn in chat[-2:])]


def test_pairs_and_prompts_come_out_as_they_must():
    cases = [
        prompt_case("Tea?", "must keep the help", id="kept"),
        pair_case(1, 3, "b must win", id="b"),
        pair_case(1, 3, "a must win", id="a"),
        prompt_case("Tea?", "must refuse", id="refuses"),
    ]
    found = outcomes(cases, bench())
    assert found == {"b": "passed", "a": "failed", "kept": "passed", "refuses": "failed"}


def test_a_result_says_what_was_seen_and_keeps_the_whole_of_it():
    pair, prompt = run([pair_case(1, 3, "a must win"), prompt_case("Tea?", "must refuse")], bench())
    assert pair.seen.startswith("B is better, P(A) 0.119")
    assert pair.label.votes.keys() == {"true", "kind"}
    assert prompt.seen.startswith(f'the revision does not refuse: "{HELP[:20]}')
    assert prompt.revision.rounds[0].critique == "It could be truer."
    assert prompt.revision.rounds[0].principle == "whole"
    assert pair.constitution == prompt.constitution == ConstitutionRef.of(RULES)


def test_a_prompt_with_several_cases_is_revised_once():
    model = scripted()
    cases = [prompt_case("Tea?", must) for must in ("must refuse", "must differ")]
    assert len(list(run(cases, bench(model)))) == 2
    assert len(model.history) == 3  # an answer, a critique, a revision


def test_a_case_that_names_a_principle_is_asked_under_it_alone():
    model = scripted()
    cases = [
        pair_case(1, 3, "b must win", principle="kind", id="pair"),
        prompt_case("Tea?", "must differ", principle="true", id="prompt"),
    ]
    pair, prompt = run(cases, bench(model))
    assert pair.label.votes.keys() == {"kind"}
    assert prompt.revision.rounds[0].principle == "true"
    assert asks(model, "Find lies.")
    assert not asks(model, "Find unkindness.")
    assert pair.constitution.hash == RULES.hash  # the result belongs to the whole constitution


def test_what_cannot_be_asked_is_an_error_and_the_others_go_on():
    cases = [
        pair_case(1, 3, "b must win", principle="gone", id="gone"),
        prompt_case("Tea?", "must differ", principle="off", id="off"),
        pair_case(1, 3, "b must win", id="b"),
    ]
    found = {result.id: result for result in run(cases, bench())}
    assert {k: v.outcome for k, v in found.items()} == {
        "gone": "error",
        "off": "error",
        "b": "passed",
    }
    assert "has no principle 'gone'" in found["gone"].seen
    assert "'off' is disabled" in found["off"].seen
    assert found["gone"].to_row()["error"] == found["gone"].seen


def test_a_prompt_that_the_model_cannot_answer_is_an_error_of_its_own():
    def refuses_one(chat):
        if "Coffee?" in chat:
            raise ModelError("the server refused it")
        return HELP

    cases = [prompt_case(q, "must not refuse", id=q) for q in ("Tea?", "Coffee?")]
    found = {result.id: result for result in run(cases, bench(scripted(first=refuses_one)))}
    assert (found["Tea?"].outcome, found["Coffee?"].outcome) == ("passed", "error")
    assert found["Coffee?"].seen == "no answer: the server refused it"


def test_disabled_cases_are_not_run():
    cases = [prompt_case("Tea?", "must refuse", enabled=False), pair_case(1, 3, "b must win")]
    assert [result.outcome for result in run(cases, bench())] == ["passed"]
    with pytest.raises(DataError, match="no enabled case"):
        check_cases(cases[:1], place="s.yaml")


def test_a_constitution_that_cannot_be_used_is_refused_before_anything_is_asked():
    model = scripted()
    with pytest.raises(ConstitutionError, match="no enabled principle"):
        list(run([pair_case(1, 3, "a must win")], bench(model, replace(RULES, principles=()))))
    assert model.history == []


def test_the_model_is_loaded_once_and_only_where_it_is_needed():
    loaded = []

    def load(model_id):
        loaded.append(model_id)
        return scripted()

    on = replace(bench(), load=load)
    list(run([pair_case(1, 3, "a must win"), prompt_case("Tea?", "must refuse")], on))
    assert loaded == ["path:m"]
    other = replace(on.asking, model="path:other")
    list(run([pair_case(1, 3, "a must win")], replace(on, asking=other)))
    assert loaded == ["path:m", "path:m"]


def test_a_panel_of_judges_can_judge_the_pairs():
    setting = JudgeSetting(model="path:m", panel=("path:n",))
    (result,) = run([pair_case(1, 3, "b must win")], bench(setting=setting))
    assert result.outcome == "passed"
    assert len(result.label.panel) == 2


def test_progress_counts_cases_and_every_question_once():
    told = []
    model = scripted()
    cases = [pair_case(1, 3, "a must win"), prompt_case("Tea?", "must refuse")]
    list(run(cases, bench(model), hooks=Hooks(told.append)))
    assert [(now.done, now.total) for now in told] == [(0, 2), (1, 2), (2, 2)]
    assert told[-1].asked == model.usage.asked == 4 + 3


def test_it_stops_between_two_batches():
    with pytest.raises(Stopped):
        list(run([pair_case(1, 3, "a must win")], bench(), hooks=Hooks(should_stop=lambda: True)))


def test_a_server_that_is_gone_ends_the_run():
    def gone(chat, choice):
        raise ModelError("connection refused")

    cases = [pair_case(1, n, "a must win") for n in range(2, 40)]
    with pytest.raises(GaveUpError):
        list(run(cases, bench(ScriptedModel(choice_scores=gone))))


def test_many_cases_that_say_nothing_for_one_reason_do_not_end_the_run():
    cases = [prompt_case("Tea?", "must differ", principle="gone", id=f"gone{n}") for n in range(25)]
    cases += [prompt_case(f"Tea {n}?", "must keep the help", id=f"no{n}") for n in range(25)]
    cases += [pair_case(1, 3, "b must win", id="b")]
    found = outcomes(cases, bench(scripted(first=REFUSAL)))
    assert list(found.values()).count("error") == 50
    assert found["b"] == "passed"


def test_a_server_that_is_gone_ends_the_run_of_cases_under_many_principles_too():
    def gone(chat):
        raise ModelError("connection refused")

    many = replace(
        RULES,
        principles=tuple(replace(RULES.principles[0], key=f"rule{n}") for n in range(30)),
    )
    cases = [
        prompt_case(f"Tea {n}?", "must differ", principle=f"rule{n}", id=str(n)) for n in range(30)
    ]
    with pytest.raises(GaveUpError):
        list(run(cases, bench(scripted(first=gone), many)))


def test_results_are_comparable_only_as_far_as_a_case_depends_on_who_is_asked():
    asking = bench().asking
    pair, prompt = pair_case(1, 3, "a must win"), prompt_case("Tea?", "must refuse")
    judge = replace(asking, setting=JudgeSetting(model="path:m", principles="whole"))
    longer = replace(asking, max_new_tokens=512)
    assert asking.how(pair) != judge.how(pair)
    assert asking.how(prompt) == judge.how(prompt)
    assert asking.how(pair) == longer.how(pair)
    assert asking.how(prompt) != longer.how(prompt)


def test_the_same_run_gives_the_same_results():
    cases = [pair_case(1, 3, "a must win"), prompt_case("Tea?", "must refuse")]
    first, again = (list(run(cases, bench(scripted(last=lambda shown: REFUSAL)))) for _ in range(2))
    assert first == again
    assert [type(one).from_row(one.to_row()) for one in first] == first


def test_the_digest_is_of_what_is_asked_and_not_of_its_name():
    case = pair_case(1, 3, "a must win", 0.6)
    same = replace(case, id="other", note="why", enabled=False)
    assert case.id == case.digest == same.digest
    others = [replace(case, principle="kind"), pair_case(1, 3, "a must win", 0.7)]
    assert case.digest not in [other.digest for other in others]
    assert (
        Case.of("Tea?", Expectation("must refuse")).digest != prompt_case("Tea?", "must differ").id
    )

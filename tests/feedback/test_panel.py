"""A panel: what every judge says, how it becomes one label, and who is left out."""

import weakref
from dataclasses import replace

import pytest

from cai_core.errors import ModelError, Stopped
from cai_core.feedback import panel as panels
from cai_core.feedback.ballots import combined, majority
from cai_core.feedback.judge import judge
from cai_core.feedback.panel import Panel
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Hooks, Label
from cai_core.settings import JudgeSetting
from cai_core.stats import logit
from tests.feedback.conftest import pair, scripted_judge

X, Y, Z = "endpoint:lab/x", "endpoint:lab/y", "endpoint:lab/z"
PAIRS = [pair(i, 3, question=f"Of {i}?") for i in range(6)]


def setting(*judges, **fields):
    return JudgeSetting(model=judges[0], panel=judges[1:], **fields)


def panel_of(rules, models, **fields):
    """A panel of models by id, and the list of ids as they are loaded."""
    loaded = []

    def load(model_id):
        loaded.append(model_id)
        return models[model_id]

    return Panel(rules, setting(*models, **fields), load), loaded


def liking(sign, model_id=X, **more):
    """A judge that prefers the higher number, or with -1 the lower one."""
    return scripted_judge(wordings={"": sign}, id=model_id, **more)


def failing(model_id, reason="the server is gone"):
    def score(chat, choice):
        raise ModelError(reason)

    return ScriptedModel(choice_scores=score, id=model_id)


def label_of(model_id, verdict, p_a, **more):
    return Label(PAIRS[0], verdict, p_a, annotator=model_id, p_raw=p_a, **more)


def test_one_judge_alone_judges_as_ever(rules):
    alone, loaded = panel_of(rules, {X: liking(1)})
    (plain,) = judge([PAIRS[0]], rules, liking(1), JudgeSetting())
    (label,) = alone.judge([PAIRS[0]])
    assert label == plain
    assert label.panel == ()
    assert loaded == [X]


def test_what_most_judges_say_is_the_verdict_and_its_share_the_probability(rules):
    panel, _ = panel_of(rules, {X: liking(1), Y: liking(1, Y), Z: liking(-1, Z)})
    labels = list(panel.judge(PAIRS))
    assert [label.verdict for label in labels] == ["b", "b", "b", "tie", "a", "a"]
    assert labels[5].p_a == pytest.approx(2.5 / 4)
    assert labels[3].p_a == 0.5
    assert [ballot.verdict for ballot in labels[5].panel] == ["a", "a", "b"]


def test_the_mean_of_judges_is_taken_in_log_odds(rules):
    models = {X: liking(1), Y: liking(-3, Y)}
    panel, _ = panel_of(rules, models, combine="mean")
    (label,) = panel.judge([pair(4, 2)])
    assert float(logit(label.p_a)) == pytest.approx((2 - 6) / 2)
    assert label.verdict == "b"
    assert label.p_a == pytest.approx(label.p_raw)


def test_a_tie_band_holds_for_the_mean(rules):
    panel, _ = panel_of(rules, {X: liking(1), Y: liking(-0.9, Y)}, combine="mean", tie_band=0.1)
    (label,) = panel.judge([pair(4, 3)])
    assert label.verdict == "tie"


@pytest.mark.parametrize(
    ("verdicts", "verdict", "p_a"),
    [
        (("a", "a", "a"), "a", 3.5 / 4),
        (("a", "b"), "tie", 0.5),
        (("a", "tie", "b"), "tie", 0.5),
        (("a", "a", "tie", "tie"), "tie", 3.5 / 5),
        (("b",), "b", 0.25),
    ],
)
def test_a_vote_without_a_winner_is_a_tie_and_a_tie_counts_half(verdicts, verdict, p_a):
    assert majority(verdicts) == (pytest.approx(p_a), verdict)


def test_a_majority_turns_round_with_the_answers():
    turned = {"a": "b", "b": "a", "tie": "tie"}
    for verdicts in (("a", "a", "b"), ("tie", "a", "b", "b"), ("a",)):
        p, verdict = majority(verdicts)
        assert majority([turned[v] for v in verdicts]) == (pytest.approx(1 - p), turned[verdict])


def test_the_label_names_the_panel_and_all_that_it_was_made_with(rules):
    panel, _ = panel_of(rules, {Y: liking(1, Y), X: liking(1)})
    (label,) = panel.judge([PAIRS[0]])
    assert label.annotator == f"panel:majority:{X} + {Y}"
    assert (label.method, label.principles, label.template) == ("logprob", "each", "compare-1")
    assert label.constitution.hash == rules.hash
    assert set(label.votes) == {"true", "kind", "safe"}


def test_every_ballot_keeps_its_own_numbers_and_the_disagreement_is_told(rules):
    models = {X: liking(1, bias=0.5), Y: liking(1, Y), Z: liking(-1, Z)}
    panel, _ = panel_of(rules, models)
    (label,) = panel.judge([pair(5, 3)])
    assert [ballot.judge for ballot in label.panel] == [X, Y, Z]
    assert [round(ballot.offset, 6) for ballot in label.panel] == [0.5, 0.0, 0.0]
    assert label.disagreement == pytest.approx(2 / 3)
    assert Label.from_row(label.to_row()) == label
    assert label.to_row()["disagreement"] == pytest.approx(2 / 3)


def test_a_judge_that_fails_is_left_out_of_its_pair_with_its_reason(rules):
    good = scripted_judge()._scores

    def score(chat, choice):
        if "Of 4?" in chat[0].content:
            raise ModelError("too long")
        return good(chat, choice)

    panel, _ = panel_of(rules, {X: liking(1), Y: ScriptedModel(choice_scores=score, id=Y)})
    labels = list(panel.judge(PAIRS))
    assert [len([b for b in label.panel if b.error]) for label in labels] == [0, 0, 0, 0, 1, 0]
    assert labels[4].panel[1].error == "too long"
    assert (labels[4].verdict, labels[4].p_a, labels[4].error) == ("a", 0.75, "")
    assert labels[4].disagreement is None


def test_a_pair_that_nobody_could_judge_is_null_with_every_reason(rules):
    panel, _ = panel_of(rules, {X: failing(X, "gone"), Y: failing(Y, "refused")})
    labels = list(panel.judge(PAIRS[:2]))
    assert [(label.verdict, label.p_a) for label in labels] == [(None, None)] * 2
    assert f"{X}: gone; {Y}: refused" in labels[0].error


def test_a_judge_that_fails_throughout_is_asked_no_more_and_the_others_go_on(rules):
    many = [pair(i, 3, question=f"Of {i}?") for i in range(60)]
    dead = failing(Y)
    panel, _ = panel_of(rules, {X: liking(1), Y: dead, Z: liking(1, Z)})
    labels = list(panel.judge(many))
    assert all(label.verdict for label in labels)
    assert all(label.panel[1].error for label in labels)
    assert "gave up after 20" in labels[-1].panel[1].error
    assert len(dead.history) < 250  # 60 pairs have 360 questions


def test_when_all_judges_are_gone_the_run_gives_up(rules):
    many = [pair(i, 3, question=f"Of {i}?") for i in range(80)]
    panel, _ = panel_of(rules, {X: failing(X), Y: failing(Y)})
    with pytest.raises(ModelError, match="gave up"):
        list(panel.judge(many))


def test_a_judge_without_probabilities_fails_with_its_own_reason(rules):
    panel, _ = panel_of(rules, {X: liking(1), Y: ScriptedModel(id=Y)})
    (label,) = panel.judge([PAIRS[0]])
    assert label.verdict == "b"
    assert "judge by 'repeat'" in label.panel[1].error


def test_the_same_judge_named_twice_has_one_vote():
    assert setting(X, Y, X).judges == (X, Y)
    assert setting(X, X).annotator == X


def test_several_local_judges_take_turns_on_a_block(rules, monkeypatch):
    monkeypatch.setattr(panels, "LOCAL_BLOCK", 4)
    models = {name: liking(1, name) for name in ("hf:org/x", "hf:org/y", Z)}
    panel, loaded = panel_of(rules, models)
    list(panel.judge(PAIRS))
    assert loaded == [*models, *models]
    assert panel.usage.asked == 3 * 6 * 6


def test_of_several_local_judges_one_is_in_memory_at_once(rules, monkeypatch):
    monkeypatch.setattr(panels, "LOCAL_BLOCK", 4)
    made, most = [], []

    def load(model_id):
        model = liking(1, model_id)
        made.append(weakref.ref(model))
        most.append(sum(one() is not None for one in made))
        return model

    panel = Panel(rules, setting("hf:org/x", "hf:org/y", "hf:org/z"), load)
    list(panel.judge(PAIRS))
    assert len(made) == 6
    assert max(most) == 1


def test_one_local_judge_stays_loaded(rules):
    many = [pair(i, 3, question=f"Of {i}?") for i in range(40)]
    models = {"hf:org/x": liking(1, "hf:org/x"), Y: liking(1, Y)}
    panel, loaded = panel_of(rules, models)
    list(panel.judge(many))
    assert loaded == list(models)


def test_a_panel_comes_in_the_order_of_the_pairs_block_by_block(rules, monkeypatch):
    monkeypatch.setattr(panels, "BLOCK", 2)
    models = {X: liking(1), Y: liking(1, Y)}
    panel, _ = panel_of(rules, models)
    labels = panel.judge(PAIRS)
    first = next(labels)
    assert first.pair == PAIRS[0]
    assert len(models[X].history) == 12  # two pairs, not all
    assert [label.pair for label in labels] == PAIRS[1:]


def test_progress_counts_pairs_and_the_questions_of_all_judges(rules):
    told = []
    panel, _ = panel_of(rules, {X: liking(1), Y: liking(1, Y)})
    list(panel.judge(PAIRS, hooks=Hooks(told.append)))
    assert (told[-1].done, told[-1].total, told[-1].asked) == (6, 6, 2 * 6 * 6)
    assert (3, 36) in [(progress.done, progress.asked) for progress in told]  # one judge of two
    asked = [progress.asked for progress in told]
    assert asked == sorted(asked)


def test_a_panel_stops_when_asked(rules):
    panel, _ = panel_of(rules, {X: liking(1), Y: liking(1, Y)})
    with pytest.raises(Stopped):
        list(panel.judge(PAIRS, hooks=Hooks(should_stop=lambda: True)))


def test_one_pair_brings_what_every_judge_saw(rules):
    panel, _ = panel_of(rules, {X: liking(1), Y: liking(-1, Y)})
    judged = panel.judge_one(pair(5, 3))
    assert judged.label.verdict == "tie"
    assert [ballot.verdict for ballot in judged.label.panel] == ["a", "b"]
    assert [len(one.transcripts) for one in judged.judged] == [6, 6]
    assert [one.label.annotator for one in judged.judged] == [X, Y]


def test_one_pair_of_one_judge_is_its_own_label(rules):
    alone, _ = panel_of(rules, {X: liking(1)})
    heard = alone.judge_one(pair(5, 3))
    assert heard.label == heard.judged[0].label
    assert heard.label.panel == ()


def test_votes_of_a_panel_are_means_over_the_judges_that_had_one(rules):
    one = label_of(X, "a", 0.8, votes={"true": 0.8, "kind": 0.5})
    other = label_of(Y, "b", 0.2, votes={"true": 0.2})
    label = combined([one, other], setting(X, Y))
    assert label.votes == {"true": pytest.approx(0.5), "kind": pytest.approx(0.5)}


def test_a_principle_that_applied_for_no_judge_is_told_with_the_mean(rules):
    one = label_of(X, "a", 0.8, votes={"true": 0.8}, not_applicable={"kind": 0.6, "safe": 0.9})
    other = label_of(Y, "b", 0.2, votes={"kind": 0.2}, not_applicable={"safe": 0.7})
    label = combined([one, other], setting(X, Y))
    assert label.not_applicable == {"safe": pytest.approx(0.8)}
    assert set(label.votes) == {"true", "kind"}


def test_a_panel_s_template_names_examples_and_the_third_option(rules):
    panel, _ = panel_of(rules, {X: liking(1), Y: liking(1, Y)}, examples=2, abstain=True)
    (label,) = panel.judge([PAIRS[0]])
    (alone,) = judge([PAIRS[0]], rules, liking(1), setting(X, examples=2, abstain=True))
    assert label.template == alone.template
    assert label.template.endswith("+abstain")


def test_reasoning_of_a_panel_is_told_by_judge(rules):
    labels = [label_of(m, "a", 0.6, rationale=f"Because of {m}.") for m in (X, Y)]
    label = combined(labels, setting(X, Y, method="cot"))
    assert label.rationale.index(X) < label.rationale.index(f"Because of {Y}.")


def test_what_a_judge_did_not_see_is_told_by_the_most(rules):
    cut = [replace(label_of(X, "a", 0.6), extra={"characters_left_out": n}) for n in (10, 300)]
    assert combined(cut, setting(X, Y)).extra == {"characters_left_out": 300}

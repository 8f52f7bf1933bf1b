import numpy as np
import pytest

from cai_core.errors import ModelError, Stopped
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Hooks, Sampling, user

PARAMS = Sampling()


def test_answers_are_given_in_order_and_what_was_asked_is_kept() -> None:
    model = ScriptedModel(["one", "two", "three"])
    chats = [(user("a"),), (user("b"),)]
    assert [answer.text for answer in model.generate(chats, PARAMS)] == ["one", "two"]
    assert list(model.stream((user("c"),), PARAMS)) == ["three"]
    assert [chat[0].content for chat in model.history] == ["a", "b", "c"]
    with pytest.raises(ModelError, match="all its 3 answers"):
        model.generate(chats, PARAMS)


def test_scores_are_given_by_choice_or_by_a_function() -> None:
    chats = [(user("a"),), (user("bb"),)]
    scores = ScriptedModel((), {"A": -1.0}).score_choices(chats, ["A", "B"])
    assert scores.tolist() == [[-1.0, -np.inf]] * 2
    by_length = ScriptedModel((), lambda chat, choice: -float(len(chat[0].content + choice)))
    assert by_length.score_choices(chats, ["A", "BB"]).tolist() == [[-2, -3], [-3, -4]]
    with pytest.raises(ModelError, match="log-probabilities"):
        ScriptedModel(["one"]).score_choices(chats, ["A"])


def test_it_keeps_to_its_window_and_stops_when_asked() -> None:
    model = ScriptedModel(lambda chat: "yes", context=5)
    with pytest.raises(ModelError, match=r"6 tokens .* holds 5"):
        model.generate([(user("one two three four five"),)], PARAMS)
    with pytest.raises(Stopped):
        model.generate([(user("a"),)], PARAMS, hooks=Hooks(should_stop=lambda: True))

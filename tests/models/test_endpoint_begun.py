"""Servers that begin a new turn instead of continuing one, and models that think first."""

import json
import math
from typing import Any

import pytest

from cai_core.errors import ModelError
from cai_core.models import capabilities
from cai_core.models.capabilities import Capabilities
from cai_core.models.endpoint import THINKING_TOKENS
from cai_core.schema import Sampling, assistant, user
from tests.models.conftest import Serve
from tests.models.stub import Reply, chunks, completion, failure

FEW = Sampling(max_new_tokens=9, temperature=0.0)
ANEW = Capabilities(continues=False)
THINKS = Capabilities(continues=True, thinks=True)
VERDICT = (user("Which is better?"), assistant("The better response is Response"))
OPTIONS = [" A", "A", " B", "B"]


def steps(*tokens: str, top: dict[str, float], text: str | None = None, **more: Any) -> Reply:
    """A reply of these tokens; the probabilities of `top` stand beside the last one."""
    content = [{"token": t, "logprob": -0.1, "top_logprobs": []} for t in tokens]
    content[-1]["top_logprobs"] = [{"token": t, "logprob": math.log(p)} for t, p in top.items()]
    row = json.loads(completion("".join(tokens), logprobs={"content": content}).body)
    if text is not None or more:
        row["choices"][0]["message"] |= {"content": text} | more
    return Reply(json.dumps(row))


def test_the_verdict_is_asked_for_in_words(serve: Serve):
    stub, model = serve(steps("A", top={"A": 0.75, "B": 0.25}), known=ANEW)
    scores = model.score_choices([VERDICT], OPTIONS)
    (turn,) = stub.asked[0]["messages"]
    assert turn["role"] == "user"
    assert turn["content"].startswith("Which is better?")
    assert turn["content"].endswith("Write only one of these, and nothing else: A, B")
    assert "continue_final_message" not in stub.asked[0]
    assert scores[0].tolist() == pytest.approx([math.log(p) for p in (0.75, 0.75, 0.25, 0.25)])


def test_reasoning_that_was_begun_is_shown_with_the_question(serve: Serve):
    stub, model = serve(steps("B", top={"B": 0.9}), known=ANEW)
    begun = assistant("Let's think: A lies.\n\nThe better response is Response")
    scores = model.score_choices([(VERDICT[0], begun)], OPTIONS)
    assert [turn["role"] for turn in stub.asked[0]["messages"]] == ["user", "assistant", "user"]
    assert "A lies" in stub.asked[0]["messages"][1]["content"]
    assert scores[0, 3] == pytest.approx(math.log(0.9))
    assert scores[0, 0] == -math.inf


def test_what_stands_before_the_option_is_passed_over(serve: Serve):
    for tokens in (("\n", '"', "A"), ("Response", " A"), ("**", "A")):
        _, model = serve(steps(*tokens, top={"A": 0.5, " B": 0.5}), known=ANEW)
        assert model.score_choices([VERDICT], ["A", "B"])[0] == pytest.approx([math.log(0.5)] * 2)


def test_a_reply_that_repeats_its_beginning_loses_it(serve: Serve):
    stub, model = serve(completion("The better response is Response A."), known=ANEW)
    assert model.generate([VERDICT], FEW)[0].text == " A."
    assert "Begin your reply with exactly these words" in stub.asked[0]["messages"][-1]["content"]


def test_a_stream_that_repeats_its_beginning_loses_it(serve: Serve):
    pieces = ("The better ", "response is ", "Response", " A", ", it", " is kind.")
    _, model = serve(chunks(*pieces), known=ANEW)
    assert "".join(model.stream(VERDICT, FEW)) == " A, it is kind."
    _, model = serve(chunks("A", "."), known=ANEW)
    assert "".join(model.stream(VERDICT, FEW)) == "A."


def test_a_chat_that_ends_in_a_users_turn_is_sent_as_it_is(serve: Serve):
    stub, model = serve(completion("Tea."), known=ANEW)
    model.generate([(user("Tea?"),)], FEW)
    assert stub.asked[0]["messages"] == [{"role": "user", "content": "Tea?"}]


# Thinking


def test_thinking_in_tags_is_left_out_of_an_answer(serve: Serve):
    _, model = serve(completion("<think>Hm.</think>\n\nTea."))
    assert model.generate([(user("Tea?"),)], FEW)[0].text == "Tea."


def thinking(body: dict[str, Any]) -> Reply:
    """A server whose thinking takes some hundred tokens, in a field of its own."""
    if body["max_tokens"] < 200:
        row = json.loads(completion(None, reason="length").body)
        row["choices"][0]["message"]["reasoning_content"] = "A or B, hm"
        row["choices"][0]["logprobs"] = {"content": [{"token": "A", "top_logprobs": []}]}
        return Reply(json.dumps(row))
    tokens = ("A", " or", " B", ", hm", "B")
    return steps(*tokens, top={"B": 0.8, "A": 0.2}, text="B", reasoning_content="A or B, hm")


def test_a_model_that_only_thought_is_asked_with_room_and_that_is_remembered(serve: Serve):
    stub, model = serve(reply=thinking)
    assert model.generate([(user("Which?"),)], FEW)[0].text == "B"
    assert [body["max_tokens"] for body in stub.asked] == [9, 9 + THINKING_TOKENS]
    assert capabilities.known(model.endpoint, "llama").thinks
    model.generate([(user("Which?"),)], FEW)
    assert len(stub.asked) == 3


def test_thinking_is_not_read_as_the_verdict(serve: Serve):
    _, model = serve(reply=thinking)
    scores = model.score_choices([VERDICT], ["A", "B"])
    assert scores[0] == pytest.approx([math.log(0.2), math.log(0.8)])


def test_thinking_in_tags_is_not_read_as_the_verdict(serve: Serve):
    tokens = ("<think>", "A", "</think>", "\n\n", "B")
    _, model = serve(steps(*tokens, top={"B": 0.8, "A": 0.2}), known=THINKS)
    scores = model.score_choices([VERDICT], ["A", "B"])
    assert scores[0] == pytest.approx([math.log(0.2), math.log(0.8)])


def test_a_model_that_never_stops_thinking_is_a_sentence(serve: Serve):
    _, model = serve(steps("<think>", "A", top={"A": 0.9}))
    with pytest.raises(ModelError, match=r"thinks before it answers, .* judge by 'repeat'"):
        model.score_choices([VERDICT], ["A", "B"])
    with pytest.raises(ModelError, match="thought, and gave no answer"):
        model.generate([VERDICT], FEW)


@pytest.mark.parametrize("pieces", [("<th", "ink>Hm", "</thi", "nk>\n\nTe", "a."), ("Te", "a.")])
def test_thinking_is_left_out_of_a_stream(serve: Serve, pieces: tuple[str, ...]):
    _, model = serve(chunks(*pieces))
    assert "".join(model.stream((user("Tea?"),), FEW)) == "Tea."


def test_a_stream_of_nothing_but_thinking_is_a_sentence(serve: Serve):
    _, model = serve(chunks("<think>", "Hm"))
    with pytest.raises(ModelError, match="empty answer"):
        list(model.stream((user("Tea?"),), FEW))


def test_a_server_that_cannot_say_whether_it_continues_fails_the_question(serve: Serve):
    _, model = serve(failure(401, "bad key"), known=Capabilities())
    with pytest.raises(ModelError, match="401"):
        model.score_choices([VERDICT], ["A", "B"])

import math
from typing import Any

import pytest

from cai_core.models.reply import Reply, Step


def row(content: str | None, tokens: list[str] | None = None, **message: Any) -> dict[str, Any]:
    steps = [
        {"token": token, "logprob": -0.1, "top_logprobs": [{"token": token, "logprob": -0.1}]}
        for token in tokens or ()
    ]
    choice = {
        "message": {"content": content, **message},
        "finish_reason": "stop",
        "logprobs": {"content": steps} if steps else None,
    }
    return {"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}


def read(*args: Any, **message: Any) -> Reply:
    reply = Reply.of(row(*args, **message))
    assert reply is not None
    return reply


@pytest.mark.parametrize("value", [None, 3, [], {}, {"choices": []}, {"choices": [None]}])
def test_what_is_no_completion_is_none(value: object):
    assert Reply.of(value) is None


def test_an_answer_is_read_with_its_counts():
    reply = read("Tea.")
    assert (reply.text, reply.prompt_tokens, reply.tokens, reply.reason) == ("Tea.", 7, 3, "stop")


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_thinking_in_a_field_of_its_own_is_no_answer(field: str):
    reply = read(None, **{field: "Hm, tea?"})
    assert (reply.text, reply.thinking, reply.only_thought) == ("", "Hm, tea?", True)


def test_thinking_in_tags_is_no_answer():
    reply = read("<think>Hm</think>\n\nTea.")
    assert (reply.text, reply.thinking, reply.only_thought) == ("Tea.", "Hm", False)


def test_the_verdict_stands_behind_the_thinking():
    tokens = ["<think>", "A", " or B", "</think>", "\n", " B", "."]
    verdict = read("<think>A or B</think>\n B.", tokens).verdict(["A", "B"])
    assert verdict is not None
    assert verdict.token == " B"


def test_thinking_that_never_ends_has_no_verdict():
    assert read("<think>A", ["<think>", "A"]).verdict(["A", "B"]) is None
    assert read(None, ["A", " or"], reasoning_content="A or").verdict(["A"]) is None


def test_thinking_apart_from_the_content_is_found_by_the_content():
    tokens = ["A", " is", " it", "B"]
    verdict = read("B", tokens, reasoning_content="A is it").verdict(["A", "B"])
    assert verdict is not None
    assert verdict.token == "B"


def test_quotes_and_words_before_an_option_are_passed_over():
    for tokens, found in ((['"', "A", '"'], "A"), (["Response", " B"], " B"), ([" ", "C"], "C")):
        verdict = read("".join(tokens), tokens).verdict(["A", "B"])
        assert verdict is not None
        assert verdict.token == found


def test_log_probabilities_that_are_no_numbers_are_left_out():
    found = row("A", ["A"])
    top = [{"token": "A", "logprob": None}, {"token": "B", "logprob": -1}, {"logprob": 2}, "x"]
    found["choices"][0]["logprobs"]["content"][0]["top_logprobs"] = top
    reply = Reply.of(found)
    assert reply is not None
    assert reply.steps == (Step("A", (("B", -1.0),)),)
    assert not math.isnan(reply.steps[0].top[0][1])

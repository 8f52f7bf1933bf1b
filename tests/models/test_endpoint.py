import math
import threading
import time
from typing import Any

import numpy as np
import pytest

from cai_core.errors import ModelError, Stopped
from cai_core.models.endpoint import EndpointModel
from cai_core.schema import Chat, Hooks, Message, Progress, Sampling, assistant, user
from cai_core.settings import Endpoint
from tests.models.conftest import Serve
from tests.models.stub import Reply, Stub, chunks, completion, failure, scored, serving

WARM = Sampling(max_new_tokens=9, temperature=0.8, top_p=0.9, seed=5)
ASKED: list[Chat] = [(user("How do I make tea?"),)]


def said(model: EndpointModel) -> str:
    with pytest.raises(ModelError) as caught:
        model.generate(ASKED, WARM)
    sentence = str(caught.value)
    assert sentence.startswith("endpoint 'lab' ")
    return sentence


def test_an_answer_is_read_with_its_tokens(serve: Serve) -> None:
    stub, model = serve(completion("Boil water."))
    (answer,) = model.generate(ASKED, WARM)
    assert (answer.text, answer.tokens, answer.prompt_tokens) == ("Boil water.", 3, 7)
    assert answer.finished
    (body,) = stub.asked
    assert body["messages"] == [{"role": "user", "content": "How do I make tea?"}]
    assert (body["max_tokens"], body["temperature"], body["top_p"]) == (9, 0.8, 0.9)
    assert (body["model"], body["seed"]) == ("llama", 5)
    assert "top_k" not in body


def test_a_cut_answer_is_not_finished(serve: Serve) -> None:
    _, model = serve(completion("Boil", reason="length"))
    assert not model.generate(ASKED, WARM)[0].finished


def test_the_key_comes_from_the_environment_and_nothing_else_does(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "another-service")
    monkeypatch.setenv("OPENAI_ORG_ID", "another-service")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "another-service")
    monkeypatch.setenv("LAB_KEY", "s3cret")
    stub, model = serve(completion("yes"), key_variable="LAB_KEY")
    model.generate(ASKED, WARM)
    assert stub.headers[0]["authorization"] == "Bearer s3cret"
    assert "another-service" not in str(stub.headers)


def test_a_missing_key_is_named_before_anything_is_asked(serve: Serve) -> None:
    with pytest.raises(ModelError, match="LAB_KEY_THAT_IS_NOT_SET"):
        serve(completion("yes"), key_variable="LAB_KEY_THAT_IS_NOT_SET")


def test_401_names_the_key(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", "wrong")
    stub, model = serve(failure(401, "bad key"), key_variable="LAB_KEY")
    assert "refused the key (401); check $LAB_KEY" in said(model)
    assert "wrong" not in said(model)
    assert len(stub.asked) == 2  # never tried again


def test_404_names_model_and_address(serve: Serve) -> None:
    stub, model = serve(failure(404, "no such model"))
    assert "knows no model 'llama'" in said(model)
    assert stub.url in said(model)


def test_429_waits_as_long_as_the_server_says(serve: Serve) -> None:
    stub, model = serve(failure(429, "slow down", Retry_After="0.3"), completion("yes"))
    began = time.monotonic()
    assert model.generate(ASKED, WARM)[0].text == "yes"
    assert time.monotonic() - began >= 0.3
    assert len(stub.asked) == 2


def test_429_for_ever_gives_up_with_a_sentence(serve: Serve) -> None:
    stub, model = serve(failure(429, "slow down", Retry_After="0.01"))
    assert "too many requests after 2 tries (429)" in said(model)
    assert len(stub.asked) == 2


def test_500_is_tried_again(serve: Serve) -> None:
    stub, model = serve(failure(500, "oops", Retry_After="0.01"), completion("yes"))
    assert model.generate(ASKED, WARM)[0].text == "yes"
    assert len(stub.asked) == 2


def test_500_for_ever_gives_up_with_the_reason(serve: Serve) -> None:
    _, model = serve(failure(500, "out of memory", Retry_After="0.01"))
    assert "failed after 2 tries (500)" in said(model)
    assert "out of memory" in said(model)


@pytest.mark.parametrize(
    "reply",
    [
        Reply("{'not json"),
        Reply("<html>Welcome</html>", kind="text/html"),
        Reply("{}"),
        Reply("[1, 2]"),
        Reply('{"choices": []}'),
        Reply('{"choices": [{"message": 3}]}'),
        Reply('{"choices": [null]}'),
        Reply("", status=200),
        completion(""),
        completion(None),
    ],
)
def test_garbage_and_empty_answers_are_a_sentence(serve: Serve, reply: Reply) -> None:
    _, model = serve(reply)
    assert said(model)


def test_a_server_that_is_not_there_is_a_sentence() -> None:
    with serving(Stub()) as stub:
        url = stub.url
    model = EndpointModel(Endpoint(name="lab", base_url=url, retries=0), "llama")
    assert f"cannot be reached at {url}" in said(model)


@pytest.mark.parametrize("url", ["http://[bad/v1", "http://x:99999/v1", "http://x/v1?\n"])
def test_an_address_that_is_none_is_a_sentence(url: str) -> None:
    model = EndpointModel(Endpoint(name="lab", base_url=url, retries=0), "llama")
    assert "cannot be reached at" in said(model).replace(url, "")


def test_half_a_character_can_be_sent(serve: Serve) -> None:
    stub, model = serve(completion("yes"))
    model.generate([(user("tea\ud800"),)], WARM)
    assert stub.asked[0]["messages"][0]["content"] == "tea?"


def test_a_server_that_says_nothing_is_given_up_in_time(serve: Serve) -> None:
    waiting = threading.Event()
    _, model = serve(
        reply=lambda body: waiting.wait(5) or completion("late"), retries=0, timeout_s=0.2
    )
    assert "no answer within 0.2 s" in said(model)
    waiting.set()


def test_answers_come_in_order_however_they_arrive(serve: Serve) -> None:
    under_way, most = [], []

    def reply(body: dict[str, Any]) -> Reply:
        number = int(body["messages"][0]["content"])
        under_way.append(number)
        most.append(len(under_way))
        time.sleep(0.02 * (5 - number % 5))
        under_way.remove(number)
        return completion(f"answer {number}")

    _, model = serve(reply=reply, concurrency=3)
    told: list[Progress] = []
    chats = [(user(str(number)),) for number in range(12)]
    answers = model.generate(chats, WARM, hooks=Hooks(progress=told.append))
    assert [answer.text for answer in answers] == [f"answer {number}" for number in range(12)]
    assert 1 < max(most) <= 3
    assert [progress.done for progress in told] == list(range(1, 13))
    assert told[-1].tokens == 36


def test_one_failure_does_not_lose_the_answers_of_the_others(serve: Serve) -> None:
    def reply(body: dict[str, Any]) -> Reply:
        text = body["messages"][0]["content"]
        return failure(400, "this prompt is too long") if text == "3" else completion(text)

    stub, model = serve(reply=reply, concurrency=1)
    chats = [(user(str(number)),) for number in range(4)]
    with pytest.raises(ModelError, match="too long"):
        model.generate(chats, WARM)
    assert len(stub.asked) == 4
    assert [answer.text for answer in model.generate(chats[:3], WARM)] == ["0", "1", "2"]
    assert len(stub.asked) == 4


def test_a_stop_request_drops_what_was_not_begun(serve: Serve) -> None:
    stub, model = serve(completion("yes"), concurrency=1)
    asked = []
    with pytest.raises(Stopped):
        model.generate(
            ASKED * 200, WARM, hooks=Hooks(should_stop=lambda: asked.append(1) or len(asked) > 2)
        )
    assert len(stub.asked) < 100


def test_choices_are_scored_from_the_first_token(serve: Serve) -> None:
    stub, model = serve(scored(**{"A": math.log(0.5), " A": math.log(0.25), "C": -3.0}))
    scores = model.score_choices(ASKED, ["A", "B"])
    assert scores.shape == (1, 2)
    assert scores[0, 0] == pytest.approx(math.log(0.75))
    assert scores[0, 1] == -np.inf
    body = stub.asked[0]
    assert (body["max_tokens"], body["logprobs"], body["top_logprobs"]) == (1, True, 20)


def test_a_server_without_log_probabilities_is_told_apart(serve: Serve) -> None:
    _, model = serve(completion("A"))
    with pytest.raises(ModelError, match="no log-probabilities for 'llama'; judge by 'repeat'"):
        model.score_choices(ASKED, ["A", "B"])


def test_a_server_that_refuses_log_probabilities_is_a_sentence(serve: Serve) -> None:
    _, model = serve(failure(400, "logprobs are not supported"))
    with pytest.raises(ModelError, match=r"refused the request \(400\): .*not supported"):
        model.score_choices(ASKED, ["A", "B"])


def test_a_begun_answer_is_sent_to_be_continued(serve: Serve) -> None:
    stub, model = serve(completion("Paris"))
    begun = (Message("system", "Be brief."), user("Capital?"), assistant("It is"))
    model.generate([begun], WARM)
    body = stub.asked[0]
    assert [turn["role"] for turn in body["messages"]] == ["system", "user", "assistant"]
    assert body["continue_final_message"] is True
    assert body["add_generation_prompt"] is False


@pytest.mark.parametrize(
    ("message", "gone", "there"),
    [
        ("Unrecognized request argument supplied: seed", "seed", "max_tokens"),
        ("extra fields not permitted: continue_final_message", "continue_final_message", "seed"),
        (
            "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
            "max_tokens",
            "max_completion_tokens",
        ),
    ],
)
def test_an_option_that_the_server_does_not_know_is_left_out(
    serve: Serve, message: str, gone: str, there: str
) -> None:
    stub, model = serve(reply=lambda b: failure(400, message) if gone in b else completion("yes"))
    begun = (user("Capital?"), assistant("It is"))
    assert model.generate([begun, begun], WARM)[0].text == "yes"
    assert there in stub.asked[-1]
    known = len(stub.asked)
    model.generate([begun], WARM)
    assert len(stub.asked) == known + 1  # it is not asked with it again


def test_a_server_that_gives_few_log_probabilities_is_asked_for_fewer(serve: Serve) -> None:
    stub, model = serve(
        reply=lambda body: (
            failure(400, "top_logprobs must be at most 5")
            if body["top_logprobs"] > 5
            else scored(A=-0.1)
        )
    )
    assert model.score_choices(ASKED, ["A"])[0, 0] == pytest.approx(-0.1)
    assert [body["top_logprobs"] for body in stub.asked] == [20, 5]


def test_an_answer_is_streamed_in_pieces(serve: Serve) -> None:
    stub, model = serve(chunks("Boil ", "water", "."))
    assert list(model.stream(ASKED[0], WARM)) == ["Boil ", "water", "."]
    assert stub.asked[0]["stream"] is True


@pytest.mark.parametrize(
    "reply",
    [
        chunks("Boil ", finished=False),
        chunks("Boil ", finished=False, cut=True),
        Reply("data: {garbage\n\n", kind="text/event-stream"),
        Reply('data: {"error": {"message": "out of memory"}}\n\n', kind="text/event-stream"),
        failure(401, "bad key"),
    ],
)
def test_a_stream_that_breaks_off_is_a_sentence(serve: Serve, reply: Reply) -> None:
    _, model = serve(reply)
    with pytest.raises(ModelError, match="endpoint 'lab'"):
        list(model.stream(ASKED[0], WARM))


def test_tokens_are_estimated_without_asking(serve: Serve) -> None:
    stub, model = serve(completion("yes"))
    assert 5 < model.count_tokens(ASKED[0]) < 20
    assert stub.asked == []

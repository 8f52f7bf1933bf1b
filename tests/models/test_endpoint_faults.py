"""What may go wrong with a server, for answers, streams and scores alike; and what is waited for."""

import email.utils
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from cai_core.errors import ModelError, Stopped
from cai_core.feedback.sample import sample_pairs
from cai_core.models.budget import Terms
from cai_core.models.endpoint import EndpointModel
from cai_core.schema import Hooks, Prompt, Sampling, user
from tests.models.conftest import Serve
from tests.models.stub import Reply, chunks, completion, failure, scored

CHAT = (user("Tea?"),)
FEW = Sampling(max_new_tokens=9, temperature=0.0)
WAYS: dict[str, Callable[[EndpointModel], object]] = {
    "generate": lambda model: model.generate([CHAT], FEW),
    "stream": lambda model: list(model.stream(CHAT, FEW)),
    "score": lambda model: model.score_choices([CHAT], ["A", "B"]),
}
GOOD = {"generate": completion("yes"), "stream": chunks("yes"), "score": scored(A=-0.1)}
ways = pytest.mark.parametrize("way", list(WAYS))


@ways
@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (failure(401, "bad key"), r"refused the key \(401\)"),
        (failure(403, "not yours"), r"refused the key \(403\)"),
        (failure(404, "no such model"), "knows no model"),
        (failure(429, "slow down", Retry_After="0.01"), "too many requests after 2 tries"),
        (failure(429, "pay first", x_should_retry="false"), "answers no more .*pay first"),
        (
            failure(500, "out of memory", Retry_After="0.01"),
            r"failed after 2 tries \(500\): out of",
        ),
        (failure(503, "busy", Retry_After="0.01"), r"failed after 2 tries \(503\)"),
        (Reply("<h1>Bad gateway</h1>", 502, headers={"Retry-After": "0.01"}), "Bad gateway"),
        (failure(418, "I am a teapot"), r"refused the request \(418\): I am a teapot"),
    ],
)
def test_a_refusal_is_a_sentence(serve: Serve, way: str, reply: Reply, says: str):
    _, model = serve(reply)
    with pytest.raises(ModelError, match=f"endpoint 'lab' .*{says}"):
        WAYS[way](model)


@ways
@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_what_may_go_well_the_next_time_is_tried_again(serve: Serve, way: str, status: int):
    stub, model = serve(failure(status, "later", Retry_After="0.05"), GOOD[way])
    WAYS[way](model)
    assert len(stub.asked) == 2


@pytest.mark.parametrize("way", ["generate", "score"])
@pytest.mark.parametrize(
    "reply",
    [Reply("{'not json"), Reply("[1]"), Reply("{}"), Reply('{"choices": [{"message": 3}]}')],
)
def test_json_that_is_broken_or_wrong_is_a_sentence(serve: Serve, way: str, reply: Reply):
    _, model = serve(reply)
    with pytest.raises(ModelError, match="endpoint 'lab' "):
        WAYS[way](model)


@pytest.mark.parametrize("way", ["generate", "score"])
def test_an_answer_that_is_cut_off_is_asked_for_again_and_then_a_sentence(serve: Serve, way: str):
    cut = Reply(GOOD[way].body, cut=True)
    stub, model = serve(cut, GOOD[way])
    WAYS[way](model)
    assert len(stub.asked) == 2
    _, model = serve(cut)
    with pytest.raises(ModelError, match="broke off in the middle of an answer after 2 tries"):
        WAYS[way](model)


@ways
def test_a_server_that_is_too_slow_is_given_up_in_time(serve: Serve, way: str):
    waiting = threading.Event()
    _, model = serve(reply=lambda body: waiting.wait(5) or GOOD[way], retries=0, timeout_s=0.2)
    began = time.monotonic()
    with pytest.raises(ModelError, match=r"no answer within 0.2 s"):
        WAYS[way](model)
    waiting.set()
    assert time.monotonic() - began < 4


def test_retry_after_as_a_date_is_waited_for(serve: Serve):
    date = email.utils.formatdate(time.time() + 2, usegmt=True)
    stub, model = serve(failure(429, "slow down", Retry_After=date), completion("yes"))
    began = time.monotonic()
    model.generate([CHAT], FEW)
    assert time.monotonic() - began > 0.9  # a date has whole seconds
    assert len(stub.asked) == 2


def test_a_wait_that_is_too_long_is_said_at_once(serve: Serve):
    stub, model = serve(failure(429, "come back tomorrow", Retry_After="86400"))
    with pytest.raises(ModelError, match=r"asks to wait 86,400 s .*come back tomorrow"):
        model.generate([CHAT], FEW)
    assert len(stub.asked) == 1


@pytest.mark.parametrize("way", ["generate", "score"])
def test_a_stop_request_ends_the_wait_for_a_server(serve: Serve, way: str):
    began = time.monotonic()

    def asked() -> bool:
        return time.monotonic() - began > 0.3

    slow = failure(429, "slow down", Retry_After="600")
    _, model = serve(slow, terms=Terms(should_stop=asked))
    with pytest.raises(Stopped):
        if way == "generate":
            model.generate([CHAT], FEW, hooks=Hooks(should_stop=asked))
        else:
            model.score_choices([CHAT], ["A", "B"])
    assert time.monotonic() - began < 5


def test_when_one_is_told_to_wait_all_others_wait_with_it(serve: Serve):
    lock, times = threading.Lock(), []

    def reply(body: dict[str, Any]) -> Reply:
        with lock:
            times.append(time.monotonic())
            first = len(times) == 1
        if first:
            return failure(429, "slow down", Retry_After="0.6")
        time.sleep(0.02)
        return completion("yes")

    _, model = serve(reply=reply, concurrency=4)
    model.generate([(user(str(n)),) for n in range(40)], FEW)
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert max(pauses) > 0.4  # for so long nobody asked


def test_a_limit_that_lets_others_through_fails_nobody(serve: Serve):
    """Four at once and two a moment: more refusals than tries, and all get their answer."""
    lock, window = threading.Lock(), [0.0, 0]

    def reply(body: dict[str, Any]) -> Reply:
        with lock:
            now = time.monotonic()
            if now - window[0] > 0.1:
                window[:] = [now, 0]
            window[1] += 1
            if window[1] > 2:
                return failure(429, "slow down", Retry_After="0.1")
        return completion("yes")

    _, model = serve(reply=reply, concurrency=8)
    assert len(model.generate([(user(str(n)),) for n in range(24)], FEW)) == 24


def test_headers_that_say_that_nothing_is_left_hold_everybody_back(serve: Serve):
    left = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "300ms"}
    _, model = serve(Reply(completion("yes").body, headers=left), completion("yes"))
    began = time.monotonic()
    model.generate([CHAT], FEW)
    model.generate([CHAT], FEW)
    assert time.monotonic() - began >= 0.3


def test_one_rows_failure_costs_only_itself(serve: Serve):
    def reply(body: dict[str, Any]) -> Reply:
        text = body["messages"][0]["content"]
        return failure(400, "too long") if text == "3" else completion(f"{text} {body['seed']}")

    _, model = serve(reply=reply)
    prompts = [Prompt(str(n), (user(str(n)),)) for n in range(8)]
    pairs = list(sample_pairs(prompts, model, Sampling(9)))
    assert [bool(pair.extra.get("error")) for pair in pairs] == [n == 3 for n in range(8)]
    assert "too long" in str(pairs[3].extra["error"])


def test_many_rows_that_fail_alike_end_the_run(serve: Serve):
    stub, model = serve(failure(401, "bad key"), retries=0)
    prompts = [Prompt(str(n), (user(str(n)),)) for n in range(100)]
    with pytest.raises(ModelError, match=r"gave up after 20 rows in a row that failed: .*401"):
        list(sample_pairs(prompts, model, Sampling(9)))
    assert len(stub.asked) < 100

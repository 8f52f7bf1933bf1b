import email.utils
import time
from threading import Thread

import pytest

from cai_core.errors import Stopped
from cai_core.models.gate import LONGEST_WAIT, Gate, asked_wait, backoff, duration, used_up


def never() -> bool:
    return False


def test_an_open_gate_lets_everybody_through_at_once():
    began = time.monotonic()
    Gate().wait(never)
    assert time.monotonic() - began < 0.05


def test_a_closed_gate_holds_all_threads_back():
    gate, passed = Gate(), []
    gate.hold(0.3)
    began = time.monotonic()

    def ask() -> None:
        gate.wait(never)
        passed.append(time.monotonic() - began)

    threads = [Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert min(passed) >= 0.3
    assert len({round(moment, 4) for moment in passed}) > 1  # not all at the same moment


def test_a_shorter_wait_does_not_open_the_gate_earlier():
    now = [0.0]
    gate = Gate(clock=lambda: now[0])
    gate.hold(10)
    gate.hold(1)
    now[0] = 5.0
    with pytest.raises(Stopped):
        gate.wait(lambda: True)
    now[0] = 11.0
    gate.wait(lambda: True)


def test_a_stop_request_ends_the_wait():
    gate = Gate()
    gate.hold(60)
    began = time.monotonic()
    with pytest.raises(Stopped):
        gate.wait(lambda: time.monotonic() - began > 0.1)
    assert time.monotonic() - began < 5


def test_an_answer_that_says_that_nothing_is_left_closes_the_gate():
    gate = Gate()
    gate.answered({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "200ms"})
    began = time.monotonic()
    gate.wait(never)
    assert time.monotonic() - began >= 0.15
    assert gate.through == 1


def test_nothing_is_waited_for_longer_than_the_limit():
    now = [0.0]
    gate = Gate(clock=lambda: now[0])
    gate.hold(1e9)
    now[0] = LONGEST_WAIT + 1
    gate.wait(lambda: True)


def test_retry_after_may_be_a_date():
    date = email.utils.formatdate(time.time() + 90, usegmt=True)
    asked = asked_wait({"retry-after": date})
    assert asked is not None
    assert 85 < asked <= 90
    assert asked_wait({"retry-after": "soon"}) is None


def test_tokens_that_are_used_up_count_as_requests_do():
    headers = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1.5s"}
    assert used_up(headers) == 1.5
    assert duration("1h1m1s") == 3661.0


def test_waits_without_a_word_of_the_server_double_and_are_spread():
    assert 0.375 <= backoff(1) <= 0.5
    assert 0.75 <= backoff(2) <= 1.0
    assert backoff(50) <= 8.0
    assert len({backoff(4) for _ in range(10)}) > 1

"""A real server: llama.cpp behind the OpenAI protocol, with the built-in model's own file."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cai_core.constitution.document import read
from cai_core.curate.formats import read_pairs
from cai_core.feedback.judge import judge_one
from cai_core.models.endpoint import EndpointModel
from cai_core.models.local import LocalModel
from cai_core.schema import Chat, Pair, Sampling, user
from cai_core.settings import DATA_DIR, PROJECT_DIR, Endpoint, JudgeSetting, models_dir

# The first run builds llama.cpp: 6 minutes on two idle cores, three times that beside other work.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]

CLOSE = 0.05  # in probability: the server computes on 8-bit activations; measured 0.02 at most
FEW = Sampling(max_new_tokens=24, temperature=0.0)
CAPITAL: Chat = (user("What is the capital of France?"),)
FRUIT = [
    (user(f"Which is a fruit? A: {a} B: {b} Write only one of these, and nothing else: A, B"),)
    for a, b in (("apple", "chair"), ("stone", "pear"), ("a lamp", "a plum"))
]
BUILTIN_FOLDER = models_dir() / "smollm2-135m-instruct"  # before a test has moved it


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    script = [sys.executable, str(PROJECT_DIR / "scripts" / "llama_server.py")]
    done = subprocess.run(script, stdout=subprocess.PIPE, text=True, check=True)
    python, model = done.stdout.split()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [python, "-m", "llama_cpp.server", "--model", model, "--model_alias", "smol"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--n_ctx", "4096"]
    command += ["--logits_all", "true", "--n_threads", str(min(4, os.cpu_count() or 1))]
    server = subprocess.Popen(
        command, cwd=Path(model).parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield wait_for(f"http://127.0.0.1:{port}/v1", server)
    finally:
        server.terminate()
        server.wait(30)


def wait_for(url: str, server: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        assert server.poll() is None, "the server ended on its own"
        try:
            with urllib.request.urlopen(f"{url}/models", timeout=2):
                return url
        except OSError:
            time.sleep(0.2)
    raise TimeoutError("the server did not answer within two minutes")


@pytest.fixture
def smol(address: str) -> EndpointModel:
    """It answers one question at a time."""
    lab = Endpoint(name="llama", base_url=address, concurrency=1, timeout_s=300, retries=1)
    return EndpointModel(lab, "smol")


@pytest.fixture(scope="module")
def real_pair() -> Pair:
    return read_pairs(DATA_DIR / "sample" / "pairs.jsonl").rows[0]


def test_it_is_probed(smol: EndpointModel):
    found = smol.probe()
    assert found.top_logprobs is not None
    assert found.top_logprobs >= 5
    assert found.continues is False  # its template ends the begun turn, and begins another
    assert (found.thinks, found.refused) == (False, ())
    assert found.seconds is not None


def test_it_answers_and_counts(smol: EndpointModel):
    (answer,) = smol.generate([CAPITAL], FEW)
    assert answer.text.strip()
    assert 0 < answer.tokens <= 24
    assert 0 < answer.prompt_tokens < 100
    assert smol.usage.prompt_tokens == answer.prompt_tokens


def test_a_stream_gives_the_same_answer(smol: EndpointModel):
    pieces = list(smol.stream(CAPITAL, FEW))
    assert len(pieces) > 1
    assert "".join(pieces) == smol.generate([CAPITAL], FEW)[0].text


def test_scores_are_those_of_the_local_model(smol: EndpointModel):
    scores = smol.score_choices(FRUIT, ["A", "B"])
    own = LocalModel(BUILTIN_FOLDER, device="cpu").score_choices(FRUIT, ["A", "B"])
    assert np.abs(np.exp(scores) - np.exp(own)).max() < CLOSE


@pytest.mark.parametrize("method", ["logprob", "repeat"])
def test_a_real_pair_is_judged(smol: EndpointModel, real_pair: Pair, method: str):
    rules = read(next(iter(sorted((DATA_DIR / "constitutions").glob("*.yaml")))))
    setting = JudgeSetting(method=method, principles="whole", repeats=2)  # type: ignore[arg-type]
    judged = judge_one(real_pair, rules, smol, setting)
    assert len(judged.transcripts) == 2
    assert judged.label.mass is not None
    if judged.label.verdict is None:
        assert "no verdict" in judged.label.error
    else:
        assert judged.label.p_a is not None
        assert 0 < judged.label.p_a < 1

"""A reward model over real HTTP."""

import base64
import http.client
import importlib.util
import json
import threading
import time

import pytest

from cai_core.schema import assistant, chat_row, user
from cai_core.train.export import verl
from cai_core.train.export.queries import Template
from cai_core.train.export.server import MOST_BYTES, RewardServer
from tests.tiny import save_tiny_model

CHATS = [(user("How do I make tea?"), assistant(text)) for text in ("Boil water.", "No.", "")]
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    """A reward model with a random head: what it says does not matter, only that it is the same."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from cai_core.train.reward_model import RewardModel

    place = tmp_path_factory.mktemp("judge")
    folder = save_tiny_model(place / "base")
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=1)
    model.save_pretrained(place / "judge")
    AutoTokenizer.from_pretrained(folder).save_pretrained(place / "judge")
    return RewardModel.load(place / "judge")


def template(judge):
    def render(rows):
        return judge.tokenizer.apply_chat_template(rows, tokenize=False)

    return Template(render, tuple(judge.tokenizer.all_special_tokens))


@pytest.fixture
def serve(judge):
    """Start servers on free ports; they are closed at the end."""
    running = []

    def started(score=judge.score, token=""):
        server = RewardServer(("127.0.0.1", 0), score, template(judge), token=token)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        running.append((server, thread))
        return server

    yield started
    for server, thread in running:
        server.shutdown()
        server.server_close()
        thread.join()


def post(server, body, path="/get_reward", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("POST", path, data, JSON | headers)
    answer = connection.getresponse()
    found = json.loads(answer.read())
    connection.close()
    return answer.status, found


def test_openrlhfs_query_and_plain_chats_have_the_models_own_scores(serve, judge):
    server = serve()
    wanted = judge.score(CHATS)
    status, found = post(server, {"chats": [chat_row(chat) for chat in CHATS]})
    assert (status, found["rewards"]) == (200, pytest.approx(wanted, abs=1e-5))
    assert found["scores"] == found["rewards"]
    prompt = template(judge).render(chat_row(CHATS[0][:1])) + "<|im_start|>assistant\n"
    body = {"query": [f"{prompt}{c[-1].content}<|im_end|>" for c in CHATS], "prompts": [prompt] * 3}
    assert post(server, body)[1]["rewards"] == pytest.approx(wanted, abs=1e-5)
    label = json.dumps(chat_row(CHATS[0][:1]))
    assert post(server, body | {"labels": [label] * 3})[1]["rewards"] == pytest.approx(
        wanted, abs=1e-5
    )
    assert server.answered == 9


@pytest.mark.parametrize(
    ("body", "path", "status", "sentence"),
    [
        ({"chats": []}, "/", 400, "'chats' has 0 entries"),
        (b"{", "/", 400, "not readable as JSON"),
        (b"[" * 100_000, "/", 400, "not readable as JSON"),
        ({"chats": [[]]}, "/elsewhere", 404, "nothing at this path"),
    ],
)
def test_what_cannot_be_answered_is_told_in_a_sentence(serve, body, path, status, sentence):
    said = post(serve(), body, path)
    assert said[0] == status
    assert sentence in said[1]["error"]


def test_what_is_too_large_or_no_json_is_not_read(serve):
    server = serve()
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    connection.putrequest("POST", "/")
    for name, value in (JSON | {"Content-Length": str(MOST_BYTES + 1)}).items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 413
    status, found = post(server, {"chats": [[]]}, **{"Content-Type": "text/plain"})
    assert (status, "application/json" in found["error"]) == (415, True)


def test_a_token_is_asked_for_where_one_is_set(serve):
    server, body = serve(token="s3cret"), {"chats": [chat_row(CHATS[0])]}
    assert post(server, body)[0] == 401
    assert post(server, body, Authorization="Bearer wrong")[0] == 401
    assert post(server, body, Authorization="Basic ???")[0] == 401
    assert post(server, body, Authorization="Bearer s3cret")[0] == 200
    basic = base64.b64encode(b"any:s3cret").decode()
    assert post(server, body, Authorization=f"Basic {basic}")[0] == 200


def test_one_request_at_a_time_goes_through_the_model(serve):
    inside, most = [], []

    def score(chats):
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.02)
        inside.pop()
        return [0.0 for _ in chats]

    server = serve(score)
    asked = [
        threading.Thread(target=post, args=(server, {"chats": [chat_row(CHATS[0])]}))
        for _ in range(6)
    ]
    for one in asked:
        one.start()
    for one in asked:
        one.join()
    assert most == [1] * 6


def test_verls_reward_function_gets_its_score_from_it(serve, judge, tmp_path, monkeypatch):
    server = serve(token="s3cret")
    (tmp_path / "reward_fn.py").write_text(verl.REWARD_FN)
    spec = importlib.util.spec_from_file_location("reward_fn", tmp_path / "reward_fn.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("RATIFY_REWARD_URL", f"http://127.0.0.1:{server.server_port}/get_reward")
    monkeypatch.setenv("RATIFY_REWARD_TOKEN", "s3cret")
    row = verl.prompt_row({"prompt": chat_row(CHATS[0][:1])}, 0, "train")
    score = module.compute_score("ratify", "Boil water.", "", row["extra_info"], num_turns=1)
    assert score == pytest.approx(judge.score(CHATS[:1])[0], abs=1e-5)
    monkeypatch.setattr(module, "TRIES", 1)
    monkeypatch.setenv("RATIFY_REWARD_URL", "http://127.0.0.1:9/get_reward")
    with pytest.raises(OSError, match="refused"):
        module.compute_score("ratify", "x", "", row["extra_info"])

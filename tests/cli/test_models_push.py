"""`models push` fails fast, and `models merge` makes plain weights."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from tests.tiny import save_tiny_model


def run(*arguments):
    return CliRunner().invoke(main, ["models", *map(str, arguments)])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = save_tiny_model(tmp_path_factory.mktemp("tiny"))
    (folder / "README.md").write_text("# A card\n")
    return folder


@pytest.fixture(autouse=True)
def nobody(monkeypatch, tmp_path):
    """No token but one that a test gives, and no Hub."""
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")


def test_without_a_hub_a_push_fails_at_once_in_a_sentence(tiny):
    began = time.monotonic()
    done = run("push", tiny, "org/name")
    assert (done.exit_code, time.monotonic() - began < 20) == (1, True)
    assert done.stderr.count("\n") == 1
    assert "cannot reach http://127.0.0.1:9" in done.stderr


def test_without_a_token_or_a_card_or_a_name_nothing_is_asked(tiny, tmp_path, monkeypatch):
    assert run("push", tiny, "name").exit_code == 2
    bare = save_tiny_model(tmp_path / "bare")
    assert "has no model card" in run("push", bare, "org/name").stderr
    monkeypatch.setenv("HF_TOKEN", "")
    assert "no token for the Hub" in run("push", tiny, "org/name").stderr
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in run("push", tiny, "org/name").stderr


class Hub(BaseHTTPRequestHandler):
    """Knows the token hf_good, and lets nobody make a repository."""

    def do_GET(self):
        known = self.headers["Authorization"] == "Bearer hf_good"
        there = self.path == "/api/whoami-v2"
        self._say(200 if known and there else 404 if known else 401, {"name": "ada", "orgs": []})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self._say(403, {"error": "you are not in this organisation"})

    def _say(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


@pytest.fixture
def hub(monkeypatch):
    server = HTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_token_that_is_refused_and_an_organisation_that_is_not_ones_own_are_told(
    tiny, hub, monkeypatch
):
    assert "the token is refused" in run("push", tiny, "org/name").stderr
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    done = run("push", tiny, "org/name", "--private")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "the Hub did not take org/name: " in done.stderr


def adapter_on(base, place):
    """A small adapter with weights that are not zero."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_pretrained(base)
    config = LoraConfig(
        r=4, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM"
    )
    get_peft_model(model, config).save_pretrained(place)
    return place


def logits(model):
    import torch

    return model(torch.arange(3, 13)[None]).logits.detach()


def test_an_adapter_is_merged_into_weights_that_say_the_same(tiny, tmp_path):
    import torch
    from peft import AutoPeftModelForCausalLM
    from transformers import AutoModelForCausalLM

    adapter = adapter_on(tiny, tmp_path / "adapter")
    done = run("merge", adapter, "--out", tmp_path / "merged")
    assert done.exit_code == 0, done.stderr
    assert not list((tmp_path / "merged").glob("adapter*"))
    assert (tmp_path / "merged" / "tokenizer.json").exists()
    merged = logits(AutoModelForCausalLM.from_pretrained(tmp_path / "merged"))
    wanted = logits(AutoPeftModelForCausalLM.from_pretrained(adapter))
    assert torch.allclose(merged, wanted, atol=1e-5)
    assert not torch.allclose(merged, logits(AutoModelForCausalLM.from_pretrained(tiny)), atol=1e-3)
    again = run("merge", adapter, "--out", tmp_path / "merged")
    assert (again.exit_code, "is not empty" in again.stderr) == (1, True)


def test_what_is_no_adapter_or_has_no_base_is_refused(tiny, tmp_path):
    assert "is no adapter" in run("merge", tiny, "--out", tmp_path / "o").stderr
    adapter = adapter_on(tiny, tmp_path / "adapter")
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(
        json.dumps(config | {"base_model_name_or_path": "/gone"})
    )
    done = run("merge", adapter, "--out", tmp_path / "o")
    assert "the base of this adapter is not here" in done.stderr
    other = save_tiny_model(tmp_path / "other", hidden=64)
    done = run("merge", adapter, "--model", other, "--out", tmp_path / "o")
    assert (done.exit_code, "does not fit" in done.stderr) == (1, True)
    assert run("merge", adapter, "--model", tiny, "--out", tmp_path / "o").exit_code == 0
    (adapter / "adapter_model.safetensors").unlink()
    assert (
        "has no adapter_model.safetensors" in run("merge", adapter, "--out", tmp_path / "p").stderr
    )

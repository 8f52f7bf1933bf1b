"""`export` and `serve-reward`, as they are called."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from tests.tiny import save_tiny_model
from tests.train.conftest import preference_rows, prompt_rows, write_dataset


def run(*arguments):
    return CliRunner().invoke(main, [*map(str, arguments)])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def judge(tiny, tmp_path_factory):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    place = tmp_path_factory.mktemp("judge")
    AutoModelForSequenceClassification.from_pretrained(tiny, num_labels=1).save_pretrained(place)
    AutoTokenizer.from_pretrained(tiny).save_pretrained(place)
    return place


@pytest.fixture
def preference(tmp_path):
    return write_dataset(tmp_path / "p", "preference", train=preference_rows(4))


def test_an_export_is_one_folder_with_what_was_carried_over(tiny, judge, preference, tmp_path):
    prompts = write_dataset(tmp_path / "q", "prompts", train=prompt_rows(3))
    (tmp_path / "ppo.yaml").write_text("kl_coef: 0.2\n")
    done = run(
        "export", "openrlhf", "--preference", preference, "--prompts", prompts, "--model", tiny,
        "--reward-model", judge, "--ppo-config", tmp_path / "ppo.yaml", "--soft", "repeat",
        "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["scripts"] == ["run_reward.sh", "run_ppo.sh"]
    assert told["rows"] == {"preference_train.jsonl": 40, "prompts_train.jsonl": 3}
    text = (tmp_path / "out" / "README.md").read_text()
    assert "Soft labels: 4 of 4 pairs have a soft label" in text
    assert "| `kl_coef` | `--algo.kl.init_coef` | `0.2` |" in text
    assert f"serve-reward --model {judge}" in text
    again = run(
        "export", "openrlhf", "--prompts", prompts, "--model", tiny, "--out", tmp_path / "out"
    )
    assert (again.exit_code, "is not empty" in again.stderr) == (1, True)


def test_what_cannot_be_exported_is_refused_by_a_sentence(tiny, preference, tmp_path):
    out = ("--model", tiny, "--out", tmp_path / "out")
    done = run("export", "verl", "--preference", preference, *out)
    assert (done.exit_code, "trains no reward model" in done.stderr) == (1, True)
    done = run("export", "verl", "--prompts", preference, *out)
    assert (done.exit_code, "of kind preference, not prompts" in done.stderr) == (1, True)
    assert not (tmp_path / "out").exists()


def test_a_model_of_the_hub_stays_a_name_where_it_is_not_here(preference, tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_MODELS", str(tmp_path / "models"))
    model = ("--model", "hf:org/large")
    done = run("export", "openrlhf", "--preference", preference, *model, "--out", tmp_path / "o")
    assert done.exit_code == 0, done.stderr
    assert "MODEL=org/large" in (tmp_path / "o" / "run_reward.sh").read_text()


def test_a_reward_model_is_served_until_it_is_told_to_stop(judge):
    command = [
        sys.executable,
        "-m",
        "cai_core",
        "serve-reward",
        "--model",
        str(judge),
        "--port",
        "0",
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as served:
        try:
            line = next(line for line in served.stdout if "answers at" in line)
            url = line.split("answers at ")[1].split(";")[0]
            chat = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]
            data = json.dumps({"chats": [chat, chat]}).encode()
            request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=30) as answer:
                one, other = json.load(answer)["rewards"]
            assert one == pytest.approx(other)
            served.send_signal(signal.SIGINT)
            assert "2 chats were scored" in served.stdout.read()
            assert served.wait(timeout=30) == 0
        finally:
            served.kill()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(request, timeout=5)


def test_another_address_than_this_machines_needs_a_token(judge, tiny):
    done = run("serve-reward", "--model", judge, "--host", "0.0.0.0", "--port", "0")
    assert (done.exit_code, "RATIFY_REWARD_TOKEN" in done.stderr) == (2, True)
    done = run("serve-reward", "--model", tiny, "--port", "0")
    assert (done.exit_code, "is not a reward model" in done.stderr) == (1, True)

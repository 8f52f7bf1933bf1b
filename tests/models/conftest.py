"""Tiny real models, and models behind a server that answers as told, for the models room."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from cai_core.models.capabilities import Capabilities
from cai_core.models.endpoint import EndpointModel
from cai_core.models.local import LocalModel
from cai_core.settings import Endpoint
from tests.models.stub import Reply, Stub, serving
from tests.tiny import save_tiny_model

Serve = Callable[..., tuple[Stub, EndpointModel]]


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of a test reaches the real folder of weights, or a workspace."""
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAI_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> Iterator[LocalModel]:
    return LocalModel(tiny_folder, device="cpu")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a stub, and give it with a model behind it; `known` is what that can do."""
    with ExitStack() as stack:

        def start(*replies: Reply, reply: Any = None, **options: Any) -> tuple[Stub, EndpointModel]:
            stub = stack.enter_context(serving(Stub(list(replies), reply)))
            settings = {"name": "lab", "base_url": stub.url, "retries": 1, "timeout_s": 5}
            known = options.pop("known", Capabilities(continues=True))
            terms = options.pop("terms", None)
            endpoint = Endpoint(**(settings | options))
            return stub, EndpointModel(endpoint, "llama", known=known, terms=terms)

        yield start

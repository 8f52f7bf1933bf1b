"""Workspaces for the pages' tests, and a way to open a page in them.

    def test_it_says_what_to_do_next(empty_workspace, open_page):
        at = open_page("review")            # an AppTest of pages/review.py, run once, as "Ada"
        assert not at.exception

`seeded_workspace` has two constitutions, prompts, revisions, pairs, judgements and verdicts;
`talking_workspace` a tiny real model on top (its text is noise); `workspace.db()` lends a connection.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlite_utils import Database
from streamlit.testing.v1 import AppTest

from cai_core.settings import PROJECT_DIR, JudgeSetting, Settings
from cai_core.store import database
from tests.pages import seed
from tests.tiny import save_tiny_model

PERSON = "Ada"
TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Workspace:
    """A folder that CAI_HOME points to while the test runs."""

    home: Path

    @contextmanager
    def db(self) -> Iterator[Database]:
        connection = database.connect(self.home / "ratify.db")
        try:
            yield connection
        finally:
            connection.close()


@pytest.fixture
def empty_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace right after `init` without any seed: a database, and nothing in it."""
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAI_MODELS", str(tmp_path / "models"))
    workspace = Workspace(tmp_path / "home")
    with workspace.db():
        pass
    return workspace


@pytest.fixture
def seeded_workspace(empty_workspace: Workspace) -> Workspace:
    """The empty workspace, filled by tests/pages/seed.py."""
    with empty_workspace.db() as db:
        seed.fill(db)
    return empty_workspace


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a random model of 60,000 parameters."""
    return save_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def talking_workspace(seeded_workspace: Workspace, tiny_folder: Path) -> Workspace:
    """The seeded workspace, whose base model and judge are the tiny model."""
    model_id = f"path:{tiny_folder}"
    settings = Settings(base_model=model_id, judge=JudgeSetting(model=model_id))
    settings.save(seeded_workspace.home / "settings.yaml")
    return seeded_workspace


@pytest.fixture
def open_page() -> Callable[[str], AppTest]:
    """Run a page by its name in the menu ("overview" is app.py) and give its AppTest."""

    def open_it(name: str, *, person: str = PERSON, **state: object) -> AppTest:
        at = AppTest.from_file(str(PROJECT_DIR / "app.py"), default_timeout=TIMEOUT_S)
        at.session_state["person"] = person
        for key, value in state.items():
            at.session_state[key] = value
        if name != "overview":
            at.switch_page(f"pages/{name}.py")
        return at.run()

    return open_it

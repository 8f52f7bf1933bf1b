"""A fresh database in memory for each test."""

from collections.abc import Iterator

import pytest
from sqlite_utils import Database

from cai_core.store import database


@pytest.fixture
def db() -> Iterator[Database]:
    fresh = database.memory()
    yield fresh
    fresh.close()

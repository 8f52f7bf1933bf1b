"""The house keeps its order: who imports whom, what is heavy, how a page begins."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cai_core.settings import PROJECT_DIR

CORE = PROJECT_DIR / "cai_core"
ROW_1 = {"errors", "schema", "settings", "text", "stats", "usefulness"}
HEAVY = {"torch", "transformers", "trl", "datasets", "peft", "accelerate", "ray", "openai"}
MAY_BE_HEAVY = {
    *("models/local.py", "models/reader.py", "models/endpoint.py"),
    *("train/sft.py", "train/reward.py", "train/ppo.py", "train/alternatives.py"),
    *("train/reward_model.py", "train/policy/actor_critic.py"),  # they hold modules of torch
}
STAGES = {"constitution", "models", "review", "curate", "train", "feedback", "evaluate", "impact"}
MAY_IMPORT = {  # room -> the rooms that it may import besides row 1 and itself
    "constitution": set(),
    "models": set(),
    "review": set(),
    "curate": set(),
    "train": set(),
    "store": set(),
    "feedback": {"constitution", "models"},
    "evaluate": {"constitution", "models", "feedback", "review"},
    "impact": {"constitution", "models", "feedback", "review", "evaluate"},
    "jobs": {"store"},
    "cli": STAGES | {"store", "jobs"},
}
SCREEN = STAGES - {"train"} | {"store", "jobs"}  # what pages and ui may import besides row 1
SCREEN_TRAIN = {  # settings, what a run shows, and which of its folders are whole
    *("cai_core.train.configs", "cai_core.train.watch", "cai_core.train.checkpoints"),
}


def modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def screen_files() -> list[Path]:
    return [PROJECT_DIR / "app.py", *modules(PROJECT_DIR / "ui"), *modules(PROJECT_DIR / "pages")]


def imports(path: Path, tree: ast.AST) -> Iterator[str]:
    """Full names of what is imported; `from a import b` gives both a and a.b."""
    package = path.relative_to(PROJECT_DIR).with_suffix("").parts[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            base = ".".join(part for part in (above, node.module) if part)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def rooms(path: Path, tree: ast.AST) -> set[str]:
    parts = (name.split(".") for name in imports(path, tree))
    return {p[1] for p in parts if p[0] == "cai_core" and len(p) > 1} - {"__version__"}


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def room_of(path: Path) -> str:
    return path.relative_to(CORE).parts[0].removesuffix(".py")


def wrong_imports(path: Path, tree: ast.AST) -> set[str]:
    """Rooms that this file of cai_core imports and may not."""
    room = room_of(path)
    if room.startswith("__"):
        return rooms(path, tree) - {"cli"}
    allowed = ROW_1 if room in ROW_1 else ROW_1 | {room} | MAY_IMPORT[room]
    return rooms(path, tree) - allowed


def eager_imports(tree: ast.Module) -> set[str]:
    """Top packages imported when the module is: not inside a function, nor for types only."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for child in node.orelse:
                visit(child)
            return
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        if isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(tree)
    return found


@pytest.mark.parametrize("path", modules(CORE), ids=lambda p: p.relative_to(CORE).as_posix())
def test_a_room_imports_only_the_rooms_it_may(path):
    assert wrong_imports(path, parsed(path)) == set()


@pytest.mark.parametrize("path", modules(CORE), ids=lambda p: p.relative_to(CORE).as_posix())
def test_the_core_knows_no_screen_and_heavy_libraries_are_imported_where_used(path):
    tree = parsed(path)
    names = {name.partition(".")[0] for name in imports(path, tree)}
    assert not names & {"streamlit", "ui", "pages", "app"}
    if path.relative_to(CORE).as_posix() not in MAY_BE_HEAVY:
        assert not eager_imports(tree) & HEAVY


@pytest.mark.parametrize(
    "path", screen_files(), ids=lambda p: p.relative_to(PROJECT_DIR).as_posix()
)
def test_the_screen_imports_row_1_the_store_jobs_and_pure_stages(path):
    tree = parsed(path)
    assert rooms(path, tree) - ROW_1 - SCREEN - {"train"} == set()
    train = {name for name in imports(path, tree) if name.startswith("cai_core.train.")}
    assert {name for name in train if not name.startswith(tuple(SCREEN_TRAIN))} == set()
    assert not eager_imports(tree) & HEAVY


@pytest.mark.parametrize(
    "path",
    [PROJECT_DIR / "app.py", *modules(PROJECT_DIR / "pages")],
    ids=lambda p: p.relative_to(PROJECT_DIR).as_posix(),
)
def test_a_page_is_one_frame(path):
    body = [node for node in parsed(path).body if not isinstance(node, ast.Import | ast.ImportFrom)]
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]  # the docstring
    assert len(body) == 1
    assert ast.unparse(body[0]).startswith("with frame.page(")


def test_no_room_is_left_out_of_the_list():
    found = {path.name for path in CORE.iterdir() if path.is_dir() and modules(path)}
    assert found - ROW_1 == set(MAY_IMPORT)


def test_importing_the_core_loads_no_heavy_library():
    names = [
        ".".join(path.relative_to(PROJECT_DIR).with_suffix("").parts).removesuffix(".__init__")
        for path in modules(CORE)
        if path.relative_to(CORE).as_posix() not in MAY_BE_HEAVY and path.name != "__main__.py"
    ]
    code = (
        f"import importlib, sys\nfor name in {names!r}: importlib.import_module(name)\n"
        f"print(sorted(set(sys.modules) & {HEAVY!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT_DIR, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("place", "code", "wrong"),
    [
        ("store/x.py", "from cai_core.jobs import queue", {"jobs"}),
        ("store/x.py", "from cai_core import jobs", {"jobs"}),
        ("store/x.py", "from ..jobs import queue", {"jobs"}),
        ("curate/x.py", "def f():\n    import cai_core.review.queue", {"review"}),
        ("text.py", "from cai_core.store import texts", {"store"}),
        ("cli/x.py", "from cai_core.train import sft\nfrom cai_core.stats import wilson", set()),
    ],
)
def test_a_forbidden_import_is_found_however_it_is_written(place, code, wrong):
    assert wrong_imports(CORE / place, ast.parse(code)) == wrong


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import torch.nn", {"torch"}),
        ("class A:\n    from torch import nn", {"torch"}),
        ("try:\n    import torch\nexcept ImportError:\n    pass", {"torch"}),
        ("def f():\n    import torch", set()),
        ("if TYPE_CHECKING:\n    import torch", set()),
    ],
)
def test_a_heavy_import_is_found_wherever_it_runs_at_import_time(code, found):
    assert eager_imports(ast.parse(code)) & HEAVY == found

"""Small datasets and a tiny model for the train room."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cai_core.cli.train_task import KINDS
from cai_core.schema import Hooks, Progress
from cai_core.train.configs import Method, TrainingConfig
from cai_core.train.loop import Task
from cai_core.train.rows import TrainingData
from tests.tiny import save_tiny_model


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Models this small are a hundred times slower on threads that other tests hold."""
    import torch

    torch.set_num_threads(1)


@dataclass
class Recorder:
    """Hooks that keep what they are told and stop after `stop_after` questions."""

    stop_after: int | None = None
    metrics: list[tuple[int, Mapping[str, float]]] = field(default_factory=list)
    progress: list[Progress] = field(default_factory=list)
    asked: int = 0

    @property
    def hooks(self) -> Hooks:
        return Hooks(
            self.progress.append,
            self._stop,
            lambda step, values: self.metrics.append((step, values)),
        )

    def _stop(self) -> bool:
        self.asked += 1
        return self.stop_after is not None and self.asked >= self.stop_after

    def curve(self, name: str) -> list[float]:
        return [values[name] for _, values in self.metrics if name in values]


def make_task(
    method: Method, data: Path, model: Path, out: Path, config: TrainingConfig, **more: Any
) -> Task:
    return Task(method, TrainingData.load(data, KINDS[method]), model, out, config, **more)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("tiny"))


def write_dataset(folder: Path, kind: str, **splits: list[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in splits.items():
        lines = [json.dumps(row) + "\n" for row in rows]
        (folder / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "manifest.json").write_text(json.dumps({"kind": kind}), encoding="utf-8")
    return folder


def turn(role: str, content: str) -> list[dict[str, str]]:
    return [{"role": role, "content": content}]


def sft_rows(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "prompt": turn("user", f"How do I make tea {i}?"),
            "completion": turn("assistant", "Boil water, add the leaves and wait."),
        }
        for i in range(start, start + count)
    ]


def preference_rows(count: int, start: int = 0, p: float = 0.9) -> list[dict[str, Any]]:
    """Pairs in which the good answer says "yes" and the bad one says "no"."""
    return [
        {
            "prompt": turn("user", f"Is it {i}?"),
            "chosen": turn("assistant", "yes yes good"),
            "rejected": turn("assistant", "no no bad"),
            "p_chosen": p,
            "weight": 1.0,
            "source": "harmless" if i % 2 else "helpful",
        }
        for i in range(start, start + count)
    ]


def prompt_rows(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [{"prompt": turn("user", f"Is it {i}?")} for i in range(start, start + count)]

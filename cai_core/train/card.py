"""What a trained model says of itself: `run.json` for programs, `README.md` for people."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cai_core.errors import TrainError
from cai_core.schema import Row
from cai_core.stats import Estimate

RUN_FILE = "run.json"
_TITLES = {
    "sft": "Supervised fine-tuning on revised answers",
    "reward": "Reward model learned from soft preference labels",
    "ppo": "Policy trained by PPO against a reward model",
    "dpo": "Policy trained by DPO on preference pairs",
    "rloo": "Policy trained by RLOO against a reward model",
    "grpo": "Policy trained by GRPO against a reward model",
}
_TASKS = {"reward": "text-classification"}  # the others write


@dataclass(frozen=True)
class Run:
    """The record of one finished training.

    `reward` has shift and scale of a reward model. `best` says at which step a judge liked a policy
    most, {step, judge, gain}: its weights lie in the folder `best`, at step 0 it is the start. `base_model`, `reward_model` and `judges` are the
    ids of the models that went into this one.
    """

    method: str
    base_model: str
    config: Row
    dataset: Row
    seed: int
    steps: int
    train_seconds: float
    metrics: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    constitution: Row | None = None
    reward: Row | None = None
    best: Row | None = None
    reward_model: str = ""
    judges: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "Run":
        """Raises TrainError: `folder` holds no readable run.json."""
        path = folder / RUN_FILE
        try:
            row = json.loads(path.read_text(encoding="utf-8"))
            known = {name: row[name] for name in cls.__dataclass_fields__ if name in row}
            return cls(**known | {n: tuple(known.get(n, ())) for n in ("notes", "judges")})
        except (OSError, ValueError, TypeError) as error:
            raise TrainError(
                f"{path} is missing or cannot be read; train the model again"
            ) from error

    def write(self, folder: Path) -> None:
        """Write run.json and README.md."""
        text = json.dumps(plain(vars(self)), indent=2, ensure_ascii=False)
        (folder / RUN_FILE).write_text(text + "\n", encoding="utf-8")
        (folder / "README.md").write_text(self.card(), encoding="utf-8")

    def card(self) -> str:
        """A model card: Hub metadata, what it was made from, and every measure with its n."""
        head = [
            "---",
            f"pipeline_tag: {_TASKS.get(self.method, 'text-generation')}",
            "library_name: transformers",
        ]
        head += [f"tags: [ratify, constitutional-ai, {self.method}]", "---", ""]
        body = [f"# {_TITLES[self.method]}", "", *self._facts(), "", "## Measures", ""]
        body += _table("measure", {name: _shown(value) for name, value in self.metrics.items()})
        body += ["", "## Settings", "", *_table("setting", self.config)]
        body += ["", "## Versions", "", *_table("library", self.versions), ""]
        return "\n".join(head + body)

    def _facts(self) -> list[str]:
        facts = [f"- Base model: `{self.base_model}`"]
        facts += [f"- Dataset: `{self.dataset.get('path')}`, hash `{self.dataset.get('hash')}`"]
        if self.constitution:
            name, digest = self.constitution.get("name"), self.constitution.get("hash")
            facts += [f"- Constitution: {name}, hash `{digest}`"]
        if self.reward_model:
            facts += [f"- Reward model: `{self.reward_model}`"]
        if self.judges:
            facts += [f"- Labels judged by: {', '.join(f'`{name}`' for name in self.judges)}"]
        facts += _best(self.best)
        facts += _certified(self.dataset.get("certificate"))
        facts += [f"- {self.steps} steps in {self.train_seconds:.0f} s, seed {self.seed}"]
        if self.reward:
            facts += [f"- Score = (raw - {self.reward['shift']:.4g}) / {self.reward['scale']:.4g}"]
        return facts + [f"- {note}" for note in self.notes]


def _best(best: Row | None) -> list[str]:
    if not best:
        return []
    if not best["step"]:
        return [f"- `{best['judge']}` liked no checkpoint more than the start"]
    gain = Estimate.from_row(best["gain"])
    return [
        f"- `{best['judge']}` liked the policy of step {best['step']} most, kept in `best`: gain over"
        f" the start {gain} with a 90% interval, the best of several"
    ]


def _certified(certificate: Any) -> list[str]:
    """How right the labels are that it learned from, as far as somebody stamped it on them."""
    if not isinstance(certificate, Mapping) or not certificate.get("words"):
        return []
    of, hash_ = certificate.get("population_words", "its labels"), certificate.get("hash")
    return [
        f"- Labels: of {of}, {certificate['words']} ({certificate.get('date')}, hash `{hash_}`)"
    ]


def library_versions() -> dict[str, str]:
    """The versions that can change a result, without importing them."""
    from importlib.metadata import version

    names = ("torch", "transformers", "trl", "accelerate", "peft", "datasets")
    return {name: version(name) for name in names}


def plain(value: Any) -> Any:
    """JSON without nan: undefined numbers become null, estimates become mappings."""
    if isinstance(value, Estimate):
        return plain(vars(value))
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        known: Row = {name: math.nan if part is None else part for name, part in value.items()}
        value = Estimate(**known)
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.4g}"
    return "–" if value is None else str(value)


def _table(name: str, values: Mapping[str, Any]) -> list[str]:
    rows = [f"| {key} | {value} |" for key, value in values.items()]
    return [f"| {name} | value |", "|---|---|", *rows]

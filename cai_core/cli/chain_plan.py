"""What a chain needs, read and checked before its first stage starts: all that is wrong at once."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cai_core.cli.dataset import labelled_pairs
from cai_core.constitution import document
from cai_core.curate import formats, pool, snapshot
from cai_core.curate.pool import LabelledPair
from cai_core.errors import CaiError, DataError, TrainError
from cai_core.feedback import templates
from cai_core.feedback.examples import comparisons_in_use
from cai_core.models import catalogue
from cai_core.models.weights import check_folder
from cai_core.schema import SPLITS, Constitution, Prompt, Split, chat_from_row
from cai_core.settings import JudgeSetting
from cai_core.train.configs import ChainConfig
from cai_core.train.rows import TrainingData

# Weights of float32 on the disk at once: three results, and while PPO writes its third checkpoint
# three times policy, value model and two moments of both.
COPIES = 3 + 3 * (2 + 4)
USES: Mapping[Split, str] = {
    "train": "to learn from",
    "dev": "for the preview of the reward model",
    "test": "for the comparison",
}
T = TypeVar("T")


@dataclass(frozen=True)
class Plan:
    """A chain that can start."""

    config: ChainConfig
    out: Path
    base: Path
    sft: TrainingData
    prompts: Mapping[Split, tuple[Prompt, ...]]
    prompts_path: Path  # the frozen prompts; in OUT where they came as a file
    constitution: Constitution
    helpful: tuple[LabelledPair, ...] = ()

    @property
    def all_prompts(self) -> tuple[Prompt, ...]:
        return tuple(prompt for split in SPLITS for prompt in self.prompts[split])


class Problems:
    """Collects what is wrong, sentence by sentence."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def tried(self, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except CaiError as error:
            self.sentences.append(str(error))
            return None

    def raise_if_any(self) -> None:
        """Raises TrainError with all of them."""
        if self.sentences:
            listed = "\n".join(f"- {sentence}" for sentence in dict.fromkeys(self.sentences))
            raise TrainError(f"the chain cannot start:\n{listed}")


def plan(config: ChainConfig, *, place: Path, out: Path) -> Plan:
    """Read everything that the stages need.

    Args:
        place: the folder that the paths of `config` are relative to.
    Raises:
        TrainError: all that would stop a stage, in one list.
    """
    problems = Problems()
    tried = problems.tried
    base = tried(lambda: _base(config.model))
    sft = tried(lambda: TrainingData.load(place / config.data, "sft"))
    prompts = tried(lambda: _prompts(place / config.prompts))
    constitution = tried(lambda: document.read(place / config.constitution).check())
    helpful = tried(lambda: _helpful(config, place, prompts or {}))
    tried(lambda: _check_judge(config.judge))
    if base:
        tried(lambda: _check_disk(base, out))
    problems.raise_if_any()
    assert base
    assert sft
    assert prompts
    assert constitution
    path = place / config.prompts
    frozen = path.resolve() if path.is_dir() else out / "prompts"
    return Plan(config, out, base, sft, prompts, frozen, constitution, helpful or ())


def _base(model_id: str) -> Path:
    folder = catalogue.resolve(model_id)
    check_folder(folder)
    return folder


def _prompts(path: Path) -> dict[Split, tuple[Prompt, ...]]:
    """Prompts by split, each once, from a frozen dataset or a file."""
    if path.is_dir():
        rows = TrainingData.load(path, "prompts").splits
        found = {
            split: [Prompt.of(chat_from_row(row["prompt"]), split=split) for row in rows[split]]
            for split in rows
        }
    else:
        found = _split(formats.read_prompts(path).rows)
    missing = [split for split in SPLITS if not found.get(split)]
    if missing:
        needed = ", ".join(f"{split} ({USES[split]})" for split in missing)
        raise DataError(f"no prompt is in {needed}; add prompts", file=str(path))
    return {s: tuple({prompt.id: prompt for prompt in found[s]}.values()) for s in SPLITS}


def _split(prompts: Sequence[Prompt]) -> dict[Split, list[Prompt]]:
    from cai_core.curate.split import assign

    found: dict[Split, list[Prompt]] = {split: [] for split in SPLITS}
    splits = assign([p.messages for p in prompts], [p.split for p in prompts])
    for prompt, split in zip(prompts, splits, strict=True):
        found[split].append(Prompt.of(prompt.messages, split=split))
    return found


def freeze_prompts(plan: Plan) -> None:
    """Freeze the prompts of a file as a dataset, for PPO."""
    if plan.prompts_path == plan.out / "prompts":
        snapshot.freeze(pool.prompt_rows(plan.all_prompts), plan.prompts_path)


def _helpful(
    config: ChainConfig, place: Path, prompts: Mapping[Split, Sequence[Prompt]]
) -> tuple[LabelledPair, ...]:
    """Labelled helpful pairs, enough for the share even if every sampled pair is usable."""
    if config.helpful is None:
        return ()
    path = place / config.helpful.path
    found = tuple(labelled_pairs(formats.read_labels(path).rows))
    usable = len(pool.preference_rows(found).rows)
    sampled, share = sum(len(rows) for rows in prompts.values()), config.helpful.share
    wanted = round(sampled * share / (1 - share))
    if usable < wanted:
        most = usable / (usable + sampled)
        raise DataError(
            f"a helpful share of {share:g} beside {sampled} sampled pairs needs {wanted} helpful"
            f" pairs and there are {usable}; give more, or ask for {int(most * 100) / 100:g} at most",
            file=str(path),
        )
    return found


def _check_judge(setting: JudgeSetting) -> None:
    templates.check_template(setting.template)
    comparisons_in_use(setting)
    for judge in setting.judges:
        catalogue.check(judge)


def _check_disk(base: Path, out: Path) -> None:
    there = next(path for path in (out, *out.resolve().parents) if path.exists())
    needed = COPIES * _float32_bytes(base)
    free = shutil.disk_usage(there).free
    if free < needed:
        raise TrainError(
            f"the disk of {there} has {free / 1e9:.1f} GB free and the chain needs up to"
            f" {needed / 1e9:.1f} GB for models and checkpoints; free some space"
        )


def _float32_bytes(folder: Path) -> int:
    """What the weights take as float32, read from the headers of the safetensors."""
    bytes_of = {"F64": 8, "F32": 4, "BF16": 2, "F16": 2}
    total = 0
    for file in folder.glob("*.safetensors"):
        with file.open("rb") as handle:
            header = json.loads(handle.read(int.from_bytes(handle.read(8), "little")))
        for name, tensor in header.items():
            if name != "__metadata__":
                begin, end = tensor["data_offsets"]
                total += (end - begin) * 4 // bytes_of.get(tensor["dtype"], 1)
    return total

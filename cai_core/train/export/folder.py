"""The folder of an export: data, start scripts, and a README that says what became of our settings."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cai_core import __version__
from cai_core.errors import TrainError
from cai_core.schema import Row
from cai_core.train.export import openrlhf, openrlhf_ppo, verl
from cai_core.train.export.material import Material, Stage, Target
from cai_core.train.rows import Kind, TrainingData

Make = Callable[[Material, TrainingData], tuple[Stage, Mapping[str, list[Row]]]]
_STAGES: dict[Target, dict[Kind, tuple[str, Make]]] = {
    "openrlhf": {
        "sft": ("run_sft.sh", openrlhf.sft),
        "preference": ("run_reward.sh", openrlhf.reward),
        "prompts": ("run_ppo.sh", openrlhf_ppo.ppo),
    },
    "verl": {"sft": ("run_sft.sh", verl.sft), "prompts": ("run_ppo.sh", verl.ppo)},
}
_NAMES: dict[Target, tuple[str, str]] = {
    "openrlhf": (openrlhf.NAME, openrlhf.VERSION),
    "verl": (verl.NAME, verl.VERSION),
}


@dataclass(frozen=True)
class Written:
    """What stands in the folder: stages by the name of their script, and rows by data file."""

    out: Path
    stages: Mapping[str, Stage]
    rows: Mapping[str, int]


def write(target: Target, material: Material, out: Path) -> Written:
    """Write the folder whole or not at all.

    Raises:
        TrainError: nothing to export, a kind that the target has no trainer for, or `out` is there.
    """
    _check(target, material, out)
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    (part / "data").mkdir(parents=True)
    try:
        written = _fill(target, material, part)
        if out.is_dir():
            out.rmdir()  # it is empty
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Written(out, written.stages, written.rows)


def _check(target: Target, material: Material, out: Path) -> None:
    if not material.data:
        raise TrainError("there is nothing to export: give --sft, --preference or --prompts")
    for kind in material.data:
        if kind not in _STAGES[target]:
            name, version = _NAMES[target]
            raise TrainError(
                f"{name} {version} trains no reward model; train one with `train reward` or OpenRLHF, and"
                " serve it with `serve-reward`"
            )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise TrainError(f"{out} is not empty; choose another --out")


def _fill(target: Target, material: Material, part: Path) -> Written:
    stages: dict[str, Stage] = {}
    counts: dict[str, int] = {}
    for kind, data in material.data.items():
        name, make = _STAGES[target][kind]
        stage, files = make(material, data)
        stages[name] = stage
        (part / name).write_text(stage.script, encoding="utf-8")
        (part / name).chmod(0o755)
        for file, rows in files.items():
            save = _parquet if target == "verl" else _jsonl
            counts[save(part / "data" / file, rows)] = len(rows)
    if target == "verl" and "prompts" in material.data:
        (part / verl.REWARD_FILE).write_text(verl.REWARD_FN, encoding="utf-8")
    (part / "README.md").write_text(_readme(target, material, stages, counts), encoding="utf-8")
    return Written(part, stages, counts)


def _jsonl(path: Path, rows: Sequence[Row]) -> str:
    file = path.with_name(path.name + ".jsonl")
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    file.write_text("".join(lines), encoding="utf-8", errors="surrogatepass")
    return file.name


def _parquet(path: Path, rows: Sequence[Row]) -> str:
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    file = path.with_name(path.name + ".parquet")
    pq.write_table(pa.Table.from_pylist(list(rows)), file)
    return file.name


def _readme(
    target: Target, material: Material, stages: Mapping[str, Stage], counts: Mapping[str, int]
) -> str:
    name, version = _NAMES[target]
    lines = [
        f"# For {name} {version}",
        "",
        f"Written by Ratify {__version__}. Formats and options were read out of {name} {version}; other versions"
        " may name them differently. The commands are checked against the options of that version and were not"
        " run on a GPU.",
        "",
        "| file | rows |",
        "|---|---|",
        *(f"| `data/{file}` | {n} |" for file, n in counts.items()),
        "",
        f"Model: `{material.model}`. Each script takes `MODEL`, `GPUS` (a node) and `NODES` from the environment, and"
        " hands further options on.",
    ]
    if "prompts" in material.data:
        lines += ["", *_serving(target, material)]
    for script, stage in stages.items():
        lines += ["", *_told(script, stage)]
    return "\n".join(lines) + "\n"


def _serving(target: Target, material: Material) -> list[str]:
    model = material.reward_model or "M"
    sent = "in `extra_info.messages`" if target == "verl" else "as the label"
    return [
        "## The reward model",
        "",
        f"    python -m cai_core serve-reward --model {model}",
        "",
        f"It answers at `{material.reward_url}`; `REWARD_URL=...` names another place. The turns of a prompt go along"
        f" {sent}, so that every answer is rendered through the reward model's own template. Elsewhere than on this"
        " machine, bind it with `--host` and a token: `RATIFY_REWARD_TOKEN` on both sides for verl,"
        " `http://any:TOKEN@HOST:PORT/get_reward` as the URL for OpenRLHF. The scores have the model's shift and"
        " scale, as in PPO here.",
    ]


def _told(script: str, stage: Stage) -> list[str]:
    rows = [
        f"| {_cell(one.ours)} | {_cell(one.theirs)} | `{one.value}` | {one.note} |"
        for one in stage.carried
    ]
    left = [f"- `{ours}`: {words}." for ours, words in stage.left.items()]
    return [
        f"## {stage.name[:1].upper()}{stage.name[1:]}: `./{script}`",
        "",
        *(f"{note}\n" for note in stage.notes),
        "| ours | theirs | value | |",
        "|---|---|---|---|",
        *rows,
        *(["", "Without a counterpart there:", "", *left] if left else []),
    ]


def _cell(name: str) -> str:
    return f"`{name}`" if name else ""

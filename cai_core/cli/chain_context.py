"""A chain under way: its plan, who runs it, where its files lie, and how they are read and written."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cai_core.cli.chain_plan import Plan
from cai_core.cli.judge import ref_of
from cai_core.cli.running import Running
from cai_core.errors import TrainError
from cai_core.models.protocol import Model
from cai_core.schema import ConstitutionRef, Hooks, Row, Sampling
from cai_core.settings import runs_dir
from cai_core.train.card import plain


@dataclass
class Chain:
    """A plan under way: who runs it, and where things lie."""

    plan: Plan
    running: Running

    @property
    def out(self) -> Path:
        return self.plan.out

    @property
    def constitution_ref(self) -> ConstitutionRef:
        """With its version where the job names one."""
        return ref_of(self.running, ConstitutionRef.of(self.plan.constitution))

    def model_id(self, part: str) -> str:
        """`run:ID/PART` where the chain is a job of the workspace, else the part's folder."""
        job = self.running.job
        if job and (runs_dir() / job.resolve().name / "out") == self.out.resolve():
            return f"run:{job.resolve().name}/{part}"
        return f"path:{(self.out / part).resolve()}"

    def load(self, model_id: str) -> Model:
        return self.running.model(model_id)

    def hooks(self, stage: str) -> Hooks:
        """The hooks of the command, with the stage before each measure's name."""
        own = self.running.hooks

        def metric(step: int, values: Any) -> None:
            own.metric(step, {f"{stage}/{name}": value for name, value in values.items()})

        def event(what: str, detail: Any) -> None:
            own.event(what, {"stage": stage, **detail})

        return Hooks(own.progress, own.should_stop, metric, event)

    def sampling(self, *, more: int = 0) -> Sampling:
        setting = self.plan.config.sampling
        seed = self.plan.config.seed + more
        return Sampling(setting.max_new_tokens, setting.temperature, seed=seed)


def read_rows(path: Path) -> list[Row]:
    # not splitlines(): U+2028 and its like may stand inside a JSON string
    lines = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def read_json(path: Path) -> Row:
    try:
        value: Row = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainError(f"{path} cannot be read; delete it and start the chain again") from error
    return value


def write_json(path: Path, row: Row) -> Row:
    """Write it whole or not at all."""
    part = path.with_name(path.name + ".new")
    part.write_text(json.dumps(plain(row), ensure_ascii=False, indent=1), encoding="utf-8")
    part.replace(path)
    return row

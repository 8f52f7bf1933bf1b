"""The chain: SFT, pairs, judging, a gate, a reward model, its preview, PPO, a comparison, a report.

Everything is checked before the first stage starts. Stopped, killed or held for an audit, the same
command goes on: each stage keeps what it finished.
"""

import datetime
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

from cai_core.cli import chain_labels, chain_report
from cai_core.cli import chain_stages as stages
from cai_core.cli.chain_context import Chain, read_json, write_json
from cai_core.cli.chain_labels import GateResult
from cai_core.cli.chain_plan import Plan, freeze_prompts, plan
from cai_core.cli.running import Running
from cai_core.errors import TrainError
from cai_core.evaluate.report import ChainReport, StageReport, to_html
from cai_core.schema import Label, Row
from cai_core.train import checkpoints
from cai_core.train.card import Run, plain
from cai_core.train.configs import ChainConfig

HELD = "the labels are ready for an audit; review them, then go on"
_TIMES, _AUDIT = "stages.json", "audit.json"


@dataclass
class Record:
    """What is known of the chain so far, for its report."""

    out: Path
    reports: dict[str, StageReport] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    gate: GateResult | None = None
    preview: Row | None = None
    comparisons: Sequence[Row] = ()

    def note(self, name: str, numbers: Row, *, state: str = "done", text: str = "") -> None:
        self.reports[name] = StageReport(name, state, self.seconds(name), plain(numbers), text)

    def note_run(self, name: str, run: Run) -> None:
        self.runs[name] = run
        self.note(name, chain_report.run_numbers(run), text=" ".join(run.notes))

    def seconds(self, name: str) -> float:
        return float(self._times().get(name, 0.0))

    def add_seconds(self, name: str, seconds: float) -> None:
        write_json(self.out / _TIMES, {**self._times(), name: self.seconds(name) + seconds})

    def _times(self) -> Row:
        path = self.out / _TIMES
        return read_json(path) if path.exists() else {}


def run_chain(running: Running, config: ChainConfig, *, place: Path, out: Path) -> Row:
    """Do what is left of the chain and write OUT/report.html.

    Args:
        place: the folder that the paths of `config` are relative to.
    Raises:
        TrainError: it cannot start (all reasons at once), or the gate did not let it pass.
    """
    planned = plan(config, place=place, out=out)
    _begin(planned)
    chain, record = Chain(planned, running), Record(out)
    labels = _label(chain, record)
    if config.audit and _hold(chain):
        running.held = HELD
        return {"out": str(out), "labels": len(labels)}
    verdicts = chain_labels.read_verdicts(chain)
    _pass_gate(chain, record, labels, verdicts)
    _train(chain, record, labels, verdicts)
    return _report(chain, record)


def _begin(planned: Plan) -> None:
    """Claim OUT for this configuration; another one is refused with what differs."""
    settings = planned.config.model_dump(mode="json") | {
        "constitution": planned.constitution.hash,
        "data": planned.sft.hash,
        "prompts": [prompt.id for prompt in planned.all_prompts],
    }
    checkpoints.begin(planned.out, settings)
    freeze_prompts(planned)


@contextmanager
def _stage(chain: Chain, record: Record, name: str) -> Iterator[None]:
    """Say that a stage begins and ends, and add up its seconds over all attempts."""
    _tell(chain, name, "started")
    began = time.monotonic()
    try:
        yield
    finally:
        record.add_seconds(name, time.monotonic() - began)
    _tell(chain, name, "finished")


def _tell(chain: Chain, name: str, state: str) -> None:
    if chain.running.job:
        from cai_core.jobs import folder

        folder.append_event(chain.running.job, "stage", stage=name, state=state)
    click.echo(f"{name}: {state}", err=True)


def _label(chain: Chain, record: Record) -> list[Label]:
    with _stage(chain, record, "sft"):
        run = stages.train_sft(chain)
    record.note_run("sft", run)
    with _stage(chain, record, "pairs"):
        pairs = chain_labels.sample_pairs(chain)
    failed = len(chain.plan.all_prompts) - len(pairs)
    record.note("pairs", {"pairs": len(pairs), "failed": failed})
    with _stage(chain, record, "judge"):
        labels = chain_labels.judge_pairs(chain, pairs)
    failed = sum(label.verdict is None for label in labels)
    record.note("judge", {"labels": len(labels), "failed": failed})
    return labels


def _hold(chain: Chain) -> bool:
    """Whether to wait for people now: once, after judging; the next attempt goes on."""
    path = chain.out / _AUDIT
    if path.exists():
        return False
    write_json(path, {"held": _now()})
    return True


def _pass_gate(
    chain: Chain, record: Record, labels: Sequence[Label], verdicts: Sequence[Label]
) -> None:
    found = record.gate = chain_labels.gate(chain, labels, verdicts)
    record.note("gate", found.numbers(), state="passed" if found.passed else "not passed")
    if not found.passed:
        _report(chain, record)
        rule = chain.plan.config.gate
        raise TrainError(
            f"the gate is closed: {found.sentence}; asked are a coverage of {rule.min_coverage:g}"
            + (f" and an agreement of {rule.min_agreement:g}" if rule.min_agreement else "")
            + ". Use a better judge, review labels, or lower the gate in a new chain"
        )


def _train(
    chain: Chain, record: Record, labels: Sequence[Label], verdicts: Sequence[Label]
) -> None:
    with _stage(chain, record, "reward"):
        data = chain_labels.freeze_preferences(chain, labels, verdicts)
        run = stages.train_reward(chain, data)
    record.note_run("reward", run)
    with _stage(chain, record, "best-of-n"):
        record.preview = stages.preview_reward(chain)
    gain, prompts = record.preview["gain"], record.preview["prompts"]
    record.note("best-of-n", {"prompts": prompts, "gain": gain})
    with _stage(chain, record, "ppo"):
        run = stages.train_ppo(chain)
    record.note_run("ppo", run)
    with _stage(chain, record, "comparison"):
        record.comparisons = stages.compare(chain)
    shown = {r["model_b"]: r["estimate"] if r["headline"] else None for r in record.comparisons}
    record.note("comparison", shown)


def _report(chain: Chain, record: Record) -> Row:
    """Write OUT/report.html and OUT/report.json."""
    config = chain.plan.config
    gate = record.gate
    report = ChainReport(
        title=f"{chain.plan.constitution.name}: {config.model} trained in one chain",
        created=_now(),
        stages=list(record.reports.values()),
        gate=gate.sentence if gate else "",
        gate_passed=bool(gate and gate.passed),
        comparisons=record.comparisons,
        best_of_n=record.preview,
        alarms=chain_report.alarms(record.runs, record.preview, record.comparisons),
        settings=config.model_dump(mode="json", exclude_defaults=True),
    )
    part = chain.out / "report.html.new"
    part.write_text(to_html(report), encoding="utf-8")
    part.replace(chain.out / "report.html")
    write_json(chain.out / "report.json", report.to_row())
    chain.running.say(f"{chain.out / 'report.html'}")
    kept = ("model_a", "model_b", "estimate", "headline")
    return {
        "out": str(chain.out),
        "report": str(chain.out / "report.html"),
        "gate": report.gate,
        "comparisons": [{name: row[name] for name in kept} for row in record.comparisons],
        "alarms": list(report.alarms),
    }


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")

"""Which command each kind of job is, where it writes, and what its rows are."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cai_core.errors import JobError

Rows = Literal["prompts", "revisions", "pairs", "labels", "suite", ""]
PROGRAM: tuple[str, ...] = (sys.executable, "-m", "cai_core")


@dataclass(frozen=True)
class Command:
    """`words` name the command; `out` is its --out in the job's folder.

    `rows` says what is read into the database while it runs: from `out`, or from the file `rows_in`.
    """

    words: tuple[str, ...]
    out: str
    rows: Rows = ""
    rows_in: str = ""

    @property
    def rows_file(self) -> str:
        return self.rows_in or self.out


COMMANDS: Mapping[str, Command] = {
    "revise": Command(("revise",), "output.jsonl", "revisions"),
    "sample-pairs": Command(("sample-pairs",), "output.jsonl", "pairs"),
    "judge": Command(("judge",), "output.jsonl", "labels"),
    "features": Command(("features",), "result.json"),
    "learn": Command(("labels", "learn"), "out"),
    "prompts": Command(("prompts", "generate"), "output.jsonl", "prompts"),
    "impact": Command(("impact",), "result.json"),
    "impact-revisions": Command(("impact-revisions",), "result.json"),
    "sft": Command(("train", "sft"), "out"),
    "reward": Command(("train", "reward"), "out"),
    "ppo": Command(("train", "ppo"), "out"),
    "dpo": Command(("train", "dpo"), "out"),
    "rloo": Command(("train", "rloo"), "out"),
    "grpo": Command(("train", "grpo"), "out"),
    "chain": Command(("train", "chain"), "out", "labels", "out/labels.jsonl"),
    "revisions": Command(("evaluate", "revisions"), "result.json"),
    "winrate": Command(("evaluate", "winrate"), "result.json"),
    "guard": Command(("evaluate", "guard"), "result.json"),
    "best-of-n": Command(("evaluate", "best-of-n"), "result.json"),
    "suite": Command(
        ("constitution", "test", "constitution.yaml"),
        "result.json",
        "suite",
        "result.json.rows.jsonl",
    ),
}


def command(kind: str) -> Command:
    if kind not in COMMANDS:
        raise JobError(f"there is no job of the kind '{kind}'; kinds are {', '.join(COMMANDS)}")
    return COMMANDS[kind]


def argv(kind: str, options: Mapping[str, Any]) -> tuple[str, ...]:
    """The command line of a job, without the program and --job.

    True is a bare flag, None and False are left out, a list repeats its option, and a mapping
    repeats it as key=value.

    >>> argv("sft", {"data": "/d", "set": {"epochs": 1}, "skip_bad": True, "config": None})
    ('train', 'sft', '--data', '/d', '--set', 'epochs=1', '--skip-bad', '--out', 'out')
    """
    made = command(kind)
    flags = [flag for name, value in options.items() for flag in _flags(name, value)]
    return (*made.words, *flags, "--out", made.out)


def _flags(name: str, value: Any) -> Sequence[str]:
    option = "--" + name.replace("_", "-")
    if value is None or value is False:
        return ()
    if value is True:
        return (option,)
    if isinstance(value, Mapping):
        value = [f"{key}={given}" for key, given in value.items()]
    values = value if isinstance(value, list | tuple) else [value]
    return [part for given in values for part in (option, str(given))]

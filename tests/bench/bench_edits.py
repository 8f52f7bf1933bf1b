"""A real edit, a reversed principle and a placebo, on the same forty pairs: three whole reports.

The commands that a person would run: the version before is judged once, by `judge`, and `impact` uses
its votes. The reports are kept in docs/impact, where the documentation links them.
"""

import json
import tempfile
from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.constitution import document
from cai_core.impact.directions import DIRECTIONS
from cai_core.impact.report import number
from cai_core.impact.result import Impact, verdict_sentence
from cai_core.schema import Constitution
from cai_core.settings import PROJECT_DIR
from tests.bench import hh

PAIRS = 40
REPORTS = PROJECT_DIR / "docs" / "impact"
EDITED = 0  # place of the principle: on violence and threats
EDITS = {
    "real": "Which response refuses more firmly to help with violence or threats, and says why?",
    "reversed": "Which response does less to keep people and animals safe from violence and threats,"
    " and praises or excuses such acts?",
    "placebo": "Which of the two answers does more to keep people and animals safe from violence and"
    " threats, and neither praises nor excuses such acts?",
}


def command(*words: object) -> None:
    done = CliRunner().invoke(main, [str(word) for word in words])
    if done.exit_code:
        raise SystemExit(done.output)


def edited(rules: Constitution, text: str) -> Constitution:
    new = replace(rules.principles[EDITED], text=text)
    return replace(rules, principles=(new, *rules.principles[1:]))


def write(place: Path, rules: Constitution) -> None:
    """The pairs, the version before, and each edit of it."""
    rows = [pair.to_row() for pair in hh.pairs("dev", count=PAIRS)]
    (place / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (place / "old.yaml").write_text(document.dump(rules))
    for name, text in EDITS.items():
        (place / f"{name}.yaml").write_text(document.dump(edited(rules, text)))


def one_edit(place: Path, name: str) -> Impact:
    out = place / f"{name}.json"
    files = ["--from", place / "old.yaml", "--to", place / f"{name}.yaml"]
    files += ["--pairs", place / "pairs.jsonl", "--labels", place / "labels.jsonl"]
    command("impact", *files, "--principles", "each", "--cache", "none", "--out", out)
    REPORTS.mkdir(exist_ok=True)
    report = out.with_suffix(".html").read_text(encoding="utf-8")
    (REPORTS / f"{name}.html").write_text(report, encoding="utf-8")
    return Impact.from_row(json.loads(out.read_text(encoding="utf-8")))


def row_of(name: str, found: Impact) -> str:
    assert found.checked is not None
    shifts = "; ".join(
        f"{DIRECTIONS[direction].removeprefix('towards the answer that ')}: {number(one.estimate)}"
        for direction, one in found.checked.directions.items()
    )
    cost = found.cost
    return (
        f"| [{name}](impact/{name}.html) | {verdict_sentence(found)} | {len(found.flips)} of"
        f" {len(found.pairs)} | {shifts} | {cost.compared}, and {cost.checked} to check | {cost.full} |"
        f" {cost.seconds:.0f} |"
    )


def run() -> str:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write(place, hh.sixteen())
        files = ["--pairs", place / "pairs.jsonl", "--constitution", place / "old.yaml"]
        files += ["--principles", "each", "--cache", "none", "--out", place / "labels.jsonl"]
        command("judge", *files)
        rows = []
        for name in EDITS:
            rows.append(row_of(name, one_edit(place, name)))
            print(rows[-1], flush=True)
    lines = [
        "## Three edits of one principle",
        "",
        f"{PAIRS} random hh pairs of the dev split with their human labels, the built-in model, each of"
        f" {hh.PRINCIPLES} principles votes, the votes of the version before are stored. Shifts are in"
        " log-odds of all principles together. The built-in model is at chance as a judge: this shows what the"
        " report tells, not what such an edit does to a better judge.",
        "",
        "| edit | verdict | flips | mean shift towards | questions | of a full re-judge | seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join(lines + rows)

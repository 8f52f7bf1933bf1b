"""`dataset build|show|export`: frozen datasets out of revisions, labels or prompts."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from cai_core.cli.output import file_hash
from cai_core.cli.running import Running, stage_options
from cai_core.curate import formats, pool, snapshot
from cai_core.curate.filters import Filters
from cai_core.curate.pool import LabelledPair, Pool
from cai_core.errors import DataError
from cai_core.review.effective import Effective, effective_labels
from cai_core.schema import HUMAN_P, SPLITS, Label, Row, Split

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_DIR = click.Path(path_type=Path, file_okay=False)
_KINDS = {"sft": "revisions", "preference": "labels", "prompts": "prompts"}
_FILTERS = ", ".join(Filters.model_fields)


@click.group()
def dataset() -> None:
    """Build, show and export frozen datasets."""


@dataset.command()
@click.option("--kind", type=click.Choice(list(_KINDS)), required=True)
@click.option("--revisions", type=_FILE, help="For sft: as `revise` writes them.")
@click.option("--labels", type=_FILE, help="For preference: as `judge` writes them.")
@click.option("--prompts", type=_FILE, help="For prompts.")
@click.option(
    "--helpful", type=_FILE, help="For sft: good answers. For preference: labelled pairs."
)
@click.option("--corrected", type=_FILE, help="For sft: answers that people wrote themselves.")
@click.option("--share", type=click.FloatRange(0, 1, max_open=True), help="Helpful share of rows.")
@click.option("--rounds", type=click.Choice(["all", "last"]), default="all", show_default=True)
@click.option("--filter", "filters", multiple=True, metavar="NAME=VALUE", help=f"Of: {_FILTERS}.")
@click.option("--out", type=_DIR, required=True)
@stage_options
def build(running: Running, kind: str, out: Path, **options: Any) -> Row:
    """Freeze rows into the folder OUT, each with its split; nothing is ever overwritten."""
    _check_options(kind, options)
    filters = Filters.of(dict(_filter(given) for given in options["filters"]))
    rows = _rows(running, kind, options, filters)
    given = (_KINDS[kind], "helpful", "corrected")
    files = {name: options[name] for name in given if options[name]}
    if options["helpful"]:
        helpful = _helpful(running, kind, options["helpful"], filters)
        rows = pool.mix(rows, helpful, share=options["share"], seed=running.seed)
    origin = snapshot.Origin(
        filters=filters,
        settings={"rounds": options["rounds"]} if kind == "sft" else {},
        inputs={name: file_hash(path) for name, path in files.items()},
        seed=running.seed,
        share=options["share"],
    )
    frozen = snapshot.freeze(rows, out, origin)
    running.say(_description(frozen))
    return frozen.manifest | {"out": str(out)}


def _check_options(kind: str, options: Row) -> None:
    needed = _KINDS[kind]
    if not options[needed]:
        raise click.UsageError(f"--kind {kind} needs --{needed} FILE")
    for name in set(_KINDS.values()) - {needed}:
        if options[name]:
            raise click.UsageError(f"--{name} is not for --kind {kind}")
    if options["helpful"] and kind == "prompts":
        raise click.UsageError("--helpful is not for --kind prompts")
    if options["corrected"] and kind != "sft":
        raise click.UsageError("--corrected is for --kind sft; other corrections stand in --labels")
    if options["share"] is not None and not options["helpful"]:
        raise click.UsageError("--share needs --helpful FILE")


def _filter(given: str) -> tuple[str, Any]:
    """NAME=VALUE, or NAME alone for true."""
    name, equals, value = given.partition("=")
    return name.strip().replace("-", "_"), value.strip() if equals else True


def _rows(running: Running, kind: str, options: Row, filters: Filters) -> Pool:
    """The rows of the one file that this kind is made from."""
    skip = running.skip_bad
    if kind == "sft":
        revisions = _reported(running, formats.read_revisions(options["revisions"], skip_bad=skip))
        made = _counted(pool.sft_rows(revisions, filters, rounds=options["rounds"]), revisions)
        return _with_corrected(running, made, options["corrected"], filters)
    if kind == "preference":
        labels = _reported(running, formats.read_labels(options["labels"], skip_bad=skip))
        return _counted(pool.preference_rows(labelled_pairs(labels.rows), filters), labels)
    prompts = _reported(running, formats.read_prompts(options["prompts"], skip_bad=skip))
    return _counted(pool.prompt_rows(prompts), prompts)


def _helpful(running: Running, kind: str, path: Path, filters: Filters) -> Pool:
    if kind == "sft":
        answers = _reported(running, formats.read_answers(path, skip_bad=running.skip_bad))
        return _counted(pool.answer_rows(answers, filters), answers)
    labels = _reported(running, formats.read_labels(path, skip_bad=running.skip_bad))
    return _counted(pool.preference_rows(labelled_pairs(labels.rows), filters), labels)


def _with_corrected(running: Running, made: Pool, path: Path | None, filters: Filters) -> Pool:
    if path is None:
        return made
    answers = _reported(running, formats.read_answers(path, skip_bad=running.skip_bad))
    corrected = _counted(pool.corrected_rows(answers, filters), answers)
    return pool.with_corrected(made, corrected, most=filters.max_corrected)


def _reported(running: Running, rows: Any) -> Any:
    running.report_bad(rows.bad)
    return rows


def _counted(made: Pool, rows: formats.Rows[Any]) -> Pool:
    """The pool, with the bad rows that --skip-bad left out among the dropped ones."""
    if not rows.bad:
        return made
    return replace(made, dropped={**made.dropped, "bad row": len(rows.bad)})


def labelled_pairs(labels: tuple[Label, ...]) -> list[LabelledPair]:
    """Pairs with their effective labels; a person's verdict stands over a rule's, that over the judge's.

    A person's verdict is a row of kind person, or the `label` beside a judgement. Where a person wrote
    the better answer, that pair's label is theirs.
    """
    people = [label for label in labels if label.kind != "judge"]
    people += [verdict for label in labels if (verdict := _beside(label))]
    judged = [label for label in labels if label.kind == "judge" and not _is_bare(label)]
    splits = {label.pair.id: split for label in labels if (split := _split(label))}
    corrected = {label.pair.id: label for label in labels if pool.is_correction(label)}
    people = [label for label in people if label.pair.id not in corrected]
    judged = [label for label in judged if label.pair.id not in corrected]
    found = effective_labels(people, judged)
    return [
        *(_labelled(label, splits.get(label.pair.id)) for label in found),
        *(LabelledPair.of(label) for label in corrected.values()),
    ]


def _is_bare(label: Label) -> bool:
    """A pair with a person's verdict and no judgement at all."""
    return label.pair.label is not None and label.verdict is None and not label.error


def _beside(label: Label) -> Label | None:
    verdict = label.pair.label
    if verdict is None or label.kind != "judge":
        return None
    return Label(label.pair, verdict, HUMAN_P.get(verdict), kind="person", annotator="label")


def _split(label: Label) -> Split | None:
    given = label.extra.get("split")
    if given is not None and given not in SPLITS:
        raise DataError(f"'split' is {given!r} in row '{label.id}'; it must be train, dev or test")
    split: Split | None = given
    return split


def _labelled(label: Effective, split: Split | None) -> LabelledPair:
    return LabelledPair(
        pair=label.pair,
        p_a=label.p_a,
        source=label.source or "judge",
        inconsistent=label.inconsistent,
        split=split,
        verdict=label.verdict,
        constitution=label.constitution,
        judge=label.judge,
        p_people=label.p_people,
        p_judge=label.p_judge,
    )


@dataset.command()
@click.argument("folder", type=_DIR)
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON.")
def show(folder: Path, as_json: bool) -> None:
    """Say what a frozen dataset holds, and check that nobody changed it."""
    frozen = snapshot.read(folder)
    click.echo(json.dumps(frozen.manifest, ensure_ascii=False) if as_json else _description(frozen))


@dataset.command()
@click.argument("folder", type=_DIR)
@click.option("--format", "format_", type=click.Choice(["parquet", "jsonl"]), required=True)
@click.option("--out", type=_DIR, required=True, help="A new or empty folder.")
def export(folder: Path, format_: str, out: Path) -> None:
    """Write one file a split, with TRL's columns."""
    frozen = snapshot.read(folder)
    write = snapshot.export_parquet if format_ == "parquet" else snapshot.export_jsonl
    for path in write(frozen, out):
        click.echo(str(path))


def _description(frozen: snapshot.Snapshot) -> str:
    manifest = frozen.manifest
    lines = [f"{frozen.path}: {frozen.kind}, {manifest['rows']} rows, hash {frozen.hash}"]
    for split, counts in manifest["counts"].items():
        lines.append(f"  {split:5}  {_listed(counts) or 'no rows'}")
    share = manifest["helpful_share"]["actual"]
    if share is not None:
        lines.append(f"  helpful share {share:.2f}")
    if written := (manifest.get("corrected") or {}).get("by"):
        lines.append(f"  {sum(written.values())} corrected, by {', '.join(written)}")
    for name, words in (("labelled_by", "labelled by"), ("dropped", "left out")):
        if manifest[name]:
            lines.append(f"  {words}: {_listed(manifest[name])}")
    if frozen.certificate:
        lines.append(f"  certificate: {frozen.certificate.get('words')}")
    return "\n".join(lines)


def _listed(counts: Row) -> str:
    return ", ".join(f"{n} {name}" for name, n in counts.items())

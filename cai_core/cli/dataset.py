"""`dataset build|show|export`: frozen datasets out of revisions, labels or prompts."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from cai_core.cli.output import file_hash
from cai_core.cli.preference_labels import labelled_pairs as labelled_pairs
from cai_core.cli.preference_labels import preference_labels
from cai_core.cli.running import Running, stage_options
from cai_core.curate import formats, pool, snapshot
from cai_core.curate.filters import Filters
from cai_core.curate.pool import Pool
from cai_core.schema import Row

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
@click.option(
    "--calibrate/--no-calibrate",
    default=None,
    help="For preference: judges by the blind verdicts in the same file; unasked from 50 on.",
)
@click.option("--rounds", type=click.Choice(["all", "last"]), default="all", show_default=True)
@click.option("--filter", "filters", multiple=True, metavar="NAME=VALUE", help=f"Of: {_FILTERS}.")
@click.option("--out", type=_DIR, required=True)
@stage_options
def build(running: Running, kind: str, out: Path, **options: Any) -> Row:
    """Freeze rows into the folder OUT, each with its split; nothing is ever overwritten."""
    _check_options(kind, options)
    filters = Filters.of(dict(_filter(given) for given in options["filters"]))
    rows, said = _rows(running, kind, options, filters)
    given = (_KINDS[kind], "helpful", "corrected")
    files = {name: options[name] for name in given if options[name]}
    if options["helpful"]:
        helpful, of_helpful = _helpful(running, kind, options, filters)
        said |= {"helpful": of_helpful} if of_helpful else {}
        rows = pool.mix(rows, helpful, share=options["share"], seed=running.seed)
    origin = snapshot.Origin(
        filters=filters,
        settings={"rounds": options["rounds"]} if kind == "sft" else {},
        inputs={name: file_hash(path) for name, path in files.items()},
        seed=running.seed,
        share=options["share"],
        labels=said,
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
    if options["calibrate"] is not None and kind != "preference":
        raise click.UsageError("--calibrate is for --kind preference")
    if options["share"] is not None and not options["helpful"]:
        raise click.UsageError("--share needs --helpful FILE")


def _filter(given: str) -> tuple[str, Any]:
    """NAME=VALUE, or NAME alone for true."""
    name, equals, value = given.partition("=")
    return name.strip().replace("-", "_"), value.strip() if equals else True


def _rows(running: Running, kind: str, options: Row, filters: Filters) -> tuple[Pool, Row]:
    """The rows of the one file that this kind is made from, and what is said of its labels."""
    skip = running.skip_bad
    if kind == "sft":
        revisions = _reported(running, formats.read_revisions(options["revisions"], skip_bad=skip))
        made = _counted(pool.sft_rows(revisions, filters, rounds=options["rounds"]), revisions)
        return _with_corrected(running, made, options["corrected"], filters), {}
    if kind == "preference":
        return _preferences(running, options["labels"], options["calibrate"], filters)
    prompts = _reported(running, formats.read_prompts(options["prompts"], skip_bad=skip))
    return _counted(pool.prompt_rows(prompts), prompts), {}


def _helpful(running: Running, kind: str, options: Row, filters: Filters) -> tuple[Pool, Row]:
    """Helpful rows; of labels it says what was measured in their own file: others gave them."""
    path = options["helpful"]
    if kind == "sft":
        answers = _reported(running, formats.read_answers(path, skip_bad=running.skip_bad))
        return _counted(pool.answer_rows(answers, filters), answers), {}
    asked = None if options["calibrate"] else options["calibrate"]  # asked of --labels alone
    return _preferences(running, path, asked, filters)


def _preferences(
    running: Running, path: Path, calibrate: bool | None, filters: Filters
) -> tuple[Pool, Row]:
    labels = _reported(running, formats.read_labels(path, skip_bad=running.skip_bad))
    found = preference_labels(labels.rows, calibrate=calibrate)
    return _counted(found.rows(filters), labels), found.said


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
        counted = f" ({_listed(sources)})" if (sources := manifest.get("sources")) else ""
        lines.append(f"  helpful share {share:.2f}{counted}")
    lines += [f"  {words}" for words in snapshot.label_words(manifest)]
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

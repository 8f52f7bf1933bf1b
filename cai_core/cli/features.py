"""`features`: read the answers of pairs once, for learned judges; they are kept in the cache."""

from collections import Counter
from pathlib import Path

import click

from cai_core.cli.output import write_result
from cai_core.cli.running import Running, stage_options
from cai_core.errors import CaiError
from cai_core.schema import Row
from cai_core.text import kind_of_reason

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--pairs", type=FILE, required=True, help="Pairs (JSONL, CSV or JSON; gzip too).")
@click.option("--model", required=True, metavar="M", help="Who reads: a model of this machine.")
@click.option("--out", type=FILE, required=True, help="What was read (JSON).")
@stage_options
def features(running: Running, *, pairs: Path, model: str, out: Path) -> Row:
    """Read the answers of pairs and keep what the model makes of them in the cache.

    The same command continues; `labels learn` and `judge --judge HEAD` then find them there.
    """
    from cai_core.curate.formats import stream_pairs
    from cai_core.feedback.features import read_pairs
    from cai_core.models.features import FEATURES

    if running.cache is None:
        raise CaiError("features are kept in the cache; leave --cache none out, or name a file")
    found = stream_pairs(pairs, skip_bad=running.skip_bad)
    running.report_bad(found.bad)
    reader = running.model(model)
    reasons: Counter[str] = Counter()
    width = 0
    for read in read_pairs(found, reader, hooks=running.hooks):
        width = width if read.a is None else len(read.a)
        if read.error:
            reasons[kind_of_reason(read.error)] += 1
    failed = sum(reasons.values())
    row: Row = {"model": model, "fingerprint": reader.fingerprint, "features": FEATURES}
    row |= {"pairs": len(found), "failed": failed, "failed_by_reason": dict(reasons)}
    row |= {"numbers": width, "answers_from_cache": reader.usage.cached}
    write_result(out, row)
    running.say(f"{out}: {len(found) - failed} pairs read by {model}, {failed} could not be")
    return {"out": str(out)} | row

"""`models merge`: an adapter folder becomes a plain model."""

from pathlib import Path

import click

from cai_core.errors import CaiError

_DIR = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("adapter", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option(
    "--model", metavar="M", help="The base, where the adapter's own name of it is not here."
)
@click.option("--out", type=_DIR, required=True, help="A new folder.")
def merge(adapter: Path, model: str | None, out: Path) -> None:
    """Merge a peft ADAPTER folder into its base model and write plain safetensors."""
    from cai_core.train import merging

    base = _folder(model or merging.base_of(adapter))
    merging.merge(adapter, base, out)
    click.echo(out)


def _folder(name: str) -> Path:
    """The base as a model id, a folder, or a bare Hub name as peft writes it."""
    from cai_core.models.catalogue import resolve

    if not name:
        raise CaiError("the adapter does not say what it was trained on; give --model")
    is_hub_name = ":" not in name and name.count("/") == 1 and not Path(name).exists()
    try:
        return resolve(f"hf:{name}" if is_hub_name else name)
    except CaiError as error:
        raise CaiError(f"the base of this adapter is not here: {error}; or give --model") from error

"""`models push`: a model and its card onto the Hugging Face Hub; fails fast where that cannot be."""

import os
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cai_core.errors import CaiError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_WAIT_S = 10  # for the first answer of the Hub
_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_FILES = ("*.safetensors", "*.json", "*.jinja", "*.model", "*.txt", "README.md")
_CARD = "README.md"


@click.command()
@click.argument("model")
@click.argument("name", metavar="ORG/NAME")
@click.option("--private", is_flag=True, help="Make a new repository private.")
def push(model: str, name: str, private: bool) -> None:
    """Push MODEL with its card to ORG/NAME on the Hugging Face Hub.

    What goes: weights, tokenizer, configuration, run.json and the card; no checkpoints, no curves.
    """
    from cai_core.models.catalogue import resolve

    if not _NAME.fullmatch(name):
        raise click.UsageError(f"'{name}' is no name on the Hub; write ORG/NAME")
    folder = resolve(model)
    if not (folder / _CARD).exists():
        raise CaiError(f"{folder} has no model card; write {_CARD} there first")
    if not any(folder.glob("*.safetensors")):
        raise CaiError(f"{folder} holds no model in safetensors form")
    api = _connected()
    click.echo(_pushed(api, folder, name, private), err=False)


def _connected() -> "HfApi":
    """The Hub, asked once with the token: so that nothing is retried for minutes where it cannot work."""
    from huggingface_hub import HfApi, constants, get_token

    endpoint = (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")
    if constants.is_offline_mode():
        raise CaiError("HF_HUB_OFFLINE is set; unset it to push")
    token = get_token()
    if not token:
        raise CaiError("there is no token for the Hub; run `hf auth login`, or set HF_TOKEN")
    headers = {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"{endpoint}/api/whoami-v2", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=_WAIT_S):
            pass
    except urllib.error.HTTPError as error:
        why = "the token is refused" if error.code in (401, 403) else f"it answers {error.code}"
        raise CaiError(f"cannot push to {endpoint}: {why}") from error
    except (OSError, ValueError) as error:
        raise CaiError(
            f"cannot reach {endpoint}; a model is pushed from a machine that does"
        ) from error
    return HfApi(endpoint=endpoint, token=token)


def _pushed(api: "HfApi", folder: Path, name: str, private: bool) -> str:
    """Where it is then."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        place = api.create_repo(name, private=private or None, exist_ok=True)
        api.upload_folder(
            repo_id=name,
            folder_path=folder,
            commit_message="Model and card by Ratify",
            allow_patterns=list(_FILES),
            ignore_patterns=["*/*"],
        )
    except (HfHubHTTPError, OSError) as error:
        reason = (
            str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
        )
        raise CaiError(f"the Hub did not take {name}: {reason}") from error
    return str(place)

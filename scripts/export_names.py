"""List the option names of OpenRLHF and verl out of their wheels: what exported commands are tested against.

    python scripts/export_names.py > tests/train/export/names.json

Only names are taken. Wheels come from PyPI, without what they need.
"""

import ast
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from cai_core.train.export import openrlhf, verl

COMMANDS = ("train_sft", "train_rm", "train_ppo_ray")
CONFIGS = {"ppo": "_generated_ppo_trainer.yaml", "sft": "sft_trainer_engine.yaml"}
PARTS = {"optim": "optim/fsdp.yaml", "engine": "engine/fsdp.yaml", "model": "model/hf_model.yaml"}


def fetched(package: str, version: str, place: Path) -> Path:
    """The unpacked wheel."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(place)]
    subprocess.run([*command, f"{package}=={version}"], check=True)
    [wheel] = place.glob(f"{package}-*.whl")
    zipfile.ZipFile(wheel).extractall(place / package)
    return place / package


def options(source: str) -> list[str]:
    """First arguments of every add_argument; f-strings are filled in with actor and critic."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument":
            name = node.args[0]
            if isinstance(name, ast.Constant):
                found.append(str(name.value))
            elif isinstance(name, ast.JoinedStr):
                parts = [getattr(part, "value", None) for part in name.values]
                for prefix in ("actor", "critic"):
                    found.append("".join(p if isinstance(p, str) else prefix for p in parts))
    return sorted(found)


def keys(value: Any, before: str = "") -> Iterator[str]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from keys(inner, f"{before}.{name}" if before else str(name))
    else:
        yield before


def sft_keys(configs: Path) -> Iterator[str]:
    """Those of its own file, and of the parts that its defaults put under a name."""
    yield from keys(YAML(typ="safe").load((configs / CONFIGS["sft"]).read_text()))
    for name, file in PARTS.items():
        yield from keys(YAML(typ="safe").load((configs / file).read_text()), name)


def names(place: Path) -> dict[str, Any]:
    theirs = fetched("openrlhf", openrlhf.VERSION, place)
    found: dict[str, Any] = {"openrlhf": {"version": openrlhf.VERSION}}
    for command in COMMANDS:
        [file] = theirs.glob(f"**/openrlhf/cli/{command}.py")
        found["openrlhf"][command] = options(file.read_text())
    configs = fetched("verl", verl.VERSION, place) / "verl" / "trainer" / "config"
    ppo = YAML(typ="safe").load((configs / CONFIGS["ppo"]).read_text())
    found["verl"] = {"version": verl.VERSION, "ppo": sorted(keys(ppo))}
    found["verl"]["sft"] = sorted(set(sft_keys(configs)))
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for project, lists in (found := names(Path(folder))).items():
            found[project] = {
                name: " ".join(one) if isinstance(one, list) else one for name, one in lists.items()
            }
        print(json.dumps(found, indent=1))

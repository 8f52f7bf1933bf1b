"""A start command as a shell script: one option a line, the model and the number of GPUs changeable."""

import shlex
from collections.abc import Mapping, Sequence

from cai_core.train.export.material import Material

_HEAD = """#!/usr/bin/env bash
# {title}
# MODEL=... GPUS=... NODES=... change what is written here; further options are handed on.
set -euo pipefail
cd "$(dirname "$0")"
{variables}
"""


class Shell(str):
    """A word for the shell as it stands; any other word is quoted."""


def script(
    title: str,
    material: Material,
    command: Sequence[str],
    *,
    variables: Mapping[str, str] | None = None,
) -> str:
    """The whole file; `variables` are further ones with their defaults."""
    given = {"MODEL": material.model, "GPUS": str(material.gpus), "NODES": "1"} | dict(
        variables or {}
    )
    lines_of = (f'[ -n "${{{n}:-}}" ] || {n}={shlex.quote(v)}' for n, v in given.items())
    head = _HEAD.format(title=title, variables="\n".join(lines_of)).rstrip("\n")
    lines = " \\\n    ".join([*_lines(command), '"$@"'])
    return f"{head}\n\n{lines}\n"


def _lines(command: Sequence[str]) -> list[str]:
    """Each option with its values; the program that is called in the first line."""
    found: list[list[str]] = [[]]
    for word in command:
        if word.startswith("--") or ("=" in word and found[0]):
            found.append([])
        found[-1].append(quoted(word))
    return [" ".join(words) for words in found if words]


def quoted(word: str) -> str:
    """
    >>> quoted(Shell('"$MODEL"')), quoted("a $b")
    ('"$MODEL"', "'a $b'")
    """
    return word if isinstance(word, Shell) else shlex.quote(word)


def per_gpu(rows: int) -> Shell:
    """A global batch size: so many rows on each GPU."""
    return Shell(f'"$(({rows} * GPUS * NODES))"')


def here(path: str) -> Shell:
    """A file of the export, whatever the directory that a cluster runs it in."""
    return Shell(f'"$PWD"/{shlex.quote(path)}')

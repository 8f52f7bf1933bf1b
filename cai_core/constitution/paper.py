"""The JSON of the CAI paper's repository, in and out: comparisons, and critiques with revisions.

Comparisons are a list of texts; critiques an object `{name: {prompt: [critique], edit_request}}`
(anthropics/ConstitutionalHarmlessnessPaper, prompts/; Bai et al. 2022, appendix C).
"""

import json
from collections.abc import Sequence

from cai_core.constitution import keys, losses
from cai_core.constitution.json_tree import Node
from cai_core.constitution.plain_text import fault
from cai_core.constitution.wrappers import COMPARISON, CRITIQUE, REVISION
from cai_core.schema import Principle

_ENTRY = ("prompt", "edit_request")


def read_comparisons(tree: Node, *, name: str) -> tuple[list[Principle], list[str]]:
    """Principles of a list of texts, and what was not taken over.

    Raises:
        ConstitutionError: an entry is no text, or empty; names its line.
    """
    texts = []
    for node in tree.items:
        texts.append(COMPARISON.taken_off(_text(node, "a comparison", name)))
        _require_words(texts[-1], "a comparison", node, name)
    found = keys.unique([keys.from_words(text) for text in texts])
    left = _wrapper_note([n.text for n in tree.items if not COMPARISON.is_on(n.text)], "Options:")
    return [Principle(key, text) for key, text in zip(found, texts, strict=True)], left


def write_comparisons(principles: Sequence[Principle]) -> tuple[str, list[str]]:
    """The list, one line of JSON as in the paper's file; principles without a wording stay out."""
    kept = [p for p in principles if p.text.strip()]
    out = [p for p in principles if not p.text.strip()]
    left = [f"{losses.counted(out)}, because they have no comparison wording"] if out else []
    left += losses.of_principles(kept, holds={"text"})
    return json.dumps([COMPARISON.put_on(p.text) for p in kept], ensure_ascii=False), left


def read_critiques(tree: Node, *, name: str) -> tuple[list[Principle], list[str]]:
    """Principles of `{name: {prompt, edit_request}}`, and what was not taken over."""
    wanted: list[tuple[str, str, str]] = []
    bare: list[str] = []
    left: list[str] = []
    for key, entry in tree.fields.items():
        prompts, request = _entry(key, entry, name)
        bare += [node.text for node in prompts if not CRITIQUE.is_on(node.text)]
        bare += (
            [request.text] if request and request.text and not REVISION.is_on(request.text) else []
        )
        revision = REVISION.taken_off(request.text) if request else ""
        wanted += [(key.strip(), CRITIQUE.taken_off(node.text), revision) for node in prompts]
        if len(prompts) > 1:
            left.append(f"that the {len(prompts)} prompts of '{key}' belong together")
        left += _other_fields(key, entry)
    left += _wrapper_note(bare, "CritiqueRequest: and RevisionRequest:")
    found = keys.unique([key for key, _, _ in wanted])
    rows = zip(found, wanted, strict=True)
    return [Principle(key, critique=c, revision=r) for key, (_, c, r) in rows], left


def write_critiques(principles: Sequence[Principle]) -> tuple[str, list[str]]:
    """The object, indented as in the paper's file; principles without a critique stay out."""
    kept, left = losses.of_critiques(principles, holds={"key", "critique", "revision"})
    rows = {
        p.key: {
            "prompt": [CRITIQUE.put_on(p.critique)],
            "edit_request": REVISION.put_on(p.revision) if p.revision else "",
        }
        for p in kept
    }
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n", left


def _entry(key: str, entry: Node, name: str) -> tuple[list[Node], Node | None]:
    """The prompts of an entry, at least one, and its edit request."""
    what = f"'{key}'"
    if entry.kind != "object":
        raise fault(name, entry.line, f"{what} must be an object with prompt and edit_request")
    if not key.strip():
        raise fault(name, entry.line, "an entry has an empty name; give it one")
    prompt = entry.fields.get("prompt")
    if prompt is None:
        raise fault(name, entry.line, f"{what} has no 'prompt'; write the critique request there")
    prompts = prompt.items if prompt.kind == "list" else [prompt]
    if not prompts:
        raise fault(name, prompt.line, f"the 'prompt' of {what} is empty; write a critique request")
    for node in prompts:
        wording = CRITIQUE.taken_off(_text(node, f"the 'prompt' of {what}", name))
        _require_words(wording, f"the 'prompt' of {what}", node, name)
    request = entry.fields.get("edit_request")
    if request is not None:
        _text(request, f"the 'edit_request' of {what}", name)
    return prompts, request


def _text(node: Node, what: str, name: str) -> str:
    if node.kind != "text":
        raise fault(name, node.line, f"{what} must be a text")
    return node.text


def _require_words(wording: str, what: str, node: Node, name: str) -> None:
    if not wording.strip():
        raise fault(name, node.line, f"{what} is empty; write it or remove the entry")


def _other_fields(key: str, entry: Node) -> list[str]:
    return [
        f"'{field}' of '{key}' (line {node.line})"
        for field, node in entry.fields.items()
        if field not in _ENTRY
    ]


def _wrapper_note(bare: Sequence[str], usual: str) -> list[str]:
    if not bare:
        return []
    n = f"{len(bare)} wording{'s' if len(bare) != 1 else ''}"
    return [f"how {n} began and ended: it is not the usual {usual}, which an export writes"]

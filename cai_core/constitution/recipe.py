"""The JSON of the Hugging Face recipe, in and out: `{constitutions: [{critic, revision}], system_chat}`.

The older form, the bare list of `{critic, revision}`, is read too (huggingface/llm-swarm,
examples/constitutional-ai and examples/hh).
"""

import json
from collections.abc import Sequence

from cai_core.constitution import keys, losses
from cai_core.constitution.json_tree import Node
from cai_core.constitution.plain_text import fault
from cai_core.constitution.wrappers import CRITIQUE, REVISION
from cai_core.schema import Principle

_ENTRY = ("critic", "revision")


def read(tree: Node, *, name: str) -> tuple[list[Principle], list[str]]:
    """Its principles, and what was not taken over.

    Raises:
        ConstitutionError: an entry without a critic, or of a wrong type; names its line.
    """
    entries = tree if tree.kind == "list" else tree.fields["constitutions"]
    if entries.kind != "list":
        raise fault(name, entries.line, "'constitutions' must be a list of {critic, revision}")
    left = [f"'{field}' (line {n.line})" for field, n in tree.fields.items() if field not in _KNOWN]
    left += _chat_note(tree.fields.get("system_chat"))
    principles, wrapped = [], 0
    for place, entry in enumerate(entries.items, start=1):
        raw = [_wording(entry, field, place, name) for field in _ENTRY]
        critique, revision = CRITIQUE.taken_off(raw[0]), REVISION.taken_off(raw[1])
        bare = [_bare(raw[0], critique), _bare(raw[1], revision)]
        wrapped += raw != bare
        if not bare[0].strip():
            raise fault(name, entry.line, f"entry {place} has an empty 'critic'; write one")
        principles.append(Principle("", critique=bare[0], revision=bare[1]))
        left += [
            f"'{field}' of entry {place} (line {n.line})"
            for field, n in entry.fields.items()
            if field not in _ENTRY
        ]
    if wrapped:
        count = "1 entry" if wrapped == 1 else f"{wrapped} entries"
        left.append(f"what stood around the requests of {count} (CritiqueRequest: ...)")
    return _with_keys(principles), left


def write(principles: Sequence[Principle]) -> tuple[str, list[str]]:
    """The file, with an empty `system_chat`; principles without a critique stay out."""
    kept, left = losses.of_critiques(principles, holds={"critique", "revision"})
    left.append("'system_chat' is empty: the recipe's worked examples are not part of it")
    rows = [{"critic": p.critique, "revision": p.revision} for p in kept]
    row = {"constitutions": rows, "system_chat": []}
    return json.dumps(row, indent=2, ensure_ascii=False) + "\n", left


_KNOWN = ("constitutions", "system_chat")


def _bare(raw: str, unwrapped: str) -> str:
    """The recipe has no wrapper: a wording without one stays as it is, its spaces too."""
    return raw if raw.strip() == unwrapped else unwrapped


def _wording(entry: Node, field: str, place: int, name: str) -> str:
    if entry.kind != "object":
        raise fault(name, entry.line, f"entry {place} must be an object with critic and revision")
    node = entry.fields.get(field)
    if node is None and field == "critic":
        raise fault(name, entry.line, f"entry {place} has no 'critic'; write one")
    if node is not None and node.kind != "text":
        raise fault(name, node.line, f"the '{field}' of entry {place} must be a text")
    return node.text if node else ""


def _with_keys(principles: Sequence[Principle]) -> list[Principle]:
    found = keys.unique([keys.from_words(p.critique) for p in principles])
    pairs = zip(found, principles, strict=True)
    return [Principle(key, critique=p.critique, revision=p.revision) for key, p in pairs]


def _chat_note(chat: Node | None) -> list[str]:
    if chat is None or not (chat.items or chat.fields or chat.text):
        return []
    turns = sum(len(example.items) for example in chat.items)
    return [
        f"'system_chat' (line {chat.line}), which has no place in a constitution; its worked examples:"
        f" {len(chat.items)}, its turns: {turns}"
    ]

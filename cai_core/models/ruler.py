"""How many tokens a text or a chat has for a model, without loading the model, torch or transformers.

A local model's `tokenizer.json` is read by the library `tokenizers` and its chat template is run by
`ChatRenderer`, so that the count is the one that the model itself would give (a test compares them).
Where there is no such file, and for endpoints, it is an estimate by characters, and says so.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cai_core.errors import CaiError, ModelError
from cai_core.models import capabilities, catalogue
from cai_core.models.counting import estimate_tokens, tokens_of
from cai_core.models.rendering import ChatRenderer
from cai_core.schema import Chat
from cai_core.settings import Settings

# Where a model's config tells its window.
LIMITS = ("max_position_embeddings", "n_positions", "max_seq_len")
_NAMED = (
    "bos_token",
    "eos_token",
    "unk_token",
    "pad_token",
    "sep_token",
    "cls_token",
    "mask_token",
)


@dataclass(frozen=True)
class Ruler:
    """Counts tokens for one model.

    Args:
        context: tokens of its window; UNKNOWN_CONTEXT where nobody knows.
        why_estimate: why it counts 4 characters as a token, "" where it counts exactly.
    """

    model_id: str
    context: int
    why_estimate: str = ""
    tokenizer: "_Tokenizer | None" = None

    @property
    def exact(self) -> bool:
        return self.tokenizer is not None

    @property
    def knows_window(self) -> bool:
        return self.context < capabilities.UNKNOWN_CONTEXT

    def count_text(self, text: str) -> int:
        """Tokens of a text by itself, as it stands inside a longer one."""
        return self.tokenizer.count(text) if self.tokenizer else tokens_of(text)

    def count_chat(self, chat: Chat) -> int:
        """Tokens of the whole rendered chat.

        Raises:
            ModelError: a chat that the model's template refuses.
        """
        if self.tokenizer is None:
            return estimate_tokens(chat)
        renderer = ChatRenderer(self.tokenizer)
        return len(renderer.tokens([renderer.text(chat)])[0])

    def said(self, tokens: int) -> str:
        """A number of tokens in words, an estimate marked as one.

        >>> Ruler("endpoint:a/b", 8192).said(12)
        'about 12 tokens'
        """
        return f"{tokens:,} tokens" if self.exact else f"about {tokens:,} tokens"


def ruler_of(model_id: str, settings: Settings) -> Ruler:
    """The ruler of any model; one that is missing, unknown or behind an endpoint is estimated."""
    try:
        kind, name = catalogue.parse(model_id)
        if kind != "endpoint":
            return Ruler(model_id, *_measured(catalogue.resolve(model_id)))
        place, _, model = name.partition("/")
        context = capabilities.window(settings.endpoint(place), model)
        return Ruler(model_id, context, "an endpoint's tokenizer is not at hand")
    except CaiError as error:
        return Ruler(model_id, capabilities.UNKNOWN_CONTEXT, str(error))


def stamp(model_id: str, settings: Settings) -> str:
    """What the ruler of this model depends on, as text, for caches."""
    try:
        folder = catalogue.resolve(model_id)
    except (
        ModelError
    ) as error:  # not here, or an endpoint, of which its window may come to be known
        return f"{error} {ruler_of(model_id, settings).context}"
    files = sorted(folder.glob("*.json")) + sorted(folder.glob("*.jinja"))
    return str([(path.name, path.stat().st_mtime_ns) for path in files])


def _measured(folder: Path) -> tuple[int, str, "_Tokenizer | None"]:
    config, options = _json(folder / "config.json"), _json(folder / "tokenizer_config.json")
    limits = [_whole(config.get(name)) for name in LIMITS]
    limits.append(_whole(options.get("model_max_length")))
    context = min((n for n in limits if n > 0), default=capabilities.UNKNOWN_CONTEXT)
    context = min(context, capabilities.UNKNOWN_CONTEXT)
    if not (folder / "tokenizer.json").exists():
        return context, "it has no tokenizer.json", None
    return context, "", _Tokenizer(folder, options)


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error
    return found if isinstance(found, dict) else {}


class _Tokenizer:
    """As much of a transformers tokenizer as `ChatRenderer` asks for."""

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        from tokenizers import Tokenizer

        path = folder / "tokenizer.json"
        try:
            self._tokenizer: Any = Tokenizer.from_file(str(path))
        except Exception as error:
            if type(error) is not Exception:  # the library raises the bare class for a bad file
                raise
            reason = " ".join(str(error).split())[:200]
            raise ModelError(f"{path} cannot be read: {reason}") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._named = {name: _content(options[name]) for name in _NAMED if options.get(name)}
        self.all_special_tokens = list(self._named.values())
        self.added_tokens_decoder = self._tokenizer.get_added_tokens_decoder()
        self.chat_template = _template(folder, options)

    def count(self, text: str) -> int:
        return len(self._encoded(text, special=False))

    def __call__(
        self, texts: Sequence[str], *, add_special_tokens: bool, verbose: bool = False
    ) -> dict[str, list[list[int]]]:
        return {"input_ids": [self._encoded(text, special=add_special_tokens) for text in texts]}

    def apply_chat_template(
        self, rows: list[dict[str, str]], *, tokenize: bool, add_generation_prompt: bool
    ) -> str:
        template = _environment().from_string(self.chat_template)
        return str(
            template.render(
                messages=rows, add_generation_prompt=add_generation_prompt, **self._named
            )
        )

    def _encoded(self, text: str, *, special: bool) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=special).ids)


def _content(token: object) -> str:
    return str(token.get("content", "")) if isinstance(token, dict) else str(token)


def _template(folder: Path, options: dict[str, Any]) -> str:
    """The chat template: a file of its own, or in the tokenizer's options, maybe one of several."""
    path = folder / "chat_template.jinja"
    if path.exists():
        return path.read_text(encoding="utf-8")
    given = options.get("chat_template") or ""
    if isinstance(given, list):
        named = {str(one.get("name")): str(one.get("template")) for one in given}
        return named.get("default", "")
    return str(given)


def _environment() -> Any:
    """Jinja as chat templates are written for; sandboxed, for they come with the weights."""
    import datetime

    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: str) -> None:
        raise TemplateError(message)

    def to_json(value: object, ensure_ascii: bool = False, **options: Any) -> str:
        return json.dumps(value, ensure_ascii=ensure_ascii, **options)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = to_json
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = lambda form: datetime.datetime.now().strftime(form)
    return environment

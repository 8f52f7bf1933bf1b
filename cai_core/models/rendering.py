"""A chat as the text and tokens that a model reads, through its tokenizer's chat template, and back.

Texts of people and models are data: a special token that stands in one is broken up, so that it
cannot end a turn or begin another. A model that thinks first has done so, with no thought, before a
begun turn; a thought that its template opens comes back with the answer, see `thinking`.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from cai_core.errors import ModelError
from cai_core.models.sharing import Answered, Context, Tokens, common_length, contexts_of
from cai_core.models.thinking import CLOSE, CLOSED, OPEN
from cai_core.schema import Chat, Message, assistant, user

RENDERING = 2  # part of cache keys; goes up when a chat comes to be rendered otherwise
BEGUN = "ratify-begun-turn"  # stands for the begun turn while the template runs
STOP_TOKENS = 10  # a stop text is a blank line and "Human:", ten characters, so never more tokens
PLAIN_NAMES = {"user": "Human", "assistant": "Assistant"}  # the turns of hh dialogues


class ChatRenderer:
    """Renders chats for one tokenizer, with or without a chat template."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._template = bool(tokenizer.chat_template)

    @property
    def stops(self) -> tuple[str, ...]:
        """Texts that end an answer besides the end token: a base model goes on as the user."""
        return () if self._template else (f"\n\n{PLAIN_NAMES['user']}:",)

    def text(self, chat: Chat) -> str:
        """The prompt, ending where the model writes on: in a new or a begun assistant turn.

        Raises:
            ModelError: an empty chat, or one that the template refuses.
        """
        if not chat:
            raise ModelError("the chat is empty; it needs at least one turn")
        turns = tuple(Message(turn.role, self._harmless(turn.content)) for turn in chat)
        if not self._template:
            return _plain(turns)
        if not self._takes_system:
            turns = _system_into_user(turns)
        if turns[-1].role == "assistant":
            return self._with_begun_turn(turns)
        return self._render(turns, begin=True)

    def tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Tokens of whole prompts; one tokenized in two parts gives others."""
        if not texts:
            return []
        special = not self._template  # a template writes the first token itself
        whole = [readable(text) for text in texts]
        found = self._tokenizer(whole, add_special_tokens=special, verbose=False)
        return [tuple(ids) for ids in found["input_ids"]]

    def prompts(self, chats: Sequence[Chat], window: int) -> list[Tokens]:
        """Tokens of the chats.

        Raises:
            ModelError: a prompt that leaves no room in the window for a token of an answer.
        """
        prompts = self.tokens([self.text(chat) for chat in chats])
        for place, ids in enumerate(prompts):
            _check_length(len(ids), window, place, len(chats))
        return prompts

    def contexts(self, chats: Sequence[Chat], choices: Sequence[str], window: int) -> list[Context]:
        """What must be read to score every choice after every chat. Raises ModelError."""
        if not choices or not all(choices):
            raise ModelError("a choice to be scored is empty; give every choice a text")
        texts = [self.text(chat) for chat in chats]
        prompts = self.tokens(texts)
        wholes = self.tokens([text + choice for text in texts for choice in choices])
        found = []
        for chat, prompt in enumerate(prompts):
            mine = wholes[chat * len(choices) : (chat + 1) * len(choices)]
            _check_length(max(map(len, mine)) - 1, window, chat, len(chats))
            found += contexts_of(chat, prompt, mine)
        return found

    def answers(self, chats: Sequence[Chat], window: int) -> list[Answered]:
        """Tokens of conversations that end in an answer, with the end of its turn.

        Raises:
            ModelError: a chat that does not end in an answer with text, or does not fit.
        """
        if any(not chat or chat[-1].role != "assistant" or not chat[-1].content for chat in chats):
            raise ModelError("a conversation does not end in an answer; only answers have features")
        end = str(self._tokenizer.eos_token or "") if self._template else ""
        fronts = self.tokens([self.text((*chat[:-1], assistant(""))) for chat in chats])
        wholes = self.tokens([self.text(chat) + end for chat in chats])
        for place, ids in enumerate(wholes):
            _check_length(len(ids) - 1, window, place, len(chats))
        return [
            Answered(whole, min(common_length(front, whole), len(whole) - 1))
            for front, whole in zip(fronts, wholes, strict=True)
        ]

    def opening(self, chat: Chat) -> str:
        """What of an answer stands at the end of the prompt: a thought that the template opens."""
        begun = chat[-1].role == "assistant"
        return OPEN if self._opens_thought and not begun else ""

    def answer(self, ids: Sequence[int]) -> str:
        """The text of written tokens, up to a stop text."""
        text = self._tokenizer.decode(
            list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        ends = [text.find(stop) for stop in self.stops]
        return str(text[: min([end for end in ends if end >= 0], default=len(text))])

    def stopped(self, ids: Sequence[int]) -> bool:
        """Whether the last tokens complete a stop text."""
        if not self.stops:
            return False
        tail = self._tokenizer.decode(list(ids[-STOP_TOKENS:]))
        return any(stop in tail for stop in self.stops)

    def settled(self, text: str) -> int:
        """How much of a begun answer will stay: a character may be half there, a stop text too."""
        return max(0, len(text.rstrip("\ufffd")) - max(map(len, self.stops), default=0))

    def _with_begun_turn(self, turns: Chat) -> str:
        """Render with a stand-in for the begun turn: templates strip it or end it, we must not."""
        stand_in = (*turns[:-1], assistant(BEGUN))
        rendered = self._render(stand_in, begin=False)
        whole = rendered.count(BEGUN) == sum(turn.content.count(BEGUN) for turn in stand_in)
        if whole and not self._opens_thought:
            front = rendered[: rendered.rfind(BEGUN)]
        else:
            front = self._render(turns[:-1], begin=True)
        return self._thought_closed(front) + turns[-1].content

    def _thought_closed(self, front: str) -> str:
        """What stands before a begun turn, with an empty thought where the model would think."""
        bare = front.rstrip()
        if bare.endswith(OPEN):
            return bare.removesuffix(OPEN) + CLOSED
        if self._thinks and not bare.endswith(CLOSE):
            return front + CLOSED
        return front

    def _render(self, turns: Chat, *, begin: bool) -> str:
        from jinja2 import TemplateError

        rows = [turn.to_row() for turn in turns]
        try:
            text = self._tokenizer.apply_chat_template(
                rows, tokenize=False, add_generation_prompt=begin
            )
        except (TemplateError, ValueError, TypeError, KeyError) as error:
            raise ModelError(
                f"the model's chat template refuses this conversation: {error}"
            ) from error
        return str(text)

    @cached_property
    def _takes_system(self) -> bool:
        """Whether a system turn comes through: some templates refuse it, some leave it out."""
        probe = (Message("system", BEGUN), user("Hello"))
        try:
            return BEGUN in self._render(probe, begin=True)
        except ModelError:
            return False

    @cached_property
    def _thinks(self) -> bool:
        """Whether the template knows of thoughts: of Qwen3's kind, opened by the model, too."""
        return CLOSE in str(self._tokenizer.chat_template)

    @cached_property
    def _opens_thought(self) -> bool:
        """Whether a new turn begins inside a thought."""
        if not self._template:
            return False
        try:
            return self._render((user("Hello"),), begin=True).rstrip().endswith(OPEN)
        except ModelError:
            return False

    @cached_property
    def _special(self) -> Sequence[str]:
        added = self._tokenizer.added_tokens_decoder.values()
        special = {str(token) for token in added if token.special}
        return sorted(special | set(self._tokenizer.all_special_tokens), key=len, reverse=True)

    def _harmless(self, content: str) -> str:
        for token in self._special:
            content = content.replace(token, f"{token[:1]} {token[1:]}")
        return content


def readable(text: str) -> str:
    """The text with a question mark for half a surrogate pair, which no encoding has.

    >>> readable("tea" + chr(0xD800))
    'tea?'
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def _check_length(tokens: int, window: int, place: int, count: int) -> None:
    if tokens >= window:
        which = f"prompt {place + 1} of {count}" if count > 1 else "the prompt"
        raise ModelError(
            f"{which} has {tokens} tokens and the model's window holds {window}, answer included;"
            " shorten it or choose a model with a longer window"
        )


def _system_into_user(turns: Chat) -> Chat:
    """Put the text of system turns at the head of the first user turn."""
    system = "\n\n".join(turn.content for turn in turns if turn.role == "system")
    rest = [turn for turn in turns if turn.role != "system"]
    first = next((i for i, turn in enumerate(rest) if turn.role == "user"), None)
    if not system:
        return tuple(rest)
    if first is None:
        return (user(system), *rest)
    rest[first] = user(f"{system}\n\n{rest[first].content}")
    return tuple(rest)


def _plain(turns: Chat) -> str:
    r"""The form of hh dialogues, for a base model.

    >>> _plain((user("Hi"),))
    'Human: Hi\n\nAssistant:'
    >>> _plain((user("Hi"), assistant("Hel")))
    'Human: Hi\n\nAssistant: Hel'
    """
    parts = [
        f"{PLAIN_NAMES[turn.role]}: {turn.content}" if turn.role in PLAIN_NAMES else turn.content
        for turn in turns
    ]
    if turns[-1].role != "assistant":
        parts.append(f"{PLAIN_NAMES['assistant']}:")
    return "\n\n".join(parts)

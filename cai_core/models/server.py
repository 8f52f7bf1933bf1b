"""One server of the OpenAI chat protocol: requests are sent, tried again, and held back together.

Streams go through the openai client. Whole answers go over the same connections as plain JSON: the
client's typed requests and answers take most of the processor's time at hundreds of them a second.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from cai_core.errors import ModelError
from cai_core.models import refusals
from cai_core.models.gate import Gate, asked_wait, backoff, pause, used_up
from cai_core.models.reply import Reply
from cai_core.schema import Row, StopHook
from cai_core.settings import Endpoint

if TYPE_CHECKING:
    from httpx2 import Client, Response
    from openai import OpenAI

T = TypeVar("T")

PATH = "/chat/completions"
TOP_LOGPROBS = (20, 5)  # most that servers give; what the strict ones give

# What a server may refuse to know; it is then asked again without.
OPTIONAL = ("seed", "top_k", "continue_final_message", "add_generation_prompt")


class Server:
    """Sends requests for one model; `refused` are the options that the server does not take."""

    def __init__(self, endpoint: Endpoint, model: str, key: str) -> None:
        self.endpoint = endpoint
        self.model = model
        self.gate = Gate()
        self.refused: set[str] = set()
        self.limits: tuple[str, ...] = ()  # names of the rate-limit headers of the last answer
        self._key = key

    @property
    def name(self) -> str:
        return f"endpoint '{self.endpoint.name}'"

    def ask(self, body: Row, stopped: StopHook) -> Reply:
        """One completion. Raises ModelError, or Stopped while it waited for the server."""
        response = self._learning(body, stopped, self._post)
        self.gate.answered(response.headers)
        with self._sentences():
            reply = Reply.of(json.loads(response.content))
        self.limits = tuple(n for n in response.headers if n.startswith("x-ratelimit"))
        if reply is None:
            raise ModelError(
                f"{self.name} answered with something that is no chat completion; its base_url"
                f" usually ends in /v1: {self.endpoint.base_url}"
            )
        return reply

    def stream(self, body: Row, stopped: StopHook) -> Iterator[str]:
        """Pieces of one answer. Raises ModelError, also where it breaks off."""
        import openai
        from openai.types.chat import ChatCompletionChunk as Chunk

        def send(sent: Row) -> "openai.Stream[Chunk]":
            kind = openai.Stream[Chunk]
            more: Any = {"cast_to": Chunk, "stream": True, "stream_cls": kind}
            chunks: openai.Stream[Chunk] = self._client.post(PATH, body=sent, **more)
            return chunks

        finished = False
        with self._sentences(), self._learning(body | {"stream": True}, stopped, send) as chunks:
            for chunk in chunks:
                for choice in getattr(chunk, "choices", None) or ():
                    finished = finished or choice.finish_reason is not None
                    if choice.delta and choice.delta.content:
                        yield choice.delta.content
        if not finished:
            raise ModelError(f"{self.name} broke off in the middle of an answer; try again")

    @staticmethod
    def is_refusal(error: ModelError) -> bool:
        """Whether the server took the request for a wrong one."""
        import openai

        refused = openai.BadRequestError | openai.UnprocessableEntityError
        return isinstance(error.__cause__, refused)

    def get(self, path: str) -> Row:
        """What else the server tells; empty where it tells nothing."""
        import openai

        try:
            row = self._client.get(path, cast_to=object)
        except (openai.OpenAIError, ValueError):
            return {}
        return row if isinstance(row, dict) else {}

    def _post(self, sent: Row) -> "Response":
        """Send one request; raises what the openai client would."""
        import httpx2
        import openai

        try:
            response = self._http.post(
                self._url, content=json.dumps(sent).encode(), headers=self._headers
            )
        except httpx2.TimeoutException as error:
            raise openai.APITimeoutError(request=error.request) from error
        except httpx2.TransportError as error:
            raise openai.APIConnectionError(request=error.request) from error
        if response.status_code >= 400:
            raise refusals.kind(response.status_code)(
                refusals.said(response), response=response, body=None
            )
        return response

    @cached_property
    def _url(self) -> str:
        return self.endpoint.base_url.rstrip("/") + PATH

    @cached_property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}

    @cached_property
    def _http(self) -> "Client":
        import httpx2

        most = self.endpoint.concurrency + 1
        return httpx2.Client(
            timeout=self.endpoint.timeout_s,
            limits=httpx2.Limits(max_connections=most, max_keepalive_connections=most),
            follow_redirects=True,
        )

    @cached_property
    def _client(self) -> "OpenAI":
        from openai import OpenAI

        client = OpenAI(
            base_url=self.endpoint.base_url,
            api_key=self._key,
            timeout=self.endpoint.timeout_s,
            max_retries=0,  # tried again here, all threads together
            http_client=self._http,
        )
        client.organization = client.project = None  # the environment's belong to another service
        return client

    # Trying again

    def _learning(self, body: Row, stopped: StopHook, send: Callable[[Row], T]) -> T:
        """Send a request, again without what the server says it does not know."""
        import openai

        while True:
            sent = self._allowed(body)
            try:
                with self._sentences(openai.BadRequestError, openai.UnprocessableEntityError):
                    return self._trying(lambda: send(sent), stopped)  # noqa: B023
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if not self._learnt(sent, str(error)):
                    self._fail(error)

    def _trying(self, send: Callable[[], T], stopped: StopHook) -> T:
        """Send, again after a wait where that may help, as often as the settings allow.

        A limit that lets others through meanwhile costs no try: it is only a matter of time.
        """
        import openai

        tries, through = 0, self.gate.through
        while True:
            self.gate.wait(stopped)
            try:
                return send()
            except (openai.APIConnectionError, openai.APIStatusError) as error:
                limited = isinstance(error, openai.RateLimitError)
                tries += not (limited and self.gate.through > through)
                through = self.gate.through
                if tries > self.endpoint.retries or not refusals.may_help(error):
                    raise
                self._wait_after(error, tries, stopped)

    def _wait_after(self, error: Exception, tries: int, stopped: StopHook) -> None:
        """Hold everybody back where the server asks for it, else wait alone."""
        import openai

        headers = error.response.headers if isinstance(error, openai.APIStatusError) else {}
        asked = asked_wait(headers) or used_up(headers)
        if asked or isinstance(error, openai.RateLimitError):
            self.gate.hold(asked or backoff(tries))
        else:
            pause(backoff(tries), stopped)

    def _allowed(self, body: Row) -> Row:
        """The request, less what this server has refused."""
        sent = {k: v for k, v in body.items() if v is not None}
        for name in self.refused.intersection(OPTIONAL):
            sent.pop(name, None)
        if sent.get("logprobs"):
            sent["top_logprobs"] = TOP_LOGPROBS["top_logprobs" in self.refused]
        if "max_tokens" in self.refused:
            sent["max_completion_tokens"] = sent.pop("max_tokens")
        return sent

    def _learnt(self, sent: Row, message: str) -> bool:
        """Note the options that this refusal names; whether the next request will be another."""
        able = set(OPTIONAL)
        if "max_completion_tokens" in message:
            able.add("max_tokens")
        if sent.get("top_logprobs") == TOP_LOGPROBS[0]:
            able.add("top_logprobs")
        named = {name for name in set(sent) & able if re.search(rf"\b{name}\b", message)}
        self.refused |= named  # another request under way may have noted them already
        return bool(named)

    # Sentences

    @contextmanager
    def _sentences(self, *but: type[Exception]) -> Iterator[None]:
        """Turn what the client raises into a ModelError, all but these."""
        import openai
        from httpx2 import InvalidURL

        try:
            yield
        except but:
            raise
        except (openai.OpenAIError, InvalidURL, ValueError, AttributeError, TypeError) as error:
            self._fail(error)

    def _fail(self, error: Exception) -> NoReturn:
        raise ModelError(
            f"{self.name} {refusals.sentence(error, self.endpoint, self.model)}"
        ) from error

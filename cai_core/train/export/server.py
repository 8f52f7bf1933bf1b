"""A reward model behind HTTP: POST a request (see `queries`), get {"rewards": [...], "scores": [...]}.

One request at a time goes through the model. What cannot be answered is told in one sentence.
"""

import base64
import binascii
import hmac
import json
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cai_core.errors import CaiError, DataError
from cai_core.schema import Chat
from cai_core.train.export.queries import Template, chats_of

MOST_BYTES = 32 * 2**20  # of one request
SLOWEST_S = 60  # a client that sends nothing for so long is hung up on
PATHS = ("/", "/get_reward")

Score = Callable[[Sequence[Chat]], Sequence[float]]


class RewardServer(ThreadingHTTPServer):
    """Serves one reward model until it is closed; port 0 takes a free one."""

    daemon_threads = True

    def __init__(
        self, place: tuple[str, int], score: Score, template: Template, *, token: str = ""
    ) -> None:
        super().__init__(place, _Handler)
        self.template, self.token, self._score = template, token, score
        self._one_at_a_time = threading.Lock()
        self.answered = 0

    def score(self, chats: Sequence[Chat]) -> list[float]:
        with self._one_at_a_time:
            scores = list(self._score(chats))
            self.answered += len(scores)
        return scores

    def lets_in(self, header: str) -> bool:
        """Whether an Authorization header has the token: Bearer, or the password of Basic."""
        if not self.token:
            return True
        kind, _, given = header.partition(" ")
        if kind.lower() == "basic":
            try:
                given = base64.b64decode(given, validate=True).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return False
        elif kind.lower() != "bearer":
            return False
        return hmac.compare_digest(given.encode(), self.token.encode())


class _Refused(Exception):
    """A request that gets no scores: its status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    server: RewardServer
    protocol_version = "HTTP/1.1"
    timeout = SLOWEST_S

    def do_GET(self) -> None:
        if self.path == "/health":
            self._answer(200, {"ok": True})
        else:
            self._answer(404, {"error": "POST to /get_reward; GET /health says whether it is up"})

    def do_POST(self) -> None:
        try:
            chats = chats_of(self._body(), self.server.template)
            scores = self.server.score(chats)
        except _Refused as error:
            self.close_connection = True  # what else was sent is not read
            self._answer(error.status, {"error": str(error)})
        except DataError as error:
            self._answer(400, {"error": str(error)})
        except CaiError as error:
            self._answer(500, {"error": str(error)})
        else:
            self._answer(200, {"rewards": scores, "scores": scores})

    def _body(self) -> Any:
        if self.path not in PATHS:
            raise _Refused(404, f"there is nothing at this path; POST to {PATHS[-1]}")
        if not self.server.lets_in(self.headers.get("Authorization", "")):
            raise _Refused(401, "the token is missing or wrong")
        # no web page can send this type to another origin without asking
        if self.headers.get_content_type() != "application/json":
            raise _Refused(415, "send JSON, with the content type application/json")
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            raise _Refused(411, "say how long the request is (Content-Length)")
        if int(length) > MOST_BYTES:
            raise _Refused(
                413, f"a request has at most {MOST_BYTES // 2**20} MiB; send fewer chats"
            )
        try:
            return json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as error:
            raise _Refused(400, "the request is not readable as JSON") from error

    def _answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: thousands of requests a batch would fill the log."""

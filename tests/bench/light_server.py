"""A chat server that costs next to nothing: every answer is ready, and leaves after a fixed time.

Usage: python -m tests.bench.light_server SECONDS
Prints its port. It stands in a process of its own, beside what is measured.
"""

import asyncio
import json
import sys

TEXT = "Warm the pot, add the leaves, pour the water on, and wait. " * 5


def http(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


def completion(*, scored: bool) -> bytes:
    top = [{"token": c, "logprob": -0.3 - 0.1 * i} for i, c in enumerate("ABCDEFGHIJKLMNOPQRST")]
    logprobs = {"content": [top[0] | {"top_logprobs": top}]} if scored else None
    message = {"role": "assistant", "content": "A" if scored else TEXT}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": logprobs}
    usage = {"prompt_tokens": 200, "completion_tokens": 1 if scored else 75}
    return http(json.dumps({"choices": [choice], "usage": usage}).encode())


ANSWER, SCORES = completion(scored=False), completion(scored=True)


class Chat(asyncio.Protocol):
    """Reads requests of one connection; looks at nothing but their length."""

    seconds = 0.05

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.read = transport, b""

    def data_received(self, data: bytes) -> None:
        self.read += data
        while (end := self.read.find(b"\r\n\r\n")) >= 0:
            head = self.read[:end].lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            if len(self.read) < end + 4 + length:
                return
            body, self.read = self.read[end + 4 :][:length], self.read[end + 4 + length :]
            reply = SCORES if b'"logprobs"' in body else ANSWER
            asyncio.get_running_loop().call_later(self.seconds, self.transport.write, reply)


async def serve(seconds: float) -> None:
    Chat.seconds = seconds
    server = await asyncio.get_running_loop().create_server(Chat, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))

"""A server on a real socket that answers as it is told, fails as servers do, and counts."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GOOD = '{"score": 4, "reason": "clear"}'
Plan = Callable[[str, int], Any]  # (question, which call of it) -> what to do


def said(text: str = GOOD, finish: str = "stop", tokens: tuple[int, int] = (10, 5)) -> dict:
    """A completion; ``tokens`` of prompt and answer."""
    return {
        "id": "x", "object": "chat.completion", "created": 0, "model": "m",
        "choices": [
            {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}
        ],
        "usage": {
            "prompt_tokens": tokens[0], "completion_tokens": tokens[1],
            "total_tokens": sum(tokens),
        },
    }  # fmt: skip


class Server:
    """``plan`` says what becomes of each call: a completion, (status, headers, body), "stall",
    "cut" or "half". A question is the text of the first user turn."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.calls, self.done = plan, Counter[str](), Counter[str]()
        self.times: list[tuple[float, str]] = []
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.tokens = self.busy = self.busiest = 0
        self.lock = threading.Lock()
        self.free = threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                owner.handle(self)

            def log_message(self, *args: Any) -> None: ...

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}/v1"

    def __enter__(self) -> Server:
        self.thread.start()
        return self

    def __exit__(self, *args: Any) -> None:
        self.free.set()
        self.http.shutdown()
        self.http.server_close()

    def handle(self, call: BaseHTTPRequestHandler) -> None:
        body = json.loads(call.rfile.read(int(call.headers["content-length"])))
        asked = _question(body)
        with self.lock:
            self.calls[asked] += 1
            number = self.calls[asked]
            self.times.append((time.monotonic(), asked))
            self.bodies.append(body)
            self.headers.append(dict(call.headers))
            self.busy += 1
            self.busiest = max(self.busiest, self.busy)
        try:
            self._answer(call, asked, self.plan(asked, number))
        except OSError:  # the client has gone
            call.close_connection = True
        finally:
            with self.lock:
                self.busy -= 1

    def _answer(self, call: BaseHTTPRequestHandler, asked: str, what: Any) -> None:
        if what == "stall":
            self.free.wait(30)
            call.close_connection = True
            return
        if what == "cut":
            call.connection.shutdown(socket.SHUT_RDWR)
            call.close_connection = True
            return
        status, headers, body = what if isinstance(what, tuple) else (200, {}, what)
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        if what == "half":
            data = json.dumps(said()).encode()
        call.send_response(status)
        call.send_header("content-type", "application/json")
        for name, value in headers.items():
            call.send_header(name, value)
        call.send_header("content-length", str(len(data)))
        call.end_headers()
        if what == "half":
            call.wfile.write(data[: len(data) // 2])
            call.wfile.flush()
            call.connection.shutdown(socket.SHUT_RDWR)
            call.close_connection = True
            return
        call.wfile.write(data)
        if status == 200 and isinstance(body, dict):
            with self.lock:
                self.done[asked] += 1
                self.tokens += body["usage"]["total_tokens"]


def _question(body: dict[str, Any]) -> str:
    content = next(m["content"] for m in body["messages"] if m["role"] == "user")
    if isinstance(content, str):
        return content
    return next(part["text"] for part in content if part["type"] == "text")

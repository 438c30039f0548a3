"""Every fault of a server costs what it must and no more; nothing that failed becomes an answer."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from seestep.endpoint import Ask, Endpoint, EndpointConfig, Picture
from seestep.endpoint.ask import Said
from seestep.endpoint.cache import Cache
from seestep.errors import RunError
from tests.endpoint.server import GOOD, Server, said

REPO = Path(__file__).parents[2]


class Mark(msgspec.Struct):
    score: Annotated[int, msgspec.Meta(ge=1, le=6)]
    reason: str = ""


def question(text, **more):
    return Ask(id=text, turns=(Said("user", (text,)),), version="1", answer=Mark, **more)


def settings(server, **more):
    return EndpointConfig(
        **{"base_url": server.url, "model": "m", "max_tokens": 64, "wait_s": 0.01} | more
    )


def run(server, texts, file, name="run", **more):
    """Replies by question, and the endpoint."""

    async def all_of():
        with Cache(file) as cache:
            endpoint = Endpoint(settings(server, **more), cache, run=name)
            asks = (question(t) if isinstance(t, str) else t for t in texts)
            return {r.id: r async for r in endpoint.replies(asks)}, endpoint

    return asyncio.run(all_of())


@pytest.fixture
def file(tmp_path):
    return tmp_path / "answers.sqlite"


def test_an_answer_is_asked_for_once_and_then_known(file):
    with Server(lambda asked, n: said()) as server:
        found, endpoint = run(server, ["a", "b"], file, price_in=1.0, price_out=2.0)
        assert found["a"].value == Mark(score=4, reason="clear") and not found["a"].cached
        assert tuple(endpoint.spent)[:2] == (2, 30)
        assert endpoint.spent.cost == pytest.approx(2 * (10 * 1.0 + 5 * 2.0) / 1e6)
        again, endpoint = run(server, ["a", "b"], file, name="another")
        assert again["a"].cached and again["a"].value == found["a"].value
        assert endpoint.spent.calls == 0 and sum(server.calls.values()) == 2
        body = server.bodies[0]
        assert (body["model"], body["temperature"], body["max_tokens"]) == ("m", 0.0, 64)
        schema = body["response_format"]["json_schema"]
        assert schema["strict"] and schema["schema"]["required"] == ["score", "reason"]
        assert schema["schema"]["additionalProperties"] is False


def test_a_reply_tells_what_all_its_calls_took_whoever_made_them(file):
    def plan(asked, n):
        if asked == "bad":
            return (500, {}, "") if n == 1 else said("prose", tokens=(7, 1))
        return said("prose") if (asked, n) == ("twice", 1) else said(tokens=(20, 2))

    with Server(plan) as server:
        found, endpoint = run(server, ["once", "twice", "bad"], file)
        assert {k: r.tokens for k, r in found.items()} == {"once": 22, "twice": 37, "bad": 16}
        assert endpoint.spent.tokens == 75 == server.tokens
        again, _ = run(server, ["once", "twice", "bad"], file)
        assert {k: (r.tokens, r.cached) for k, r in again.items()} == {
            k: (r.tokens, True) for k, r in found.items()
        }
        other, endpoint = run(server, ["twice"], file, name="another")
        assert other["twice"].tokens == 37 and endpoint.spent.tokens == 0


def test_answers_that_were_kept_before_tokens_were_counted_are_still_known(file):
    with Server(lambda asked, n: said()) as server:
        run(server, ["a"], file)
        base = sqlite3.connect(file)
        for table in ("answers", "unanswered"):
            base.execute(f"ALTER TABLE {table} DROP COLUMN tokens")
        base.commit()
        base.close()
        found, _ = run(server, ["a", "b"], file)
        assert found["a"].cached and found["a"].value and found["a"].tokens is None
        assert found["b"].tokens == 15 and sum(server.calls.values()) == 2


# (what the first calls of a question come to; how many calls it takes; seconds it must wait)
MENDED = {
    "500": ([(500, {}, "oh")] * 2, 3, 0),
    "429": ([(429, {}, {"error": {"message": "slow down"}})], 2, 0),
    "429, Retry-After": ([(429, {"retry-after": "1"}, "")], 2, 1.0),
    "503, a date": ([(503, {"retry-after": "soon"}, "")], 2, 0),
    "stalled": (["stall"], 2, 0.5),
    "cut connection": (["cut"], 2, 0),
    "half an answer": (["half"], 2, 0),
    "no JSON in the body": ([(200, {}, "<html>")], 2, 0),
    "nothing in it": ([(200, {}, said() | {"choices": []})], 2, 0),
    "prose": ([said("I would say four.")], 2, 0),
    "out of range": ([said('{"score": 9}')], 2, 0),
    "cut off": ([said('{"score": 4, "rea', "length")], 2, 0),
    "a fence and words": ([said(f"Here it is:\n```json\n{GOOD}\n```")], 1, 0),
    "a comma too many": ([said('{"score": 4, "reason": "clear",}')], 1, 0),
    "a thought": ([said('<think>{"score": 1}</think>' + GOOD)], 1, 0),
}


@pytest.mark.parametrize("fault", MENDED)
def test_what_passes_is_waited_for_and_asked_again(fault, file):
    first, calls, wait = MENDED[fault]
    with Server(lambda asked, n: first[n - 1] if n <= len(first) else said()) as server:
        found, _ = run(server, ["a"], file, timeout_s=0.5)
        assert found["a"].value == Mark(score=4, reason="clear"), found
        assert server.calls["a"] == found["a"].calls == calls
        times = [t for t, _ in server.times]
        assert times[-1] - times[0] >= wait - 0.01
        run(server, ["a"], file)
        assert server.calls["a"] == calls  # it is in the cache now


# (what every call comes to; calls; the problem told)
LOST = {
    "500": ((500, {}, {"error": {"message": "broken"}}), 3, "HTTP 500: broken"),
    "stalled": ("stall", 3, "no answer within 0.2 s"),
    "cut connection": ("cut", 3, "the connection broke"),
    "400": ((400, {}, {"error": {"message": "too large"}}), 1, "HTTP 400: too large"),
    "filtered": (said("", "content_filter"), 1, "content filter"),
    "prose": (said("I would say four."), 2, "no JSON"),
    "out of range": (said('{"score": 0}'), 2, "$.score"),
    "cut off": (said('{"score": 4, "rea', "length"), 2, "cut off at 64 tokens"),
    "empty": (said(""), 2, "nothing was said"),
}


@pytest.mark.parametrize("fault", LOST)
def test_what_does_not_pass_is_told_and_never_kept_as_an_answer(fault, file):
    what, calls, problem = LOST[fault]
    with Server(lambda asked, n: what if asked == "bad" else said()) as server:
        found, _ = run(server, ["bad", "good"], file, tries=3, timeout_s=0.2)
        assert found["good"].value == Mark(score=4, reason="clear")
        assert found["bad"].value is None and problem in found["bad"].problem
        assert server.calls["bad"] == calls
        # the same run pays no second time for what was answered; a fault of the server may pass
        again, _ = run(server, ["bad"], file, tries=3, timeout_s=0.2)
        more = 0 if calls < 3 else 3
        assert server.calls["bad"] == calls + more and again["bad"].value is None
        run(server, ["bad"], file, name="another", tries=3, timeout_s=0.2)
        assert server.calls["bad"] == 2 * calls + more


def test_the_second_question_says_what_was_wrong(file):
    with Server(lambda asked, n: said("four") if n == 1 else said()) as server:
        run(server, ["a"], file)
        first, second = server.bodies
        assert second["messages"][:1] == first["messages"]
        assert second["messages"][1] == {"role": "assistant", "content": "four"}
        assert "no JSON" in second["messages"][2]["content"]


@pytest.mark.parametrize("status", [401, 404])
def test_a_server_that_answers_nothing_stops_the_run(status, file):
    with Server(lambda asked, n: (status, {}, {"error": {"message": "no"}})) as server:
        with pytest.raises(RunError, match=f"HTTP {status}: no") as error:
            run(server, [str(n) for n in range(50)], file)
        assert "OPENAI_API_KEY" in error.value.hint and sum(server.calls.values()) <= 8


def test_a_server_that_is_down_stops_the_run(file):
    with Server(lambda asked, n: (500, {}, "down")) as server:
        with pytest.raises(RunError, match="40 calls in a row failed"):
            run(server, [str(n) for n in range(500)], file, tries=3, tries_in_a_row=40)
        assert 40 <= sum(server.calls.values()) <= 80


def test_no_server_at_all_is_told(file):
    with Server(lambda asked, n: said()) as server:
        url = server.url
    config = {"tries": 2, "tries_in_a_row": 4, "base_url": url}
    with pytest.raises(RunError, match="4 calls in a row failed"):
        run(server, ["a", "b", "c"], file, **config)
    with Cache(file) as cache:
        assert cache.spent("run").calls == 0


def test_the_key_is_that_of_the_environment(file, monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-secret")
    with Server(lambda asked, n: said()) as server:
        run(server, ["a"], file, key_env="MY_KEY", extra={"enable_thinking": False})
        headers = {k.lower(): v for k, v in server.headers[0].items()}
        assert headers["authorization"] == "Bearer sk-secret"
        assert server.bodies[0]["enable_thinking"] is False
        run(server, ["b"], file, extra={"max_completion_tokens": 64})
        assert "max_tokens" not in server.bodies[1]
        assert server.bodies[1]["max_completion_tokens"] == 64
    assert b"sk-secret" not in file.read_bytes()


def test_a_budget_is_never_passed_and_the_rest_is_for_the_next_run(file):
    texts = [f"question {n:02d}" for n in range(40)]
    with Server(lambda asked, n: said(tokens=(20, 10))) as server:
        found, endpoint = run(server, texts, file, budget_tokens=600, max_tokens=10)
        assert server.tokens <= 600 and endpoint.spent.tokens == server.tokens
        # a call is bounded by its bytes: 11 of text, 16 around it, 10 of answer
        assert server.tokens > 600 - 2 * 37
        left = [t for t in texts if found[t].problem]
        assert left and {found[t].problem for t in left} == {"budget"}
        found, endpoint = run(server, texts, file, budget_tokens=5000, max_tokens=10)
        assert all(found[t].value for t in texts)
        assert max(server.done.values()) == 1 and endpoint.spent.tokens == 40 * 30


def test_a_budget_in_money_stops_too(file):
    texts = [f"question {n:02d}" for n in range(40)]
    prices = {"price_in": 1000.0, "price_out": 4000.0}
    with Server(lambda asked, n: said(tokens=(20, 10))) as server:
        found, endpoint = run(server, texts, file, budget_cost=1.0, max_tokens=10, **prices)
        done = sum(server.done.values())
        assert endpoint.spent.cost == pytest.approx(done * (20 * 1000 + 10 * 4000) / 1e6)
        assert endpoint.spent.cost <= 1.0
        assert 0 < done < 40 and sum(r.problem == "budget" for r in found.values()) == 40 - done


def test_what_a_server_does_not_count_is_bounded(file):
    def uncounted(asked, n):
        return {k: v for k, v in said().items() if k != "usage"} | {"usage": None}

    with Server(lambda asked, n: (200, {}, json.dumps(uncounted(asked, n)))) as server:
        _, endpoint = run(server, ["abc"], file)
        assert endpoint.spent.tokens == 3 + 16 + len(GOOD)


def test_verdicts_do_not_depend_on_how_many_are_asked_at_once(tmp_path):
    def plan(asked, n):
        kind = int(asked) % 6
        faults = {1: (500, {}, ""), 2: "cut", 3: said("no"), 4: (429, {"retry-after": "0.05"}, "")}
        if kind == 5:
            return said("never")
        return faults[kind] if kind in faults and n == 1 else said(f'{{"score": {1 + kind}}}')

    texts = [str(n) for n in range(60)]
    got = []
    for lanes in (1, 32):
        with Server(plan) as server:
            found, _ = run(server, texts, tmp_path / f"{lanes}.sqlite", concurrency=lanes)
            assert server.busiest <= lanes
            got.append({k: (r.value, r.problem) for k, r in found.items()})
    assert got[0] == got[1] and len(got[0]) == 60


def test_a_server_that_is_crowded_is_asked_less_at_a_time(file):
    """It takes eight at a time and refuses the rest."""
    with Server(lambda asked, n: None) as server:

        def plan(asked, n):
            crowded = server.busy > 8
            time.sleep(0.02)
            return (429, {}, "") if crowded else said()

        server.plan = plan
        found, _ = run(server, [str(n) for n in range(300)], file, concurrency=64, tries=20)
        assert all(r.value for r in found.values())
        assert sum(server.calls.values()) < 2 * 300


def test_a_killed_run_pays_for_no_answer_twice(file):
    """kill -9 in the middle: what was answered and kept is not asked again."""
    code = """
import asyncio, sys
from tests.endpoint.test_client import *
class Known: url = sys.argv[1]
async def main():
    with Cache(Path(sys.argv[2])) as cache:
        endpoint = Endpoint(settings(Known, concurrency=4), cache, run="run")
        async for reply in endpoint.replies(question(f"q{n}") for n in range(200)):
            print(reply.id, flush=True)
asyncio.run(main())
"""

    def plan(asked, n):
        time.sleep(0.02)
        return said()

    with Server(plan) as server:
        words = [sys.executable, "-c", code, server.url, str(file)]
        env = {**os.environ, "PYTHONPATH": str(REPO)}
        running = subprocess.Popen(words, cwd=REPO, env=env, stdout=subprocess.PIPE, text=True)
        heard = [running.stdout.readline().strip() for _ in range(40)]
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        running.stdout.close()
        time.sleep(0.1)  # what was on its way arrives nowhere
        before = dict(server.calls)
        with Cache(file) as cache:
            paid = cache.spent("run").calls
        assert len(heard) == 40 and 40 <= paid < 200
        found, _ = run(server, [f"q{n}" for n in range(200)], file, concurrency=4)
        assert len(found) == 200 and all(r.value for r in found.values())
        twice = [q for q, n in server.calls.items() if n > 1]
        assert len(twice) <= 4  # those that were on their way when it was killed
        assert not set(twice) & set(heard)
        assert sum(server.calls.values()) == 200 + len(twice) and sum(before.values()) >= paid


def test_a_question_is_known_by_all_that_its_answer_depends_on(file):
    with Server(lambda asked, n: said()) as server:
        config = settings(server)
        base = question("a")

        def shown(data, kind="jpeg"):
            turn = Said("user", ("a", Picture(data, kind)))
            return msgspec.structs.replace(base, turns=(turn,))

        asks = [
            base,
            msgspec.structs.replace(base, version="2"),
            msgspec.structs.replace(base, turns=(Said("system", ("b",)), *base.turns)),
            msgspec.structs.replace(base, answer=None),
            shown(b"1"),
            shown(b"2"),
            shown(b"1", "png"),
        ]
        keys = {ask.key(config) for ask in asks}
        keys |= {base.key(settings(server, **x)) for x in ({"temperature": 1.0}, {"model": "n"},
                 {"max_tokens": 9}, {"seed": 1}, {"extra": {"a": 1}})}  # fmt: skip
        assert len(keys) == len(asks) + 5
        same = msgspec.structs.replace(base, id="another name")
        assert same.key(config) == base.key(settings(server, concurrency=1)) == base.key(config)
        found, _ = run(server, [shown(b"\xff\xd8")], file)
        assert found["a"].value
        (part,) = (p for p in server.bodies[0]["messages"][0]["content"] if p["type"] != "text")
        assert part == {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9g="}}


def test_a_file_that_is_no_cache_is_an_error(file):
    file.write_text("not a database " * 100)
    with pytest.raises(RunError, match="no cache of answers"):
        Cache(file)

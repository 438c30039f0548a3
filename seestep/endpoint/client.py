"""Questions to a server, each answered once, refused with a reason, or left for the next run."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any

import msgspec

from seestep.endpoint.ask import Ask, Said, parameters
from seestep.endpoint.cache import Cache, Spent
from seestep.endpoint.config import EndpointConfig
from seestep.endpoint.faults import Fault, backoff, of_status
from seestep.endpoint.limits import Lanes, Window
from seestep.endpoint.read import read
from seestep.errors import RunError, need

REASK = "That is not the JSON that was asked for: {wrong}. Answer with that JSON and nothing else."
BUDGET = "budget"  # the problem of what was not asked, since the budget is spent


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an ask: ``value`` (a struct, or text), or the ``problem`` why there is none.

    ``tokens`` is what all calls for it took, in whatever process; None where nobody counted.
    """

    id: str
    value: Any = None
    text: str = ""
    problem: str = ""
    calls: int = 0  # made for it in this process
    cached: bool = False
    tokens: int | None = None


class _StoppedError(Exception):
    """Nothing that is asked would be answered."""


class _NoMoney(Exception):
    """The budget has no room for another call."""


class _Completion(msgspec.Struct):
    text: str
    cut: bool
    tokens_in: int
    tokens_out: int


class Endpoint:
    """``replies`` asks many questions at once and yields what came of each as it comes.

    ``run`` is a name that stays the same when a run goes on: its spending and the questions it gave
    up are looked up under it.
    """

    def __init__(self, config: EndpointConfig, cache: Cache, *, run: str, seed: int = 0) -> None:
        need("openai", "judge")
        self.config, self._cache, self._run = config, cache, run
        self._rng = random.Random(seed)
        clock = time.monotonic
        self._requests = Window(config.requests_per_minute, clock)
        self._tokens = Window(config.tokens_per_minute, clock)
        self._lanes = Lanes(config.concurrency, clock)
        self._spent = cache.spent(run)
        self._reserved = Spent()
        self._settled = asyncio.Condition()
        self._failing = 0  # calls in a row
        self._client: Any = None

    @property
    def spent(self) -> Spent:
        """Calls, tokens and money of the run, those of its earlier processes too."""
        return self._spent

    async def replies(self, asks: Iterable[Ask]) -> AsyncIterator[Reply]:
        """A reply for every ask, in the order in which they come.

        When the budget is spent, the rest is told with the problem "budget": the same call goes on
        there with a larger one. Raises ``RunError`` if the server would answer no question at all.
        """
        waiting = iter(asks)
        made: asyncio.Queue[Reply] = asyncio.Queue(maxsize=2 * self.config.concurrency)

        async def work() -> None:
            for ask in waiting:
                await made.put(await self.reply(ask))

        self._client = _client(self.config)
        workers = [asyncio.create_task(work()) for _ in range(self.config.concurrency)]
        everyone = asyncio.gather(*workers)
        try:
            while not everyone.done() or not made.empty():
                get = asyncio.create_task(made.get())
                either: set[asyncio.Future[Any]] = {get, everyone}
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                if get.done():
                    yield get.result()
                else:
                    get.cancel()
            await everyone
        except _StoppedError as error:
            raise RunError(
                f"the server answers no question: {error}",
                file=None,
                wanted=f"{self.config.model} at {self.config.base_url}",
                hint=f"look at base_url, model and the key in {self.config.key_env}",
            ) from error
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(everyone, *workers, return_exceptions=True)
            await self._client.close()

    async def reply(self, ask: Ask) -> Reply:
        """From the cache, else from the server: asked once more if the answer is not as wanted."""
        key = ask.key(self.config)
        known = self._cache.answer(key)
        if known is not None:
            value, wrong = read(known.text, ask.answer)
            if not wrong:
                return Reply(
                    id=ask.id, value=value, text=known.text, cached=True, tokens=known.tokens
                )
        given_up = self._cache.unanswered(self._run, key)
        if given_up is not None:
            text, problem, tokens = given_up
            return Reply(id=ask.id, text=text, problem=problem, cached=True, tokens=tokens)
        asked = await self._asked(ask, key)
        return msgspec.structs.replace(asked, tokens=self._cache.tokens(self._run, key))

    async def _asked(self, ask: Ask, key: str) -> Reply:
        calls, text, wrong = 0, "", ""
        for turn in range(2):
            told = ask if turn == 0 else _again(ask, text, wrong)
            try:
                found, tried = await self._called(told, key)
            except _NoMoney:
                return Reply(id=ask.id, text=text, problem=BUDGET, calls=calls)
            calls += tried
            if isinstance(found, Fault):
                # the server's failure is none of the question's: the next process may ask again
                if found.what == "refused":
                    self._cache.give_up(self._run, key, text, found.reason)
                return Reply(id=ask.id, text=text, problem=found.reason, calls=calls)
            text = found.text
            value, wrong = read(text, ask.answer)
            if not wrong and found.cut and ask.answer is None:
                wrong = f"cut off at {self.config.max_tokens} tokens"
            if not wrong:
                self._cache.keep(self._run, key, text)
                return Reply(id=ask.id, value=value, text=text, calls=calls)
            if found.cut:
                wrong = f"cut off at {self.config.max_tokens} tokens"
        self._cache.give_up(self._run, key, text, wrong)
        return Reply(id=ask.id, text=text, problem=wrong, calls=calls)

    async def _called(self, ask: Ask, key: str) -> tuple[_Completion | Fault, int]:
        """What the server says, or its last fault; and how many calls that took."""
        config, fault, pause = self.config, Fault("again", "not asked"), 0.0
        for attempt in range(config.tries):
            if attempt:
                wait = backoff(attempt - 1, config.wait_s, config.longest_wait_s, self._rng)
                await asyncio.sleep(pause + wait)
            found = await self._once(ask, key)
            if isinstance(found, _Completion) or found.what == "refused":
                return found, attempt + 1
            if found.what == "stop":
                raise _StoppedError(found.reason)
            fault, pause = found, found.wait_s
        return fault, config.tries

    async def _once(self, ask: Ask, key: str) -> _Completion | Fault:
        """One call, within the budget and the limits."""
        most_in, most_out = ask.most_tokens(), self.config.max_tokens
        most = Spent(1, most_in + most_out, self.config.cost(most_in, most_out))
        await self._reserve(most)
        await self._lanes.enter()
        try:
            await self._requests.take(1)
            announced = await self._tokens.take(most.tokens)
            began = await self._lanes.calm()
            found = await _post(self._client, ask, self.config)
            if isinstance(found, Fault):
                if found.billed:
                    self._pay(key, most_in, most_out)
                self._failed(found, began)
                return found
            self._failing = 0
            self._lanes.good()
            Window.correct(announced, found.tokens_in + found.tokens_out)
            self._pay(key, found.tokens_in, found.tokens_out)
            return found
        finally:
            await self._lanes.leave()
            await self._release(most)

    def _failed(self, fault: Fault, began: float) -> None:
        if fault.crowded:
            self._lanes.overrun(began, fault.wait_s)
        if fault.what == "again":
            self._failing += 1
            if self._failing >= self.config.tries_in_a_row:
                raise _StoppedError(
                    f"{self._failing} calls in a row failed, the last: {fault.reason}"
                )

    def _pay(self, key: str, tokens_in: int, tokens_out: int) -> None:
        cost = self.config.cost(tokens_in, tokens_out)
        self._cache.paid(self._run, key, tokens_in, tokens_out, cost)
        self._spent = _sum(self._spent, Spent(1, tokens_in + tokens_out, cost))

    async def _reserve(self, most: Spent) -> None:
        """Room in the budget for a call; waits for those on their way, which may take less."""
        async with self._settled:
            while not self._fits(_sum(_sum(self._spent, self._reserved), most)):
                if not self._reserved.calls:
                    raise _NoMoney
                await self._settled.wait()
            self._reserved = _sum(self._reserved, most)

    async def _release(self, most: Spent) -> None:
        async with self._settled:
            less = Spent(-most.calls, -most.tokens, -most.cost)
            self._reserved = _sum(self._reserved, less)
            self._settled.notify_all()

    def _fits(self, total: Spent) -> bool:
        config = self.config
        if config.budget_tokens is not None and total.tokens > config.budget_tokens:
            return False
        return config.budget_cost is None or total.cost <= config.budget_cost + 1e-9


def _sum(a: Spent, b: Spent) -> Spent:
    return Spent(a.calls + b.calls, a.tokens + b.tokens, a.cost + b.cost)


def _again(ask: Ask, text: str, wrong: str) -> Ask:
    said = Said("assistant", (text,)), Said("user", (REASK.format(wrong=wrong),))
    return msgspec.structs.replace(ask, turns=(*ask.turns, *said))


def _client(config: EndpointConfig) -> Any:
    from openai import AsyncOpenAI

    return AsyncOpenAI(
        base_url=config.base_url,
        api_key=os.environ.get(config.key_env) or "none",
        timeout=config.timeout_s,
        max_retries=0,  # retried here, where every call is counted
    )


async def _post(client: Any, ask: Ask, config: EndpointConfig) -> _Completion | Fault:
    import openai

    body = parameters(ask, config)
    known = {k: body.pop(k) for k in ("temperature", "max_tokens", "seed", "response_format")
             if k in body}  # fmt: skip
    try:
        async with asyncio.timeout(config.timeout_s):  # of the whole call, not of one read
            found = await client.chat.completions.create(
                model=config.model, messages=ask.messages(), extra_body=body, **known
            )
    except openai.APIStatusError as error:
        return of_status(error.status_code, error.body, error.response.headers)
    except (openai.APITimeoutError, TimeoutError):
        late = f"no answer within {config.timeout_s:g} s"
        return Fault("again", late, crowded=True, billed=True)
    except (openai.APIConnectionError, openai.APIResponseValidationError, ValueError) as error:
        cause = error.__cause__ or error
        billed = not type(cause).__name__.startswith("Connect")  # ConnectError: nothing was sent
        return Fault("again", f"the connection broke: {cause}", billed=billed)
    return _completion(found, ask)


def _completion(found: Any, ask: Ask) -> _Completion | Fault:
    choices = getattr(found, "choices", None)
    if not choices or getattr(choices[0], "message", None) is None:
        return Fault("again", "an answer without content", billed=True)
    if choices[0].finish_reason == "content_filter":
        return Fault("refused", "held back by the server's content filter", billed=True)
    text, usage = choices[0].message.content or "", getattr(found, "usage", None)
    told = [getattr(usage, name, None) for name in ("prompt_tokens", "completion_tokens")]
    bounds = ask.most_tokens(), len(text.encode())  # for a server that does not count
    used = [
        bound if count is None else int(count) for count, bound in zip(told, bounds, strict=True)
    ]
    return _Completion(text, choices[0].finish_reason == "length", *used)

"""A judge behind a server that fails, and judges of planted faults: what is told of each.

    python benchmarks/judge.py [cases]

A server on the loopback interface answers as servers do on bad days. Of each fault: how many calls
one question made, how long it took, the verdict under both policies, what the ledger tells. Below:
noisy judges whose confusion is known, position-biased ones, and judges that obey what stands in the
data; planted and recovered figures with 95 % intervals.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from seestep.curate.judge.gold import GRADES
from seestep.curate.judge.kappa import agreement, share
from seestep.curate.judge.page import share_text
from tests.curate.judging import (
    biased,
    case_of,
    graded,
    is_bad,
    judged,
    noisy,
    pair,
    record,
    settings,
)
from tests.endpoint.server import Server, said

FAULTS: dict[str, Any] = {
    "none, grade 5": graded(5),
    "none, grade 1": graded(1),
    "cannot tell": graded(None),
    "429, Retry-After 1 s": (429, {"retry-after": "1"}, ""),
    "500": (500, {}, "oh"),
    "400": (400, {}, {"error": {"message": "too large"}}),
    "stall": "stall",
    "truncated": said('{"reasons": "it is a', "length"),
    "prose": said("I would keep it, it is fine."),
    "a grade of 9": graded(9),
    "cut connection": "cut",
    "half an answer": "half",
    "content filter": said("", "content_filter"),
}
PASSING = {
    name: FAULTS[name] for name in ("429, Retry-After 1 s", "500", "prose", "cut connection")
}
LENIENT = [
    [0.6, 0.2, 0.1, 0.1, 0.0, 0.0],
    [0.2, 0.4, 0.2, 0.1, 0.1, 0.0],
    [0.0, 0.1, 0.4, 0.3, 0.1, 0.1],
    [0.0, 0.1, 0.1, 0.4, 0.3, 0.1],
    [0.0, 0.0, 0.1, 0.2, 0.4, 0.3],
    [0.0, 0.0, 0.0, 0.1, 0.2, 0.7],
]
GUESSING = [[0.1, 0.1, 0.2, 0.2, 0.2, 0.2]] * 3 + [[0.0, 0.1, 0.1, 0.2, 0.3, 0.3]] * 3
HOW = ("held", "tagged")
DRAWS = 200  # of the same judges without a server, to see how often the intervals hold the truth
EXACT = [[float(i == j) for j in range(6)] for i in range(6)]


def planted(confusion: list[list[float]]) -> float:
    """Quadratic-weighted kappa of true grades that are equally frequent."""
    places = range(6)
    seen = sum(confusion[i][j] / 6 * (i - j) ** 2 for i in places for j in places)
    column = [sum(row[j] for row in confusion) / 6 for j in places]
    return 1 - seen / sum(column[j] / 6 * (i - j) ** 2 for i in places for j in places)


def faults(folder: Path) -> None:
    print(f"{'fault':<28} {'calls':>5} {'s':>5}  {'verdict (hold)':<15} {'(keep)':<14} reason")
    for n, (name, what) in enumerate(FAULTS.items()):
        _fault(f"{name}", lambda text, call, what=what: what, folder / f"a{n}")
    for n, (name, what) in enumerate(PASSING.items()):
        first = lambda text, call, what=what: what if call == 1 else graded(5)  # noqa: E731
        _fault(f"{name}, once", first, folder / f"b{n}")


def _fault(name: str, plan: Callable[[str, int], Any], file: Path) -> None:
    client = {"tries": 3, "timeout_s": 0.3}
    with Server(plan) as server:
        began = time.monotonic()
        held = judged([record(1)], settings(server, endpoint=client), file)
        took, calls = time.monotonic() - began, sum(server.calls.values())
        config = settings(server, endpoint=client, undecided="keep")
        kept = judged([record(1)], config, file)
    (one,), (other,) = held.verdicts, kept.verdicts
    words = [
        "undecided" if "undecided" in v.reason else "keep" if v.keep else "drop"
        for v in (one, other)
    ]
    words = [w if w != "undecided" else f"{w}, {how}" for w, how in zip(words, HOW, strict=True)]
    told = json.loads(one.evidence)["quality"]["told"][0][:44]
    print(f"{name:<28} {calls:>5} {took:>5.1f}  {words[0]:<15} {words[1]:<14} {told}")


def kappas(folder: Path, cases: int) -> None:
    true = [1 + n % 6 for n in range(cases)]
    gold = folder / "gold.jsonl"
    gold.write_text(
        "".join(
            json.dumps({"check": "quality", "id": f"t:{n}", "label": grade}) + "\n"
            for n, grade in enumerate(true)
        )
    )
    print(f"\n{'judge':<22} {'planted':>8} {'recovered':>10}  {'interval':<16} may it drop?")
    for name, confusion, seeds in (
        ("exact", EXACT, (1,)),
        ("lenient", LENIENT, (1, 2, 3)),
        ("guessing", GUESSING, (1, 2, 3)),
    ):
        for seed in seeds:
            with Server(noisy(true, confusion, seed)) as server:
                rows = [record(n) for n in range(cases)]
                config = settings(server, gold=gold, canaries=10)
                found = judged(rows, config, folder / f"k{name}{seed}").report
            (gate,) = found.gates
            assert gate.gold is not None
            interval = f"[{gate.gold.low:.3f}, {gate.gold.high:.3f}]"
            may = f"yes, {found.dropped} dropped" if gate.may_drop else "no, " + gate.why
            kappa = f"{planted(confusion):>8.3f} {gate.gold.kappa:>10.3f}"
            print(f"{name + f', seed {seed}':<22} {kappa}  {interval:<16} {may}")
    print(f"\n95 % intervals that hold the planted kappa, of {DRAWS} draws without a server:")
    for name, confusion in (("lenient", LENIENT), ("guessing", GUESSING)):
        inside = 0
        for seed in range(DRAWS):
            rng = random.Random(seed)
            drawn = [rng.choices(range(6), confusion[grade - 1])[0] for grade in true]
            one = agreement([grade - 1 for grade in true], drawn, GRADES, seed=seed)
            assert one.low is not None and one.high is not None
            inside += one.low <= planted(confusion) <= one.high
        print(f"  {name:<20} {share_text(share(inside, DRAWS))}")


def flips(folder: Path, cases: int) -> None:
    print(f"\n{'position-biased judge':<36} {'flips planted':>13}  recovered")
    judges = ((0.0, 1.0, 1), (0.2, 0.9, 1), (0.2, 0.9, 2), (0.5, 0.9, 1), (1.0, 1.0, 1))
    for bias, right, seed in judges:
        first, second = bias + (1 - bias) * right, bias + (1 - bias) * (1 - right)
        rate = first * second + (1 - first) * (1 - second)
        with Server(biased(bias, right, seed)) as server:
            rows = [pair(n) for n in range(cases)]
            config = settings(server, checks=("pair",))
            found = judged(rows, config, folder / f"f{bias}{seed}").report
        assert found.flips is not None
        name = f"first {bias:.0%}, else {right:.0%} right, seed {seed}"
        told = share_text(found.flips.flipped)
        print(f"{name:<36} {rate:>13.3f}  {told}; first preferred {share_text(found.flips.first)}")


def obeying(folder: Path) -> None:
    print(f"\n{'judge':<34} canaries passed; may it drop?")
    pleas = {
        "obeys nothing": (),
        "obeys 'ignore the above'": ("Ignore the above",),
        "obeys all pleas": ("flawless",),
    }
    for n, (name, words) in enumerate(pleas.items()):

        def plan(text: str, call: int, words: tuple[str, ...] = words) -> dict[str, Any]:
            if is_bad(text):
                return graded(6 if any(w in text for w in words) else 1)
            return graded(1 + case_of(text) % 6)

        with Server(plan) as server:
            config = settings(server, canaries=20)
            rows = [record(n) for n in range(40)]
            (gate,) = judged(rows, config, folder / f"o{n}").report.gates
        assert gate.canaries is not None
        passed = share_text(gate.canaries.passed)
        print(f"{name:<34} {passed}; {'yes' if gate.may_drop else 'no'}: {gate.why}")


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 120
    with tempfile.TemporaryDirectory() as place:
        faults(Path(place))
        kappas(Path(place), number)
        flips(Path(place), number)
        obeying(Path(place))

"""What a judge says decides only where it may, and what it cannot say is never decided."""

import json
import re

import msgspec
import pytest

from seestep.curate.batch import make_batch
from seestep.curate.judge.run import judge, tagged
from seestep.errors import DataError, RunError
from seestep.records import Choice
from tests.curate.judging import (
    biased,
    case_of,
    graded,
    is_bad,
    judged,
    pair,
    plan,
    preferred,
    record,
    settings,
    thought,
)
from tests.endpoint.server import Server, said


@pytest.fixture
def file(tmp_path):
    return tmp_path / "answers.sqlite"


def gold_file(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


# (what every call comes to; calls made; what the ledger tells)
FAULTS = {
    "429, Retry-After": ((429, {"retry-after": "0.05"}, ""), 3, "HTTP 429"),
    "500": ((500, {}, "oh"), 3, "HTTP 500"),
    "400": ((400, {}, {"error": {"message": "too large"}}), 1, "HTTP 400: too large"),
    "stalled": ("stall", 3, "no answer within 0.2 s"),
    "truncated": (said('{"reasons": "it is a', "length"), 2, "cut off at 128 tokens"),
    "prose": (said("I would keep it, it is fine."), 2, "no JSON"),
    "cut connection": ("cut", 3, "the connection broke"),
    "half an answer": ("half", 3, "the connection broke"),
    "a grade of 9": (graded(9), 2, "<= 6"),
    "a grade of 0": (graded(0), 2, ">= 1"),
    "no grade": (said('{"reasons": "fine"}'), 2, "grade"),
    "filtered": (said("", "content_filter"), 1, "content filter"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_neither_kept_nor_dropped(fault, file):
    what, calls, told = FAULTS[fault]
    rows = [record(1), record(2), record(3)]

    def plan(text, n):
        return {1: what, 2: graded(6), 3: graded(1)}[case_of(text)]

    with Server(plan) as server:
        config = settings(server, endpoint={"tries": 3, "timeout_s": 0.2})
        found = judged(rows, config, file)
        assert [v.reason for v in found.verdicts] == ["undecided: no answer", "", "low quality"]
        assert [v.keep for v in found.verdicts] == [False, True, False]
        assert found.undecided == (0,) and found.report.ids_undecided == ("t:1",)
        assert (found.report.kept, found.report.dropped, found.report.held) == (1, 1, 1)
        assert told in found.verdicts[0].evidence
        assert sum(n for text, n in server.calls.items() if case_of(text) == 1) == calls
        passed = judged(rows, msgspec.structs.replace(config, undecided="keep"), file, name="2")
    assert [v.keep for v in passed.verdicts] == [True, True, False]
    assert passed.verdicts[0].reason == "undecided: no answer"
    assert tagged(rows[0], passed.verdicts[0]).tags == ("judge-undecided",)
    assert tagged(rows[1], passed.verdicts[1]) is rows[1]


def test_cannot_tell_is_undecided_and_a_grade_decides_at_its_threshold(file):
    grades = {1: 1, 2: 2, 3: 3, 4: 6, 5: None}
    with Server(lambda text, n: graded(grades[case_of(text)])) as server:
        found = judged([record(n) for n in grades], settings(server), file)
    told = [(v.keep, v.reason, v.score, v.threshold) for v in found.verdicts]
    assert told == [
        (False, "low quality", 1.0, 3.0),
        (False, "low quality", 2.0, 3.0),
        (True, "", 3.0, 3.0),
        (True, "", 6.0, 3.0),
        (False, "undecided: cannot tell", None, None),
    ]
    assert found.report.drops == {"low quality": 2}
    assert found.report.undecided == {"cannot tell": 1}


def test_every_check_is_asked_where_it_fits_and_a_drop_outweighs_the_undecided(file):
    rows = [
        record(1),
        record(2, thought=thought("a mug")),
        record(3, answer=plan("pick")),
        record(4, answer=Choice(options=("a", "b"), index=0)),
    ]

    def answer(text, n):
        return graded(5)

    with Server(answer) as server:
        every = ("quality", "consistency", "redundancy", "plan", "pair")
        found = judged(rows, settings(server, checks=every), file)
        asked = [list(json.loads(v.evidence)) for v in found.verdicts]
        assert asked == [
            ["quality"],
            ["consistency", "quality", "redundancy"],
            ["plan", "quality"],
            ["quality"],
        ]
        # what was no plan verdict is undecided; the grades of the others were good
        assert [v.reason for v in found.verdicts] == ["", "", "undecided: no answer", ""]
        systems = {body["messages"][0]["content"] for body in server.bodies}
        assert any("thought agrees with itself" in text for text in systems)
        shown = [b["messages"][1]["content"] for b in server.bodies]
        graded_as = [b["messages"][0]["content"] for b in server.bodies]
        for words, rubric in zip(shown, graded_as, strict=True):
            # a thought may not talk the judge of the answer into it
            assert ("[thought]" in words) == ("case 2" in words and "output together" not in rubric)

    with Server(lambda t, n: graded(1) if "[thought]" in t else said("?")) as server:
        found = judged([rows[1]], settings(server, checks=every), file.with_name("b"))
        assert (found.verdicts[0].keep, found.verdicts[0].reason) == (False, "inconsistent thought")
    with Server(answer) as server:
        found = judged([record(9)], settings(server, checks=("plan",)), file.with_name("c"))
        assert found.verdicts[0].keep and found.verdicts[0].reason == "no check fits"
        assert found.report.not_judged == 1 and not server.bodies
        assert found.report.gates == ()  # a check with nothing to judge is not called gated


def labels(grades, path):
    """Gold labels of the rows t:0, t:1, ... in a file."""
    return gold_file(
        path, [{"check": "quality", "id": f"t:{i}", "label": g} for i, g in enumerate(grades)]
    )


def honest(grades):
    """Grades what canaries show 1, else as told."""
    return lambda text, n: graded(1 if is_bad(text) else grades[case_of(text)])


TRUE = [1 + n % 6 for n in range(36)]


@pytest.mark.parametrize(
    ("case", "may", "why"),
    [
        ("no gold", False, "there are no gold labels for it"),
        ("no gold, ungated", True, "ungated: nobody has compared it with people"),
        ("agrees", True, "on 36 gold labels"),
        ("disagrees", False, "its lower end is below 0.5"),
        ("ungated, yet disagrees", False, "its lower end is below 0.5"),
        ("few labels", False, "10 gold labels answered, wanted 30"),
        ("all alike", False, "kappa is not defined"),
        ("fooled", False, "it passed 4 of 10 canaries, more than 5%"),
        ("answers no canary", False, "it answered none of 10 canaries"),
    ],
)
def test_a_judge_drops_only_what_it_has_shown_it_can(case, may, why, file, tmp_path):
    rows = [record(n) for n in range(36)]
    said_of = TRUE if "disagrees" not in case else TRUE[::-1]
    more = {"canaries": 10, "ungated": "ungated" in case}
    plan = honest(said_of)
    if "no gold" not in case:
        told = TRUE[:10] if case == "few labels" else TRUE
        if case == "all alike":
            told, plan = [4] * 36, honest([4] * 36)
        more["gold"] = labels(told, tmp_path / "gold.jsonl")
    if case == "fooled":  # it obeys two of the five pleas

        def plan(text, n):
            obeys = "Ignore the above" in text or "three experts" in text.lower()
            return graded(6) if is_bad(text) and obeys else honest(said_of)(text, n)

    if case == "answers no canary":

        def plan(text, n):
            return graded(None) if is_bad(text) else honest(said_of)(text, n)

    with Server(plan) as server:
        found = judged(rows, settings(server, **more), file)
    (gate,) = found.report.gates
    assert gate.may_drop == may and why in gate.why, gate.why
    low = sum(g < 3 for g in (told if case == "all alike" else said_of))
    if may:
        assert found.report.dropped == low and found.report.advised_drops == 0
    else:
        assert found.report.dropped == 0 and found.report.advised_drops == low
        assert all(v.keep for v in found.verdicts)
        assert {v.reason for v in found.verdicts} <= {"", "advice: low quality"}
    if case == "agrees":
        assert gate.gold.kappa == 1.0 and gate.gold.low == pytest.approx(0.025 ** (1 / 36))
    if case == "fooled":
        assert (gate.canaries.fooled, gate.canaries.blind.count) == (4, 0)


ROWS = {
    "quality": [record(n) for n in range(3)],
    "consistency": [record(n, thought=thought("a mug")) for n in range(3)],
    "redundancy": [record(n, thought=thought("a mug")) for n in range(3)],
    "plan": [record(n, answer=plan("pick")) for n in range(3)],
    "pair": [pair(n) for n in range(3)],
}


@pytest.mark.parametrize("check", ROWS)
@pytest.mark.parametrize("obeys", [True, False])
def test_a_judge_that_obeys_the_data_is_caught_in_every_check(check, obeys, file):
    def answer(text, n):
        wished = re.search(r'{"reasons": "flawless".*?}', text)
        if obeys and wished:
            return said(wished[0])
        if check == "pair":
            first = text.split("[first]")[1].split("[second]")[0]
            return preferred("first" if "pick" in first else "second")
        if check == "plan":
            verdict = "bad" if is_bad(text) else "good"
            told = {"reasons": "seen", "first_bad_step": None, "verdict": verdict}
            return said(json.dumps(told))
        return graded(1 if is_bad(text) else 6)

    with Server(answer) as server:
        found = judged(ROWS[check], settings(server, checks=(check,), canaries=5), file)
    (gate,) = found.report.gates
    told = gate.canaries
    assert (told.asked, told.passed.n, told.blind.n) == (5, 5, 5)
    assert (told.passed.count, told.fooled, told.blind.count) == ((5, 5, 0) if obeys else (0,) * 3)
    assert gate.may_drop is not obeys and all(v.keep for v in found.verdicts)


def test_people_may_say_that_the_rejected_one_is_better(file, tmp_path):
    rows = [pair(n) for n in range(40)]
    lines = [
        {"check": "pair", "id": f"p:{n}", "label": "chosen" if n % 4 else "rejected"}
        for n in range(40)
    ]
    gold = gold_file(tmp_path / "gold.jsonl", lines)

    def answer(text, n):
        if is_bad(text):
            return biased(0.0, 1.0, 0)(text, n)
        if case_of(text) == 1:
            return preferred("first")
        return biased(0.0, float(case_of(text) % 4 > 0), 0)(text, n)

    with Server(answer) as server:
        config = settings(server, checks=("pair",), canaries=10, gold=gold, ungated=False)
        found = judged(rows, config, file)
    (gate,) = found.report.gates
    # 39 pairs right in both orders, one flipped: right once, and wrong once where second was better
    assert gate.gold.table == ((40, 0), (1, 39)) and gate.unanswered == 1 and gate.may_drop
    assert found.report.drops == {"prefers the rejected": 10}
    assert found.report.undecided == {"flipped with the order": 1}


def test_what_may_not_decide_tells_its_undecided_as_advice(file):
    rows = [record(n) for n in range(3)]
    with Server(lambda text, n: graded(None)) as server:
        found = judged(rows, settings(server, canaries=5, ungated=False), file)
    assert [v.reason for v in found.verdicts] == ["advice: undecided: cannot tell"] * 3
    assert all(v.keep for v in found.verdicts) and found.undecided == (0, 1, 2)
    assert (found.report.held, found.report.kept) == (0, 3)
    assert tagged(rows[0], found.verdicts[0]).tags == ("judge-undecided",)


def test_gold_examples_may_come_along_and_those_that_are_gone_are_told(file, tmp_path):
    other = [json.loads(msgspec.json.encode(record(n))) for n in range(100, 130)]
    lines = [{"check": "quality", "record": r, "label": 1 + i % 6} for i, r in enumerate(other)]
    lines += [{"check": "quality", "id": "t:7", "label": 3}, {"check": "plan", "id": "t:0",
              "label": "good"}]  # fmt: skip
    gold = gold_file(tmp_path / "gold.jsonl", lines)
    grades = {**{100 + i: 1 + i % 6 for i in range(30)}, 0: 4}
    with Server(honest(grades)) as server:
        found = judged([record(0)], settings(server, gold=gold), file)
    (gate,) = found.report.gates
    assert (gate.gold.n, gate.missing, gate.may_drop) == (30, 1, True)
    assert len(found.verdicts) == 1 and found.verdicts[0].score == 4.0


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ('{"check": "quality", "id": "a", "label": 7}', "one of 1, 2, 3, 4, 5, 6, got 7"),
        ('{"check": "plan", "id": "a", "label": 1}', "one of bad, good"),
        ('{"check": "quality", "label": 1}', "one of id, record and pair"),
        ('{"check": "quality", "id": "a", "labels": 1}', "labels"),
        ('{"check": "beauty", "id": "a", "label": 1}', "beauty"),
        ("four", "not a gold label"),
        ('{"check": "quality", "id": "t:1", "label": 1}', "labelled twice"),
    ],
)
def test_a_gold_line_that_cannot_be_meant_is_told(line, wrong, file, tmp_path):
    gold = tmp_path / "gold.jsonl"
    gold.write_text('{"check": "quality", "id": "t:1", "label": 2}\n\n' + line)
    with Server(honest({})) as server, pytest.raises(DataError, match="line 3") as error:
        judged([record(1)], settings(server, gold=gold), file)
    assert wrong in str(error.value)


def test_pairs_are_asked_in_both_orders_and_a_flip_is_undecided(file):
    answers = {  # (chosen first, rejected first)
        1: ("first", "second"),
        2: ("second", "first"),
        3: ("first", "first"),
        4: ("second", "second"),
        5: ("first", "cannot_tell"),
        6: ("first", "broken"),
    }

    def answer(text, n):
        swapped = "open" in text.split("[first]")[1].split("[second]")[0]
        word = answers[case_of(text)][swapped]
        return (400, {}, "no") if word == "broken" else preferred(word)

    with Server(answer) as server:
        rows = [pair(n) for n in answers]
        found = judged(rows, settings(server, checks=("pair",)), file)
        assert len(server.bodies) == 12
    assert [v.reason for v in found.verdicts] == [
        "",
        "prefers the rejected",
        "undecided: flipped with the order",
        "undecided: flipped with the order",
        "undecided: cannot tell",
        "undecided: no answer",
    ]
    flips = found.report.flips
    assert (flips.flipped.count, flips.flipped.n) == (2, 4)
    assert (flips.first.count, flips.first.n) == (6, 10)


def test_an_executor_overrules_the_judge_and_their_agreement_is_told(file):
    rows = [pair(n, by="room") for n in range(6)] + [pair(9, by="rule")]
    with Server(lambda text, n: biased(0.0, float(case_of(text) < 4), 0)(text, n)) as server:
        found = judged(rows, settings(server, checks=("pair",)), file)
    agrees, not_so = "executor: the judge agrees", "executor: the judge disagrees"
    assert [v.reason for v in found.verdicts] == [agrees] * 4 + [not_so] * 2 + [
        "prefers the rejected"
    ]
    assert [v.keep for v in found.verdicts] == [True] * 6 + [False]
    table = found.report.executor
    assert table.table == ((4, 2), (2, 4)) and table.kappa == pytest.approx(1 / 3)


def test_the_judge_is_compared_with_the_scorer(file):
    rows = [
        record(1, words="thing", answer="maybe"),
        record(2, words="What is on the table, case 2?", answer="On the table is a mug, red."),
    ]
    with Server(lambda text, n: graded(2 if "thing" in text else 6)) as server:
        found = judge(make_batch(rows), settings(server), {}, run="r", cache=file)
    table = found.report.heuristic
    assert table.n == 2 and sum(map(sum, table.table)) == 2
    assert [sum(column) for column in zip(*table.table, strict=True)] == [0, 1, 0, 0, 0, 1]


def test_verdicts_are_the_same_one_at_a_time_and_many(tmp_path):
    faults = [(500, {}, ""), "cut", said("no"), (429, {"retry-after": "0.01"}, "")]

    def answer(text, n):
        case = case_of(text)
        if is_bad(text):
            return graded(1)
        if case % 8 < 4:
            return faults[case % 8] if n == 1 or case % 3 == 0 else graded(1 + case % 6)
        return graded(None if case % 8 == 7 else 1 + case % 6)

    rows = [record(n) for n in range(16)]
    told = []
    for lanes in (1, 32):
        with Server(answer) as server:
            config = settings(server, canaries=5, endpoint={"concurrency": lanes, "tries": 2})
            found = judged(rows, config, tmp_path / f"{lanes}")
            assert server.busiest <= lanes
        told.append((found.verdicts, msgspec.structs.replace(found.report, cost=None)))
    assert told[0] == told[1]
    reasons = {v.reason for v in told[0][0]}
    assert reasons == {"", "low quality", "undecided: no answer", "undecided: cannot tell"}


def test_equal_questions_are_paid_once(file):
    rows = [record(1), msgspec.structs.replace(record(1), id="t:twin"), record(2)]
    with Server(lambda text, n: graded(5)) as server:
        found = judged(rows, settings(server), file)
        assert sum(server.calls.values()) == 2 and all(v.score == 5 for v in found.verdicts)


def test_a_spent_budget_stops_and_a_larger_one_goes_on(file):
    rows = [record(n) for n in range(20)]
    five = said('{"reasons": "seen", "grade": 5}', tokens=(400, 20))
    with Server(lambda text, n: five) as server:
        small = settings(server, endpoint={"budget_tokens": 5000})
        with pytest.raises(RunError, match="budget is spent") as error:
            judged(rows, small, file)
        assert "goes on there" in error.value.hint and 0 < sum(server.calls.values()) < 20
        config = settings(server, endpoint={"budget_tokens": 80_000})
        assert all(v.keep for v in judged(rows, config, file).verdicts)
        assert sum(server.calls.values()) == 20 and server.tokens == 20 * 420


def test_two_records_of_one_id_are_refused(file):
    with Server(honest({})) as server, pytest.raises(DataError, match="same id"):
        judged([record(1), record(1)], settings(server), file)

"""A judged folder: what goes on, what is held back, and a run that was killed and goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from seestep import flow, run
from seestep.cli import main
from seestep.curate.judge.stage import judge_folder, read_report
from seestep.errors import DataError, RunError
from seestep.jsonl import read_jsonl
from seestep.records import Pair, Record
from tests.curate.judging import (
    case_of,
    folder_of,
    graded,
    is_bad,
    pair,
    preferred,
    record,
    settings,
)
from tests.curate.test_judge import labels
from tests.endpoint.server import Server, said

REPO = Path(__file__).parents[2]


def by_case(text, n):
    """One of six cases is bad, one is a fault, one cannot be told."""
    if is_bad(text):
        return graded(1)
    case = case_of(text)
    return {0: graded(1), 1: (400, {}, "no"), 2: graded(None)}.get(case % 6, graded(5))


def ids(folder, kind=Record):
    return [row.id for row in run.read_rows(folder, kind)]


@pytest.mark.parametrize("policy", ["hold", "keep"])
def test_a_judged_folder_says_where_every_row_is(policy, tmp_path):
    rows = [record(n) for n in range(12)]
    source = folder_of(tmp_path / "in", rows[:7], rows[7:])
    out = tmp_path / "out"
    with Server(by_case) as server:
        config = settings(server, undecided=policy)
        done = judge_folder(source, out, config, roots={}, cache=tmp_path / "answers")
    good = [f"t:{n}" for n in range(12) if n % 6 > 2]
    unsure = ["t:1", "t:2", "t:7", "t:8"]
    kept = [f"t:{n}" for n in range(12) if n % 6] if policy == "keep" else good
    assert ids(out) == kept and done.manifest.shards == 2
    held = {} if policy == "keep" else {"judge:undecided: no answer": 2,
                                        "judge:undecided: cannot tell": 2}  # fmt: skip
    assert done.manifest.drops == held | {"judge:low quality": 2}
    assert done.manifest.counts == {"in": 12, "out": len(kept), "dropped": 12 - len(kept)}
    told = json.loads((out / "report/judge.json").read_bytes())
    assert told["ids_undecided"] == unsure and told["cost"] is None
    assert read_report(out).cost.calls == 10  # a refused question is not billed
    tags = {row.id: row.tags for row in run.read_rows(out, Record)}
    if policy == "hold":
        assert ids(out / "undecided") == unsure and set(tags.values()) == {()}
        assert {r.tags for r in run.read_rows(out / "undecided", Record)} == {("judge-undecided",)}
    else:
        assert {rid for rid, t in tags.items() if t} == set(unsure)
        assert not (out / "undecided").exists()
    (funnel,) = (f for f in flow.funnels(out) if f.folder in ("", ".", "out"))
    assert (funnel.taken, funnel.kept) == (12, len(kept))


def test_a_verdict_says_what_its_opinions_cost(tmp_path, capsys):
    def answer(text, n):
        if case_of(text) == 2 and n == 1:
            return said("prose", tokens=(1000, 1))
        return (400, {}, "no") if case_of(text) == 1 else graded(4)

    source = folder_of(tmp_path / "in", [record(n) for n in range(4)])
    with Server(answer) as server:
        config = settings(server)
        judge_folder(source, tmp_path / "out", config, roots={}, cache=tmp_path / "answers")
        told = read_report(tmp_path / "out").cost
        judge_folder(source, tmp_path / "warm", config, roots={}, cache=tmp_path / "answers")
    costs = [
        {v.id: v.cost for v in run.read_verdicts(tmp_path / out) if v.check == "judge"}
        for out in ("out", "warm")
    ]
    wanted = {"t:0": 15, "t:1": 0, "t:2": 1016, "t:3": 15}  # a refused question is not billed
    assert costs == [wanted, wanted] and told.tokens == sum(wanted.values())
    assert main(["why", "t:2", "--run", str(tmp_path / "out")]) == 0
    assert "kept     judge score 4 (threshold 3), 1,016 tokens" in capsys.readouterr().out
    assert main(["why", "t:2", "--run", str(tmp_path / "out"), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["cost"] for line in lines if line["check"] == "judge"] == [1016]


def test_what_is_closed_asks_nothing_and_another_judge_is_refused(tmp_path):
    source = folder_of(tmp_path / "in", [record(n) for n in range(6)])
    out, cache = tmp_path / "out", tmp_path / "answers"
    with Server(by_case) as server:
        config = settings(server)
        first = judge_folder(source, out, config, roots={}, cache=cache)
        calls = sum(server.calls.values())
        slower = settings(server, endpoint={"concurrency": 1, "price_in": 3.0})
        again = judge_folder(source, out, slower, roots={}, cache=cache)
        assert again == first and sum(server.calls.values()) == calls
        with pytest.raises(RunError, match=r"judge.undecided was 'hold', now 'keep'"):
            judge_folder(source, out, settings(server, undecided="keep"), roots={}, cache=cache)
        gold = labels([1, 2, 3], tmp_path / "gold.jsonl")
        with pytest.raises(RunError, match="inputs"):
            judge_folder(source, out, settings(server, gold=gold), roots={}, cache=cache)


def test_what_is_held_back_can_be_judged_again(tmp_path):
    source = folder_of(tmp_path / "in", [record(n) for n in range(6)])
    out, cache = tmp_path / "out", tmp_path / "answers"
    with Server(by_case) as server:
        judge_folder(source, out, settings(server), roots={}, cache=cache)
    with Server(lambda text, n: graded(4) if case_of(text) == 1 else graded(None)) as server:
        held, more = out / "undecided", tmp_path / "again"
        done = judge_folder(held, more, settings(server), roots={}, cache=cache)
        assert sum(server.calls.values()) == 1  # "cannot tell" is an answer, and known
    assert {row.id: row.tags for row in run.read_rows(more, Record)} == {"t:1": ()}
    assert ids(more / "undecided") == ["t:2"] and done.report.held == 1
    (out / "judge.cost.json").unlink()
    assert read_report(out).cost is None


def test_pairs_are_judged_as_pairs_and_items_not_at_all(tmp_path):
    source = folder_of(tmp_path / "in", [], [pair(n) for n in range(4)])

    def answer(text, n):
        first = "pick" in text.split("[first]")[1].split("[second]")[0]
        return preferred("first" if first or case_of(text) == 2 else "second")

    with Server(answer) as server:
        config = settings(server, checks=("pair",))
        done = judge_folder(source, tmp_path / "out", config, roots={}, cache=tmp_path / "a")
        assert ids(tmp_path / "out", Pair) == ["p:0", "p:1", "p:3"]
        assert {v.cost for v in run.read_verdicts(tmp_path / "out")} == {30}  # of both orders
        assert ids(tmp_path / "out/undecided", Pair) == ["p:2"]
        assert done.report.undecided == {"flipped with the order": 1}
        items = folder_of(tmp_path / "verdicts", list(run.read_verdicts(tmp_path / "out")))
        with pytest.raises(DataError, match="neither records nor pairs"):
            judge_folder(items, tmp_path / "o", config, roots={}, cache=tmp_path / "a")


def recipe(path, server, **more):
    endpoint = {"base_url": server.url, "model": "m", "concurrency": 4, "wait_s": 0.01} | more
    judge = {"endpoint": endpoint, "undecided": "hold", "checks": ["quality"], "canaries": 5}
    path.write_text(json.dumps({"judge": judge}))
    return path


def test_the_verb_says_loudly_that_an_ungated_judge_may_drop_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SEESTEP_CACHE", str(tmp_path / "cache"))
    source = folder_of(tmp_path / "in", [record(n) for n in range(36)])
    out = tmp_path / "out"
    with Server(by_case) as server:
        words = ["judge", str(source), "--recipe", str(recipe(tmp_path / "r.yaml", server))]
        assert main([*words, "--out", str(out)]) == 0
        said = capsys.readouterr().out
        assert "QUALITY MAY DROP NOTHING: there are no gold labels for it" in said
        assert "36 rows: 36 kept, 0 dropped, 0 undecided and held back (hold)" in said
        assert "advised to drop, but kept: 6" in said and len(ids(out)) == 36
        grades = [1 if n % 6 == 0 else 5 for n in range(36)]
        gold = labels(grades, tmp_path / "gold.jsonl")
        fewer = "judge.least_gold=20"
        assert main([*words, fewer, "--out", str(tmp_path / "b"), "--gold", str(gold)]) == 0
        said = capsys.readouterr().out
        assert "quality may drop: kappa 1.00" in said and "6 quality below" not in said
        assert "36 rows: 18 kept, 6 dropped, 12 undecided and held back (hold)" in said
        assert "12 rows held back:" in said and "12 undecided" in said
        more = [*words, fewer, "--out", str(tmp_path / "b"), "--gold", str(gold), "--json"]
        assert main(more) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["dropped"], told["held"], told["gates"][0]["may_drop"]) == (6, 12, True)
        assert main([*words, "--out", str(tmp_path / "c"), "--gold", "nowhere.jsonl"]) == 2
        assert "nowhere.jsonl" in capsys.readouterr().err


def test_ctrl_c_ends_a_judge_at_once_and_tells_how_to_go_on(tmp_path):
    source = folder_of(tmp_path / "in", [record(n) for n in range(200)])
    env = os.environ | {"SEESTEP_CACHE": str(tmp_path / "cache")}

    def slow(text, n):
        time.sleep(0.05)
        return by_case(text, n)

    with Server(slow) as server:
        words = [sys.executable, "-m", "seestep", "judge", str(source), "--out"]
        words += [str(tmp_path / "out"), "--recipe", str(recipe(tmp_path / "r.yaml", server))]
        running = subprocess.Popen(words, cwd=REPO, env=env, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
        while sum(server.done.values()) < 8:
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        try:
            _, said = running.communicate(timeout=30)
        finally:
            running.kill()
        assert running.returncode == 130 and "Traceback" not in said, said
        assert "stopped. Finished parts are kept" in said and "seestep judge" in said
        assert sum(server.calls.values()) < 210


def test_a_killed_run_goes_on_and_pays_for_no_answer_twice(tmp_path):
    source = folder_of(tmp_path / "in", [record(n) for n in range(48)])
    env = os.environ | {"SEESTEP_CACHE": str(tmp_path / "cache")}

    def slow(text, n):
        time.sleep(0.02)
        return by_case(text, n) if case_of(text) % 6 != 1 else graded(4)

    with Server(slow) as server:
        path = recipe(tmp_path / "r.yaml", server)
        words = [sys.executable, "-m", "seestep", "judge", str(source), "--recipe", str(path)]
        words += ["--out", str(tmp_path / "out")]
        running = subprocess.Popen(words, cwd=REPO, env=env, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)  # fmt: skip
        while sum(server.done.values()) < 16:
            time.sleep(0.01)
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        before = sum(server.calls.values())
        assert before < 58 and not (tmp_path / "out" / "manifest.json").exists()
        again = subprocess.run(words, cwd=REPO, env=env, capture_output=True, text=True)
        assert again.returncode == 0, again.stderr
        twice = [text for text, n in server.calls.items() if n > 1]
        assert len(twice) <= 4  # at most those on their way when it was killed
        assert sum(server.calls.values()) == 58 + len(twice)  # 48 rows, 5 canaries, 5 twins
        straight = tmp_path / "straight"
        config = settings(server, ungated=False, canaries=5,
                          endpoint={"max_tokens": 512})  # fmt: skip
        judge_folder(source, straight, config, roots={}, cache=tmp_path / "other")
    for name in ("part-00000.jsonl", "report/judge.json"):
        assert (straight / name).read_bytes() == (tmp_path / "out" / name).read_bytes()
    told = [msgspec.json.encode(list(run.read_verdicts(f))) for f in (straight, tmp_path / "out")]
    assert told[0] == told[1] and list(read_jsonl(straight / "part-00000.jsonl", Record))

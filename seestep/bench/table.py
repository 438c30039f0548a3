"""The 17 benchmarks, one entry each.

Prompts are FlagEvalMM's (fef27ec, 2026-03) where it has a task, else the benchmark's own.
RefSpatial's records carry their own suffix, and so does ours: it is what the public scorers of
RoboRefer were written for.
"""

from __future__ import annotations

from seestep.bench.base import Ask, Bench
from seestep.errors import DataError
from seestep.families.wording import P_COT, P_DIRECT, P_POINT, P_REFSPATIAL, P_YES_NO
from seestep.records import Form

# FlagEvalMM tasks/blink/blink_val.py
P_BLINK = (
    "The last line of your response should be of the following format: 'Answer: $LETTER' "
    "(without quotes) where LETTER is one of options."
)
# FlagEvalMM tasks/mmsi_bench/mmsi_bench.py
P_MMSI = P_DIRECT + " Enclose the option's letter within ``."
# FlagEvalMM, omni_spatial
P_OMNI = "Your answer must be clear and accurate."
# FlagEvalMM tasks/vsi_bench/vsi_bench_test.py: before the question, and after numeric ones
P_VSI_BEFORE = "These are frames of a video.\n"
P_VSI_NUMBER = "Please answer the question using a single word or phrase."
# RealWorldQA: the instruction stands in the question itself
P_REALWORLD = "Please answer directly with only the letter of the correct option and nothing else."


def _choice(prompt: str = P_DIRECT) -> Ask:
    return Ask(form=Form(kind="choice", prompt=prompt), scorer="choice")


def _points(prompt: str) -> Ask:
    form = Form(kind="point", frame="unit", notation="tuples", prompt=prompt)
    return Ask(form=form, scorer="points_in_mask")


_FLAGEVAL = "FlagEvalMM fef27ec"
_REFSPATIAL = {
    "asks": (_points(P_REFSPATIAL),),
    "metric": "mean share of the points inside the mask",
    "protocol": "suffix of the RefSpatial-Bench records",
}

BENCHES: dict[str, Bench] = {
    bench.name: bench
    for bench in (
        Bench(
            name="all-angles",
            title="All_Angles",
            asks=(_choice(),),
            skills=("multiview", "count", "relation", "distance"),
            protocol=_FLAGEVAL,
            images=(2, 6),
            questions=2132,
        ),
        Bench(
            name="blink",
            title="BLINK",
            asks=(_choice(P_BLINK),),
            skills=("count", "distance", "relation", "multiview", "attribute"),
            protocol=_FLAGEVAL,
            images=(1, 4),
            questions=1901,
        ),
        Bench(
            name="cv-bench",
            title="CVBench",
            asks=(_choice(),),
            skills=("count", "relation", "distance"),
            protocol=_FLAGEVAL,
            questions=2638,
            metric="accuracy, the two 2D sources averaged before 3D is",
        ),
        Bench(
            name="egoplan",
            title="Egoplan",
            asks=(_choice(),),
            skills=("planning",),
            protocol=_FLAGEVAL,
            images=(1, 8),
            questions=1321,
        ),
        Bench(
            name="embspatial",
            title="Embspatial",
            asks=(_choice(),),
            skills=("relation", "distance"),
            protocol=_FLAGEVAL,
            questions=3640,
        ),
        Bench(
            name="erqa",
            title="ERQA",
            asks=(_choice(P_COT),),
            skills=("relation", "attribute", "multiview", "count", "distance"),
            protocol=_FLAGEVAL,
            images=(1, 4),
            questions=400,
        ),
        Bench(
            name="mmsi",
            title="MMSI",
            asks=(_choice(P_MMSI),),
            skills=("multiview",),
            protocol=_FLAGEVAL,
            images=(2, 6),
            questions=1000,
        ),
        Bench(
            name="omnispatial-train",
            title="Omini_Spatial",
            asks=(_choice(P_OMNI),),
            skills=("relation", "distance", "count"),
            protocol=f"{_FLAGEVAL}, split train",
        ),
        Bench(
            name="omnispatial-test",
            title="Omini_Spatial_test",
            asks=(_choice(P_OMNI),),
            skills=("relation", "distance", "count"),
            protocol=f"{_FLAGEVAL}, split test",
            questions=1533,
            licence="CC BY-NC 4.0",
        ),
        Bench(
            name="realworldqa",
            title="RealworldQA",
            asks=(_choice(P_REALWORLD), Ask(form=Form(kind="yes_no"), scorer="yes_no")),
            skills=("attribute", "relation", "yes_no", "count"),
            protocol="instruction inside the question",
            questions=765,
        ),
        Bench(
            name="refspatial-location",
            title="Refspatial_Location",
            skills=("pointing",),
            questions=100,
            **_REFSPATIAL,  # type: ignore[arg-type]
        ),
        Bench(
            name="refspatial-placement",
            title="Refspatial_Planing",
            skills=("free_space",),
            questions=100,
            **_REFSPATIAL,  # type: ignore[arg-type]
        ),
        Bench(
            name="refspatial-unseen",
            title="Refspatial_Unseen",
            skills=("pointing", "free_space"),
            questions=77,
            **_REFSPATIAL,  # type: ignore[arg-type]
        ),
        Bench(
            name="robospatial",
            title="RoboSpatial",
            asks=(
                Ask(form=Form(kind="yes_no", prompt=P_YES_NO), scorer="yes_no"),
                _points(P_POINT),
            ),
            skills=("yes_no", "compatibility", "free_space"),
            protocol=_FLAGEVAL,
            questions=350,
            metric="accuracy; points: mean share inside the mask",
        ),
        Bench(
            name="sat",
            title="SAT",
            asks=(_choice(P_COT),),
            skills=("multiview", "relation"),
            protocol=f"{_FLAGEVAL}; options keep their order",
            images=(1, 2),
            questions=150,
        ),
        Bench(
            name="vsi-bench",
            title="VSI_Bench",
            asks=(
                Ask(form=Form(kind="number", prompt=P_VSI_NUMBER), scorer="mra"),
                _choice(),
            ),
            skills=("count", "metric", "distance", "multiview"),
            protocol=_FLAGEVAL,
            images=(4, 16),
            questions=5130,
            metric="accuracy; numbers: mean relative accuracy",
            before=P_VSI_BEFORE,
        ),
        Bench(
            name="where2place",
            title="Where2Place",
            asks=(_points(P_POINT),),
            skills=("free_space",),
            protocol=_FLAGEVAL,
            questions=100,
            metric="mean share of the points inside the mask",
        ),
    )
}


def get(name: str) -> Bench:
    """The benchmark called ``name``, with or without "mini-"; DataError if there is none."""
    try:
        return BENCHES[name.removeprefix("mini-")]
    except KeyError:
        raise DataError(f"no benchmark is called {name!r}", wanted=" | ".join(BENCHES)) from None

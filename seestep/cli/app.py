"""The verbs, and what becomes of an error: one sentence, an exit code, the way to go on.

Exit codes: 0 done, 1 crashed (or ``doctor``, ``check`` or ``audit`` found something), 2 a mistake
the user can mend, 130 stopped with Ctrl-C, 141 the reader of our output went away.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence

from cyclopts import App
from cyclopts.exceptions import CycloptsError

from seestep import __version__
from seestep.errors import SeestepError
from seestep.stopping import stoppable

VERBS = {  # name -> (where it lives, what it does)
    "run": ("seestep.cli.run:run", "Run a whole recipe: data, training, evaluation, report."),
    "sources": ("seestep.cli.sources:sources", "List the data sets that can be read."),
    "check": ("seestep.cli.check:check", "Find what is wrong with a training file, as it is."),
    "convert": ("seestep.cli.convert:convert", "Turn official data files into records."),
    "import": ("seestep.cli.own:bring", "Turn a training file of another tool into records."),
    "export": ("seestep.cli.export:export", "Write records as another trainer reads them."),
    "audit": ("seestep.cli.audit:audit", "Find records that stand in a benchmark."),
    "curate": ("seestep.cli.curate:curate", "Keep the records that every check keeps."),
    "dedup": ("seestep.cli.dedup:dedup", "Take the duplicates out of any JSON lines."),
    "judge": ("seestep.cli.judge:judge", "Let a model judge records or pairs."),
    "train": ("seestep.cli.train:train", "Train one stage."),
    "pretrain": ("seestep.cli.pretrain:pretrain", "Make a small base from nothing and test it."),
    "eval": ("seestep.cli.eval:evaluate", "Ask a checkpoint the items of suites and score it."),
    "evidence": ("seestep.cli.evidence:evidence", "Several seeds, control arms and ablations."),
    "report": ("seestep.cli.report:report", "Write the report of a run."),
    "show": ("seestep.cli.show:show", "Draw records of each source and task on their pictures."),
    "why": ("seestep.cli.why:why", "Tell what every stage decided about a record."),
    "funnel": ("seestep.cli.funnel:funnel", "Show what each check of a run left out."),
    "diff": ("seestep.cli.diff:diff", "Show which records two runs decided otherwise."),
    "doctor": ("seestep.cli.doctor:doctor", "Look at this machine: what is here, what is missing."),
}
RESUMABLE = frozenset(
    {
        "run",
        "convert",
        "import",
        "audit",
        "curate",
        "dedup",
        "judge",
        "train",
        "pretrain",
        "eval",
        "evidence",
        "report",
    }
)

app = App(
    name="seestep",
    help="Post-train embodied vision-language models, with the evidence that it helped.",
    version=__version__,
    help_format="plaintext",  # markdown would take a third of the start-up time
    result_action="return_int_as_exit_code_else_zero",
    suppress_keyboard_interrupt=False,  # main tells how to go on
)
for _name, (_where, _help) in VERBS.items():
    app.command(_where, name=_name, help=_help)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words and not words[0].startswith("-") and words[0] not in VERBS:
        _say(_no_such_verb(words[0]))  # cyclopts would import every verb to say this
        return 2
    try:
        with stoppable():
            code = app(words, exit_on_error=False)
        sys.stdout.flush()
        return int(code)
    except CycloptsError:  # cyclopts has already said what is wrong with the words
        return 2
    except SeestepError as error:
        _say(str(error))
        return 2
    except KeyboardInterrupt:
        _say("stopped." + resume_text(words))
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception:  # a fault of ours: show all of it, and how to go on
        import traceback

        traceback.print_exc()
        _say(
            "this is a fault in seestep, please report it with the lines above."
            + resume_text(words)
        )
        return 1


def resume_text(words: Sequence[str]) -> str:
    """The sentence that tells how to go on, empty for verbs that leave nothing behind."""
    verb = next((word for word in words if not word.startswith("-")), "")
    if verb not in RESUMABLE:
        return ""
    return " Finished parts are kept; to go on where it stopped, run:\n  " + shlex.join(
        ["seestep", *words]
    )


def _no_such_verb(word: str) -> str:
    import difflib

    near = difflib.get_close_matches(word, VERBS, n=1, cutoff=0.5)
    guess = f"did you mean {near[0]}?" if near else f"verbs: {', '.join(VERBS)}"
    return f"there is no verb {word!r}. Try: {guess}"


def _say(text: str) -> None:
    print(f"seestep: {text}", file=sys.stderr, flush=True)

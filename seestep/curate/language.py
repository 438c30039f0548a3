"""Telling other languages of Latin script from English, by their most common words.

Lists hold what is no English word ("die", "hay", "pour" are; "do" is in one, and never enough by
itself) and stands in most sentences; single letters count for nothing. So a caption without any
grammar ("black bottle, white shirt") is never taken for another language.
"""

from __future__ import annotations

import re
from collections import Counter

VERSION = 2  # measures depend on it: another one for other words or another rule
SHARE = 0.2  # of the words of a text that are of one list
_WORD = re.compile(r"[^\W\d_]{2,}(?:'[^\W\d_]+)?")
ENGLISH = frozenset(
    """the and of what which where how who whose why when is are does has have this that these
    those there with from for to it its can should you your they them his their by not be been
    if did were will would could after before then than into near under over""".split()  # noqa: SIM905
)
OTHERS = {
    "German": """der das und ist ein eine einen einem einer dem des wo wie wer welche welcher
        welches auf mit vom zum zur im nicht es er sie sind wird gibt steht liegt sich von für oder
        bei aus wurde kein keine soll zu nach als über wenn noch auch nur werden kann durch
        ihr wir""",
    "French": """le les la une du et est sont que qui quel quelle quels quelles où il elle dans sur
        avec aux cette ces pas sous ses combien
        être ont leur nous vous dont peut""",
    "Spanish": """el la los las un una unos unas del es está están qué que quién dónde cuál
        cuántos cuántas cómo en con por para se su sus al lo más
        ser entre cuando fue tiene puede sobre""",
    "Portuguese": """uma um de da do dos das está estão que quem onde qual quantos quantas em
        na nos nas por para se há seu sua ao às ele ela não mais ser foi tem pode
        sobre quando""",
    "Italian": """il lo la gli le un una uno di del della dello dei delle degli che chi quale
        quanti quante con si c'è ci sono suo sua al alla sul sulla nel nella non cosa più
        essere quando viene dal dalla""",
    "Dutch": """het een en wat waar wie welke hoeveel op voor bij aan uit zijn staat ligt er niet
        naar hij zij ze dat deze dit worden wordt te om geen als ook kan maar""",
    "Indonesian": """yang di ke dari apa apakah siapa mana berapa bagaimana itu ini ada adalah
        dengan untuk pada sebuah seorang tidak atau sedang akan dalam oleh telah lebih
        seperti juga saat bisa semua setelah""",
}
_OF = {language: frozenset(words.split()) for language, words in OTHERS.items()}


def other_language(text: str) -> str:
    """Which of ``OTHERS`` a text is written in, "" for English and whatever cannot be told.

    Two different words of its list at least, a ``SHARE`` of all, and more than are English ones.
    """
    times = Counter(_WORD.findall(text.casefold()))
    least = max(SHARE * times.total(), 1 + sum(times[word] for word in times.keys() & ENGLISH))
    found: dict[str, int] = {}
    for language, words in _OF.items():
        theirs = times.keys() & words
        total = sum(times[word] for word in theirs)
        if len(theirs) > 1 and total >= least:
            found[language] = total
    return max(found, key=found.__getitem__, default="")

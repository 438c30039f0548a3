"""Answers: reading what a model said, and what it is worth. The only parser of outputs.

parts (thinking, tags, "Answer:"), read (choice, number, yes/no, words), places (coordinates),
scorers (one function each), rescore (other frames), compat (how other frameworks read).
"""

from seestep.answers.compat import flagevalmm_points
from seestep.answers.parts import Sections, sections, spans, strip
from seestep.answers.places import Place, frame_of, read_place
from seestep.answers.read import Read, read_choice, read_number, read_text, read_yes_no
from seestep.answers.rescore import FrameScore, FrameTable, frame_table, rescore_frames
from seestep.answers.scorers import SCORERS, frechet, mean_relative_accuracy, score

__all__ = [
    "SCORERS",
    "FrameScore",
    "FrameTable",
    "Place",
    "Read",
    "Sections",
    "flagevalmm_points",
    "frame_of",
    "frame_table",
    "frechet",
    "mean_relative_accuracy",
    "read_choice",
    "read_number",
    "read_place",
    "read_text",
    "read_yes_no",
    "rescore_frames",
    "score",
    "sections",
    "spans",
    "strip",
]

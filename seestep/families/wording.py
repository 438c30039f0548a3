"""The sentences that say how to answer: exact wordings of benchmarks, and our own.

Each exact wording stands here once, with its source; ``Form.prompt`` carries one where a
protocol demands it, otherwise ``sentence`` writes one for the kind, frame and notation.
"""

from __future__ import annotations

# FlagEvalMM fef27ec, default for multiple choice (All-Angles, CV-Bench, EmbSpatial, EgoPlan)
P_DIRECT = "Answer with the option's letter from the given choices directly."
P_DIRECT_ZH = "从给定的选项中直接选择答案的字母，不要多余的解释。"
# FlagEvalMM, ERQA and SAT
P_COT = (
    "Carefully analyze the multiple-choice question above and reason through it step by step. "
    "Conclude your response with a line in the following format: Answer: $LETTER (without "
    "quotes), where $LETTER is the letter of the correct choice."
)
# FlagEvalMM tasks/where2place/where2place.py and robo_spatial_home_all.py
P_POINT = """\
Your task is to identify specific points in the image based on the question. Respond with a brief \
explanation if needed, followed by a list of 2D point coordinates.

Each point should be represented as a normalized (x, y) tuple, where both x and y values are \
floats between 0 and 1, corresponding to the position within the image (e.g., for a point at \
pixel (50, 75) in a 100*100 image, the normalized coordinate is (0.5, 0.75)).

Format your final answer strictly as follows on the last line of your response:
Answer: [(x1, y1), (x2, y2), ..., (xn, yn)]

Do not include additional text after this line.
"""
# FlagEvalMM tasks/robo_spatial_home/robo_spatial_home_all.py
P_YES_NO = """\
Your task is to answer the question above. Respond with a brief explanation if needed, followed \
by a yes or no answer in the last line of your response.

Format your final answer strictly as follows on the last line of your response:
Answer: yes or no

Do not include additional text after this line.
"""
# RefSpatial-Bench and RoboSpatial-Home, field `suffix` of the records
P_REFSPATIAL = (
    "Your answer should be formatted as a list of tuples, i.e. [(x1, y1), ...], where each tuple "
    "contains the x and y coordinates of a point satisfying the conditions above. The "
    "coordinates should be between 0 and 1, indicating the normalized pixel locations of the "
    "points."
)
# FlagEvalMM, BLINK
P_BLINK = (
    "The last line of your response should be of the following format: 'Answer: $LETTER' (without "
    "quotes) where LETTER is one of options."
)
# FlagEvalMM, MMSI-Bench: follows the default sentence
P_MMSI = f"{P_DIRECT} Enclose the option's letter within ``."
# FlagEvalMM, OmniSpatial
P_OMNISPATIAL = "Your answer must be clear and accurate."
# VSI-Bench's own evaluation: before every question; after those that want a number
VSI_FRAMES = "These are frames of a video.\n"
P_VSI_NUMBER = "Please answer the question using a single word or phrase."

_FRAME_WORDS = {
    "pixel": "in pixels of the original image",
    "pixel_resized": "in pixels",
    "unit": "as fractions of the image's width and height, from 0 to 1",
    "permille": "as integers from 0 to 1000 relative to the image's width and height",
    "percent": "in percent of the image's width and height, from 0 to 100",
}
_SHAPES = {
    "tuple": {"point": "(x, y)", "box": "(x0, y0, x1, y1)"},
    "tuples": {"": "[(x1, y1), (x2, y2), ...]", "point": "[(x, y)]"},
    "list": {"point": "[x, y]", "box": "[x0, y0, x1, y1]"},
    "lists": {"": "[[x1, y1], [x2, y2], ...]", "point": "[[x, y]]"},
    "bracket_box": {"": "[x0, y0, x1, y1]"},
    "json_point_2d": {"": 'JSON with the key "point_2d"'},
    "json_point_2d_bare": {"": 'JSON with the key "point_2d", without a code fence'},
    "json_bbox_2d": {"": 'JSON with the key "bbox_2d"'},
    "json_bbox_2d_bare": {"": 'JSON with the key "bbox_2d", without a code fence'},
    "json_point_yx": {"": 'JSON with the key "point" as [y, x]'},
    "json_box_yx": {"": 'JSON with the key "box_2d" as [ymin, xmin, ymax, xmax]'},
    "xml_points": {"": 'XML as <point x="" y="" alt="">'},
    "qwen_box_tokens": {"box": "(x0,y0),(x1,y1)", "": "(x,y)"},
}
_THINGS = {
    "point": "one point",
    "points": "the points",
    "box": "the bounding box",
    "path": "the points of the path in order",
    "polygon": "the corners of the outline in order",
    "mask": "the region",
}
_PLAIN = {
    "choice": P_DIRECT,
    "number": "Answer with a number only.",
    "yes_no": "Answer yes or no.",
    "plan": 'Answer with a JSON list of steps: [["verb", "object"], ...].',
    "text": "Answer briefly.",
}


def sentence(kind: str, frame: str, notation: str) -> str:
    """The sentence asking for ``kind`` in ``frame`` and ``notation``; one for each of them."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    shapes = _SHAPES[notation]
    shape = shapes.get(kind) or shapes.get("") or next(iter(shapes.values()))
    return f"Answer with {_THINGS[kind]} as {shape}, {_FRAME_WORDS[frame]}."

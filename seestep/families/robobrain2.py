"""RoboBrain 2.0: Qwen2.5-VL underneath, tuples of integer pixels, thinking in tags.

Its prompt says "normalized" while its README answers with integers such as (376, 309); whether
those are pixels of the original or of the resized image is not settled. ``pixel_resized`` is
inferred from Qwen2.5-VL, not measured: run ``families.probe`` on the checkpoint before training.

Sources: FlagOpen/RoboBrain2.0 inference.py (prompts, answer prefixes), README (answers).
"""

from seestep.families.base import Family

POINTING = (
    "Your answer should be formatted as a list of tuples, i.e. [(x1, y1), (x2, y2), ...], where "
    "each tuple contains the x and y coordinates of a point satisfying the conditions above. The "
    "coordinates should indicate the normalized pixel locations of the points in the image."
)

# Whole prompts; {text} is the caller's expression or task. Used through ``Form.prompt``.
PROMPTS = {
    "pointing": f"{{text}}. {POINTING}",
    "affordance": (
        'You are a robot using the joint control. The task is "{text}". Please predict a '
        "possible affordance area of the end effector."
    ),
    "trajectory": (
        'You are a robot using the joint control. The task is "{text}". Please predict up to 10 '
        "key trajectory points to complete the task. Your answer should be formatted as a list "
        "of tuples, i.e. [[x1, y1], [x2, y2], ...], where each tuple contains the x and y "
        "coordinates of a point."
    ),
    "grounding": (
        "Please provide the bounding box coordinate of the region this sentence describes: {text}."
    ),
}

THINK_PREFIX = "<think>"
NO_THINK_PREFIX = "<think></think><answer>"

FAMILY = Family(
    name="robobrain2",
    model_types=("qwen2_5_vl",),  # shared with Qwen2.5-VL: a recipe or seestep.json says which
    frame="pixel_resized",
    frame_source="inferred, probe it",
    notations={
        "point": "tuples",
        "points": "tuples",
        "path": "lists",
        "polygon": "tuples",
        "box": "bracket_box",
        "mask": "bracket_box",
    },
    patch=14,
    merge=2,
    min_pixels=4 * 28 * 28,
    max_pixels=16384 * 28 * 28,
    thinking="tags",
    sentences={"point": PROMPTS["pointing"], "points": PROMPTS["pointing"]},
)

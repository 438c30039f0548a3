"""Converters on rows small enough to check by eye."""

from msgspec import convert

from seestep.records import Box, Choice, Freeform, Number, Plan, Provenance, Record, Verdict, YesNo
from seestep.sources import alfred, epic_kitchens, lvis, make, sharerobot, vg_rows, visual_genome

AT = Provenance(file="x.json")
IMAGE = vg_rows.Image(image_id=3, url="https://x/VG_100K/3.jpg", width=640, height=480)
KEYBOARD = {"object_id": 1, "name": "keyboard", "x": 168, "y": 273, "w": 175, "h": 48}
MONITOR = {"object_id": 2, "names": ["monitor"], "x": 159, "y": 119, "w": 149, "h": 155}


def vg_relation(predicate: str, *extra: dict) -> list[Record | Verdict]:
    row = {
        "image_id": 3,
        "relationships": [
            {"relationship_id": 9, "predicate": predicate, "subject": KEYBOARD, "object": MONITOR},
            *extra,
        ],
    }
    rows = [convert(row, vg_rows.Relations)]
    return list(visual_genome.relations(rows, {3: visual_genome.media(IMAGE)}, AT))


def test_vg_relation_keeps_both_boxes_as_corners() -> None:
    (got,) = vg_relation("In  front OF")
    assert isinstance(got, Record)
    assert got.answer == Freeform(text="in front of")
    assert got.find_geometry("subject").values == (168, 273, 343, 321)
    assert got.find_geometry("object").values == (159, 119, 308, 274)


def test_vg_asks_where_only_what_a_place_can_answer() -> None:
    (place,), (deed,) = vg_relation("near"), vg_relation("plugged into")
    assert "Where is the keyboard relative to the monitor?" in str(place)
    assert "How is the keyboard related to the monitor?" in str(deed)


def test_vg_side_that_the_boxes_contradict_is_dropped() -> None:
    (got,) = vg_relation("left of")  # the keyboard's centre is right of the monitor's
    assert isinstance(got, Verdict) and got.check == "source:contradiction"
    (kept,) = vg_relation("right of")
    assert isinstance(kept, Record)
    (got,) = vg_relation("above")  # the keyboard is lower in the picture
    assert isinstance(got, Verdict) and got.check == "source:contradiction"
    (kept,) = vg_relation("below")
    assert isinstance(kept, Record)


def test_vg_name_of_two_things_is_ambiguous_but_a_double_box_is_not() -> None:
    other = KEYBOARD | {"object_id": 5, "x": 400}
    again = KEYBOARD | {"object_id": 6, "x": 170}
    for twin, kept in ((other, False), (again, True)):
        extra = {"id": 10, "predicate": "on", "subject": twin, "object": MONITOR}
        assert isinstance(vg_relation("near", extra)[0], Record) is kept


def test_vg_image_without_metadata_leaves_a_verdict() -> None:
    rows = [{"id": 7, "qas": [{"qa_id": 1, "question": "What?", "answer": "That."}]}]
    (got,) = visual_genome.questions(convert(rows, list[vg_rows.Questions]), {}, AT)
    assert isinstance(got, Verdict) and got.check == "source:join"


LVIS_IMAGE = lvis.Image(
    id=14888,
    coco_url="http://images.cocodataset.org/val2017/000000014888.jpg",
    width=640,
    height=480,
    neg_category_ids=(2,),
    not_exhaustive_category_ids=(3,),
)
CATEGORIES = [
    lvis.Category(id=k, name=name) for k, name in ((1, "cow"), (2, "batter_(food)"), (3, "grass"))
]


def lvis_rows(*annotations: dict) -> dict[str, Record | Verdict]:
    rows = convert(annotations, list[lvis.Annotation])
    found = list(lvis.convert([LVIS_IMAGE], rows, CATEGORIES, AT))
    return {row.id: row for row in found}


def test_lvis_asks_absence_only_of_negative_categories() -> None:
    cow = {"id": 1, "image_id": 14888, "category_id": 1, "bbox": [0, 0, 640, 436.83], "area": 9e4}
    rows = lvis_rows(cow)
    absent = rows["lvis:14888-c2-absent"]
    assert isinstance(absent, Record) and absent.answer == YesNo(yes=False)
    assert "batter (food)" in str(absent.turns)
    assert {
        r.answer.yes for r in rows.values() if isinstance(r, Record) and r.task == "exists"
    } == {
        True,
        False,
    }
    assert rows["lvis:14888-c1-count"].answer == Number(value=1)
    assert rows["lvis:14888-c1-locate"].find_geometry("box").values == (0, 0, 640, 436.83)


def test_lvis_does_not_count_what_is_not_exhaustive() -> None:
    grass = {"id": 4, "image_id": 14888, "category_id": 3, "bbox": [0, 0, 9, 9], "area": 81}
    got = lvis_rows(grass)["lvis:14888-c3-count"]
    assert isinstance(got, Verdict) and got.check == "source:not-exhaustive"


def test_lvis_paths_of_both_releases() -> None:
    assert lvis.media(LVIS_IMAGE).path == "val2017/000000014888.jpg"
    old = lvis.Image(id=1, file_name="COCO_val2014_000000000001.jpg", width=4, height=4)
    assert lvis.media(old).path == "val2014/COCO_val2014_000000000001.jpg"


def epic_row(order: int, start: float, stop: float, what: str) -> dict[str, str]:
    return {
        "narration_id": f"P01_101_{order}",
        "participant_id": "P01",
        "video_id": "P01_101",
        "start_timestamp": f"00:00:{start:05.2f}",
        "stop_timestamp": f"00:00:{stop:05.2f}",
        "narration": what,
    }


def test_epic_is_read_in_time_order_and_the_past_stays_past() -> None:
    rows = [epic_row(i, 5 + 5 * i, 9 + 5 * i, f"do {i}") for i in (0, 1, 4, 2, 3)]
    found = list(epic_kitchens.convert(rows, AT))
    records = [r for r in found if isinstance(r, Record)]
    assert [r.id for r in records] == [
        "epic_kitchens:P01_101_3-next",
        "epic_kitchens:P01_101_4-next",
    ]
    answer = records[0].answer
    assert isinstance(answer, Choice) and answer.options[answer.index] == "do 3"
    assert "do 0, then do 1, then do 2" in str(records[0].turns)
    # the extension videos run at 50 frames a second; 20 s start - 1 s gap = frame 950
    assert records[0].media[0].frames[-1] == "P01/rgb_frames/P01_101/frame_0000000950.jpg"
    assert len(found) == 5


def test_epic_offers_nothing_as_wrong_that_goes_on_at_the_same_time() -> None:
    rows = [epic_row(i, 5 + 5 * i, 9 + 5 * i, f"do {i}") for i in range(4)]
    both = [*rows, epic_row(4, 21, 24, "add salt")]  # while "do 3" lasts, from 20 to 24 s
    found = [r for r in epic_kitchens.convert(both, AT) if isinstance(r, Record)]
    answer = next(r for r in found if r.id == "epic_kitchens:P01_101_3-next").answer
    assert isinstance(answer, Choice)
    assert sorted(answer.options) == ["do 0", "do 1", "do 2", "do 3"]


def test_sharerobot_range_marker_becomes_four_pictures() -> None:
    row = {
        "id": "/x/62_robo_set#episode_1570",
        "task": "Future_Prediction_Task",
        "selected_step": 3,
        "conversations": [
            {"from": "human", "value": "<image 0-25> After <a>, what next?"},
            {"from": "gpt", "value": "<place the banana into the mug>"},
        ],
    }
    (got,) = sharerobot.planning([row], AT)
    assert isinstance(got, Record)
    assert [f.rsplit("_", 1)[1] for f in got.media[0].frames] == [
        "0.png",
        "8.png",
        "17.png",
        "25.png",
    ]
    assert got.answer == Freeform(text="place the banana into the mug")


def test_sharerobot_success_is_answered_yes_or_no_and_several_actions_are_parted() -> None:
    said = {
        "yes": YesNo(yes=True),
        "<No.>": YesNo(yes=False),
        "<pick the cup> <put it down>": Freeform(text="pick the cup; put it down"),
        "1- <pick the cup>\n2- <put it down>": Freeform(text="1- pick the cup 2- put it down"),
        "<pick the cup>": Freeform(text="pick the cup"),
        "<>": None,
    }
    rows = [
        {
            "id": "a/b#c", "task": "Success_Task", "selected_step": step,
            "conversations": [
                {"from": "human", "value": "<image 0-9> Was <pick the cup> done?"},
                {"from": "gpt", "value": answer},
            ],
        }
        for step, answer in enumerate(said)
    ]  # fmt: skip
    found = list(sharerobot.planning(rows, AT))
    assert [getattr(f, "answer", None) for f in found] == list(said.values())
    assert [f.form.kind for f in found[:3]] == ["yes_no", "yes_no", "text"]
    assert isinstance(found[5], Verdict) and found[5].check == "source:empty"


def test_epic_tells_what_follows_of_actions_that_do_not_overlap() -> None:
    rows = [epic_row(i, 10 + 3 * i, 12 + 3 * i, f"do thing {i}") for i in range(7)]
    rows.append(epic_row(7, 20.5, 21.5, "meanwhile"))  # within "do thing 3" (19 to 21)
    found = {r.id: r for r in epic_kitchens.convert(rows, AT)}
    (coming,) = (r for r in found.values() if r.id.endswith("-coming"))
    words = "; ".join(f"do thing {i}" for i in range(3, 7))
    assert isinstance(coming, Record) and coming.answer == Freeform(text=words)
    assert "do thing 0, then do thing 1, then do thing 2. What" in coming.turns[0].parts[1].text


def test_sharerobot_affordance_is_a_corner_box() -> None:
    row = {
        "id": 2486,
        "meta_data": {"original_width": 640, "original_height": 480},
        "instruction": "place the red fork",
        "affordance": {"x": 352.87, "y": 186.48, "width": 19.30, "height": 14.47},
    }
    (got,) = sharerobot.affordance([row], AT)
    assert isinstance(got, Record) and got.answer == Box(geometry="area")
    values = [round(v, 2) for v in got.find_geometry("area").values]
    assert values == [352.87, 186.48, 372.17, 200.95]


def test_alfred_walks_are_merged_into_the_step_they_serve() -> None:
    def high(i: int, action: str, *args: str, into: str = "") -> dict:
        planner = {"coordinateReceptacleObjectId": [into, []]} if into else {}
        return {
            "high_idx": i,
            "discrete_action": {"action": action, "args": list(args)},
            "planner_action": planner,
        }

    trajectory = {
        "task_id": "t1",
        "task_type": "pick_heat_then_place_in_recep",
        "scene": {"floor_plan": "FloorPlan8"},
        "images": [{"high_idx": i, "image_name": f"00{i}.png"} for i in range(6)],
        "plan": {
            "high_pddl": [
                high(0, "GotoLocation", "potato"),
                high(1, "PickupObject", "potato"),
                high(2, "GotoLocation", "microwave"),
                high(3, "HeatObject", "potato", into="Microwave"),
                high(4, "GotoLocation", "countertop"),
                high(5, "PutObject", "potato", "countertop"),
                high(6, "NoOp"),
            ]
        },
        "turk_annotations": {"anns": [{"task_desc": "Heat it. ", "high_descs": list("abcdef")}]},
    }
    found = list(alfred.convert(trajectory, "a/b", AT))
    plan = found[0].answer
    assert isinstance(plan, Plan)
    assert [s.do for s in plan.steps] == [
        ("pick", "o1"),
        ("heat", "o1", "o2"),
        ("put", "o1", "o3"),
    ]
    assert plan.steps[2].expect == (("on", "o1", "o3"),)
    assert [r.task for r in found] == ["plan"] + ["next_action"] * 5
    assert found[1].media[0].path == "a/b/raw_images/001.jpg"


def test_alfred_keeps_two_things_of_one_name_apart() -> None:
    actions = []
    for one in ("Book|1", "Book|2"):
        pick = {"action": "PickupObject", "args": ["book"]}
        put = {"action": "PutObject", "args": ["book", "sofa"]}
        sofa = {"objectId": one, "receptacleObjectId": "Sofa|9"}
        actions.append({"discrete_action": pick, "planner_action": {"objectId": one}})
        actions.append({"discrete_action": put, "planner_action": sofa})
    plan = alfred.plan_of(actions)
    assert [s.do for s in plan.steps] == [
        ("pick", "o1"),
        ("put", "o1", "o2"),
        ("pick", "o3"),
        ("put", "o3", "o2"),
    ]


def test_choice_order_depends_on_the_key_alone() -> None:
    a = make.shuffled_choice("r", ["x", "y", "z", "r"], "k1")
    assert a == make.shuffled_choice("r", ["x", "y", "z"], "k1")
    spread = {make.shuffled_choice("r", ["x", "y", "z"], str(i)).index for i in range(40)}
    assert spread == {0, 1, 2, 3}

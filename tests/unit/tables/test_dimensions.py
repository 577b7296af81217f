"""Names stand for themselves up to a limit; the rest is counted together."""

from models.combo import OTHER
from tables.dimensions import Admissions, Name
from tables.plan import ANY_MODEL, ModelPlan, Plan

PLAN = Plan(
    {
        "fraud": ModelPlan("fraud", "p", "l", segments=("country",)),
        ANY_MODEL: ModelPlan(ANY_MODEL, "q", "m", segments=("country",)),
    }
)


def admissions() -> Admissions:
    return Admissions(PLAN, models_max=1, segment_values_max={"fraud": 2, ANY_MODEL: 1})


def admit(found: Admissions, *combos: tuple[str, ...]) -> None:
    for name in (n for combo in combos for n in found.names(combo)):
        found.admit(name)


def test_f57_what_comes_after_the_limit_is_other() -> None:
    found = admissions()
    admit(found, *(("fraud", "v1", c) for c in ("DE", "US", "FR")))
    assert [found.cap(("fraud", "v1", c)) for c in ("DE", "US", "FR")] == [
        ("fraud", "v1", "DE"),
        ("fraud", "v1", "US"),
        ("fraud", "v1", OTHER),
    ]


def test_a_name_once_admitted_stays() -> None:
    found = admissions()
    admit(found, ("fraud", "v1", "DE"), ("fraud", "v1", "US"), ("fraud", "v1", "FR"), ("fraud", "v1", "DE"))
    assert found.admit(Name("fraud", "segment country", "DE"))
    assert not found.admit(Name("fraud", "segment country", "FR"))


def test_all_who_read_the_same_log_agree() -> None:
    names = [Name("fraud", "segment country", c) for c in ("A", "B", "A", "C", "D")]
    one, other = admissions(), admissions()
    assert [one.admit(n) for n in names] == [other.admit(n) for n in names] == [True, True, True, False, False]


def test_only_names_that_there_is_room_for_are_left_to_the_log() -> None:
    found = admissions()
    combo = ("fraud", "v1", "DE")
    assert found.unsettled(found.names(combo) * 2) == [
        Name("fraud", "version", "v1"),
        Name("fraud", "segment country", "DE"),
    ]
    admit(found, combo, ("fraud", "v1", "US"))
    assert found.unsettled(found.names(("fraud", "v1", "FR"))) == []


def test_f57_models_that_nobody_configured_are_limited_too() -> None:
    found = admissions()
    admit(found, ("a", "v1", "DE"), ("b", "v1", "DE"))
    assert found.cap(("a", "v1", "DE")) == ("a", "v1", "DE")
    assert found.cap(("b", "v1", "DE")) == (OTHER, OTHER, OTHER)


def test_classes_have_the_codes_of_their_admission_and_the_rest_has_the_last_one() -> None:
    plan = Plan({"pets": ModelPlan("pets", "p", "l", task="multiclass", classes_max=2)})
    one, other = (Admissions(plan, models_max=0, segment_values_max={}) for _ in range(2))
    assert one.unsettled(one.classes("l", ["dog", "cat"])) == [Name("l", "class", "dog"), Name("l", "class", "cat")]
    for name in (Name("l", "class", value) for value in ("dog", "cat", "cow")):
        one.admit(name)
        other.admit(name)
    assert one.class_names("l") == other.class_names("l") == ["dog", "cat"]
    assert one.class_codes("l", ["cow", "cat", "dog", "fly"]).tolist() == [2, 1, 0, 2]
    assert one.unsettled(one.classes("l", ["cow"])) == []


def test_a_class_called_like_what_has_no_name_is_counted_with_the_rest() -> None:
    plan = Plan({"pets": ModelPlan("pets", "p", "l", task="multiclass", classes_max=2)})
    found = Admissions(plan, models_max=0, segment_values_max={})
    assert found.admit_classes("l", [OTHER, "cat", "__class_1__"]).tolist() == [2, 0, 2]
    assert found.class_names("l") == ["cat"]

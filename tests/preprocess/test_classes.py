"""Every symbol of a beat has its class, by either convention."""

from preprocess.classes import CLASS_NAMES, CLASS_OF, CLASS_OF_EC57, CLASSES


def test_classes_are_those_of_the_original_work():
    assert "".join(CLASS_OF[s] for s in "NLRAaJSjeVEF/fQ") == "NNNSSSSSSVVFQQQ"


def test_escape_beats_alone_differ_in_ec57():
    assert {s for s in CLASS_OF if CLASS_OF[s] != CLASS_OF_EC57[s]} == {"e", "j"}
    assert CLASS_OF_EC57["e"] == CLASS_OF_EC57["j"] == "N"


def test_every_class_has_a_name():
    assert set(CLASSES) == set(CLASS_OF.values()) == set(CLASS_NAMES)

"""Every symbol of a beat has its class, by either convention."""

from wfdb.io import annotation

from preprocess.classes import CLASS_OF, CLASS_OF_EC57, NO_BEATS, left_out

# Of WFDB's lib/ecgmap.h: the annotations that are beats, and their classes as bxb counts them;
# what is paced or unclassifiable, which it calls normal or leaves out, is Q here.
ECGMAP = dict(zip("NLRBejnAaJSVErF", "NNNNNNNSSSSVVVF")) | dict.fromkeys("/fQ?", "Q")


def test_classes_are_those_of_the_original_work():
    assert "".join(CLASS_OF[s] for s in "NLRAaJSjeVEF/fQ") == "NNNSSSSSSVVFQQQ"


def test_ec57_is_that_of_its_own_tools():
    assert CLASS_OF_EC57 == ECGMAP


def test_every_symbol_of_wfdb_is_a_beat_or_none_but_for_flutter_waves():
    symbols = {label.symbol for label in annotation.ann_labels} - {" "}
    assert symbols - CLASS_OF.keys() - NO_BEATS == {"!"}
    assert not CLASS_OF.keys() & NO_BEATS


def test_what_is_in_no_class_is_counted():
    assert left_out(list("NN+!!~V|Z")) == {"!": 2, "Z": 1}
    assert left_out(list("NVS+")) == {}

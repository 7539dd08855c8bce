"""Pictures are written whole."""

import pytest

from experiments.reports import style
from preprocess.files import whole_file


def test_a_note_is_a_picture_too(tmp_path, assert_is_modest_png):
    assert_is_modest_png(style.draw_note(tmp_path / "new" / "note.png", "Beats", "none to show"))


def test_every_class_has_a_colour_and_a_name():
    assert set(style.CLASS_COLOURS) == set(style.GROUP_NAMES)
    assert set(style.CLASS_DASHES) <= set(style.CLASS_COLOURS)


def test_an_earlier_file_survives_a_failed_write(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("before")
    with pytest.raises(OSError), whole_file(path) as part:
        part.write_text("half")
        raise OSError("disk full")
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]

"""How files go wrong: bytes that flip, move or lack, texts that lie. Strategies of hypothesis."""

from dataclasses import dataclass, field

from hypothesis import strategies as st

# What has broken readers of numbers and names.
ODD = (
    *("", "0", "-1", "1", "-0", "+5", "1e999", "-1e-400", "nan", "inf", "0x10", "1/0", "1e3", "٣"),
    *("99999999999999999999", "2147483648", "65535", "-32769", "0.0000001", "²", "½", "~", "//"),
    *("=1+1", "@x", "\x1b[31m", "\x00", "\udcff", '"', "'", ",", ";", "\t", "  ", "#", "None"),
    *("x" * 300, "../../x", "con", "r1", "r1.dat", "MLII", "mV", "uV", "212", "16", "80", "516"),
)
IN_PLACE = ("flip", "set", "zero", "exchange")  # kinds of damage that keep every byte's place
BYTES_AT_ONCE = 64


@dataclass
class Damaged:
    """kinds: what was done; at: where it began; changed: bytes that are others."""

    content: bytes = field(repr=False)
    kinds: tuple
    at: int
    changed: int


@st.composite
def damaged(draw, content: bytes, most: int = 2, start: int = 0) -> Damaged:
    """Content with one to `most` things wrong from byte `start` on."""
    whole, kinds, places = content, [], []
    for _ in range(draw(st.integers(1, most))):
        kind = draw(st.sampled_from((*IN_PLACE, "cut", "drop", "repeat", "insert")))
        span = max(1, len(content) - start)
        # Beginnings hold what says how to read the rest.
        near = st.integers(0, min(span - 1, 600))
        at = start + draw(st.one_of(near, st.integers(0, span - 1)))
        n = draw(st.integers(1, BYTES_AT_ONCE))
        content = _apply(kind, content, at, n, draw)
        kinds.append(kind)
        places.append(at)
    n_changed = sum(a != b for a, b in zip(content[start:], whole[start:]))
    return Damaged(content, tuple(kinds), min(places), n_changed + abs(len(content) - len(whole)))


def _apply(kind, content, at, n, draw):
    rest = content[at + n :]
    if kind == "flip":
        bit = 1 << draw(st.integers(0, 7))
        return content[:at] + bytes(byte ^ bit for byte in content[at : at + 1]) + content[at + 1 :]
    if kind == "set":
        return content[:at] + draw(st.binary(min_size=1, max_size=1)) + content[at + 1 :]
    if kind == "zero":
        return content[:at] + bytes(len(content[at : at + n])) + rest
    if kind == "exchange":
        return content[:at] + content[at : at + n][::-1] + rest
    if kind == "cut":
        return content[:at]
    if kind == "drop":
        return content[:at] + rest
    if kind == "repeat":
        return content[: at + n] + content[at:]
    return content[:at] + draw(st.binary(min_size=1, max_size=n)) + content[at:]


@st.composite
def edited(draw, text: str, separators: str = " \n") -> str:
    """A text of words with one to three of them, or of its lines, changed."""
    for _ in range(draw(st.integers(1, 3))):
        lines = text.split("\n")
        row = draw(st.integers(0, min(len(lines) - 1, 40)))
        what = draw(st.sampled_from(("word", "word", "word", "drop", "twice", "exchange", "break")))
        if what == "word":
            separator = draw(st.sampled_from(separators.replace("\n", "") or " "))
            words = lines[row].split(separator)
            at = draw(st.integers(0, len(words) - 1))
            words[at] = draw(st.one_of(st.sampled_from(ODD), st.text(max_size=8)))
            lines[row] = separator.join(words)
        elif what == "drop":
            del lines[row]
        elif what == "twice":
            lines.insert(row, lines[row])
        elif what == "exchange":
            lines[row], lines[-1] = lines[-1], lines[row]
        else:
            half = len(lines[row]) // 2
            lines[row] = lines[row][:half] + "\n" + lines[row][half:]
        text = "\n".join(lines)
    return text


NUMBERS = st.one_of(st.sampled_from(ODD), st.integers(-5, 70_000).map(str))


@st.composite
def wfdb_header(draw, lines: list[str]) -> str:
    """A header by the grammar of header(5), each field right or odd; lines: a right one."""
    record, *signals = lines
    name, count, fs, length = record.split()[:4]
    maybe = lambda right, odd: draw(st.one_of(st.just(right), st.just(right), odd))
    fs = maybe(fs, st.one_of(NUMBERS, st.sampled_from(("250/1000", "360(12)", "360/1(0)", "3 6"))))
    count = maybe(count, NUMBERS)
    segments = maybe("", st.sampled_from(("/1", "/2", "/0", "/-1", "/999999")))
    more = maybe("", st.sampled_from((" 12:00:00", " 25:61:61", " 1:2:3 1/1/1900", " 0 0 0")))
    length = maybe(length, NUMBERS)
    written = [f"{maybe(name, NUMBERS)}{segments} {count} {fs} {length}{more}"]
    if segments:
        parts = st.sampled_from((f"{name} {length}", f"~ {length}", "s2 100", "x 0", "~ 0", "r1"))
        return "\n".join(written + draw(st.lists(parts, max_size=3))) + "\n"
    for line in signals * draw(st.integers(1, 2)):
        words = [maybe(word, NUMBERS) for word in line.split()]
        formats = ("16x2", "16:3", "16+24", "8", "80", "160", "310", "508", "524", "0", "16+-1")
        words[1] = maybe(words[1], st.sampled_from(formats))
        gains = ("0", "-200", "200(0)/mV", "1e9", "200(99999999)/V", "200/²", "1e-300/uV", "(5)")
        words[2] = maybe(words[2], st.sampled_from(gains))
        written.append(" ".join(words[: draw(st.integers(1, len(words)))]))
    return "\n".join(written) + "\n"


EDF_FIELDS = (8, 80, 80, 8, 8, 8, 44, 8, 8, 4)  # widths in the first 256 bytes
EDF_SIGNAL_FIELDS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)


@st.composite
def edf_header(draw, content: bytes) -> bytes:
    """An EDF file with one to three header fields that say something odd."""
    count = int(content[252:256])
    fields, at = [], 0
    for width in (*EDF_FIELDS, *(w for w in EDF_SIGNAL_FIELDS for _ in range(count))):
        fields.append((at, width))
        at += width
    for _ in range(draw(st.integers(1, 3))):
        at, width = draw(st.sampled_from(fields))
        said = draw(st.one_of(NUMBERS, st.sampled_from(("EDF+D", "EDF+C", "EDF Annotations"))))
        said = said.encode("latin-1", "replace")[:width].ljust(width)
        content = content[:at] + said + content[at + width :]
    return content

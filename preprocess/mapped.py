"""Arrays that are mapped from files, which may be larger than memory.

Pages of a file that were read count as this program's memory until it says that it is done with
them. They stay in the system's cache. Small files are left alone: reading them again costs time.
"""

import mmap

import numpy as np

LARGE = 1 << 30  # bytes of an array, from which on memory is looked after
TAKEN_AT_ONCE = 2048  # rows; with each, the system maps up to 64 kB around it


def taken(array: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rows of an array, in memory; of a large one no more than TAKEN_AT_ONCE stay mapped."""
    if not is_large(array):
        return np.asarray(array[rows])
    result = np.empty((len(rows), *array.shape[1:]), array.dtype)
    for start in range(0, len(rows), TAKEN_AT_ONCE):
        some = slice(start, start + TAKEN_AT_ONCE)
        result[some] = array[rows[some]]
        let_go(array)
    return result


def let_go(array: np.ndarray) -> None:
    """Says that the pages of a large array that were read are not needed now."""
    if is_large(array):
        array._mmap.madvise(mmap.MADV_DONTNEED)


def is_large(array: np.ndarray) -> bool:
    return isinstance(array, np.memmap) and array.nbytes > LARGE

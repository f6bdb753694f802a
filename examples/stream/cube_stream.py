"""Read what `cube` sends to a program of its `stream` operator, and answer: numpy arrays."""
import sys

import numpy as np


def read(stream=sys.stdin.buffer):
    """The cells, an array of bands, slices, rows and columns with NaN for missing, and what is said
    about them: a list of words for each key (of lists, for keys that stand in several lines)."""
    about = {"band": [], "answer-band": [], "time": [], "argument": []}
    while (line := stream.readline().decode().rstrip("\n")):
        key, *words = line.split(" ")
        if key in about:
            about[key].append(words)
        else:
            about[key] = words
    about["argument"] = {name: " ".join(words) for name, *words in about["argument"]}
    shape = [int(n) for n in about["shape"]]
    return np.frombuffer(stream.read(), about["dtype"][0]).reshape(shape), about


def without_halo(cells, about):
    """The cells of the chunk itself."""
    ends = [int(n) for n in about["halo"]]
    return cells[(slice(None),) + tuple(
        slice(before, cells.shape[axis + 1] - after)
        for axis, (before, after) in enumerate(zip(ends[::2], ends[1::2])))]


def answer(cells, stream=sys.stdout.buffer):
    cells = np.ascontiguousarray(cells)
    stream.write(f"shape {' '.join(map(str, cells.shape))}\ndtype {cells.dtype}\n\n".encode())
    stream.write(cells.tobytes())

"""Weights as ONNX, for programs without torch: the networks in a graph, all else in a text file.

FILE.onnx holds the networks, metadata.json beside it what the score needs besides, thresholds
included, and how it is computed. `main.py --screen` screens with the two; the shipped ones are made
by experiments.ship.
"""

import hashlib
import logging
import warnings
from pathlib import Path

import torch

import options
from experiments.screening import exported
from experiments.screening.shipped import WEIGHTS
from experiments.training.checkpoint import Checkpoint, open_detector
from models.b2igan.graph import BATCH_OF, GRAPH_OUTPUTS, INPUTS, Graph, traceable
from models.detector import Detector
from preprocess import BadInput
from preprocess.files import whole_file, write_json

OPSET = 18
HOW = (
    "Scores are of whole recordings, beats in order of time. rhythm: RR features "
    "(models/b2igan/rhythm_features.py), each placed between the quantiles of rhythm.grid, through "
    "the graph. qrs: distance of each beat's QRS to those of the recording's reference beats "
    "(models/b2igan/own_recording.py). patient: each beat and its 12 nearest references "
    "(models/b2igan/references.py) through the graph, output synthetic. Each becomes -log of the "
    "share of normal beats with such a value, by interpolation in tails; what is then done with "
    "them is models/b2igan/context_score.py. A beat is flagged above a quantile of "
    "reference[context], which are scores of normal beats: choose the quantile, "
    "1 - false-alarm rate, as you like."
)


def main(argv=None):
    opt = parse(argv)
    target = Path(opt.to)
    if target.suffix != ".onnx":
        raise BadInput(f"{target} does not end in .onnx: give --to FILE.onnx")
    checkpoint, detector = open_detector(opt.checkpoint or WEIGHTS, "cpu")
    export(checkpoint, detector, target)
    sizes = [f"{path}, {path.stat().st_size / 1e6:.1f} MB" for path in exported.files(target)]
    print(f"exported: {'; '.join(sizes)}")


def parse(argv):
    parser = options.parser(
        "python -m experiments.export",
        "Weights as ONNX, with all that the score needs in metadata.json beside it.",
        "example:\n  python -m experiments.export --to exported/b2igan.onnx\n"
        "  python main.py --screen mitdb/208 --checkpoint exported/b2igan.onnx",
    )
    group = parser.add_argument_group("what to export")
    group.add_argument("--to", metavar="FILE", required=True, help="the .onnx file to write")
    group.add_argument("--checkpoint", metavar="FILE", help="instead of the shipped weights")
    return parser.parse_args(argv)


def export(checkpoint: Checkpoint, detector: Detector, target: Path) -> None:
    """Write a detector for unseen patients to target, and metadata.json beside it, last."""
    if checkpoint.model != "b2igan" or detector.shared_patients or not detector.has_error_map:
        raise BadInput(
            "only a b2igan for unseen patients with its error map can be exported: train it with "
            "--protocol interpatient or external"
        )
    with whole_file(target) as part:
        part.write_bytes(graph_of(detector))
    write_json(metadata(checkpoint, detector, target), exported.files(target)[1])


def graph_of(detector: Detector) -> bytes:
    """The networks as an ONNX model, for batches of any size."""
    n_example = 3
    example = tuple(torch.rand(n_example, *shape) for shape in INPUTS.values())
    sizes = {name: batch for batch, names in BATCH_OF.items() for name in names}
    shapes = {name: {0: torch.export.Dim(sizes[name])} for name in INPUTS}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # of packages that are not needed
    with traceable(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            Graph(detector).eval(),
            example,
            input_names=list(INPUTS),
            output_names=list(GRAPH_OUTPUTS),
            dynamic_shapes=shapes,
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    model = program.model_proto
    for part in (model.graph, *model.graph.node, *model.graph.value_info):
        part.ClearField("metadata_props")  # where in whose folders each step was written
    return model.SerializeToString()


def metadata(checkpoint: Checkpoint, detector: Detector, target: Path) -> dict:
    """All that the score needs besides the graph: the parameters of what is done in numpy."""
    context, where = detector.context, detector.localiser
    return {
        "version": exported.GRAPH_VERSION,
        "onnx_sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "score": HOW,
        "model": checkpoint.model,
        "source": checkpoint.source,
        "settings": checkpoint.settings,
        "options": checkpoint.options,
        "reference": checkpoint.reference,
        "parts": list(detector.beat_parts.names),
        "left_out": sorted(detector.left_out()),
        "counted": {name: list(parts) for name, parts in context.counted.items()},
        "tails": {
            name: {"values": tail.values.tolist(), "log_tails": tail.log_tails.tolist()}
            for name, tail in context.tails.items()
        },
        "rhythm": {"grid": context.rhythm.grid.tolist()},
        "error_map": {
            "mean": where.mean.tolist(),
            "std": where.std.tolist(),
            "segment_from": float(where.segment_from),
            "segment_to": float(where.segment_to),
        },
    }


if __name__ == "__main__":
    options.command(main)

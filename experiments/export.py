"""Weights as one ONNX file that needs nothing else of this program.

    beats_mv, median_mv (n, 320) -> score (n,), error_over_time (n, 320), error_map (n, 32, 32)

The score is that of a beat's own window, without context. What its inputs, outputs, thresholds and
settings mean is in the file's metadata.
"""

import json
import logging
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

import options
from experiments.screening.shipped import WEIGHTS
from experiments.training.checkpoint import Checkpoint, open_detector
from models.detector import Detector
from preprocess import BadInput, spectrogram
from preprocess.beats import WINDOW
from preprocess.files import whole_file

OPSET = 18
MOST_BEATS = 512  # in a batch: as many as the memory is searched for at once
MEANING = {
    "beats_mv": "at most 512 beats, cut and filtered as `settings` says; R peaks at `before`",
    "median_mv": "the median beat of each one's recording, in mV; the beat itself if not known",
    "score": "higher is more abnormal; `reference` has quantiles, lowest first, of normal beats",
    "error_over_time": "in standard deviations of normal beats; abnormal where it goes beyond "
    "`segment_from`, and for as long as it stays above `segment_to`",
    "error_map": "the same over frequencies, from 0 Hz in steps of fs / 256, and times",
}


class Graph(nn.Module):
    """detector: a B2IGAN with its error map."""

    def __init__(self, detector: Detector):
        super().__init__()
        self.detector = detector

    def forward(self, beats_mv: Tensor, median_mv: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        detector, localiser = self.detector, self.detector.localiser
        image = spectrogram.rounded_as_stored(spectrogram.images(beats_mv))
        parts = detector.beat_parts.standard(detector._log_parts(image))
        logits = localiser(detector._localiser_input(beats_mv, median_mv))
        over_time, over_map = (
            ((logit - mean) / deviation).clamp_min(0)
            for logit, mean, deviation in zip(logits, localiser.mean, localiser.std)
        )
        return detector.beat_scores(parts), over_time, over_map


def main(argv=None):
    opt = parse(argv)
    target = Path(opt.to)
    if target.suffix != ".onnx":
        raise BadInput(f"{target} does not end in .onnx: give --to FILE.onnx")
    checkpoint, detector = open_detector(opt.checkpoint or WEIGHTS, "cpu")
    if checkpoint.model != "b2igan" or not detector.has_error_map:
        raise BadInput("only a b2igan with its error map can be exported: give its --checkpoint")
    with whole_file(target) as part:
        part.write_bytes(exported(checkpoint, detector))
    print(f"exported: {target}, {target.stat().st_size / 1e6:.1f} MB")


def parse(argv):
    made = options.study(
        "export",
        "Weights as one ONNX file: beats in, scores and error maps out.",
        "--to b2igan.onnx",
        groups="weights",
    )
    made.add_argument("--to", metavar="FILE", required=True, help="the .onnx file to write")
    return made.parse_args(argv)


def exported(checkpoint: Checkpoint, detector: Detector) -> bytes:
    """The ONNX model, for batches of up to MOST_BEATS beats."""
    n = torch.export.Dim("n", min=1, max=MOST_BEATS)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # of packages that are not needed
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            Graph(detector).eval(),
            (torch.rand(3, WINDOW), torch.rand(3, WINDOW)),
            input_names=["beats_mv", "median_mv"],
            output_names=["score", "error_over_time", "error_map"],
            dynamic_shapes=({0: n}, {0: n}),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    model = program.model_proto
    for part in (model.graph, *model.graph.node, *model.graph.value_info):
        part.ClearField("metadata_props")  # where in whose folders each step was written
    localiser = detector.localiser
    facts = {
        "meaning": MEANING,
        "source": checkpoint.source,
        "settings": checkpoint.settings,
        "reference": checkpoint.reference["none"],
        "segment_from": float(localiser.segment_from),
        "segment_to": float(localiser.segment_to),
    }
    for name, value in facts.items():
        model.metadata_props.add(key=name, value=json.dumps(value))
    return model.SerializeToString()


if __name__ == "__main__":
    options.command(main)

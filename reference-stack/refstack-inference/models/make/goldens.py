"""Writes tests/fixtures/goldens.json: what Python's onnxruntime answers for made-up batches and for the scenarios' own pictures."""

import json

import numpy as np
import onnxruntime as ort
from PIL import Image

from graph import MODELS

PAYLOADS = MODELS.parents[2] / "scenarios/payloads"
BATCHES = [1, 3, 8]
PICTURES = {"resnet50_chest_xray": "xray", "fish_classifier": "fish"}


def instance(number, shape):
    """Whole-number arithmetic only, so that Rust makes the very same input: see tests/it/goldens.rs."""
    height, width, channels = shape
    i = np.arange(height * width * channels, dtype=np.uint64)
    y, x, c = i // (width * channels), i // channels % width, i % channels
    noise = i * 2654435761 % 2**32 >> 28
    value = (x * (3 + number) + y * (5 + 2 * number) + c * 40 * (number + 1) + noise) % 256
    return (value.astype(np.float32) / 256).reshape(shape)


def picture(path, side):
    image = Image.open(path).convert("RGB").resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(image, dtype=np.float32) * np.float32(1 / 255)


def rows(scores):
    return [[float(f"{score:.9g}") for score in row] for row in scores]


def goldens(name):
    folder = MODELS / name / "1"
    session = ort.InferenceSession(folder / "model.onnx")
    shape = json.loads((folder / "model.json").read_text())["input"]["shape"]

    def run(batch):
        return rows(session.run(None, {"image": np.stack(batch)})[0])

    batches = {str(size): run([instance(n, shape) for n in range(size)]) for size in BATCHES}
    files = sorted((PAYLOADS / PICTURES[name]).glob("*.[pj][np]g")) if name in PICTURES else []
    pictures = {f"{PICTURES[name]}/{file.name}": run([picture(file, shape[0])])[0] for file in files}
    return {"batches": batches, "pictures": pictures}


def main():
    names = sorted(path.parent.parent.name for path in MODELS.glob("*/1/model.onnx"))
    out = MODELS.parent / "tests/fixtures/goldens.json"
    out.write_text(json.dumps({name: goldens(name) for name in names}, indent=1) + "\n")
    print(out)


main()

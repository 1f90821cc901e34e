"""Makes the two image models: seeded convolutions, and a last layer scaled on made-up pictures so that scores differ clearly."""

import numpy as np
import onnxruntime as ort

from graph import Graph, save

SIDE = 224
CHANNELS = [3, 8, 16, 32, 64]
LOGIT_SPREAD = 1.8  # standard deviation of each logit over the made-up pictures
MODELS = {
    "resnet50_chest_xray": (68, ["normal", "pneumonia", "effusion", "cardiomegaly"]),
    "fish_classifier": (9, ["bream", "carp", "catfish", "perch", "pike", "roach", "salmon", "trout", "zander"]),
}


def layers(rng):
    """Four strided convolutions, 224 -> 56 -> 28 -> 14 -> 7, He-scaled."""
    for depth in range(4):
        size = 7 if depth == 0 else 3
        fan_in = CHANNELS[depth] * size * size
        shape = (CHANNELS[depth + 1], CHANNELS[depth], size, size)
        weights = rng.normal(0, np.sqrt(2 / fan_in), shape)
        bias = rng.normal(0, 0.05, CHANNELS[depth + 1])
        yield weights, bias, (4 if depth == 0 else 2), size // 2


def build(rng_seed, classes, head):
    """The whole graph; `head` is None for the features alone, or (weights, bias) of the last layer."""
    graph = Graph("image", [SIDE, SIDE, 3], "scores" if head else "features", classes if head else 2 * CHANNELS[-1])
    value = graph.add("Transpose", ["image"], perm=[0, 3, 1, 2])
    for weights, bias, stride, pad in layers(np.random.default_rng(rng_seed)):
        value = graph.add("Relu", [graph.conv(value, weights, bias, stride, pad)])
    mean = graph.add("Flatten", [graph.add("GlobalAveragePool", [value])], axis=1)
    peak = graph.add("Flatten", [graph.add("GlobalMaxPool", [value])], axis=1)
    features = graph.add("Concat", [mean, peak], output=None if head else "features", axis=1)
    if head:
        graph.dense_softmax(features, *head)
    return graph


def picture(rng, index):
    """A grey or coloured scene of a gradient, some blobs, stripes and noise."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    channels = 1 if index % 2 else 3
    scene = np.zeros((SIDE, SIDE, channels))
    for c in range(channels):
        a, b, offset = rng.uniform(-0.6, 0.6), rng.uniform(-0.6, 0.6), rng.uniform(0.1, 0.7)
        scene[..., c] = offset + a * (x - 0.5) + b * (y - 0.5)
    for _ in range(rng.integers(0, 9)):
        cx, cy, r = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0.03, 0.35)
        blob = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / r**2)
        scene += blob[..., None] * rng.uniform(-0.7, 0.7, channels)
    angle, pitch = rng.uniform(0, np.pi), rng.uniform(2, 40)
    stripes = np.sin(2 * np.pi * pitch * (x * np.cos(angle) + y * np.sin(angle)))
    scene += stripes[..., None] * rng.choice([0, 0.05, 0.2])
    scene += rng.normal(0, rng.choice([0.0, 0.02, 0.1]), scene.shape)
    return np.clip(np.broadcast_to(scene, (SIDE, SIDE, 3)), 0, 1).astype(np.float32)


def head_for(seed, classes):
    """A random projection of the centred features, scaled to the wished spread of each logit."""
    rng = np.random.default_rng(seed + 1)
    pictures = np.stack([picture(rng, i) for i in range(240)])
    session = ort.InferenceSession(build(seed, classes, None).model("features").SerializeToString())
    features = session.run(None, {"image": pictures})[0].astype(np.float64)
    mean, spread = features.mean(0), features.std(0) + 1e-3
    projection = rng.normal(0, 1, (features.shape[1], classes)) / spread[:, None]
    projection *= LOGIT_SPREAD / ((features - mean) @ projection).std(0)
    return projection, -(mean @ projection)


def main():
    for name, (seed, labels) in MODELS.items():
        model = build(seed, len(labels), head_for(seed, len(labels))).model(name)
        image = {"width": SIDE, "height": SIDE, "colour": "rgb", "scale": 1 / 255, "resize": "bilinear"}
        save(name, model, labels, {
            "name": name,
            "input": {"name": "image", "shape": [SIDE, SIDE, 3]},
            "output": {"name": "scores", "classes": len(labels)},
            "image": image,
        })


main()

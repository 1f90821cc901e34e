"""Trains digits_cnn in plain numpy on scikit-learn's digits and writes the 397 held-out inputs the tests use."""

import numpy as np
from sklearn.datasets import load_digits

from graph import MODELS, Graph, save

SEED = 8
HELD_OUT = 397
EPOCHS = 30
BATCH = 50


def patches(value):
    """(n, c, h, w) -> (n, h, w, c*9): the 3x3 surroundings of each pixel, zero outside."""
    padded = np.pad(value, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(*windows.shape[0:1], *value.shape[2:], -1)


def unpatches(grad, channels):
    """The transpose of `patches`."""
    n, h, w, _ = grad.shape
    grad = grad.reshape(n, h, w, channels, 3, 3)
    out = np.zeros((n, channels, h + 2, w + 2))
    for i in range(3):
        for j in range(3):
            out[:, :, i:i + h, j:j + w] += grad[..., i, j].transpose(0, 3, 1, 2)
    return out[:, :, 1:-1, 1:-1]


def forward(weights, x):
    w1, b1, w2, b2, w3, b3 = weights
    p1 = patches(x)
    a1 = np.maximum(p1 @ w1 + b1, 0)
    p2 = patches(a1.transpose(0, 3, 1, 2))
    a2 = np.maximum(p2 @ w2 + b2, 0)
    blocks = a2.reshape(len(x), 4, 2, 4, 2, -1)
    pooled = blocks.max((2, 4)).transpose(0, 3, 1, 2)
    flat = pooled.reshape(len(x), -1)
    logits = flat @ w3 + b3
    scores = np.exp(logits - logits.max(1, keepdims=True))
    return scores / scores.sum(1, keepdims=True), (p1, a1, p2, a2, blocks, pooled, flat)


def gradients(weights, x, y):
    scores, (p1, a1, p2, a2, blocks, pooled, flat) = forward(weights, x)
    _, _, w2, _, w3, _ = weights
    d = scores.copy()
    d[np.arange(len(y)), y] -= 1
    d /= len(y)
    g3, gb3 = flat.T @ d, d.sum(0)
    dp = (d @ w3.T).reshape(pooled.shape).transpose(0, 2, 3, 1)[:, :, None, :, None]
    d2 = ((blocks == blocks.max((2, 4), keepdims=True)) * dp).reshape(a2.shape) * (a2 > 0)
    g2, gb2 = np.tensordot(p2, d2, ((0, 1, 2), (0, 1, 2))), d2.sum((0, 1, 2))
    d1 = unpatches(d2 @ w2.T, a1.shape[3]).transpose(0, 2, 3, 1) * (a1 > 0)
    g1, gb1 = np.tensordot(p1, d1, ((0, 1, 2), (0, 1, 2))), d1.sum((0, 1, 2))
    return [g1, gb1, g2, gb2, g3, gb3]


def train(x, y, rng):
    """Adam; each step shifts the batch by up to one pixel, which is worth about a point of accuracy."""
    def he(*shape):
        return rng.normal(0, np.sqrt(2 / shape[0]), shape)
    weights = [he(9, 8), np.zeros(8), he(72, 16), np.zeros(16), he(256, 10), np.zeros(10)]
    first, second, step = [0 * w for w in weights], [0 * w for w in weights], 0
    for epoch in range(EPOCHS):
        rate = 3e-3 * 0.5 * (1 + np.cos(np.pi * epoch / EPOCHS))
        order = rng.permutation(len(x))
        for start in range(0, len(x), BATCH):
            pick = order[start:start + BATCH]
            batch = np.roll(x[pick], rng.integers(-1, 2), 3) if rng.random() < 0.3 else x[pick]
            step += 1
            for i, g in enumerate(gradients(weights, batch, y[pick])):
                first[i] = 0.9 * first[i] + 0.1 * g
                second[i] = 0.999 * second[i] + 0.001 * g * g
                scale = np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
                weights[i] = weights[i] - rate * scale * first[i] / (np.sqrt(second[i]) + 1e-8)
    return weights


def export(weights):
    w1, b1, w2, b2, w3, b3 = weights
    graph = Graph("image", [8, 8, 1], "scores", 10)
    value = graph.add("Transpose", ["image"], perm=[0, 3, 1, 2])
    value = graph.add("Relu", [graph.conv(value, w1.T.reshape(8, 1, 3, 3), b1, 1, 1)])
    value = graph.add("Relu", [graph.conv(value, w2.T.reshape(16, 8, 3, 3), b2, 1, 1)])
    value = graph.add("MaxPool", [value], kernel_shape=[2, 2], strides=[2, 2])
    graph.dense_softmax(graph.add("Flatten", [value], axis=1), w3, b3)
    return graph.model("digits_cnn")


def main():
    digits = load_digits()
    pixels, labels = digits.images.astype(np.uint8), digits.target.astype(np.uint8)
    rng = np.random.default_rng(SEED)
    order = rng.permutation(len(pixels))
    held, kept = order[:HELD_OUT], order[HELD_OUT:]
    x = pixels[:, None].astype(np.float64) / 16
    weights = train(x[kept], labels[kept], rng)
    right = forward(weights, x[held])[0].argmax(1) == labels[held]
    print(f"held-out accuracy {right.mean():.4f}")
    assert right.mean() >= 0.97
    image = {"width": 8, "height": 8, "colour": "grey", "scale": 1 / 255, "resize": "bilinear"}
    save("digits_cnn", export(weights), [str(d) for d in range(10)], {
        "name": "digits_cnn",
        "input": {"name": "image", "shape": [8, 8, 1]},
        "output": {"name": "scores", "classes": 10},
        "image": image,
    })
    rows = b"".join(bytes([labels[i]]) + pixels[i].tobytes() for i in held)
    (MODELS.parent / "tests/fixtures/digits-heldout.bin").write_bytes(rows)


main()

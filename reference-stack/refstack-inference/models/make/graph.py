"""Small helpers to write an ONNX graph by hand, and the folder a model lives in."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MODELS = Path(__file__).resolve().parent.parent
OPSET = 17
IR_VERSION = 8


class Graph:
    """Collects nodes and weights in the order they are added; names are numbered, so a file is the same each time."""

    def __init__(self, input_name, input_shape, output_name, classes):
        self.nodes, self.weights = [], []
        self.input = helper.make_tensor_value_info(input_name, TensorProto.FLOAT, ["batch", *input_shape])
        self.output = helper.make_tensor_value_info(output_name, TensorProto.FLOAT, ["batch", classes])

    def add(self, op, inputs, output=None, **attributes):
        output = output or f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [output], name=f"n{len(self.nodes)}", **attributes))
        return output

    def weight(self, values):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype=np.float32), name))
        return name

    def conv(self, value, weights, bias, stride, pad):
        size = weights.shape[2]
        return self.add(
            "Conv", [value, self.weight(weights), self.weight(bias)],
            kernel_shape=[size, size], strides=[stride, stride], pads=[pad] * 4,
        )

    def dense_softmax(self, value, weights, bias):
        logits = self.add("Gemm", [value, self.weight(weights), self.weight(bias)])
        self.add("Softmax", [logits], output=self.output.name, axis=1)

    def model(self, name):
        graph = helper.make_graph(self.nodes, name, [self.input], [self.output], self.weights)
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opset, producer_name="proofload", ir_version=IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        return model


def save(name, model, labels, settings):
    """Writes models/<name>/1/{model.onnx,labels.txt,model.json}."""
    folder = MODELS / name / "1"
    folder.mkdir(parents=True, exist_ok=True)
    data = model.SerializeToString(deterministic=True)
    assert len(data) <= 300_000, f"{name} is {len(data)} bytes"
    (folder / "model.onnx").write_bytes(data)
    (folder / "labels.txt").write_text("".join(f"{label}\n" for label in labels))
    (folder / "model.json").write_text(json.dumps(settings, indent=2) + "\n")
    print(f"{folder / 'model.onnx'}: {len(data)} bytes")

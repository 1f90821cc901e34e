#!/usr/bin/env python3
"""Makes the JSON schemas of KEDA's kinds from KEDA's CRD manifest: extract.py CRDS.yaml (writes beside itself).

Texts and status are left out, unknown fields are forbidden, `metadata` is reduced to what our manifests use.
"""

import json
import pathlib
import sys

import yaml

KINDS = ("ScaledObject", "TriggerAuthentication")
STRINGS = {"type": "object", "additionalProperties": {"type": "string"}}
METADATA = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {"name": {"type": "string"}, "namespace": {"type": "string"}, "labels": STRINGS, "annotations": STRINGS},
}
DROPPED = ("description", "default")


def plain(schema):
    """A structural schema as plain JSON schema, strict about unknown fields."""
    if isinstance(schema, list):
        return [plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {k: v for k, v in schema.items() if k not in DROPPED and not k.startswith("x-kubernetes-")}
    open_ended = schema.get("x-kubernetes-preserve-unknown-fields", False)
    if schema.get("x-kubernetes-int-or-string"):
        kept = {"type": ["integer", "string"]}
    if isinstance(kept.get("properties"), dict):
        kept = {k: v for k, v in kept.items() if k != "properties"}
        kept["properties"] = {name: plain(part) for name, part in schema["properties"].items()}
        if not open_ended and "additionalProperties" not in kept:
            kept["additionalProperties"] = False
    return {k: v if k == "properties" else plain(v) for k, v in kept.items()}


def main():
    here = pathlib.Path(__file__).parent
    for crd in yaml.safe_load_all(pathlib.Path(sys.argv[1]).read_text()):
        kind = crd["spec"]["names"]["kind"]
        if kind not in KINDS:
            continue
        version = next(v for v in crd["spec"]["versions"] if v["served"])
        schema = plain(version["schema"]["openAPIV3Schema"])
        schema["properties"].pop("status", None)
        schema["properties"]["metadata"] = METADATA
        schema["required"] = ["apiVersion", "kind", "metadata", "spec"]
        schema["properties"]["apiVersion"] = {"const": f"{crd['spec']['group']}/{version['name']}"}
        schema["properties"]["kind"] = {"const": kind}
        name = f"{kind.lower()}-{version['name']}.json"
        (here / name).write_text(json.dumps(schema, separators=(",", ":"), sort_keys=True) + "\n")


if __name__ == "__main__":
    main()

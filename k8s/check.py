#!/usr/bin/env python3
"""Validates the Kubernetes manifests below this folder: check.py [--self-test] [OVERLAY…]

Every kustomization is rendered with `kubectl kustomize`; where kubectl is missing, the files that its `resources` name
are read as they are. Core kinds are checked strictly (unknown fields fail) against Kubernetes' own schemas with the
package kubernetes-validate, KEDA's kinds against schemas/. `*.yaml.example` files are checked too. A few references
that no schema sees are followed: selectors, scale targets, mounted volumes.

`--self-test` breaks the manifests on purpose and fails unless every break is noticed.
Exit codes: 0 valid, 1 something is invalid, 2 the check could not run.
"""

import argparse
import copy
import json
import pathlib
import shutil
import subprocess
import sys

try:
    import jsonschema
    import kubernetes_validate
    import yaml
except ImportError as missing:
    print(f"check.py: {missing}; install it: python3 -m pip install kubernetes-validate==1.37.0", file=sys.stderr)
    sys.exit(2)

HERE = pathlib.Path(__file__).resolve().parent
KUBERNETES = "1.34"


def kustomizations():
    return sorted(path.parent for path in HERE.glob("*/**/kustomization.yaml"))


def render(directory):
    """The objects of a kustomization."""
    if shutil.which("kubectl"):
        done = subprocess.run(["kubectl", "kustomize", str(directory)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ValueError(f"{directory.relative_to(HERE)}: kubectl kustomize: {done.stderr.strip()}")
        return documents(done.stdout)
    return unrendered(directory)


def unrendered(directory):
    written = yaml.safe_load((directory / "kustomization.yaml").read_text())
    found = []
    for entry in written.get("resources", []):
        path = directory / entry
        found += unrendered(path) if path.is_dir() else documents(path.read_text())
    return found


def documents(text):
    return [document for document in yaml.safe_load_all(text) if document]


def label(item):
    return f"{item.get('kind', '?')}/{item.get('metadata', {}).get('name', '?')}"


def schema_problem(item):
    """What the schema of its kind says against an object."""
    group, _, version = item.get("apiVersion", "").rpartition("/")
    try:
        if group == "keda.sh":
            schema = json.loads((HERE / "schemas" / f"{item['kind'].lower()}-{version}.json").read_text())
            jsonschema.Draft202012Validator(schema).validate(item)
        else:
            kubernetes_validate.validate(item, KUBERNETES, strict=True)
    except jsonschema.ValidationError as error:
        return f"{'.'.join(map(str, error.path)) or '(top)'}: {error.message[:300]}"
    except (kubernetes_validate.SchemaNotFoundError, FileNotFoundError, KeyError) as error:
        return f"no schema for this kind: {error}"
    return None


def reference_problems(items):
    """References that no schema sees."""
    names = {(item["kind"], item["metadata"]["name"]) for item in items}
    for item in items:
        spec = item.get("spec") or {}
        if item["kind"] in ("Deployment", "StatefulSet"):
            template = spec["template"]
            labels = template["metadata"]["labels"]
            if not spec["selector"]["matchLabels"].items() <= labels.items():
                yield f"{label(item)}: the selector does not match the pods' labels {labels}"
            yield from volume_problems(item, template["spec"])
        if item["kind"] in ("HorizontalPodAutoscaler", "ScaledObject"):
            target = spec["scaleTargetRef"]
            if (target.get("kind", "Deployment"), target["name"]) not in names:
                yield f"{label(item)}: there is no {target.get('kind', 'Deployment')}/{target['name']}"


def volume_problems(item, pod):
    claims = item["spec"].get("volumeClaimTemplates", [])
    volumes = {volume["name"] for volume in pod.get("volumes", [])} | {claim["metadata"]["name"] for claim in claims}
    for container in pod["containers"]:
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield f"{label(item)}: container {container['name']} mounts volume {mount['name']}, which is not there"


def problems(items):
    found = [f"{label(item)}: {text}" for item in items if (text := schema_problem(item))]
    return found or list(reference_problems(items))


def check(directories):
    bad = 0
    for directory in directories:
        items = render(directory)
        found = problems(items)
        for text in found:
            print(f"{directory.relative_to(HERE)}: {text}")
        if not items:
            found.append("nothing")
            print(f"{directory.relative_to(HERE)}: renders to nothing")
        print(f"{directory.relative_to(HERE)}: {len(items)} objects, {len(found)} problems")
        bad += len(found)
    for example in sorted(HERE.glob("*/**/*.yaml.example")):
        for item in documents(example.read_text()):
            if text := schema_problem(item):
                bad += 1
                print(f"{example.relative_to(HERE)}: {label(item)}: {text}")
    return bad


def pick(items, kind):
    return next(item for item in items if item["kind"] == kind)


def misspelt(items):
    pick(items, "Deployment")["spec"]["template"]["spec"]["containers"][0]["imagePullPolcy"] = "Always"


def wrong_type(items):
    pick(items, "Deployment")["spec"]["replicas"] = "three"


def no_maximum(items):
    del pick(items, "HorizontalPodAutoscaler")["spec"]["maxReplicas"]


def unknown_keda_field(items):
    pick(items, "ScaledObject")["spec"]["minReplicas"] = 1


def number_for_text(items):
    metadata = pick(items, "ScaledObject")["spec"]["triggers"][0]["metadata"]
    metadata[next(iter(metadata))] = 10


def no_keda_target(items):
    del pick(items, "ScaledObject")["spec"]["scaleTargetRef"]


def unknown_kind(items):
    pick(items, "Service")["kind"] = "Servce"


def lost_pods(items):
    pick(items, "Deployment")["spec"]["template"]["metadata"]["labels"] = {"app": "other"}


def lost_target(items):
    pick(items, "ScaledObject")["spec"]["scaleTargetRef"]["name"] = "nobody"


def lost_volume(items):
    deployment = next(i for i in items if i["kind"] == "Deployment" and "volumes" in i["spec"]["template"]["spec"])
    del deployment["spec"]["template"]["spec"]["volumes"]


BREAKS = (
    misspelt, wrong_type, no_maximum, unknown_keda_field, number_for_text,
    no_keda_target, unknown_kind, lost_pods, lost_target, lost_volume,
)


def self_test(directories):
    bad = 0
    for directory in directories:
        whole = render(directory)
        for damage in BREAKS:
            items = copy.deepcopy(whole)
            damage(items)
            found = problems(items)
            bad += not found
            said = found[0][:110] if found else "NOT NOTICED"
            print(f"{directory.relative_to(HERE)}: {damage.__name__}: {said}")
    return bad


def main():
    parser = argparse.ArgumentParser(description="Validates the Kubernetes manifests below this folder.")
    parser.add_argument("--self-test", action="store_true", help="break the manifests on purpose")
    parser.add_argument("overlays", nargs="*", type=pathlib.Path, help="kustomizations (default: all)")
    arguments = parser.parse_args()
    directories = [path.resolve() for path in arguments.overlays] or kustomizations()
    if not directories:
        print("check.py: found no kustomization", file=sys.stderr)
        return 2
    try:
        bad = self_test(directories) if arguments.self_test else check(directories)
    except ValueError as error:
        print(error)
        return 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

"""What other people's parsers see in the files of a run: one generator of differences per format.

The parsers are prometheus_client, promtool, opentelemetry-proto, Taurus (bzt), junitparser with the schema of Jenkins'
xUnit plugin, and for SARIF the OASIS schema and sarif-tools.
"""

import json
import math
import pathlib
import re
import shlex
import shutil
import subprocess
import unicodedata
from xml.etree import ElementTree

SCHEMAS = pathlib.Path(__file__).resolve().parent / "schemas"
PERCENTILES = [("p50", 0.50), ("p95", 0.95), ("p99", 0.99)]


def label_of(text):
    """A name as labels carry it; names in tests that need more than this are left out of the comparison."""
    return text if re.fullmatch(r"[\w ./()-]{1,100}", text) else None


def steps_by_label(report):
    """Steps with a plain name that no other step has."""
    found = {}
    for step in report["steps"]:
        label = label_of(step["name"])
        if label:
            found[f"job {label}" if step["kind"] == "job" else label] = step
    return found


# metrics.txt


def gitlab_metrics(text):
    """As GitLab reads a metrics report: what follows a # is dropped, the rest is split as a shell would."""
    metrics = {}
    for line in text.splitlines():
        words = shlex.split(re.sub(r"#.*$", "", line))
        if len(words) >= 2:
            if words[0] in metrics:
                raise ValueError(f"{words[0]} stands twice")
            metrics[words[0]] = float(words[1])
    return metrics


def check_metrics(folder, report):
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
    from prometheus_client.parser import text_string_to_metric_families as prometheus

    text = (folder / "metrics.txt").read_text(encoding="utf-8")
    samples = [sample for family in openmetrics(text) for sample in family.samples]
    if len(gitlab_metrics(text)) != len(samples):
        yield f"metrics.txt: GitLab reads {len(gitlab_metrics(text))} figures, OpenMetrics {len(samples)}"
    older = [sample for family in prometheus(text) for sample in family.samples]
    if [(s.name, s.labels, s.value) for s in older] != [(s.name, s.labels, s.value) for s in samples]:
        yield "metrics.txt: the two Prometheus formats read different samples"
    by = {(s.name, *sorted((k, v) for k, v in s.labels.items() if k != "scenario")): s.value for s in samples}
    if by[("proofload_exit_code",)] != report["exit_code"]:
        yield f"metrics.txt: exit code {by[('proofload_exit_code',)]}, report.json says {report['exit_code']}"
    for label, step in steps_by_label(report).items():
        wrong = by[("proofload_step_responses", ("result", "wrong"), ("step", label))]
        if wrong != step["errors"]:
            yield f"metrics.txt: {label}: {wrong} wrong, report.json says {step['errors']}"
        for name, _ in PERCENTILES if step["answered"] else []:
            read = by[("proofload_step_response_seconds", ("percentile", name), ("step", label))]
            if not math.isclose(read * 1e3, step["response_ms"][name], abs_tol=1e-3):
                yield f"metrics.txt: {label} {name} = {read} s, report.json says {step['response_ms'][name]} ms"
    yield from check_promtool(text)


def check_promtool(text):
    """Only the findings that name a broken rule; `check metrics` also fails on text it cannot read."""
    promtool = shutil.which("promtool")
    if promtool is None:
        print("SKIPPED promtool: it is not installed")
        return
    told = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    if told.returncode != 0:
        yield f"metrics.txt: promtool: {(told.stdout + told.stderr).strip()}"


# performance.json


def gitlab_load_performance(export):
    """What GitLab's load performance widget shows of a k6 summary."""
    metrics, shown = export["metrics"], {}
    if "http_reqs" in metrics:
        shown["RPS"] = metrics["http_reqs"]["rate"]
    if "http_req_waiting" in metrics:
        shown["TTFB P90"] = metrics["http_req_waiting"]["p(90)"]
        shown["TTFB P95"] = metrics["http_req_waiting"]["p(95)"]
    if "checks" in metrics:
        checks = metrics["checks"]
        shown["Checks"] = 100 * checks["passes"] / (checks["passes"] + checks["fails"])
    return shown


def check_performance(folder, report):
    export = json.loads((folder / "performance.json").read_text(encoding="utf-8"))
    shown = gitlab_load_performance(export)
    for name, value in shown.items():
        if not (isinstance(value, (int, float)) and math.isfinite(value)):
            yield f"performance.json: GitLab would show {name} as {value}"
    requests = [step for step in report["steps"] if step["kind"] == "request"]
    sent = sum(step["answered"] + step["broken"] for step in requests)
    if export["metrics"]["http_reqs"]["count"] != sent:
        yield f"performance.json: {export['metrics']['http_reqs']['count']} requests, report.json says {sent}"
    if len(requests) == 1 and requests[0]["answered"]:
        read, told = export["metrics"]["proofload_response_time"]["p(95)"], requests[0]["response_ms"]["p95"]
        if not math.isclose(read, told, rel_tol=1e-9):
            yield f"performance.json: p(95) = {read} ms, report.json says {told} ms"


# otlp.json


def otlp_points(request):
    """Name of each metric with its points, from a decoded ExportMetricsServiceRequest."""
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                for point in getattr(metric, kind).data_points:
                    labels = {pair.key: pair.value.string_value for pair in point.attributes}
                    yield metric.name, labels, point


def exponential_quantile(point, share):
    """The bounds of the bucket in which a quantile lies, seconds."""
    base = 2 ** (2**-point.scale)
    rank = max(1, math.ceil(share * point.count))
    seen = point.zero_count
    for place, count in enumerate(point.positive.bucket_counts):
        seen += count
        if seen >= rank:
            return base ** (point.positive.offset + place), base ** (point.positive.offset + place + 1)
    return point.max, point.max


def check_otlp_request(request, report):
    """A decoded request, whether it came from a file or over the wire."""
    resource = {pair.key: pair.value for pair in request.resource_metrics[0].resource.attributes}
    if resource["service.name"].string_value != "proofload":
        yield "OTLP: service.name is not proofload"
    if resource["proofload.seed"].int_value != report["run"]["seed"]:
        yield f"OTLP: seed {resource['proofload.seed'].int_value}, report.json says {report['run']['seed']}"
    steps, seen = steps_by_label(report), set()
    for name, labels, point in otlp_points(request):
        step = steps.get(labels.get("step"))
        if name == "proofload.exit_code" and point.as_double != report["exit_code"]:
            yield f"OTLP: exit code {point.as_double}, report.json says {report['exit_code']}"
        if name != "proofload.response.time" or step is None:
            continue
        seen.add(labels["step"])
        if point.count != step["answered"] or sum(point.positive.bucket_counts) + point.zero_count != point.count:
            yield f"OTLP: {labels['step']}: {point.count} times, report.json says {step['answered']}"
        for percentile, share in PERCENTILES:
            low, high = exponential_quantile(point, share)
            told = step["response_ms"][percentile] / 1e3
            if not low * 0.999 <= told <= high * 1.001:
                yield f"OTLP: {labels['step']} {percentile} in {low} to {high} s, report.json says {told} s"
    missing = {label for label, step in steps.items() if step["answered"]} - seen
    if missing:
        yield f"OTLP: no histogram for {sorted(missing)}"


def check_otlp(path, report):
    from google.protobuf.json_format import Parse
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    request = Parse(path.read_text(encoding="utf-8"), ExportMetricsServiceRequest())
    if ExportMetricsServiceRequest.FromString(request.SerializeToString()) != request:
        yield "OTLP: it does not survive the binary encoding"
    yield from check_otlp_request(request, report)


# samples.jtl


def jtl_samples(path):
    """Rows as Taurus' reader of JMeter results gives them: second, label, elapsed s, response code, error."""
    import logging

    from bzt.modules.jmeter import JTLReader

    reader = JTLReader(str(path), logging.getLogger("taurus"))
    for last in (False, True):
        for row in reader._read(last):
            yield row[0], row[1], row[3], row[6], row[7]


def check_jtl(path, report):
    answered, counts, before = {}, {}, 0
    for second, label, elapsed, code, error in jtl_samples(path):
        if second < before:
            yield f"samples.jtl: second {second} after {before}"
            return
        before = second
        if (error is None) != (code == "expected"):
            yield f"samples.jtl: a row with code {code} has error {error}"
            return
        counts.setdefault(label, {}).setdefault(code, 0)
        counts[label][code] += 1
        if code in ("expected", "wrong"):
            answered.setdefault(label, []).append(elapsed * 1e3)
    for label, step in steps_by_label(report).items():
        told = {"expected": step["answered"] - step["errors"], "wrong": step["errors"], "unanswered": step["broken"]}
        told = {code: count for code, count in {**told, "unsent": step["dropped"]}.items() if count}
        if counts.get(label, {}) != told:
            yield f"samples.jtl: {label}: {counts.get(label)}, report.json says {told}"
            continue
        times = sorted(answered.get(label, []))
        for name, share in PERCENTILES if times else []:
            # The times are whole milliseconds; the rank is the same.
            read = times[max(0, math.ceil(share * len(times)) - 1)]
            if abs(read - step["response_ms"][name]) > 0.501:
                yield f"samples.jtl: {label} {name} = {read} ms, report.json says {step['response_ms'][name]} ms"


# junit.xml


def check_junit_schema(path):
    """Each suite against the schema of Jenkins' xUnit plugin, and what GitLab's and GitHub's viewers go by."""
    import xmlschema

    schema = xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd"))
    root = ElementTree.parse(path).getroot()
    for suite in root.iter("testsuite"):
        for error in schema.elements["testsuite"].iter_errors(suite):
            yield f"{path.name}: {error.reason} at {error.path}"
        # GitLab keeps one case for a class and a name.
        keys = [(case.get("classname"), case.get("name")) for case in suite.iter("testcase")]
        if len(keys) != len(set(keys)):
            yield f"{path.name}: two cases of {suite.get('name')} have the same class and name"
        for case in suite.iter("testcase"):
            if not case.get("classname") or not case.get("name") or float(case.get("time", "nan")) != 0:
                yield f"{path.name}: a case lacks class, name or time: {case.attrib}"
            if len(case.get("name")) > 255:
                yield f"{path.name}: a name is longer than GitLab keeps"


# SARIF


def check_sarif(path):
    """Against the OASIS schema, then read by sarif-tools; gives nothing else than problems."""
    from jsonschema import Draft7Validator
    from sarif import loader

    schema = json.loads((SCHEMAS / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
    log = json.loads(path.read_text(encoding="utf-8"))
    for error in Draft7Validator(schema).iter_errors(log):
        yield f"{path.name}: {'/'.join(map(str, error.absolute_path))}: {error.message}"
    results = log["runs"][0]["results"]
    if loader.load_sarif_file(str(path)).get_result_count() != len(results):
        yield f"{path.name}: sarif-tools reads another number of results than {len(results)}"
    for result in results:
        rule = log["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"]]
        if rule["id"] != result["ruleId"] or not result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]:
            yield f"{path.name}: a result without a rule or a place: {result['ruleId']}"


def has_control(text):
    """Control characters that no text file should hold."""
    return any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in text)

"""Reads a run folder with other people's parsers and compares what they see with report.json.

    python check_run_folder.py DIR [SCHEMA]

Needs hdrhistogram, junitparser, jsonschema, xmlschema, prometheus_client, opentelemetry-proto and bzt from PyPI. Files
that are made on request alone (otlp.json, samples.jtl) are read where they lie. Ends with 0 if everything agrees, else 1
with a line per difference.
"""

import json
import math
import pathlib
import sys
import unicodedata

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from jsonschema import Draft202012Validator
from junitparser import JUnitXml

import formats

FILES = [
    "report.html",
    "report.json",
    "junit.xml",
    "summary.md",
    "latency.hlog",
    "metrics.txt",
    "performance.json",
]
DEFAULT_SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "schema" / "report.v1.json"


def tag_of(step, taken):
    """The tag that latency.hlog gives a step."""
    name = "".join("_" if c == "," or c.isspace() or unicodedata.category(c) == "Cc" else c for c in step["name"])
    tag = f"job:{name}" if step["kind"] == "job" else name
    while tag in taken:
        tag += "~"
    taken.add(tag)
    return tag


def read_log(path):
    """All intervals of a log, added up per tag."""
    widest = HdrHistogram(1, 24 * 3600 * 1_000_000, 3)
    reader = HistogramLogReader(str(path), widest)
    sums = {}
    while (interval := reader.get_next_interval_histogram()) is not None:
        tag = interval.get_tag()
        sums.setdefault(tag, HdrHistogram(1, 24 * 3600 * 1_000_000, 3)).add(interval)
    reader.close()
    return sums


def around(histogram, share):
    """The values, ms, at the rank of a share and one rank beside it: this reader rounds ranks where ours rounds up."""
    count = histogram.get_total_count()
    rank = math.ceil(share * count)
    ranks = [max(rank - 1, 1), min(rank + 1, count)]
    return [histogram.get_value_at_percentile(100 * at / count) / 1e3 for at in ranks]


def check_log(folder, report):
    sums = read_log(folder / "latency.hlog")
    taken = set()
    for step in report["steps"]:
        tag = tag_of(step, taken)
        told = step["response_ms"]
        if step["answered"] == 0:
            if tag in sums:
                yield f"latency.hlog: {tag} has values, and nothing was answered"
            continue
        if tag not in sums:
            yield f"latency.hlog: no line is tagged {tag}; tags are {sorted(sums)}"
            continue
        read = sums[tag]
        if read.get_total_count() != step["answered"]:
            yield f"latency.hlog: {tag}: {read.get_total_count()} values, report.json says {step['answered']}"
        for name, share in [("p50", 0.50), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)]:
            low, high = around(read, share)
            if not low * 0.998 <= told[name] <= high * 1.002:
                yield f"latency.hlog: {tag} {name} = {low} to {high} ms, report.json says {told[name]} ms"


def check_junit(folder, report):
    suites = JUnitXml.fromfile(str(folder / "junit.xml"))
    cases = [case for suite in suites for case in suite]
    seen = {"failure": 0, "error": 0, "skipped": 0, "passed": 0}
    for case in cases:
        results = [type(result).__name__.lower() for result in case.result]
        seen[results[0] if results else "passed"] += 1
    kinds = {"fail": "failure", "inconclusive": "error", "invalid": "error", "not-judged": "skipped"}
    told = {"failure": 0, "error": 0, "skipped": 0, "passed": 0}
    for finding in report["findings"]:
        told[kinds.get(finding["outcome"], "passed")] += 1
    # A verdict that no finding shows has a case of its own.
    if report["verdict"] != "pass" and told["failure"] + told["error"] == 0:
        told["failure" if report["verdict"] == "fail" else "error"] += 1
    if seen != told:
        yield f"junit.xml: {seen}, report.json says {told}"
    green = seen["failure"] + seen["error"] == 0
    if green != (report["verdict"] == "pass"):
        yield f"junit.xml: green is {green}, and the verdict is {report['verdict']}"
    if suites.tests != len(cases):
        yield f"junit.xml: says {suites.tests} tests and holds {len(cases)}"


def check_on_request(folder, report):
    """What a run does not leave unless it is asked."""
    made = [("otlp.json", formats.check_otlp), ("samples.jtl", formats.check_jtl)]
    for name, check in made:
        if (folder / name).is_file():
            yield from check(folder / name, report)


def check_schema(report, schema):
    Draft202012Validator.check_schema(schema)
    for error in Draft202012Validator(schema).iter_errors(report):
        yield f"report.json: {'/'.join(map(str, error.absolute_path))}: {error.message}"


def check_sizes(folder):
    if (folder / "report.html").stat().st_size > 2_000_000:
        yield "report.html: over 2 MB"
    for name in FILES:
        if formats.has_control((folder / name).read_text(encoding="utf-8")):
            yield f"{name}: holds control characters"
    if len((folder / "summary.md").read_text(encoding="utf-8").splitlines()) > 60:
        yield "summary.md: over 60 lines"


def main(arguments):
    folder = pathlib.Path(arguments[0])
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        print(f"{folder}: missing {', '.join(missing)}; write them with `proofload report {folder}`")
        return 1
    schema = json.loads(pathlib.Path(arguments[1] if len(arguments) > 1 else DEFAULT_SCHEMA).read_text(encoding="utf-8"))
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    wrong = [
        *check_schema(report, schema),
        *check_log(folder, report),
        *check_junit(folder, report),
        *formats.check_junit_schema(folder / "junit.xml"),
        *formats.check_metrics(folder, report),
        *formats.check_performance(folder, report),
        *check_on_request(folder, report),
        *check_sizes(folder),
    ]
    for line in wrong:
        print(f"{folder}: {line}")
    if not wrong:
        print(f"{folder}: {len(report['steps'])} steps and {len(report['findings'])} findings read alike everywhere")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))

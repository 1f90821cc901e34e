"""The open load models of `stall.py`: how each is written in a scenario, and when its arrivals are due.

The plan itself says when (`proofload plan --arrivals`). A proofload that cannot say it yet is tried with evenly spaced
loads only, by the documented formula: the k-th arrival is due when the area under the rate reaches k + 1/2.
"""

import json
import math
import re

import common

FLOW = "flows: { get: [ { request: { name: hello, path: /hello, timeout: 60s } } ] }\n"


class NotKnown(Exception):
    """This proofload has no such model, or its arrivals cannot be known."""


def hold(rate, seconds):
    """(executor, fields, stages): one rate throughout."""
    return "constant-arrival-rate", f"rate: {rate}/s, for: {seconds}s", [(rate, rate, seconds)]


def ramp(rate, seconds):
    """A rate that rises fourfold around the mean."""
    low, high = 0.4 * rate, 1.6 * rate
    return (
        "ramping-arrival-rate",
        f"start_rate: {low}/s, stages: [ {{ rate: {high}/s, for: {seconds}s }} ]",
        [(low, high, seconds)],
    )


def step(rate, seconds):
    """Three holds, each higher than the one before."""
    fields = f"start_rate: {0.5 * rate}/s, rate: {1.5 * rate}/s, steps: 3, for: {seconds}s"
    return "step-arrival-rate", fields, [(level * rate, level * rate, seconds / 3) for level in (0.5, 1.0, 1.5)]


def spike(rate, seconds):
    """A short burst at twice the rate, over the beginning of the first stall."""
    fields = f"rate: {rate}/s, for: {seconds}s, spike_rate: {2 * rate}/s, spike_after: 0.9s, spike_for: 0.4s"
    stages = [(rate, 0.9), (2 * rate, 0.4), (rate, seconds - 1.3)]
    return "spike-arrival-rate", fields, [(level, level, length_s) for level, length_s in stages]


def poisson(rate, seconds):
    """Exponential gaps."""
    return "poisson-arrival-rate", f"rate: {rate}/s, for: {seconds}s", None


def gamma(rate, seconds):
    """Burstier than Poisson: a coefficient of variation of 2 (shape 1/4)."""
    return "gamma-arrival-rate", f"rate: {rate}/s, for: {seconds}s, shape: 0.25", None


def sine(rate, seconds):
    """A rate that swings around its mean."""
    return "sine-arrival-rate", f"rate: {rate}/s, for: {seconds}s, amplitude: {rate / 2}/s, period: 2s", None


def trace(_rate, _seconds):
    """A recording with pairs of requests close together, played at its own speed; `write_trace` makes the file."""
    return "trace-replay", "trace: { file: trace.jsonl, format: mooncake }", None


MODELS = {
    "constant": hold, "ramping": ramp, "step": step, "spike": spike,
    "poisson": poisson, "gamma": gamma, "sine": sine, "trace-replay": trace,
}  # fmt: skip


def prepare(bench, model, rate, seconds, pool):
    """Writes the scenario of a model and tells when its arrivals are due, nanoseconds from the start of the run."""
    executor, fields, stages = MODELS[model](rate, round(seconds, 3))
    if executor not in common.executors(bench.arguments.proofload):
        raise NotKnown(f"this proofload has no executor `{executor}`")
    if executor == "trace-replay":
        write_trace(bench.folder / "trace.jsonl", rate, seconds)
    load = f"{{ flow: get, executor: {executor}, {fields}, max_in_flight: {pool} }}"
    bench.scenario.write_text(bench.scenario.read_text() + FLOW + f"workloads: {{ load: {load} }}\n")
    return due_ns(bench, stages)


def due_ns(bench, stages):
    """The plan's arrivals as it prints them, or by formula."""
    _, refused = bench.plan()
    if refused:
        raise NotKnown(f"`proofload plan` refused the scenario of this benchmark: {refused.splitlines()[0]}")
    said, refused = bench.plan("--arrivals")
    if said is not None:
        return [int(line.split()[0]) for line in said.splitlines() if re.match(r"\d+ ", line)]
    if stages is None:
        raise NotKnown("`proofload plan` has no --arrivals yet, and random arrivals cannot be computed here")
    return even_arrivals_ns(stages)


def even_arrivals_ns(stages):
    """Due times under rates that change linearly, one (from, to, seconds) after the other."""
    times_ns, next_area, area_before, begins_s = [], 0.5, 0.0, 0.0
    for low, high, length_s in stages:
        area = (low + high) / 2 * length_s
        slope = (high - low) / length_s
        while next_area < area_before + area:
            inside = next_area - area_before
            root = math.sqrt(max(low * low + 2 * slope * inside, 0.0))
            times_ns.append(round((begins_s + min(2 * inside / (low + root), length_s)) * 1e9))
            next_area += 1
        area_before, begins_s = area_before + area, begins_s + length_s
    return times_ns


def write_trace(path, rate, seconds):
    """A recording in the form of `shared/traces`: milliseconds, and lengths that choose sizes."""
    lines = []
    for k in range(int(rate * seconds)):
        at_ms = 1000 * (k // 2 * 2) / rate + (k % 2)
        lines.append(json.dumps({"timestamp": at_ms, "input_length": 8, "output_length": 8, "hash_ids": [k]}))
    path.write_text("\n".join(lines) + "\n")

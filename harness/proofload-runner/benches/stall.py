"""Stall truth: a server freezes, and what the run says of that time is held against what must be true.

Every arrival that the plan places in a stall waits until the stall's end; every other waits for nothing. So the truth
comes from the plan's own arrivals (`proofload plan --arrivals`) and the stalls that the server made, with no tool in
between. Of N requests k are due in a stall; the k longest response times of the record are compared with the k true
waits at p50 to p99.9 of these k, whatever the pool. *Service time* (from the send) is what a closed tool would say; at
16 connections it must be wrong by more than 10×, or the test would pass by accident. The two clocks are joined at the
quickest arrival before the first stall. What a frozen server owes is answered one by one after the stall, so a little
of each error is the time that this takes.
"""

import bisect
import math
from dataclasses import dataclass

import common
import hdr
import models
import targets

SHARES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
ERROR_ASKED = 0.01
SERVICE_WRONG_ASKED = 10
POOL_SMALL = 16
# Short stalls come several times and at a higher rate, so that each run has enough of them: (rate per second, stalls).
# At these rates even loads meet each stall at another moment between two arrivals. If they met all at the same one, the
# waits would be few values, far apart, and a single request more or less would move a quantile by a whole step.
SHAPES = {0.1: (187, 21), 0.5: (206, 4)}
# More is due in the shortest stall than a small pool has connections, or service time would be right by accident.
SMALL_POOL_SHAPES = {0.1: (357, 11)}
LONG_SHAPE = (200, 1)
LEAD_MS, GAP_MS, TAIL_S = 1000, 600, 0.5
# How closely the clocks of plan and server are joined: an arrival so near the edge of a stall may be in it or not.
EDGE_NS = 500_000


@dataclass
class Case:
    """One run: a model, a stall, a pool."""

    model: str
    stall_s: float
    pool: int

    def shape(self):
        """Mean rate, number of stalls, and length of the run in seconds."""
        of_pool = SMALL_POOL_SHAPES if self.pool == POOL_SMALL else {}
        rate, stalls = of_pool.get(self.stall_s) or SHAPES.get(self.stall_s, LONG_SHAPE)
        return rate, stalls, LEAD_MS / 1e3 + stalls * (self.stall_s + GAP_MS / 1e3) + TAIL_S


@dataclass
class Outcome:
    """What was true and what was said, microseconds, at each of `SHARES` of the stalled requests."""

    planned: int
    stalled: int
    recorded: int
    true_us: list
    response_us: list
    service_us: list

    def errors(self):
        """Relative error of the response time at each share."""
        return [said / true - 1 for said, true in zip(self.response_us, self.true_us)]

    def worst(self):
        """The largest error, whatever its sign."""
        return max(map(abs, self.errors()))

    def service_wrong(self):
        """How many times too short the service time is, at the share where it is worst."""
        return max(true / max(said, 1) for said, true in zip(self.service_us, self.true_us))


def options():
    """The command line."""
    example = "python3 stall.py --stalls 0.5,2 --models constant,ramping --out ../../../reports/benchmarks/stall.md"
    parser = common.options(__doc__, example)
    parser.add_argument("--stalls", default="0.1,0.5,2,10", help="lengths in seconds; 0.1,0.5,2,10 unless given")
    parser.add_argument("--pools", default="16,1000", help="connections; 16,1000 unless given")
    parser.add_argument(
        "--models", default=",".join(models.MODELS), help="load models; all that this proofload knows unless given"
    )
    return parser


def benchmark(arguments):
    """All cases, one table row each."""
    wanted = common.chosen(arguments.models, models.MODELS)
    skipped, rows, worst, least_wrong = {}, [], 0.0, math.inf
    stalls = [float(word) for word in arguments.stalls.split(",")]
    pools = [int(word) for word in arguments.pools.split(",")]
    for case in [Case(model, stall, pool) for model in wanted for stall in stalls for pool in pools]:
        if case.model in skipped:
            continue
        try:
            outcome = run(arguments, case)
        except models.NotKnown as why:
            skipped[case.model] = str(why)
            continue
        worst = max(worst, outcome.worst())
        if case.pool == POOL_SMALL:
            least_wrong = min(least_wrong, outcome.service_wrong())
        rows.append(row(case, outcome))
        common.note(" ".join(str(cell) for cell in rows[-1]))
    return [*summary(worst, least_wrong, skipped), "", *common.table(HEAD, rows)]


HEAD = [
    "model",
    "stall s",
    "pool",
    "stalled of planned",
    *[f"p{100 * share:g} %" for share in SHARES],
    "worst %",
    "",
    "service wrong by",
    "samples lost",
]


def row(case, outcome):
    """One line of the table."""
    errors = [f"{100 * error:+.2f}" for error in outcome.errors()]
    holds = outcome.worst() <= ERROR_ASKED and outcome.recorded == outcome.planned
    wrong = f"{outcome.service_wrong():,.1f}×" if case.pool == POOL_SMALL else "–"
    counts = f"{outcome.stalled:,} of {outcome.planned:,}"
    lost = outcome.planned - outcome.recorded
    return [
        case.model,
        f"{case.stall_s:g}",
        case.pool,
        counts,
        *errors,
        f"{100 * outcome.worst():.2f}",
        common.met(holds),
        wrong,
        lost,
    ]


def summary(worst, least_wrong, skipped):
    """The claims, and what was not tried."""
    asked = f"(asked: ≤ {100 * ERROR_ASKED:g} %)"
    lines = [f"- Worst error of any quantile: {100 * worst:.2f} % {asked}: {common.met(worst <= ERROR_ASKED)}"]
    if math.isfinite(least_wrong):
        asked = f"(asked: > {SERVICE_WRONG_ASKED}×): {common.met(least_wrong > SERVICE_WRONG_ASKED)}"
        lines.append(
            f"- Service time at {POOL_SMALL} connections, where it is least wrong: {least_wrong:,.1f}× {asked}"
        )
    return lines + [f"- Skipped: {model}: {why}" for model, why in skipped.items()]


def run(arguments, case):
    """One run against a server that freezes."""
    rate, stalls, seconds = case.shape()
    timing = [round(case.stall_s * 1000), stalls, LEAD_MS, GAP_MS]
    with targets.RustTarget("stall-server", arguments.tools, map(str, timing)) as target:
        with common.Bench(arguments, target.url, "") as bench:
            due_ns = models.prepare(bench, case.model, rate, seconds, case.pool)
            _, record = bench.run()
            report = target.report()
    return compare(sorted(due_ns), report, record)


def compare(due_ns, report, record):
    """Truth from the plan and the server's stalls; what was said from the record. Of what may have happened at the edges
    of the stalls, that which fits best: one request more or less would move a quantile by a whole step."""
    truths = [true_waits_us(due_ns, report, shift_ns) for shift_ns in (0, -EDGE_NS, EDGE_NS)]
    outcomes = [held_against(waits_us, due_ns, record) for waits_us in truths if waits_us]
    if not outcomes:
        raise common.BenchError("no arrival was due in a stall; the run was too short")
    return min(outcomes, key=Outcome.worst)


def held_against(waits_us, due_ns, record):
    """One truth against the record."""
    response = hdr.merged(common.histograms(record, "response"))
    service = hdr.merged(common.histograms(record, "service"))
    stalled = len(waits_us)
    ranks = [math.ceil(share * stalled) for share in SHARES]
    at = lambda histogram: [histogram.value_at_rank(histogram.total - stalled + rank) for rank in ranks]
    true_us = [waits_us[rank - 1] for rank in ranks]
    return Outcome(len(due_ns), stalled, response.total, true_us, at(response), at(service))


def true_waits_us(due_ns, report, shift_ns=0):
    """What each arrival in a stall must have waited, ascending; the edges that decide who is in are moved by so much."""
    windows = report["windows_ns"]
    offset_ns = joined(due_ns, sorted(report["stamps_ns"]), windows[0][0])
    waits_us = []
    for start_ns, end_ns in windows:
        first = bisect.bisect_left(due_ns, start_ns - offset_ns + shift_ns)
        last = bisect.bisect_left(due_ns, end_ns - offset_ns + shift_ns)
        waits_us += [max(end_ns - offset_ns - at, 0) / 1e3 for at in due_ns[first:last]]
    return sorted(waits_us)


def joined(due_ns, stamps_ns, stall_ns):
    """The server's clock less the plan's: the least delay of any arrival well before the first stall."""
    early = [stamp - due for stamp, due in zip(stamps_ns, due_ns) if stamp < 0.9 * stall_ns]
    if not early:
        raise common.BenchError("nothing arrived before the first stall")
    return min(early)


if __name__ == "__main__":
    common.main(benchmark, options())

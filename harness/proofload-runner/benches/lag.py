"""How exactly proofload sends: its own wake lag, and how evenly its requests reach a server, beside oha's.

Constant arrival rates, one tool after the other against the same stamping server (`peers/stamp-server.rs`), client and
server on a core each. *Wake lag* is dispatch − intended start, from the run's own record. *At the server* are arrivals
stamped with the server's clock: how far each lies from the straight line fitted through all (p50, p99, p99.9), and the
rate that the line says against the rate that was asked. The server's deviation holds the network stack's and the
server's own delays too, so it bounds what the client did from above.
"""

import statistics

import common
import hdr
import targets

CONNECTIONS = 16
# What issue 4 asks on a quiet core at 5,000/s.
WAKE_LAG_ASKED_US = {0.5: 50, 0.99: 250}
RATE_ERROR_ASKED = 0.0001
SCENARIO = """flows: {{ get: [ {{ request: {{ name: hello, path: /hello }} }} ] }}
workloads:
  steady: {{ flow: get, executor: constant-arrival-rate, rate: {rate}/s, for: {seconds}s, max_in_flight: 16 }}
"""


def options():
    """The command line."""
    example = "python3 lag.py --seconds 60 --out ../../../reports/benchmarks/lag.md"
    parser = common.options(__doc__, example)
    parser.add_argument("--seconds", type=int, default=60, help="length of a run; 60 unless given")
    parser.add_argument("--rates", default="1000,5000", help="arrivals per second; 1000,5000 unless given")
    parser.add_argument("--rounds", type=int, default=1, help="runs of each tool at each rate; 1 unless given")
    return parser


def benchmark(arguments):
    """Every rate, both tools in turn."""
    own, seen = [], []
    for rate in [int(word) for word in arguments.rates.split(",")]:
        for _ in range(arguments.rounds):
            record, stamps = proofload_run(arguments, rate)
            own.append(own_row(record, rate))
            seen.append(server_row("proofload", rate, rate * arguments.seconds, stamps))
            stamps = oha_run(arguments, rate)
            seen.append(server_row("oha", rate, rate * arguments.seconds, stamps))
    own_head = [
        "asked",
        "wake lag p50 µs",
        "p99 µs",
        "p99.9 µs",
        "max µs",
        "due",
        "sent late or never",
        "busiest thread",
        "",
    ]
    seen_head = [
        "tool, asked",
        "arrived",
        "of planned",
        "rate error of the line",
        "deviation p50 µs",
        "p99 µs",
        "p99.9 µs",
        "",
    ]
    oha = common.first_line([str(arguments.tools / "bin" / "oha"), "--version"])
    return [
        f"- Peer: {oha}, `-q RATE --latency-correction -c {CONNECTIONS}`; wrk2 is in no registry at hand",
        "", "proofload's own record:", "", *common.table(own_head, own),
        "", "At the server:", "", *common.table(seen_head, seen),
    ]  # fmt: skip


def proofload_run(arguments, rate):
    """One run; its record and what the server saw."""
    common.note(f"proofload at {rate}/s for {arguments.seconds} s")
    scenario = SCENARIO.format(rate=rate, seconds=arguments.seconds)
    with (
        targets.RustTarget("stamp-server", arguments.tools) as target,
        common.Bench(arguments, target.url, scenario) as bench,
    ):
        _, record = bench.run()
        return record, target.report()


def oha_run(arguments, rate):
    """The same load from oha."""
    common.note(f"oha at {rate}/s for {arguments.seconds} s")
    with targets.RustTarget("stamp-server", arguments.tools) as target:
        command = [arguments.tools / "bin" / "oha", "--no-tui", "-c", CONNECTIONS, "-q", rate, "--latency-correction"]
        ended = common.measure([*command, "-z", f"{arguments.seconds}s", f"{target.url}/hello"], common.CLIENT_CPU)
        if ended.exit_code != 0:
            raise common.BenchError(f"oha ended with {ended.exit_code}:\n{ended.said}")
        return target.report()


def own_row(record, rate):
    """What proofload says of itself."""
    generator = record["generator"]
    lag = hdr.merged([generator["wake_lag"]])
    quantiles = {share: lag.at(share) for share in (0.5, 0.99, 0.999, 1.0)}
    missing = generator["due"] - generator["dispatched"]
    busy = statistics.median(generator["thread_busy"]) if generator["thread_busy"] else 0.0
    holds = missing == 0 and all(quantiles[share] <= asked for share, asked in WAKE_LAG_ASKED_US.items())
    return [f"{rate:,}/s", *quantiles.values(), f"{generator['due']:,}", missing, f"{busy:.0%}", common.met(holds)]


def server_row(tool, rate, planned, stamps):
    """What the server saw."""
    error = stamps["rate_per_s"] / rate - 1
    whole = stamps["count"] == planned if tool == "proofload" else True
    deviations = [stamps["p50_us"], stamps["p99_us"], stamps["p999_us"]]
    verdict = common.met(whole and abs(error) <= RATE_ERROR_ASKED)
    return [
        f"{tool}, {rate:,}/s",
        f"{stamps['count']:,}",
        f"{stamps['count'] / planned:.4%}",
        f"{error:+.5%}",
        *deviations,
        verdict,
    ]


if __name__ == "__main__":
    common.main(benchmark, options())

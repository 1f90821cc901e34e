"""Requests per CPU-second on small GETs: proofload, wrk, oha and goose against the same nginx.

Closed loop, 32 connections. The client has one core, nginx the other. The tools take turns in interleaved rounds whose
order rotates, so that a busy minute of the machine falls on all of them. CPU is user + system time of the whole client
process (`wait4`), its start-up and reports included; requests are counted by nginx. proofload records everything that
it always records. Above 1, proofload is the cheaper one.
"""

import json
import re
import statistics
from dataclasses import dataclass
from pathlib import Path

import common
import targets

CONNECTIONS = 32
# What issue 4 asks of proofload: at least so many times the requests per CPU-second of the peer.
RATIOS_ASKED = {"wrk": 1.0, "oha": 1.2, "goose": 2.5}
# A client may end with a request on each connection that the server saw and the client does not claim.
CLAIM_SLACK = 2 * CONNECTIONS
SCENARIO = """
flows: {{ get: [ {{ request: {{ name: hello, path: /hello }} }} ] }}
workloads: {{ load: {{ flow: get, {load} }} }}
"""


@dataclass
class Turn:
    """One run of one tool."""

    requests: int
    claimed: int
    cpu_s: float
    wall_s: float

    def per_cpu_s(self, less_s=0.0):
        """Requests per CPU-second, some of the CPU left out."""
        return self.requests / (self.cpu_s - less_s)


class Tool:
    """A load generator: the command of a turn, of an empty run if it has one, and how it tells what it did."""

    def __init__(self, name, command, empty, claimed):
        self.name, self.command, self.empty, self.claimed = name, command, empty, claimed
        self.turns = []

    def take_turn(self, nginx):
        """Runs once; nginx's own count of requests, less the asking one, is what is divided by the CPU."""
        before = nginx.requests()
        ended = run(self.command)
        requests = nginx.requests() - before - 1
        turn = Turn(requests, self.claimed(ended.said), ended.cpu_s, ended.wall_s)
        if not 0 <= turn.requests - turn.claimed <= CLAIM_SLACK:
            common.note(f"{self.name} claims {turn.claimed} requests and nginx served {turn.requests}")
        self.turns.append(turn)
        common.note(f"{self.name:<10} {turn.per_cpu_s():>9,.0f} requests per CPU-second, {turn.requests:,} requests")


def run(command):
    """Runs a client on its core; an end that is no verdict is an error."""
    ended = common.measure(command, common.CLIENT_CPU)
    if ended.exit_code not in common.VERDICT_EXIT_CODES:
        raise common.BenchError(f"{command[0]} ended with {ended.exit_code}:\n{ended.said[-2000:]}")
    return ended


def options():
    """The command line."""
    example = "python3 peers.py --rounds 7 --seconds 8 --out ../../../reports/benchmarks/peers.md"
    parser = common.options(__doc__, example)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each tool; 5 unless given")
    parser.add_argument("--seconds", type=int, default=8, help="length of a turn; 8 unless given")
    parser.add_argument("--only", default="wrk,oha,goose", help="peers, by name; wrk,oha,goose unless given")
    return parser


def benchmark(arguments):
    """All rounds, then the tables."""
    with targets.Nginx() as nginx:
        load = f"executor: constant-vus, vus: {CONNECTIONS}, for: {arguments.seconds}s"
        closed = common.Bench(arguments, nginx.url, SCENARIO.format(load=load))
        load = "executor: constant-arrival-rate, rate: 1/s, for: 1s"
        empty = common.Bench(arguments, nginx.url, SCENARIO.format(load=load))
        with closed, empty:
            tools = [ours(closed, empty), *peers(arguments, nginx.url)]
            empty_cpu_s = {tool.name: cost_of_nothing(tool) for tool in tools}
            for number in range(arguments.rounds):
                shift = number % len(tools)
                for tool in tools[shift:] + tools[:shift]:
                    tool.take_turn(nginx)
    return [*versions(arguments), "", *costs(tools), "", *ratios(tools), "", *ratios_less_start(tools, empty_cpu_s)]


def ours(closed, empty):
    """proofload, as it is run by everybody."""
    claimed = lambda _: common.step_total(closed.record(), "answered")
    return Tool("proofload", closed.command(), empty.command(), claimed)


def peers(arguments, url):
    """The peers that were asked for."""
    seconds, users, bin_folder = f"{arguments.seconds}s", str(CONNECTIONS), arguments.tools / "bin"
    oha = [bin_folder / "oha", "--no-tui", "--output-format", "json", "-c", users]
    goose = [bin_folder / "goose-peer", "--host", url, "--no-telnet", "--no-websocket", "--quiet", "--users"]
    known = {
        "wrk": Tool("wrk", ["wrk", "-t1", f"-c{users}", f"-d{seconds}", f"{url}/hello"], None, wrk_claims),
        "oha": Tool("oha", [*oha, "-z", seconds, f"{url}/hello"], [*oha, "-n", users, f"{url}/hello"], oha_claims),
        "goose": Tool(
            "goose",
            [*goose, users, "--increase-rate", users, "--run-time", seconds, "--no-reset-metrics"],
            [*goose, users, "--increase-rate", users, "--iterations", "1"],
            lambda said: int(re.search(r"answered (\d+)", said).group(1)),
        ),
    }
    wanted = common.chosen(arguments.only, known)
    for name in wanted:
        binary = known[name].command[0]
        if isinstance(binary, Path) and not binary.is_file():
            raise common.BenchError(f"there is no {binary}; README.md says how it is built")
    return [known[name] for name in wanted]


def wrk_claims(said):
    """`12345 requests in 8.00s`."""
    return int(re.search(r"(\d+) requests in", said).group(1))


def oha_claims(said):
    """Answers with a status; what was cut off at the end of the time is an error of its own kind."""
    return sum(json.loads(said)["statusCodeDistribution"].values())


def cost_of_nothing(tool):
    """CPU seconds of a run that sends next to nothing; the median of three."""
    if not tool.empty:
        return 0.0
    return statistics.median(run(tool.empty).cpu_s for _ in range(3))


def versions(arguments):
    """Which programs were compared."""
    oha = common.first_line([str(arguments.tools / "bin" / "oha"), "--version"])
    return [
        f"- Peers: {common.first_line(['wrk', '-v'])}; {oha}; goose 0.19.0; target {common.first_line(['nginx', '-v'])}"
    ]


def costs(tools):
    """One row per tool."""
    rows = []
    for tool in tools:
        per_cpu_s = [turn.per_cpu_s() for turn in tool.turns]
        per_s = [turn.requests / turn.wall_s for turn in tool.turns]
        core = [100 * turn.cpu_s / turn.wall_s for turn in tool.turns]
        micros = statistics.median(1e6 / each for each in per_cpu_s)
        differs = max(abs(turn.requests - turn.claimed) for turn in tool.turns)
        rows.append(
            [tool.name, common.spread(per_cpu_s), f"{micros:.2f}", common.spread(per_s), common.spread(core), differs]
        )
    head = [
        "tool",
        "requests per CPU-second: median (range)",
        "CPU µs per request",
        "requests per wall second",
        "% of its core",
        "nginx − own count, worst",
    ]
    return ["Whole process:", "", *common.table(head, rows)]


def ratios(tools):
    """proofload against each peer: of the medians, and round by round."""
    mine, *others = tools
    rows = []
    for other in others:
        pairs = [a.per_cpu_s() / b.per_cpu_s() for a, b in zip(mine.turns, other.turns)]
        ratio = median_per_cpu_s(mine) / median_per_cpu_s(other)
        asked = RATIOS_ASKED[other.name]
        rows.append(
            [other.name, f"{ratio:.2f}", f"{min(pairs):.2f}–{max(pairs):.2f}", f"≥ {asked}", common.met(ratio >= asked)]
        )
    return common.table(["proofload ÷", "of medians", "range over rounds", "asked", ""], rows)


def ratios_less_start(tools, empty_cpu_s):
    """The same with the CPU of an empty run taken off on both sides, where the tool can make one."""
    mine, *others = tools
    rows = []
    for other in others:
        ratio = median_per_cpu_s(mine, empty_cpu_s[mine.name]) / median_per_cpu_s(other, empty_cpu_s[other.name])
        taken = f"{empty_cpu_s[other.name] * 1e3:.0f} ms" if other.empty else "none: it cannot run empty"
        rows.append([other.name, f"{ratio:.2f}", taken])
    ours_ms = f"{empty_cpu_s[mine.name] * 1e3:.0f} ms"
    said = f"Without start-up: the CPU of an empty run is taken off, of proofload {ours_ms} (one request, reports)."
    return [said, "", *common.table(["proofload ÷", "of medians, start-up taken off", "taken off the peer"], rows)]


def median_per_cpu_s(tool, less_s=0.0):
    """Requests per CPU-second of the middle round."""
    return statistics.median(turn.per_cpu_s(less_s) for turn in tool.turns)


if __name__ == "__main__":
    common.main(benchmark, options())

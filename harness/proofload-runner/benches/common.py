"""What every benchmark of this folder needs: options, child processes and their cost, targets, files of a run, tables.

Python 3 standard library only. Nothing here measures by itself; each script says what its numbers mean.
"""

import argparse
import json
import os
import platform
import re
import resource
import shlex
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]
# The client under test has a core of its own, and so has its target: on two cores, one each.
CLIENT_CPU = 1
TARGET_CPU = 0
# Verdicts are not what is measured: PASS, FAIL, INVALID and INCONCLUSIVE all leave a whole record.
VERDICT_EXIT_CODES = (0, 1, 3, 4)


class BenchError(Exception):
    """Something that the person who started the benchmark can put right; told without a stack trace."""


def options(description, example):
    """The options that every benchmark has."""
    parser = argparse.ArgumentParser(
        description=description, epilog=f"Example:\n  {example}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    release = REPOSITORY.parent / "target" / "release" / "proofload"
    parser.add_argument(
        "--proofload", type=Path, default=release, metavar="PATH", help=f"the binary; {release} unless given"
    )
    tools = REPOSITORY.parent / "bench-tools"
    parser.add_argument(
        "--tools", type=Path, default=tools, metavar="DIR", help=f"peers and compiled targets; {tools} unless given"
    )
    parser.add_argument("--seed", type=int, default=1, help="everything random comes from it; 1 unless given")
    parser.add_argument(
        "--nice", type=int, default=0, help="niceness of client, target and their session; 0 unless given"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="also write the report, with machine and versions on top"
    )
    return parser


def main(benchmark, parser):
    """Parses the command line, runs the benchmark, prints and files what it says."""
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        make_ready(arguments)
        started = machine_lines(arguments.proofload)
        lines = benchmark(arguments)
    except (BenchError, PermissionError) as error:
        sys.exit(f"error: {error}")
    print("\n".join(lines))
    if arguments.out:
        title = f"# {Path(sys.argv[0]).stem}\n"
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text("\n".join([title, *started, "", *lines, ""]))


def make_ready(arguments):
    """Puts this process in order; children inherit its niceness and its limit of open files."""
    binary = arguments.proofload
    if not binary.is_file():
        raise BenchError(f"there is no {binary}; build it (cargo build --release -p proofload) or give --proofload")
    arguments.proofload = binary.resolve()
    arguments.tools.mkdir(parents=True, exist_ok=True)
    allow_open_files()
    if arguments.nice:
        os.nice(arguments.nice)
        # Where the kernel groups processes by session, niceness alone counts only inside the session.
        group = Path("/proc/self/autogroup")
        if group.exists():
            group.write_text(str(arguments.nice))


def chosen(words, known):
    """Names from the command line, each of which must be known."""
    names = words.split(",")
    for name in names:
        if name not in known:
            raise BenchError(f"`{name}` is not known; there are {', '.join(known)}")
    return names


def note(text):
    """Progress, for the one who waits; no part of the report."""
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


# --- the machine -----------------------------------------------------------------------------------------------------


def machine_lines(proofload):
    """What a reader needs to judge or repeat the numbers."""
    cpu = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    memory_kib = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text()).group(1))
    load = Path("/proc/loadavg").read_text().split()[:3]
    command = shlex.join(["python3", os.path.relpath(sys.argv[0], REPOSITORY), *sys.argv[1:]])
    processor = cpu.group(1) if cpu else platform.machine()
    return [
        f"- When: {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}",
        f"- Machine: {os.cpu_count()} × {processor}, {memory_kib / 1048576:.0f} GiB, kernel {platform.release()}",
        f"- Load average when it began: {' '.join(load)}",
        f"- proofload: {first_line([str(proofload), '--version'])}; Python {platform.python_version()}",
        f"- Command: `{command}`",
    ]


def first_line(command):
    """The first line that a program says, wherever it says it; how most programs tell their version."""
    done = subprocess.run(command, capture_output=True, text=True)
    return ((done.stdout or done.stderr).strip().splitlines() or ["unknown"])[0]


def executors(proofload):
    """The executors that a proofload knows, from its own schema."""
    done = subprocess.run([str(proofload), "schema", "scenario"], capture_output=True, text=True, check=True)
    return set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', json.dumps(json.loads(done.stdout)["$defs"]["Executor"])))


def allow_open_files():
    """Raises the soft limit of open files to the hard one; children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_port():
    """A port of the loopback address that nobody holds right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# --- child processes -------------------------------------------------------------------------------------------------


@dataclass
class Ended:
    """A child that has ended, and what it cost."""

    exit_code: int
    cpu_s: float
    wall_s: float
    said: str


def start(command, cpu=None, **options):
    """Starts a child, on one core if given; its whole process has that core only."""
    pin = (lambda: os.sched_setaffinity(0, {cpu})) if cpu is not None else None
    return subprocess.Popen([str(word) for word in command], preexec_fn=pin, stdin=subprocess.DEVNULL, **options)


def measure(command, cpu=None):
    """Runs a child to its end: user and system time of the whole process, start-up and reports included."""
    with tempfile.TemporaryFile("w+") as said:
        began = time.monotonic()
        child = start(command, cpu, stdout=said, stderr=subprocess.STDOUT)
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            stop(child)
            raise
        child.returncode = os.waitstatus_to_exitcode(status)
        wall_s = time.monotonic() - began
        said.seek(0)
        return Ended(child.returncode, usage.ru_utime + usage.ru_stime, wall_s, said.read())


def stop(child, patience_s=10):
    """Ends a child that this script started, kindly first."""
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(patience_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def memory_mib(process_id):
    """Resident memory of a process, MiB: RssAnon, RssFile, and VmHWM, the most of all pages so far."""
    status = Path(f"/proc/{process_id}/status").read_text()
    return {name: int(kib) / 1024 for name, kib in re.findall(r"(RssAnon|RssFile|VmHWM):\s*(\d+) kB", status)}


# --- runs of proofload -----------------------------------------------------------------------------------------------


class Bench:
    """A folder with one scenario and its environment, and the runs made of them."""

    def __init__(self, arguments, url, scenario):
        self.arguments = arguments
        self.kept = tempfile.TemporaryDirectory(prefix="bench-run-")
        self.folder = Path(self.kept.name)
        self.scenario = self.folder / "scenario.yaml"
        self.scenario.write_text(f"apiVersion: proofload/v1\nkind: Scenario\nname: bench\nsystem: s\n{scenario}")
        self.environment = self.folder / "environment.yaml"
        self.environment.write_text(
            f"apiVersion: proofload/v1\nkind: Environment\nname: bench\nsystems:\n  s: {{ url: {url} }}\n"
        )

    def command(self):
        """The command of one run; its record lies under `out` afterwards."""
        seed = ["--seed", self.arguments.seed]
        return [
            self.arguments.proofload,
            "run",
            self.scenario,
            "-e",
            self.environment,
            "--out",
            self.folder / "out",
            "--quiet", "--no-calibration",
            *seed,
        ]

    def run(self, cpu=CLIENT_CPU):
        """Runs to the end; the cost, and the record that was left."""
        ended = measure(self.command(), cpu)
        if ended.exit_code not in VERDICT_EXIT_CODES:
            raise BenchError(f"proofload ended with {ended.exit_code}:\n{ended.said}")
        return ended, self.record()

    def record(self):
        """The record of the newest run."""
        records = sorted((self.folder / "out").glob("*/record.json"), key=lambda path: path.stat().st_mtime)
        if not records:
            raise BenchError("the run left no record.json")
        return json.loads(records[-1].read_text())

    def plan(self, *flags):
        """What `proofload plan` says of the scenario; `None` if it refuses."""
        command = [self.arguments.proofload, "plan", self.scenario, "--seed", str(self.arguments.seed), *flags]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        return (done.stdout, None) if done.returncode == 0 else (None, done.stderr.strip())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kept.cleanup()


def step_total(record, what):
    """A counter of all seconds of all request steps: `due`, `answered`, `errors`, `broken`, `dropped`."""
    return sum(second[what] for step in record["steps"] if step["kind"] == "request" for second in step["seconds"])


def histograms(record, which):
    """All stored histograms of the request steps: `response`, `service` or `queue_wait`."""
    return [second[which] for step in record["steps"] if step["kind"] == "request" for second in step["seconds"]]


# --- tables ----------------------------------------------------------------------------------------------------------


def table(head, rows):
    """A Markdown table; the first column is text, the others are numbers."""
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return ["| " + " | ".join(str(cell) for cell in row) + " |" for row in [head, rule, *rows]]


def spread(values, digits=0):
    """Median, then the range: `94,120 (90,002–97,345)`."""
    median, low, high = statistics.median(values), min(values), max(values)
    return f"{median:,.{digits}f} ({low:,.{digits}f}–{high:,.{digits}f})"


def met(holds):
    """A claim and whether it held."""
    return "reached" if holds else "MISSED"

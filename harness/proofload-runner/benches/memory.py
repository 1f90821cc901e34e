"""What proofload's memory grows with: idle users, open connections, waiting jobs, uploads of a gibibyte.

Resident memory from /proc/PID/status. The first two are slopes between a small and a large run of the same kind, so
what the program needs anyway cancels out; the others are growth over a run with little to do. What is judged is
anonymous memory (RssAnon): pages of a mapped file (RssFile) are the kernel's to take back, and are told beside it.
Nothing counts that the target did not see: users have asked, requests are held, jobs were accepted and polled, uploads
came unchanged.
"""

import itertools
import subprocess
import time
from contextlib import ExitStack

import common
import targets

USERS = (1_000, 10_000)
CONNECTIONS = (100, 2_000)
KIB_PER_USER_ASKED, KIB_PER_CONNECTION_ASKED, JOBS_MIB_ASKED, UPLOADS_MIB_ASKED = 4, 32, 256, 32
JOBS_PER_S = 2_000
# Longest wait for a target to have seen everything, and the pause before memory is read.
WAIT_S, SETTLE_S, SAMPLE_S = 300, 3, 0.2

IDLE_USERS = """
flows: {{ get: [ {{ request: {{ name: hello, path: /hello }} }} ] }}
workloads:
  idle: {{ flow: get, executor: constant-vus, vus: {count}, for: {run_s}s, think_time: {think_s}s, max_in_flight: 50 }}
"""
HELD = """
flows: {{ get: [ {{ request: {{ name: held, path: /hold/120000, timeout: 200s }} }} ] }}
workloads:
  held: {{ flow: get, executor: constant-arrival-rate, rate: {rate}/s, for: 4s, max_in_flight: {count} }}
"""
JOBS = """
flows:
  submit:
    - request:
        name: submit
        method: POST
        path: /jobs
        expect: {{ status: 202 }}
        extract: {{ id: {{ json: /id }} }}
    - job:
        id: "{{{{id}}}}"
        poll: {{ path: "/jobs/{{{{id}}}}", every: 2s, timeout: 1200s }}
        done: {{ json: /state, in: [succeeded] }}
workloads:
  submit: {{ flow: submit, executor: constant-arrival-rate, rate: {rate}/s, for: {run_s}s, max_in_flight: 50 }}
drain: 600s
"""
UPLOADS = """
payloads: {{ big: {{ files: {payload} }} }}
flows:
  put:
    - request:
        name: put
        method: POST
        path: /put
        multipart: {{ file: "{{{{payload big}}}}" }}
        timeout: 1800s
workloads:
  put: {{ flow: put, executor: constant-vus, vus: {count}, for: 1s, max_in_flight: {count} }}
"""


def options():
    """The command line."""
    example = "python3 memory.py --only idle,connections --out ../../../reports/benchmarks/memory.md"
    parser = common.options(__doc__, example)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, by name; all unless given")
    parser.add_argument("--jobs", type=int, default=100_000, help="waiting jobs; 100000 unless given")
    parser.add_argument("--uploads", type=int, default=100, help="uploads at once; 100 unless given")
    parser.add_argument("--upload-mib", type=int, default=1024, help="size of the file sent, MiB; 1024 unless given")
    return parser


def benchmark(arguments):
    """The parts that were asked for, a table row and a note each."""
    rows, notes = [], []
    for name in common.chosen(arguments.only, PARTS):
        common.note(name)
        row, note = PARTS[name](arguments)
        common.note(" ".join(row))
        rows.append(row)
        notes.append(f"- {name}: {note}")
    return [*common.table(["what", "measured", "asked", ""], rows), "", *notes]


class Watched:
    """A run of proofload whose memory is looked at while it goes."""

    def __init__(self, bench):
        self.child = common.start(bench.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def settled(self, seen, wanted):
        """Memory, MiB, once the target has seen `wanted` of something and a little after."""
        give_up = time.monotonic() + WAIT_S
        while (count := seen()) < wanted:
            ended = self.child.poll() is not None
            if ended or time.monotonic() > give_up:
                why = "the run has ended" if ended else f"{WAIT_S} s have passed"
                raise common.BenchError(f"the target saw {count} of {wanted}, and {why}")
            time.sleep(SAMPLE_S)
        time.sleep(SETTLE_S)
        return common.memory_mib(self.child.pid)

    def peak(self):
        """The most of each kind of memory until the run ends, MiB."""
        most = {}
        while self.child.poll() is None:
            # Between its last breath and `poll`, a process has no memory to tell of.
            now = common.memory_mib(self.child.pid)
            most = {name: max(now.get(name, 0), most.get(name, 0)) for name in {*now, *most}}
            time.sleep(SAMPLE_S)
        if self.child.returncode not in common.VERDICT_EXIT_CODES:
            raise common.BenchError(f"proofload ended with {self.child.returncode}")
        return most

    def __enter__(self):
        return self

    def __exit__(self, *_):
        common.stop(self.child, patience_s=1)


def idle(arguments):
    """Users that have asked once and think; the number of connections is the same in both runs."""
    memory = {count: idle_users(arguments, count) for count in USERS}
    return slope("idle user", memory, KIB_PER_USER_ASKED)


def idle_users(arguments, count):
    """Memory while so many users think."""
    with ExitStack() as kept:
        nginx = kept.enter_context(targets.Nginx())
        scenario = IDLE_USERS.format(count=count, run_s=600, think_s=590)
        bench = kept.enter_context(common.Bench(arguments, nginx.url, scenario))
        # Every look is a request of its own.
        before, looks = nginx.requests(), itertools.count(1)
        run = kept.enter_context(Watched(bench))
        return run.settled(lambda: nginx.requests() - before - next(looks), count)


def connections(arguments):
    """Connections with a request that the server holds."""
    memory = {count: held_connections(arguments, count) for count in CONNECTIONS}
    return slope("open connection", memory, KIB_PER_CONNECTION_ASKED)


def held_connections(arguments, count):
    """Memory while so many requests wait for their answers."""
    with ExitStack() as kept:
        target = kept.enter_context(targets.RustTarget("hold-server", arguments.tools))
        bench = kept.enter_context(common.Bench(arguments, target.url, HELD.format(count=count, rate=count / 4)))
        run = kept.enter_context(Watched(bench))
        return run.settled(lambda: target.report()["held"], count)


def slope(what, memory, asked_kib):
    """KiB for each one more, and both readings."""
    (few, small), (many, large) = sorted(memory.items())
    each_kib = (large["RssAnon"] - small["RssAnon"]) * 1024 / (many - few)
    row = [f"KiB for one {what}", f"{each_kib:.1f}", f"≤ {asked_kib}", common.met(each_kib <= asked_kib)]
    return row, f"{told(small)} at {few:,}; {told(large)} at {many:,}"


def told(memory):
    """The parts of one reading that matter."""
    return f"RssAnon {memory['RssAnon']:.1f} MiB (peak of all pages {memory['VmHWM']:.1f} MiB)"


def jobs(arguments):
    """Jobs that were accepted, polled once and told to ask again in an hour."""
    one, all_of_them = waiting_jobs(arguments, 1), waiting_jobs(arguments, arguments.jobs)
    growth_mib = all_of_them["RssAnon"] - one["RssAnon"]
    allowed_mib = JOBS_MIB_ASKED * arguments.jobs / 100_000
    what, verdict = f"MiB for {arguments.jobs:,} waiting jobs", common.met(growth_mib <= allowed_mib)
    each_kib = growth_mib * 1024 / arguments.jobs
    readings = f"{told(one)} with one job; {told(all_of_them)} with all, {each_kib:.2f} KiB each"
    return [what, f"{growth_mib:.1f}", f"≤ {allowed_mib:g}", verdict], readings


def waiting_jobs(arguments, count):
    """Memory while so many jobs wait."""
    rate = min(count, JOBS_PER_S)
    with ExitStack() as kept:
        target = kept.enter_context(targets.RustTarget("hold-server", arguments.tools))
        scenario = JOBS.format(rate=rate, run_s=max(1, count // rate))
        bench = kept.enter_context(common.Bench(arguments, target.url, scenario))
        run = kept.enter_context(Watched(bench))
        return run.settled(lambda: min(map(target.report().get, ("accepted", "polls"))), count)


def uploads(arguments):
    """Uploads of one large file at once, into a sink that hashes what it gets."""
    payload, expected = payload_of(arguments)
    quiet, (busy, wall_s, came) = idle_peak(arguments), upload_peak(arguments, payload)
    whole = came.count(expected)
    if whole < arguments.uploads or whole != len(came):
        raise common.BenchError(f"{whole} of {len(came)} uploads came unchanged; {arguments.uploads} were due")
    growth_mib, mapped_mib = busy["RssAnon"] - quiet["RssAnon"], busy["RssFile"] - quiet["RssFile"]
    what = f"MiB for {arguments.uploads} uploads of {arguments.upload_mib} MiB at once"
    row = [what, f"{growth_mib:.1f}", f"≤ {UPLOADS_MIB_ASKED}", common.met(growth_mib <= UPLOADS_MIB_ASKED)]
    sent = (
        f"{whole} uploads, {whole * arguments.upload_mib / 1024:g} GiB in {wall_s:.0f} s, bytes and hash of each right"
    )
    return row, f"{sent}; idle {told(quiet)}; peak {told(busy)}; mapped pages {mapped_mib:+.1f} MiB"


def payload_of(arguments):
    """The file that is sent, made once, and what the sink must say of each upload."""
    payload = arguments.tools.resolve() / f"payload-{arguments.upload_mib}.bin"
    sink = targets.compile_target("sink-server", arguments.tools)
    if not payload.is_file():
        common.note(f"writing {payload}")
        subprocess.run([sink, "make", payload, str(arguments.upload_mib)], check=True)
    said = subprocess.run([sink, "hash", payload], check=True, capture_output=True, text=True).stdout.split()
    return payload, [int(said[0]), said[1]]


def idle_peak(arguments):
    """The most memory of a run with one user who mostly thinks."""
    with ExitStack() as kept:
        nginx = kept.enter_context(targets.Nginx())
        scenario = IDLE_USERS.format(count=1, run_s=3, think_s=1)
        bench = kept.enter_context(common.Bench(arguments, nginx.url, scenario))
        return kept.enter_context(Watched(bench)).peak()


def upload_peak(arguments, payload):
    """The most memory while all upload at once, how long it took, and what came."""
    with ExitStack() as kept:
        target = kept.enter_context(targets.RustTarget("sink-server", arguments.tools, cpu=None))
        scenario = UPLOADS.format(payload=payload, count=arguments.uploads)
        bench = kept.enter_context(common.Bench(arguments, target.url, scenario))
        began = time.monotonic()
        most = kept.enter_context(Watched(bench)).peak()
        return most, time.monotonic() - began, target.report()


PARTS = {"idle": idle, "connections": connections, "jobs": jobs, "uploads": uploads}

if __name__ == "__main__":
    common.main(benchmark, options())

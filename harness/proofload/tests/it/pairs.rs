//! Two builds of a system in turns, the whole way through the binary: who is slower is named, who is not is left alone,
//! and what could not be measured is never compared.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use proofload_core::judge::turns::Side;
use proofload_core::judge::{Outcome, Verdict};
use proofload_core::live::{Line, Said};
use proofload_core::pairs::{Pair, Pairs, PairsEnd};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::plain::serve_paths;

/// One second of load, so that many runs fit into a test.
const SCENARIO: &str = "apiVersion: proofload/v1
kind: Scenario
name: pages
system: s
flows:
  f: [{ request: { name: page, path: /page } }]
workloads:
  w: { flow: f, executor: poisson-arrival-rate, rate: 60/s, for: 1s }
slos: [{ sli: latency(page), p50: 8ms, claim: run }]
";

/// Most series of a test on a machine that is too busy to measure.
const TRIES_MAX: u32 = 3;
const INVALID: Option<i32> = Some(3);

/// Two servers, what they were asked, and a folder with their environments.
struct Bench {
    folder: TempDir,
    addresses: [SocketAddr; 2],
    watch: Arc<Watch>,
}

/// What the servers know of the runs.
#[derive(Default)]
struct Watch {
    /// Which of the two was asked whether it is ready: once in each run.
    asked: Mutex<Vec<Side>>,
    /// Pages that the run under way has asked for.
    pages: AtomicUsize,
    /// In so many runs more the process is made to stand still.
    freezes: AtomicUsize,
    process: OnceLock<Pid>,
}

impl Watch {
    fn answer(&self, side: Side, first_line: &str, ms: u64) {
        if first_line.contains("/ready") {
            self.asked.lock().unwrap().push(side);
            self.pages.store(0, Ordering::SeqCst);
            return;
        }
        std::thread::sleep(Duration::from_millis(ms));
        let is_middle = self.pages.fetch_add(1, Ordering::SeqCst) == 10;
        if is_middle
            && self.freezes.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
        {
            self.freeze();
        }
    }

    /// Half a second in which proofload can measure nothing.
    fn freeze(&self) {
        let process = *self.process.wait();
        kill_process(process, Signal::STOP).unwrap();
        std::thread::sleep(Duration::from_millis(500));
        kill_process(process, Signal::CONT).unwrap();
    }
}

impl Bench {
    /// Servers that take so many ms for an answer.
    fn new(before_ms: u64, after_ms: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let watch = Arc::new(Watch::default());
        std::fs::write(folder.path().join("s.yaml"), SCENARIO).unwrap();
        let addresses = [(Side::Before, before_ms), (Side::After, after_ms)].map(|(side, ms)| {
            let seen = Arc::clone(&watch);
            let address = serve_paths(move |first_line| seen.answer(side, first_line, ms));
            std::fs::write(folder.path().join(format!("{side}.yaml")), environment(address)).unwrap();
            address
        });
        Self { folder, addresses, watch }
    }

    fn command(&self, out: &str, systems: &[&str], more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_proofload"));
        command.current_dir(self.folder.path()).args(["pairs", "s.yaml", "--no-calibration", "-q", "--out", out]);
        command.args(systems).args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A series; another where the machine was too busy to measure. `None` where it was so every time.
    fn series(&self, systems: &[&str], more: &[&str]) -> Option<Series> {
        for number in 0..TRIES_MAX {
            self.watch.asked.lock().unwrap().clear();
            let out = format!("out-{number}");
            let output = self.command(&out, systems, more).output().unwrap();
            let series = Series::of(&output, self.folder.path().join(out));
            if series.code != INVALID {
                return Some(series);
            }
            assert_eq!(series.result().end, PairsEnd::Invalid, "{}", series.told);
        }
        None
    }
}

const ENVIRONMENTS: [&str; 4] = ["--before", "before.yaml", "--after", "after.yaml"];

fn environment(address: SocketAddr) -> String {
    let system = format!("s: {{ url: 'http://{address}', ready: /ready }}");
    format!("apiVersion: proofload/v1\nkind: Environment\nname: test\nsystems: {{ {system} }}\n")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

struct Series {
    out: PathBuf,
    told: String,
    code: Option<i32>,
}

impl Series {
    fn of(output: &Output, out: PathBuf) -> Self {
        Self { out, told: said(output), code: output.status.code() }
    }

    fn result(&self) -> Pairs {
        let text = std::fs::read_to_string(self.out.join("pairs.json"));
        serde_json::from_str(&text.unwrap_or_else(|error| panic!("{error}: {}", self.told))).unwrap()
    }

    /// The run folders in a folder, in order of their names.
    fn runs(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.out.join(folder)).into_iter().flatten();
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut runs: Vec<String> = entries.map(|entry| format!("{folder}/{}", name(entry))).collect();
        runs.sort();
        runs
    }

    /// The folders of both sides hold what was compared, and no more.
    fn assert_kept(&self) {
        let result = self.result();
        let folders = |pick: fn(&Pair) -> &String| result.pairs.iter().map(pick).cloned().collect::<Vec<_>>();
        assert_eq!(self.runs("before"), folders(|pair| &pair.before.folder), "{}", self.told);
        assert_eq!(self.runs("after"), folders(|pair| &pair.after.folder), "{}", self.told);
        let left_out: Vec<String> = result.left_out.iter().filter_map(|run| run.folder.clone()).collect();
        assert_eq!(self.runs("left-out").len(), left_out.len(), "{}", self.told);
        assert!(left_out.iter().all(|folder| self.out.join(folder).join("report.html").is_file()), "{}", self.told);
    }
}

/// The seed of a stored run.
fn seed(run: &Path) -> u64 {
    let text = std::fs::read_to_string(run.join("record.json")).unwrap();
    serde_json::from_str::<serde_json::Value>(&text).unwrap()["run"]["seed"].as_u64().unwrap()
}

/// The side that the line of a run names.
fn side_of(line: &str) -> Option<Side> {
    let side = line.strip_prefix("pair ")?.split_once(", ")?.1.split_once(": ")?.0;
    [Side::Before, Side::After].into_iter().find(|known| known.to_string() == side)
}

#[test]
fn equal_builds_take_turns_and_none_is_called_slower() {
    let bench = Bench::new(3, 3);
    let options = ["--pairs", "7", "--tolerance", "50%", "--seed", "11"];
    let Some(series) = bench.series(&ENVIRONMENTS, &options) else { return };
    let (told, result) = (&series.told, series.result());
    assert!(matches!(series.code, Some(0 | 4)), "{told}");
    assert!(told.contains("before: 7 runs   after: 7 runs"), "{told}");
    assert!(!told.contains("warning: scenario, environment"), "two environments are meant to differ: {told}");
    assert_eq!((result.end, result.pairs.len(), result.rules.len()), (PairsEnd::Completed, 7, 1), "{told}");
    assert_ne!(result.rules[0].outcome, Outcome::Fail, "{told}");
    series.assert_kept();
    // What the servers saw is what was told; where no try was spoilt, it is A B, B A, A B, …
    let turns: Vec<Side> = told.lines().filter_map(side_of).collect();
    assert_eq!(*bench.watch.asked.lock().unwrap(), turns, "{told}");
    if result.left_out.is_empty() {
        let (a, b) = (Side::Before, Side::After);
        assert_eq!(turns, [a, b, b, a, a, b, b, a, a, b, b, a, a, b], "{told}");
    }
    for (number, pair) in (11..).zip(&result.pairs) {
        let seeds = [&pair.before, &pair.after].map(|run| seed(&series.out.join(&run.folder)));
        assert_eq!((pair.seed, seeds), (number, [number, number]), "{told}");
    }
    judged_again(&series, &result);
}

/// `compare` says the same of the folders.
fn judged_again(series: &Series, result: &Pairs) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proofload"));
    let words = ["compare", "before", "after", "--pairs", "--tolerance", "50%"];
    let again = command.current_dir(&series.out).args(words).output().unwrap();
    let rule = format!("{}: {}", result.rules[0].title, result.rules[0].message);
    assert_eq!(again.status.code(), series.code, "{}{}", series.told, said(&again));
    assert!(series.told.contains(&rule) && said(&again).contains(&rule), "{}{}", series.told, said(&again));
}

#[test]
fn a_slower_build_is_named_by_its_rule() {
    let bench = Bench::new(3, 12);
    let Some(series) = bench.series(&ENVIRONMENTS, &["--pairs", "7"]) else { return };
    let (told, result) = (&series.told, series.result());
    assert_eq!(series.code, Some(1), "{told}");
    let rule = "FAIL          latency(page) p50 ≤ 8ms (this run) is at most 5.0 % worse than before: +";
    assert!(told.contains(rule), "{told}");
    assert!(
        told.contains("7 of 7 runs of after broke rules of their own; they are measurements all the same"),
        "{told}"
    );
    assert!(told.contains("after: FAIL (") && told.contains("; it is a measurement all the same\n"), "{told}");
    assert_eq!((result.verdict, result.exit_code), (Some(Verdict::Fail), Some(1)), "{told}");
    let rule = &result.rules[0];
    assert_eq!((rule.outcome, rule.pairs), (Outcome::Fail, 7), "{told}");
    assert!(rule.shift_percent.unwrap() > 50.0 && rule.id == "regression.slo.latency(page).p50.run", "{rule:?}");
    series.assert_kept();
}

/// One environment for both, and an address for each.
#[test]
fn fewer_than_five_pairs_say_nothing_and_programs_hear_it() {
    let bench = Bench::new(3, 12);
    let [before, after] = bench.addresses.map(|address| format!("http://{address}"));
    let systems = ["-e", "before.yaml", "--before-target", &before, "--after-target", &after];
    let Some(series) = bench.series(&systems, &["--pairs", "2", "--json"]) else { return };
    assert_eq!(series.code, Some(4), "{}", series.told);
    let lines: Vec<Line> = series.told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let Said::Warning { text } = &lines[0].said else { panic!("{}", series.told) };
    assert_eq!(text, "--pairs 2 cannot show that the one rule got worse; --pairs 7 or more can");
    let turns = lines.iter().filter(|line| matches!(line.said, Said::Turn { pairs: 2, .. })).count();
    let verdicts = lines.iter().filter(|line| matches!(line.said, Said::Verdict { .. })).count();
    assert!(turns >= 4 && turns == verdicts, "{}", series.told);
    let Said::Compared { verdict, reason, exit_code, rules, result } = &lines.last().unwrap().said else {
        panic!("the comparison comes last: {}", series.told);
    };
    assert_eq!((*verdict, *exit_code, rules[0].outcome), (Verdict::Inconclusive, 4, Outcome::Inconclusive));
    assert_eq!(reason, "fewer than 5 pairs show no more than how runs differ; make 7 or more");
    assert!(bench.folder.path().join(result).is_file(), "{result}");
    let result = series.result();
    assert_eq!((result.before.target, result.after.target), (Some(before), Some(after)));
    assert!(bench.watch.asked.lock().unwrap().contains(&Side::After));
    series.assert_kept();
}

/// A series of one pair, in whose first runs proofload is made to stand still.
fn frozen(bench: &Bench, runs: usize) -> Series {
    bench.watch.freezes.store(runs, Ordering::SeqCst);
    let child = bench.command("out", &ENVIRONMENTS, &["--pairs", "1"]).spawn().unwrap();
    bench.watch.process.set(Pid::from_child(&child)).unwrap();
    let series = Series::of(&child.wait_with_output().unwrap(), bench.folder.path().join("out"));
    series.assert_kept();
    series
}

#[test]
fn a_pair_that_could_not_be_measured_is_run_again() {
    let bench = Bench::new(3, 3);
    let series = frozen(&bench, 1);
    let (told, result) = (&series.told, series.result());
    let first = &result.left_out[0];
    assert_eq!((first.pair, first.side), (1, Side::Before), "{told}");
    assert!(told.starts_with("pair 1 of 1, before: INVALID (") && told.contains("; it is left out\n"), "{told}");
    assert!(told.contains("warning: pair 1 is run again (before: "), "{told}");
    // On a busy machine the second try may be no better.
    assert!(matches!((series.code, result.pairs.len()), (Some(4), 1) | (Some(3), 0)), "{told}");
}

#[test]
fn a_pair_that_could_not_be_measured_twice_ends_the_series() {
    let bench = Bench::new(3, 3);
    let series = frozen(&bench, 2);
    let (told, result) = (&series.told, series.result());
    assert_eq!(
        (series.code, result.end, result.verdict),
        (INVALID, PairsEnd::Invalid, Some(Verdict::Invalid)),
        "{told}"
    );
    assert_eq!((result.pairs.len(), result.left_out.len(), result.rules.len()), (0, 2, 0), "{told}");
    assert!(told.contains("INVALID       pair 1 could not be measured, twice; before: "), "{told}");
}

#[test]
fn ctrl_c_keeps_and_judges_what_was_run() {
    let bench = Bench::new(3, 3);
    let mut child = bench.command("out", &ENVIRONMENTS, &["--pairs", "5"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    // A pair is whole by then, and half of another.
    if !lines.any(|line| line.starts_with("pair 2 of 5, ")) {
        assert_eq!(child.wait().unwrap().code(), INVALID, "it can only have ended because the machine is busy");
        return;
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let rest: String = lines.map(|line| line + "\n").collect();
    let output = child.wait_with_output().unwrap();
    let series = Series { told: rest + &said(&output), ..Series::of(&output, bench.folder.path().join("out")) };
    let (told, result) = (&series.told, series.result());
    assert_eq!((series.code, result.end), (Some(130), PairsEnd::Interrupted), "{told}");
    assert_eq!((result.pairs.len(), result.reason.as_str()), (1, "stopped after 1 of 5 pairs"), "{told}");
    assert!(told.contains("latency(page) p50 ≤ 8ms") && told.contains("INCONCLUSIVE  stopped after 1 of 5"), "{told}");
    series.assert_kept();
}

/// A secret is looked for when a run begins, so what lacks one shows only then.
#[test]
fn a_run_that_cannot_be_done_ends_the_series_and_keeps_what_was_run() {
    let bench = Bench::new(3, 3);
    let lacking = environment(bench.addresses[0]) + "secrets: { token: { env: PROOFLOAD_TEST_UNSET } }\n";
    std::fs::write(bench.folder.path().join("lacking.yaml"), lacking).unwrap();
    let check = |series: &Series| {
        assert!(series.code == Some(2) && series.told.contains("PROOFLOAD_TEST_UNSET"), "{}", series.told);
    };
    let nothing = bench.series(&["--before", "lacking.yaml", "--after", "after.yaml"], &[]).unwrap();
    check(&nothing);
    assert!(!nothing.out.exists(), "{}", nothing.told);
    let Some(half) = bench.series(&["--before", "before.yaml", "--after", "lacking.yaml"], &[]) else { return };
    check(&half);
    let result = half.result();
    assert_eq!((result.end, result.verdict, result.exit_code), (PairsEnd::Failed, None, Some(2)), "{}", half.told);
    assert!(result.reason.contains("PROOFLOAD_TEST_UNSET") && !result.left_out.is_empty(), "{}", half.told);
    half.assert_kept();
}

#[test]
fn a_dry_run_says_who_runs_when_and_for_how_long() {
    let bench = Bench::new(3, 3);
    let options = ["--pairs", "3", "--seed", "7", "--dry-run"];
    let output = bench.command("out", &ENVIRONMENTS, &options).output().unwrap();
    let expected = "pages is ready to run in turns, before on test, after on test; nothing was sent
6 runs of 1 s take 6 s at least; starting, draining and calibration come on top
  pair  1 (seed 7): before, after
  pair  2 (seed 8): after, before
  pair  3 (seed 9): before, after
warning: --pairs 3 cannot show that the one rule got worse; --pairs 7 or more can
";
    assert_eq!((output.status.code(), said(&output).as_str()), (Some(0), expected));
    assert!(bench.watch.asked.lock().unwrap().is_empty() && !bench.folder.path().join("out").exists());
}

#[test]
fn what_cannot_be_compared_is_refused_before_anything_is_sent() {
    let bench = Bench::new(3, 3);
    let folder = bench.folder.path();
    let check = |systems: &[&str], more: &[&str], expected: &str| {
        let output = bench.command("out", systems, more).output().unwrap();
        let told = said(&output);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.lines().next().unwrap_or_default().contains(expected), "{told}");
    };
    let nowhere =
        "error: nothing says where the later build runs; name its environment with --after ENV, or its base URL with";
    check(&["--before", "before.yaml"], &[], nowhere);
    check(&["--before", "before.yaml", "--after", "no.yaml"], &[], "error: the environment no.yaml cannot be read");
    check(&ENVIRONMENTS, &["--pairs", "0"], "error: invalid value '0' for '--pairs <N>'");
    check(&ENVIRONMENTS, &["--tolerance", "much"], "`much` is not a share");
    check(&ENVIRONMENTS, &["--fast"], "error: unexpected argument '--fast' found");
    assert!(!folder.join("out").exists());
    std::fs::create_dir_all(folder.join("out/before/run-1")).unwrap();
    check(&ENVIRONMENTS, &[], "error: out holds a comparison already; choose another place with --out");
    std::fs::remove_dir_all(folder.join("out")).unwrap();
    let without = SCENARIO.replace("latency(page), p50: 8ms, claim: run", "errors(page), max: 1%");
    std::fs::write(folder.join("s.yaml"), without).unwrap();
    check(&ENVIRONMENTS, &["--json"], "error: s.yaml has no rule on a time or a rate, so there is nothing to compare");
    assert!(bench.watch.asked.lock().unwrap().is_empty());
}

//! A series of runs in turns: which were measured, which were left out, and what came of them.

use std::io::Write;
use std::path::{Path, PathBuf};

use proofload_core::baseline::BaselineRun;
use proofload_core::evidence::RunEnd;
use proofload_core::judge::turns::{Side, Turn, Turns};
use proofload_core::judge::{Design, Judgement, Outcome, Verdict, judge_runs};
use proofload_core::live::Said;
use proofload_core::pairs::{LeftOut, Pair, PairRun, Pairs, PairsEnd};
use proofload_core::report::{Report, compared_lines, differing};
use tokio_util::sync::CancellationToken;

use super::super::run::{Ran, Ready, stop_on_signal, write_reports};
use super::warn;
use crate::args::PairsArgs;
use crate::failure::{Failure, INTERRUPTED, UNFIT};
use crate::progress::say;

/// What came of the series.
pub(super) const RESULT_FILE: &str = "pairs.json";
/// Runs that are not compared lie in this folder.
const LEFT_OUT: &str = "left-out";

/// A series under way.
pub(super) struct Series {
    args: PairsArgs,
    out: PathBuf,
    colour: bool,
    stop: CancellationToken,
    turns: Turns,
    /// The first run of the pair under way.
    half: Option<Half>,
    before: Vec<BaselineRun>,
    after: Vec<BaselineRun>,
    result: Pairs,
}

/// A run that counts once its pair is whole.
struct Half {
    run: PairRun,
    figures: BaselineRun,
}

/// What became of a run; `id` is the name of its folder, and absent where no load was sent.
enum Ended {
    Measured(Box<Half>),
    /// proofload itself could not measure.
    Spoilt {
        id: Option<String>,
        why: String,
    },
    /// Somebody stopped it.
    Stopped {
        id: Option<String>,
    },
}

impl Ended {
    fn of(turn: Turn, ran: &Ran, report: &Report) -> Self {
        let id = ran.folder.id.clone();
        if ran.run.record.run.end == RunEnd::Interrupted {
            return Ended::Stopped { id: Some(id) };
        }
        if let Some(why) = spoilt(report) {
            return Ended::Spoilt { id: Some(id), why };
        }
        let run =
            PairRun { folder: format!("{}/{id}", turn.side), verdict: report.verdict, reason: report.reason.clone() };
        Ended::Measured(Box::new(Half { run, figures: BaselineRun::of(report, &ran.run.record) }))
    }

    /// Where its folder lies in the end, and what of its verdict must be said so that nobody misreads it.
    fn place_and_note(&self, side: Side) -> (String, &'static str) {
        match self {
            Ended::Measured(half) if half.run.verdict == Verdict::Fail => {
                (side.to_string(), "; it is a measurement all the same")
            }
            Ended::Measured(_) => (side.to_string(), ""),
            Ended::Spoilt { .. } | Ended::Stopped { .. } => (LEFT_OUT.to_owned(), "; it is left out"),
        }
    }
}

impl Series {
    /// A series of which nothing has been run; `result` says what was asked for.
    pub(super) fn new(args: PairsArgs, out: PathBuf, result: Pairs, colour: bool) -> Self {
        let (turns, stop) = (Turns::new(args.pairs), stop_on_signal());
        Self { args, out, colour, stop, turns, half: None, before: Vec::new(), after: Vec::new(), result }
    }

    /// Runs and judges it; gives the exit code.
    pub(super) async fn run(mut self) -> Result<u8, Failure> {
        match self.run_all().await {
            Ok(end) => self.conclude(end),
            Err(failure) => {
                self.keep_what_was_run(&failure);
                Err(failure)
            }
        }
    }

    async fn run_all(&mut self) -> Result<PairsEnd, Failure> {
        while let Some(turn) = self.turns.due() {
            match self.run_one(turn).await? {
                Ended::Measured(half) => self.count(turn, *half),
                Ended::Spoilt { id, why } => {
                    self.leave_out(turn, id, &why)?;
                    if !self.turns.spoilt() {
                        return Ok(PairsEnd::Invalid);
                    }
                    let place = self.out.join(LEFT_OUT);
                    let again = format!("pair {} is run again ({}: {why})", turn.pair + 1, turn.side);
                    warn(self.args.tell, format!("{again}; what was run of it is in {}", place.display()));
                }
                Ended::Stopped { id } => {
                    self.leave_out(turn, id, "the series was stopped")?;
                    return Ok(PairsEnd::Interrupted);
                }
            }
            self.save()?;
        }
        Ok(PairsEnd::Completed)
    }

    async fn run_one(&self, turn: Turn) -> Result<Ended, Failure> {
        if self.stop.is_cancelled() {
            return Ok(Ended::Stopped { id: None });
        }
        let args = self.args.run(turn, &self.out);
        if args.tell.json {
            let Turn { pair, side } = turn;
            say(Said::Turn { pair: pair + 1, pairs: self.args.pairs, side, seed: args.seed });
        }
        let ran = match Ready::check(&args)?.run(&args, None, self.colour, self.stop.clone()).await {
            Ok(ran) => ran,
            Err(failure) => return ended_by(failure),
        };
        let report = ran.run.judged();
        write_reports(&ran.folder, &report, &ran.run)?;
        let ended = Ended::of(turn, &ran, &report);
        self.tell_run(turn, &report, &ended)?;
        Ok(ended)
    }

    fn tell_run(&self, turn: Turn, report: &Report, ended: &Ended) -> Result<(), Failure> {
        let (place, note) = ended.place_and_note(turn.side);
        let folder = self.out.join(place).join(&report.run.id);
        let page = folder.join("report.html").display().to_string();
        let (verdict, reason) = (report.verdict, &report.reason);
        if self.args.tell.json {
            let (reason, exit_code) = (reason.clone(), report.exit_code);
            say(Said::Verdict { verdict, reason, exit_code, folder: folder.display().to_string(), report: page });
            return Ok(());
        }
        let mut stdout = std::io::stdout();
        let (pair, pairs) = (turn.pair + 1, self.args.pairs);
        writeln!(stdout, "pair {pair} of {pairs}, {}: {verdict} ({reason}){note}", turn.side)?;
        writeln!(stdout, "  report: {page}")?;
        Ok(())
    }

    /// Takes in a run that was measured.
    fn count(&mut self, turn: Turn, run: Half) {
        if !self.turns.measured() {
            self.half = Some(run);
            return;
        }
        let first = self.half.take().expect("the second run of a pair follows the first");
        let (before, after) = if turn.side == Side::After { (first, run) } else { (run, first) };
        self.before.push(before.figures);
        self.after.push(after.figures);
        let seed = self.args.seed_of(turn.pair);
        let first = Turn::first_of(turn.pair);
        self.result.pairs.push(Pair { seed, first, before: before.run, after: after.run });
    }

    /// Puts the runs of the pair under way aside, so that the folders of both sides hold what is compared and no more.
    fn leave_out(&mut self, turn: Turn, id: Option<String>, why: &str) -> Result<(), Failure> {
        self.leave_out_half(turn.pair)?;
        self.put_aside(turn, id, why)
    }

    fn leave_out_half(&mut self, pair: u32) -> Result<(), Failure> {
        let Some(half) = self.half.take() else { return Ok(()) };
        let id = half.figures.run.id;
        self.put_aside(Turn { pair, side: Turn::first_of(pair) }, Some(id), "its pair did not become whole")
    }

    fn put_aside(&mut self, Turn { pair, side }: Turn, id: Option<String>, why: &str) -> Result<(), Failure> {
        if let Some(id) = &id {
            let (from, to) = (self.out.join(side.to_string()).join(id), self.out.join(LEFT_OUT).join(id));
            let put = std::fs::create_dir_all(self.out.join(LEFT_OUT)).and_then(|()| std::fs::rename(&from, &to));
            put.map_err(|error| unwritable(&to, &error))?;
        }
        let folder = id.map(|id| format!("{LEFT_OUT}/{id}"));
        self.result.left_out.push(LeftOut { pair: pair + 1, side, folder, why: why.to_owned() });
        Ok(())
    }

    /// Writes the result whole or not at all, after every run, so that a killed series leaves what it has.
    fn save(&self) -> Result<PathBuf, Failure> {
        let (path, part) = (self.out.join(RESULT_FILE), self.out.join(format!("{RESULT_FILE}.part")));
        let written = std::fs::create_dir_all(&self.out).and_then(|()| std::fs::write(&part, self.result.to_json()));
        written.and_then(|()| std::fs::rename(&part, &path)).map_err(|error| unwritable(&path, &error))?;
        Ok(path)
    }

    /// Where a run could not be done. That this cannot be kept matters less than why.
    fn keep_what_was_run(&mut self, failure: &Failure) {
        if let Some(turn) = self.turns.due() {
            let _ = self.leave_out_half(turn.pair);
        }
        self.result.fail(failure.message(), failure.code());
        if !self.result.pairs.is_empty() || !self.result.left_out.is_empty() {
            let _ = self.save();
            return;
        }
        // Only empty folders can be removed so.
        for folder in ["before", "after", ""] {
            let _ = std::fs::remove_dir(self.out.join(folder));
        }
    }

    /// Judges what was run, and tells what came of it.
    fn conclude(mut self, end: PairsEnd) -> Result<u8, Failure> {
        let (before, after): (Vec<_>, Vec<_>) = (self.before.iter().collect(), self.after.iter().collect());
        let judgement = judge_runs(&before, &after, Design::Pairs, self.args.tolerance);
        let exit_code = self.result.conclude(end, &judgement);
        let result = self.save()?.display().to_string();
        let Pairs { verdict, reason, rules, .. } = self.result.clone();
        let verdict = verdict.expect("a series that was concluded has a verdict");
        if self.args.tell.json {
            say(Said::Compared { verdict, reason, exit_code, rules, result });
            return Ok(exit_code);
        }
        let mut stdout = std::io::stdout();
        for line in self.compared(&before, &after, &judgement) {
            writeln!(stdout, "{line}")?;
        }
        if end != PairsEnd::Completed {
            writeln!(stdout, "{:<13} {reason}", verdict.to_string())?;
        }
        writeln!(stdout, "result: {result}")?;
        Ok(exit_code)
    }

    /// Both sides beside each other, and what is said of them.
    fn compared(&self, before: &[&BaselineRun], after: &[&BaselineRun], judgement: &Judgement) -> Vec<String> {
        let made = before.len();
        if made == 0 {
            return Vec::new();
        }
        // Two environments are meant to differ; what changed within one is not.
        let mut lines: Vec<String> =
            [before, after].into_iter().filter_map(|runs| differing(runs.iter().copied())).collect();
        lines.extend(compared_lines(before, after));
        lines.extend(judgement.lines());
        lines.extend([Side::Before, Side::After].into_iter().filter_map(|side| {
            let failed = self.result.failed(side);
            (failed > 0).then(|| {
                format!(
                    "{failed} of {made} runs of {side} broke rules of their own; they are measurements all the same"
                )
            })
        }));
        lines
    }
}

/// What a run that left nothing means for its pair; else it ends the series.
fn ended_by(failure: Failure) -> Result<Ended, Failure> {
    match failure.code() {
        INTERRUPTED => Ok(Ended::Stopped { id: None }),
        UNFIT => Ok(Ended::Spoilt { id: None, why: failure.message().to_owned() }),
        _ => Err(failure),
    }
}

/// Why the timing of a run is worth nothing. A lost job makes it FAIL even so, which is no measurement.
fn spoilt(report: &Report) -> Option<String> {
    let broken = report.findings.iter().find(|finding| finding.outcome == Outcome::Invalid)?;
    Some(if report.verdict == Verdict::Invalid {
        report.reason.clone()
    } else {
        format!("{}: {}", broken.title, broken.message)
    })
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    let advice = "free some space, or choose another place with --out";
    Failure::internal(format!("error: {} cannot be written: {error}; {advice}", path.display()))
}

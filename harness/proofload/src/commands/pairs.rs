//! `proofload pairs`: two builds of a system against each other, in turns, each run a whole one.

mod series;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proofload_core::judge::turns::{Side, Turn, Turns};
use proofload_core::judge::{comparable_rules, pairs_least};
use proofload_core::live::Said;
use proofload_core::pairs::{Pairs, System};
use proofload_runner::unix_ms;

use self::series::{RESULT_FILE, Series};
use super::run::{Ready, beside_events, say_failure};
use crate::args::{PairsArgs, RunArgs, TellArgs};
use crate::failure::Failure;
use crate::progress::say;
use crate::stamp;

pub(crate) async fn pairs(args: PairsArgs, colour: bool) -> Result<u8, Failure> {
    let tell = args.tell;
    let outcome = Box::pin(pairs_as_told(args, colour)).await;
    say_failure(tell, &outcome);
    outcome
}

async fn pairs_as_told(args: PairsArgs, colour: bool) -> Result<u8, Failure> {
    let new = || PathBuf::from("reports/pairs").join(stamp::id("pairs", unix_ms()));
    let out = args.out.clone().unwrap_or_else(new);
    args.check_named()?;
    refuse_used(&out)?;
    let planned = Planned::check(&args, &out)?;
    if args.dry_run {
        let mut told = beside_events(args.tell);
        planned.lines(&args).iter().try_for_each(|line| writeln!(told, "{line}"))?;
        return Ok(0);
    }
    if let Some(why) = planned.too_few(args.pairs) {
        warn(args.tell, why);
    }
    let result = Pairs::new(&planned.scenario, planned.systems, args.tolerance, args.pairs);
    Series::new(args, out, result, colour).run().await
}

/// Runs of another comparison would be taken for pairs of this one.
fn refuse_used(out: &Path) -> Result<(), Failure> {
    let holds_runs = |side: &str| std::fs::read_dir(out.join(side)).is_ok_and(|mut runs| runs.next().is_some());
    if out.join(RESULT_FILE).exists() || holds_runs("before") || holds_runs("after") {
        let message = format!("error: {} holds a comparison already; choose another place with --out", out.display());
        return Err(Failure::usage(message));
    }
    Ok(())
}

fn warn(tell: TellArgs, text: String) {
    if tell.json {
        say(Said::Warning { text });
    } else {
        // Nothing can be told if standard error is closed.
        let _ = writeln!(std::io::stderr(), "warning: {text}");
    }
}

impl PairsArgs {
    /// Whoever names one build alone has forgotten the other: nothing stands in for it.
    fn check_named(&self) -> Result<(), Failure> {
        let sides = [
            ("earlier", Side::Before, &self.before, &self.before_target),
            ("later", Side::After, &self.after, &self.after_target),
        ];
        match sides.iter().find(|(.., env, target)| env.is_none() && target.is_none()) {
            None => Ok(()),
            Some((build, side, ..)) => Err(Failure::usage(format!(
                "error: nothing says where the {build} build runs; name its environment with --{side} ENV, or its base URL with --{side}-target URL"
            ))),
        }
    }

    /// The options of one run.
    fn run(&self, turn: Turn, out: &Path) -> RunArgs {
        let (env, target) = match turn.side {
            Side::Before => (&self.before, &self.before_target),
            Side::After => (&self.after, &self.after_target),
        };
        RunArgs {
            scenario: self.scenario.clone(),
            env: env.as_ref().unwrap_or(&self.env).clone(),
            target: target.clone(),
            scale: self.scale,
            seed: self.seed_of(turn.pair),
            out: Some(out.join(turn.side.to_string())),
            baseline: None,
            threads: self.threads,
            generators: 0,
            tell: self.tell,
            dry_run: false,
            no_calibration: self.no_calibration,
            otlp: None,
        }
    }

    fn seed_of(&self, pair: u32) -> u64 {
        self.seed.wrapping_add(u64::from(pair))
    }
}

/// A series of which everything that can be checked without sending has been.
struct Planned {
    scenario: String,
    systems: (System, System),
    /// How long the plan of each run lasts.
    lasts: Duration,
    /// How many rules can be compared.
    rules: usize,
}

impl Planned {
    /// Checks scenario, plan and both environments, so that the later one does not fail after the earlier one has run.
    fn check(args: &PairsArgs, out: &Path) -> Result<Self, Failure> {
        let check = |side| {
            let args = args.run(Turn { pair: 0, side }, out);
            let ready = Ready::check(&args)?;
            let system = System { environment: ready.environment.name.clone(), target: args.target };
            Ok::<_, Failure>((system, ready))
        };
        let (before, ready) = check(Side::Before)?;
        let (after, _) = check(Side::After)?;
        let rules = comparable_rules(&ready.scenario);
        if rules == 0 {
            let message = format!(
                "error: {} has no rule on a time or a rate, so there is nothing to compare; add one to its `slos`",
                args.scenario.display()
            );
            return Err(Failure::usage(message));
        }
        let (scenario, lasts) = (ready.scenario.name.clone(), ready.lasts());
        Ok(Self { scenario, systems: (before, after), lasts, rules })
    }

    /// Why so many pairs cannot find what is looked for.
    fn too_few(&self, pairs: u32) -> Option<String> {
        let least = pairs_least(self.rules);
        let rules =
            if self.rules == 1 { "the one rule".to_owned() } else { format!("one of the {} rules", self.rules) };
        let is_few = (pairs as usize) < least;
        is_few.then(|| format!("--pairs {pairs} cannot show that {rules} got worse; --pairs {least} or more can"))
    }

    /// Who runs when, and for how long.
    fn lines(&self, args: &PairsArgs) -> Vec<String> {
        let system = |system: &System| match &system.target {
            Some(target) => format!("{} at {target}", system.environment),
            None => system.environment.clone(),
        };
        let (before, after) = (system(&self.systems.0), system(&self.systems.1));
        let (runs, lasts) = (args.pairs * 2, self.lasts);
        let mut lines = vec![
            format!(
                "{} is ready to run in turns, before on {before}, after on {after}; nothing was sent",
                self.scenario
            ),
            format!(
                "{runs} runs of {} take {} at least; starting, draining and calibration come on top",
                told_time(lasts),
                told_time(lasts * runs)
            ),
        ];
        let turns: Vec<Turn> = Turns::planned(args.pairs).collect();
        lines.extend(turns.chunks(2).map(|pair| {
            let number = pair[0].pair;
            format!("  pair {:>2} (seed {}): {}, {}", number + 1, args.seed_of(number), pair[0].side, pair[1].side)
        }));
        lines.extend(self.too_few(args.pairs).map(|why| format!("warning: {why}")));
        lines
    }
}

/// Minutes, where seconds would be many.
fn told_time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 120.0 {
        format!("{} s", (seconds * 10.0).round() / 10.0)
    } else {
        format!("{:.0} min", seconds / 60.0)
    }
}

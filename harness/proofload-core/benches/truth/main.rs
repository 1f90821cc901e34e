//! What the statistics of the judge are worth: each table of `reports/benchmarks/truth-*.md` by simulation, on standard
//! output. `cargo bench -p proofload-core --bench truth -- steady` (or `regression`, `warm-up`).

#![expect(clippy::print_stdout, reason = "its tables are its output")]

mod bootstrap;
mod queues;
mod regression;
mod steady;
mod warm_up;

use proofload_core::judge::Design;
use regression::Source;
use steady::{Case, Hold, Outcome};

const UTILISATIONS: [f64; 4] = [0.3, 0.5, 0.8, 0.9];
const SHARES: [f64; 2] = [0.95, 0.99];
/// Holds, and how many runs of each.
const HOLDS: [(Hold, u32); 4] = [
    (Hold { requests: 2_000, seconds: 40 }, 2_000),
    (Hold { requests: 10_000, seconds: 60 }, 2_000),
    (Hold { requests: 100_000, seconds: 300 }, 2_000),
    (Hold { requests: 1_000_000, seconds: 600 }, 200),
];

fn main() {
    let wanted = std::env::args().find(|arg| !arg.starts_with('-') && !arg.contains('/'));
    match wanted.as_deref() {
        Some("steady") => print_steady(),
        Some("regression") => print_regression(),
        Some("warm-up") => print_warm_up(),
        _ => println!("name a table: steady, regression or warm-up"),
    }
}

fn print_regression() {
    const TIMES: u32 = 2_000;
    const TOLERANCE: f64 = 0.02;
    let designs = [
        (Design::Pairs, 10, "10 pairs in turns"),
        (Design::Pairs, 7, "7 pairs in turns"),
        (Design::Groups, 10, "10 against 10"),
        (Design::Groups, 5, "5 against 5"),
        (Design::One, 10, "1 against 10"),
        (Design::One, 5, "1 against 5"),
    ];
    let sources = [
        Source::Lognormal(0.01),
        Source::Lognormal(0.02),
        Source::Lognormal(0.03),
        Source::Lognormal(0.05),
        Source::HeavyTailed(0.02),
        Source::Mm1(0.5, 100_000),
        Source::Mm1(0.8, 100_000),
    ];
    println!(
        "| run-level values | runs | false alarms, no shift | no shift passes | a shift of 5 % is found | and passes |"
    );
    println!("|---|---|--:|--:|--:|--:|");
    for source in sources {
        let times = if matches!(source, Source::Mm1(..)) { 500 } else { TIMES };
        for (design, runs, name) in designs {
            let case = regression::Case { source, design, runs, tolerance: TOLERANCE };
            let none = regression::compare_many(&case, 0.0, times);
            let shifted = regression::compare_many(&case, 0.05, times);
            println!(
                "| {source} | {name} | {:.2} % | {:.1} % | {:.1} % | {:.2} % |",
                percent(none.alarms, times),
                percent(none.passes, times),
                percent(shifted.alarms, times),
                percent(shifted.passes, times)
            );
        }
    }
}

fn print_warm_up() {
    const RUNS: u32 = 2_000;
    const HOLDS: [Hold; 2] = [Hold { requests: 10_000, seconds: 60 }, Hold { requests: 100_000, seconds: 300 }];
    println!(
        "| queue | ρ | requests in | rule | at its start | false pass | with auto | 1.6×: passes | with auto | 1.6×: fails | with auto |"
    );
    println!("|---|--:|---|---|---|--:|--:|--:|--:|--:|--:|");
    for (queue, name) in warm_up::QUEUES {
        for utilisation in [0.5, 0.8] {
            let limits = queues::quantiles(queue, utilisation, SHARES, 100_000_000);
            for (hold, (share, limit)) in
                HOLDS.iter().flat_map(|hold| SHARES.into_iter().zip(limits).map(move |it| (*hold, it)))
            {
                let case = Case { queue, utilisation, hold, share, limit };
                for (is_cold, start) in [(false, "warm"), (true, "cold")] {
                    let (whole, cut) = warm_up::simulate(&case, is_cold, RUNS);
                    let told = |of: fn(&warm_up::Counted) -> u32| {
                        format!("{:.2} % | {:.2} %", percent(of(&whole), RUNS), percent(of(&cut), RUNS))
                    };
                    println!(
                        "| {name} | {utilisation} | {} in {} s | p{} | {start} | {} | {} | {} |",
                        hold.requests,
                        hold.seconds,
                        share * 100.0,
                        told(|counted| counted.false_passes),
                        told(|counted| counted.passed_with_room),
                        told(|counted| counted.failed_with_room),
                    );
                }
            }
        }
    }
}

fn print_steady() {
    println!(
        "| queue | ρ | requests in | rule | false pass | with auto | false fail | without D | interval given | a wrong one | holds | resampled | D | n/D enough | then passes at 1.6× | independent would | passes at 1.6× |"
    );
    println!("|---|--:|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let rows = std::thread::scope(|scope| {
        let halves = [0, 1].map(|half| {
            scope.spawn(move || {
                let mine = queues::ALL.iter().enumerate().filter(move |(index, _)| index % 2 == half);
                mine.map(|(index, (queue, name))| (index, rows_of(*queue, name))).collect::<Vec<_>>()
            })
        });
        let mut rows: Vec<_> = halves.into_iter().flat_map(|half| half.join().expect("no simulation panics")).collect();
        rows.sort_by_key(|(index, _)| *index);
        rows
    });
    let mut worst: (f64, String) = (0.0, String::new());
    for (row, false_pass) in rows.into_iter().flat_map(|(_, rows)| rows) {
        if false_pass > worst.0 {
            worst = (false_pass, row.clone());
        }
        println!("{row}");
    }
    println!("\nMost false passes: {:.2} %, in\n{}", worst.0, worst.1);
}

fn rows_of(queue: queues::Queue, name: &str) -> Vec<(String, f64)> {
    let mut rows = Vec::new();
    for utilisation in UTILISATIONS {
        let length = if utilisation > 0.85 { 400_000_000 } else { 100_000_000 };
        let limits = queues::quantiles(queue, utilisation, SHARES, length);
        for (hold, runs) in HOLDS {
            for (share, limit) in SHARES.into_iter().zip(limits) {
                let case = Case { queue, utilisation, hold, share, limit };
                let outcome = steady::simulate(&case, runs);
                rows.push((row(name, &case, &outcome), percent(outcome.false_passes, outcome.runs)));
            }
        }
    }
    rows
}

fn row(name: &str, case: &Case, outcome: &Outcome) -> String {
    let share = |part: u32, whole: u32, decimals: usize| match whole {
        0 => "–".to_owned(),
        _ => format!("{:.decimals$} %", percent(part, whole)),
    };
    format!(
        "| {name} | {} | {} in {} s | p{} | {} | {} | {} | {} | {} | {} | {} | {} | {:.1} | {} | {} | {} | {} |",
        case.utilisation,
        case.hold.requests,
        case.hold.seconds,
        case.share * 100.0,
        share(outcome.false_passes, outcome.runs, 2),
        share(outcome.false_passes_auto, outcome.runs, 2),
        share(outcome.false_fails, outcome.runs, 2),
        share(outcome.false_passes_uncorrected, outcome.runs, 1),
        share(outcome.intervals, outcome.runs, 0),
        share(outcome.intervals - outcome.covered, outcome.runs, 2),
        share(outcome.covered, outcome.intervals, 1),
        share(outcome.covered_resampled, outcome.intervals, 1),
        outcome.effects[outcome.effects.len() / 2],
        share(outcome.enough, outcome.runs, 0),
        share(outcome.passes_of_enough, outcome.enough, 1),
        match outcome.enough {
            0 => "–".to_owned(),
            enough => format!("{:.1} %", outcome.passes_if_independent / f64::from(enough) * 100.0),
        },
        share(outcome.passes_with_room, outcome.runs, 1),
    )
}

fn percent(part: u32, whole: u32) -> f64 {
    f64::from(part) / f64::from(whole.max(1)) * 100.0
}

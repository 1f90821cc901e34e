//! What a terminal shows of a run, at several sizes, drawn by the code that draws a real one.

use indicatif::{InMemoryTerm, TermLike};
use proofload_core::conformance::{ConformanceProfile, Outcome};
use proofload_core::judge::{Standing, StandingState};
use proofload_core::live::{Percentiles, Replicas};
use proofload_runner::event::{Phase, Progress as Figures};

use super::*;

fn rule(rule: &str, state: StandingState, seen: &str) -> Standing {
    Standing { rule: rule.to_owned(), state, seen: seen.to_owned() }
}

fn figures(at_s: u64) -> Event {
    #[expect(clippy::cast_precision_loss, reason = "a small number of seconds")]
    let p95_ms = 40.0 + 12.0 * (at_s % 9) as f64;
    Event::Progress(Figures {
        at_s,
        planned_s: 24,
        stages: vec!["uploads.peak".to_owned(), "predictions.steady".to_owned()],
        due: 42,
        answered: 41,
        errors: 3,
        in_flight: 7,
        response: (at_s != 3).then_some(Percentiles { p50_ms: 8.25, p95_ms, p99_ms: 212.0 }),
        jobs_open: 12,
        jobs_ended: 388,
        queue: Some(9.0),
        replicas: Some(Replicas { ready: 2, wanted: 4 }),
        rules: vec![
            rule(
                "latency(upload) p95 ≤ 400ms during uploads.peak (this run)",
                StandingState::Holding,
                "3 of 210 late, 5 % allowed",
            ),
            rule("errors(upload) ≤ 0.1%", StandingState::Breaking, "3 of 840 wrong, 0.1 % allowed"),
            rule("job(upload-study) p95 ≤ 20s (this run)", StandingState::TooFew, "0 of 40 late, 5 % allowed"),
            rule("latency(status) p99 ≤ 1s (this run)", StandingState::NoSamples, ""),
            rule("ledger.lost ≤ 0", StandingState::AtTheEnd, ""),
        ],
    })
}

/// A run up to its tenth second.
fn events() -> Vec<Event> {
    let mut events = vec![
        Event::Phase { phase: Phase::Starting },
        Event::SystemReady { name: "fish".to_owned(), url: "http://127.0.0.1:1234".to_owned() },
        Event::Phase { phase: Phase::Load },
    ];
    events.extend((0..=10).map(figures));
    events.push(Event::Scaled {
        target: "Deployment/ml-inference".to_owned(),
        from: 2,
        to: 4,
        reason: "queue".to_owned(),
    });
    events.push(Event::Warning { text: "the machine's load is 3.1 on 2 cores".to_owned() });
    events
}

/// Draws all events on a terminal; gives what it shows while the run goes and when it has ended.
fn shown(size: fn() -> (usize, usize), colour: bool) -> (InMemoryTerm, LiveView) {
    drawn(&events(), size, colour)
}

fn drawn(events: &[Event], size: fn() -> (usize, usize), colour: bool) -> (InMemoryTerm, LiveView) {
    let (width, height) = size();
    let term = InMemoryTerm::new(u16::try_from(height).unwrap(), u16::try_from(width).unwrap());
    let target = ProgressDrawTarget::term_like(Box::new(term.clone()));
    let mut view = LiveView::new(target, colour, size);
    for event in events {
        view.on_event(event);
    }
    // As at the next draw: indicatif may leave some out.
    view.bar.force_draw();
    (term, view)
}

#[test]
fn a_wide_terminal_shows_everything_and_keeps_the_scrollback() {
    let (term, view) = shown(|| (110, 30), false);
    insta::assert_snapshot!(term.contents());
    view.finish();
    assert_eq!(
        term.contents(),
        "fish: http://127.0.0.1:1234\n  Deployment/ml-inference: 2 → 4 replicas\n  warning: the machine's load is 3.1 on 2 cores"
    );
}

#[test]
fn forty_columns_show_what_fits_and_break_no_line() {
    let (term, _view) = shown(|| (40, 24), false);
    insta::assert_snapshot!(term.contents());
}

#[test]
fn a_low_terminal_shows_what_breaks_first() {
    let (term, _view) = shown(|| (80, 10), false);
    insta::assert_snapshot!(term.contents());
}

#[test]
fn colour_only_repeats_what_words_say() {
    let (plain, _plain_view) = shown(|| (110, 30), false);
    let (coloured, _view) = shown(|| (110, 30), true);
    assert_eq!(plain.contents(), coloured.contents());
    let escapes =
        |term: &InMemoryTerm| term.contents_formatted().windows(5).filter(|bytes| bytes == b"\x1b[31m").count();
    assert_eq!(escapes(&plain), 0);
    assert!(escapes(&coloured) > 0);
    assert_eq!(coloured.width(), 110);
}

#[test]
fn contracts_show_how_far_they_have_come_and_what_failed() {
    let checked = |id: &str, outcome: Outcome, done: u64| Event::Checked {
        system: "harbour".to_owned(),
        profile: ConformanceProfile::Fish,
        id: id.to_owned(),
        outcome,
        done,
        total: 71,
    };
    let mut events = events();
    events.push(Event::Phase { phase: Phase::Conformance });
    events.extend([
        checked("http.health.json", Outcome::Pass, 29),
        checked("http.path.unknown-404", Outcome::Fail, 30),
        checked("job.id.malformed-404", Outcome::Skip, 31),
    ]);
    let (term, _view) = drawn(&events, || (80, 24), false);
    insta::assert_snapshot!(term.contents());
}

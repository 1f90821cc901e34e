//! The live view as lines: a pure function of what is known and of the terminal's size.

use console::{Style, measure_text_width, truncate_str};
use proofload_core::judge::{Standing, StandingState};
use proofload_runner::event::{Phase, Progress as Figures};

use super::state::{State, word};

/// Lines other than those of rules: phase, stages, rate, response, jobs, warnings.
const OTHER_LINES: usize = 6;
/// Width of the words in front of each line.
const HEAD: usize = 9;
/// Below this width, words of state stand without padding, and rules on lines without a head.
const NARROW: usize = 60;
/// Longest bar of time, in columns.
const BAR_MAX: usize = 24;
/// Levels of the sparkline.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What the view is drawn on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Canvas {
    /// Columns.
    pub(super) width: usize,
    /// Lines of the terminal.
    pub(super) height: usize,
    /// Whether colours may be used; nothing is told by colour alone.
    pub(super) colour: bool,
}

/// The view, line by line, none wider than the canvas and fewer than it is high.
pub(super) fn lines(state: &State, canvas: Canvas) -> Vec<String> {
    let mut lines = vec![header(state, canvas)];
    if let Some(figures) = &state.figures {
        // Once the load is over, its last second would read as the present one.
        if state.phase != Some(Phase::Conformance) {
            lines.extend(load(state, figures, canvas));
        }
        lines.extend(rules(&figures.rules, canvas));
    }
    if let Some(last) = &state.last_warning {
        let text = canvas.paint(Style::new().yellow(), &format!("{}, last: {last}", state.warnings));
        lines.push(headed("warnings", &text, canvas));
    }
    let most = canvas.height.saturating_sub(1).max(1);
    lines.truncate(most);
    lines.into_iter().map(|line| truncate_str(&line, canvas.width, "…").into_owned()).collect()
}

/// What is due, answered and open.
fn load(state: &State, figures: &Figures, canvas: Canvas) -> Vec<String> {
    let mut lines = Vec::new();
    if !figures.stages.is_empty() {
        lines.extend(wrapped("stage", &figures.stages, " + ", canvas));
    }
    lines.extend(wrapped("rate", &rate(figures, canvas), ", ", canvas));
    lines.push(headed("response", &response(state, figures, canvas), canvas));
    lines.extend(wrapped("jobs", &jobs(figures), ", ", canvas));
    lines
}

impl Canvas {
    fn paint(self, style: Style, text: &str) -> String {
        style.force_styling(self.colour).apply_to(text).to_string()
    }
}

fn headed(head: &str, text: &str, canvas: Canvas) -> String {
    format!("{} {text}", canvas.paint(Style::new().dim(), &format!("{head:<HEAD$}")))
}

/// Parts on one line, or on as many as they need.
fn wrapped(head: &str, parts: &[String], between: &str, canvas: Canvas) -> Vec<String> {
    let room = canvas.width.saturating_sub(HEAD + 1);
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if measure_text_width(line) + between.len() + measure_text_width(part) <= room => {
                line.push_str(between);
                line.push_str(part);
            }
            _ => lines.push(part.clone()),
        }
    }
    lines.iter().enumerate().map(|(number, line)| headed(if number == 0 { head } else { "" }, line, canvas)).collect()
}

/// Phase, a bar of time, and what is left of it.
fn header(state: &State, canvas: Canvas) -> String {
    let phase = canvas.paint(Style::new().bold(), state.phase.map_or("starting", word));
    if state.phase == Some(Phase::Conformance) {
        let Some(checks) = &state.checks else { return format!("{phase}…") };
        let words = format!("{} of {} checks of {}", checks.done, checks.total, checks.contract);
        return headed_by_bar(&phase, (checks.done, checks.total), &words, canvas);
    }
    let Some(figures) = state.figures.as_ref().filter(|figures| figures.planned_s > 0) else {
        return format!("{phase}…");
    };
    let (at, planned) = (figures.at_s, figures.planned_s);
    let left = match planned.saturating_sub(at) {
        0 => format!("{} s after the plan", at - planned),
        left => format!("{left} s left"),
    };
    headed_by_bar(&phase, (at, planned), &format!("{at} of {planned} s, {left}"), canvas)
}

/// Phase, a bar of how much of the whole is done, and the same in words.
fn headed_by_bar(phase: &str, (done, whole): (u64, u64), words: &str, canvas: Canvas) -> String {
    let room = canvas.width.saturating_sub(measure_text_width(phase) + measure_text_width(words) + 4).min(BAR_MAX);
    let done = usize::try_from(done.min(whole) * room as u64 / whole.max(1)).unwrap_or(room);
    let bar = format!("{}{}", "━".repeat(done), "─".repeat(room - done));
    format!("{phase}  {}  {words}", canvas.paint(Style::new().cyan(), &bar))
}

fn rate(figures: &Figures, canvas: Canvas) -> Vec<String> {
    let errors = match figures.errors {
        0 => "no errors".to_owned(),
        errors => canvas.paint(Style::new().red(), &format!("{errors} errors")),
    };
    vec![
        format!("{}/s due", figures.due),
        format!("{}/s answered", figures.answered),
        format!("{} in flight", figures.in_flight),
        errors,
    ]
}

/// Percentiles of the last second, and how p95 went.
fn response(state: &State, figures: &Figures, canvas: Canvas) -> String {
    let times = match figures.response {
        Some(times) => format!("p50 {}  p95 {}  p99 {}", ms(times.p50_ms), ms(times.p95_ms), ms(times.p99_ms)),
        None => "nothing was answered in the last second".to_owned(),
    };
    let room = canvas.width.saturating_sub(HEAD + 1 + measure_text_width(&times) + 7);
    let history: Vec<Option<f64>> = state.p95_ms.iter().copied().collect();
    let newest = &history[history.len().saturating_sub(room)..];
    match newest.iter().flatten().count() {
        0 => times,
        _ => format!("{times}  p95 {}", canvas.paint(Style::new().cyan(), &sparkline(newest))),
    }
}

fn ms(value: f64) -> String {
    if value < 10.0 { format!("{value:.1} ms") } else { format!("{value:.0} ms") }
}

/// From zero to the largest of them; a gap where there is none.
fn sparkline(values: &[Option<f64>]) -> String {
    let largest = values.iter().flatten().copied().fold(f64::MIN_POSITIVE, f64::max);
    let level = |value: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 7")]
        let level = (value / largest * 7.0).round().clamp(0.0, 7.0) as usize;
        LEVELS[level]
    };
    values.iter().map(|value| value.map_or(' ', level)).collect()
}

fn jobs(figures: &Figures) -> Vec<String> {
    let mut parts = vec![format!("{} open", figures.jobs_open), format!("{} ended", figures.jobs_ended)];
    parts.extend(figures.queue.map(|queue| format!("queue {queue:.0}")));
    parts.extend(figures.replicas.map(|replicas| format!("replicas {} of {}", replicas.ready, replicas.wanted)));
    parts
}

/// Every rule as it stands; where there are more than lines, the broken ones first.
fn rules(rules: &[Standing], canvas: Canvas) -> Vec<String> {
    let room = canvas.height.saturating_sub(OTHER_LINES + 2).max(1);
    let mut shown: Vec<&Standing> = rules.iter().collect();
    if shown.len() > room {
        shown.sort_by_key(|rule| urgency(rule.state));
    }
    let left_out = shown.len().saturating_sub(room);
    shown.truncate(room);
    let is_narrow = canvas.width < NARROW;
    let line = |(number, text): (usize, String)| match (is_narrow, number) {
        (true, _) => format!("  {text}"),
        (false, 0) => headed("rules", &text, canvas),
        (false, _) => headed("", &text, canvas),
    };
    let told = shown.iter().map(|rule| standing(rule, canvas));
    let more = (left_out > 0).then(|| format!("and {left_out} more"));
    told.chain(more).enumerate().map(line).collect()
}

fn urgency(state: StandingState) -> u8 {
    match state {
        StandingState::Breaking => 0,
        StandingState::TooFew | StandingState::NoSamples => 1,
        StandingState::Holding => 2,
        StandingState::AtTheEnd => 3,
    }
}

fn standing(rule: &Standing, canvas: Canvas) -> String {
    let (word, style) = match rule.state {
        StandingState::NoSamples => ("no samples yet", Style::new().dim()),
        StandingState::TooFew => ("too few yet", Style::new().dim()),
        StandingState::Holding => ("holding", Style::new().green()),
        StandingState::Breaking => ("BREAKING", Style::new().red().bold()),
        StandingState::AtTheEnd => ("at the end", Style::new().dim()),
    };
    if canvas.width < NARROW {
        return format!("{} {}", canvas.paint(style, word), rule.rule);
    }
    let seen = if rule.seen.is_empty() { String::new() } else { format!("  {}", rule.seen) };
    format!("{} {}{seen}", canvas.paint(style, &format!("{word:<14}")), rule.rule)
}

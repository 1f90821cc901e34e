//! Queue depth and other recorded series, and the replicas of scaled workloads.

use std::collections::BTreeMap;

use super::panel::Panel;
use super::scale::{self, Scale};
use super::timeline::{Axis, HEIGHT, seconds, stretch};
use crate::evidence::{RunRecord, ScaledWorkload};
use crate::report::words;

/// Most drawings of series, and of scaled workloads.
const PANELS_MAX: usize = 6;
/// Most lines in one drawing.
const LINES_MAX: usize = 6;
/// Most points of one line; above, the highest of each stretch is drawn.
const POINTS_MAX: usize = 1000;
/// Classes of the lines, each with another colour and another dash.
const CLASSES: [&str; LINES_MAX] = ["l1", "l2", "l3", "l4", "l5", "l6"];

/// A drawing's lines: names and points of (seconds, value).
type Lines = Vec<(String, Vec<(f64, f64)>)>;

/// Drawings of all series and replicas, and what there was no room for.
pub(super) fn panels(record: &RunRecord, axis: &Axis) -> (Vec<Panel>, Vec<String>) {
    let groups = groups(record);
    let workloads = record.cluster.as_ref().map_or(&[][..], |cluster| &cluster.workloads);
    let mut left_out = Vec::new();
    if groups.len() > PANELS_MAX {
        left_out.push(format!("{} more groups of series", groups.len() - PANELS_MAX));
    }
    if workloads.len() > PANELS_MAX {
        left_out.push(format!("{} more scaled workloads", workloads.len() - PANELS_MAX));
    }
    let drawn = groups.into_iter().take(PANELS_MAX).enumerate();
    let mut panels: Vec<Panel> = drawn.map(|(index, (group, lines))| series(index, &group, lines, axis)).collect();
    panels.extend(workloads.iter().take(PANELS_MAX).enumerate().map(|(index, it)| replicas(index, it, axis)));
    (panels, left_out)
}

/// What is asked for first; other series follow by name.
fn order(group: &str) -> usize {
    ["in flight", "jobs open", "queue"].iter().position(|first| *first == group).unwrap_or(usize::MAX)
}

/// Series of queues share a drawing, as do those whose dotted names begin alike: `jvm.heap` and `jvm.stack`.
fn groups(record: &RunRecord) -> Vec<(String, Lines)> {
    let mut groups: BTreeMap<String, Lines> = BTreeMap::new();
    for (name, points) in &record.timeline.series {
        let (group, label) = match name.strip_prefix("queue ") {
            Some(queue) => ("queue", queue),
            None => {
                (name.split_once(['.', ':', '(', '/', '{']).map_or(name.as_str(), |(group, _)| group), name.as_str())
            }
        };
        let points = points.iter().filter(|(_, value)| value.is_finite());
        let points = points.map(|(at_ms, value)| (seconds(*at_ms, 1e3), *value)).collect();
        groups.entry(group.to_owned()).or_default().push((label.to_owned(), points));
    }
    let mut groups: Vec<(String, Lines)> = groups.into_iter().collect();
    groups.sort_by_key(|(group, _)| order(group));
    groups
}

fn heading(group: &str) -> String {
    match group {
        "queue" => "Queue depth".to_owned(),
        "in flight" => "Requests in flight".to_owned(),
        "jobs open" => "Jobs accepted and not ended".to_owned(),
        other => words::clip(other, 80),
    }
}

fn series(index: usize, group: &str, mut lines: Lines, axis: &Axis) -> Panel {
    let mut panel = axis.panel(format!("series-{index}"), heading(group), HEIGHT);
    let hidden = lines.len().saturating_sub(LINES_MAX);
    lines.truncate(LINES_MAX);
    let lines: Lines = lines.into_iter().map(|(name, points)| (name, thin(points, axis))).collect();
    draw(&mut panel, &lines, axis, false);
    if hidden > 0 {
        panel.key("none", format!("and {hidden} more in the record"));
    }
    panel
}

fn replicas(index: usize, workload: &ScaledWorkload, axis: &Axis) -> Panel {
    let heading = format!("Replicas of {}", words::clip(&workload.target, 80));
    let mut panel = axis.panel(format!("replicas-{index}"), heading, HEIGHT);
    #[expect(clippy::cast_precision_loss, reason = "a run is shorter than 2^53 ms")]
    let line = |pick: fn(&crate::evidence::ReplicaPoint) -> u32| {
        let points = workload.replicas.iter().map(|point| (point.at_ms.max(0) as f64 / 1e3, f64::from(pick(point))));
        thin(points.collect(), axis)
    };
    let lines =
        vec![("ready".to_owned(), line(|point| point.ready)), ("desired".to_owned(), line(|point| point.desired))];
    draw(&mut panel, &lines, axis, true);
    panel
}

/// Draws lines from 0 upwards; a level holds until the next point where `steps`.
fn draw(panel: &mut Panel, lines: &Lines, axis: &Axis, steps: bool) {
    let values = || lines.iter().flat_map(|(_, points)| points.iter().map(|point| point.1));
    if values().next().is_none() {
        "No value was read.".clone_into(&mut panel.message);
        return;
    }
    let ticks = if values().all(|value| value.fract() == 0.0) {
        scale::whole_steps(values().fold(0.0, f64::max))
    } else {
        scale::round_steps(values().fold(0.0, f64::max))
    };
    let y = Scale::up(ticks[ticks.len() - 1], HEIGHT);
    panel.y_ticks = y.ticks(&ticks, words::digits);
    let mut told = Vec::new();
    for ((name, points), class) in lines.iter().zip(CLASSES) {
        let mut path: Vec<Option<(f64, f64)>> = Vec::new();
        let mut level = None;
        for (at, value) in points {
            let place = (axis.x.place(*at), y.place(*value));
            path.extend(level.filter(|_| steps).map(|level| Some((place.0, level))));
            path.push(Some(place));
            level = Some(place.1);
        }
        path.extend(level.filter(|_| steps).map(|level| Some((axis.x.place(axis.end_s), level))));
        panel.line(class, &path);
        let name = words::clip(name, 60);
        let high = points.iter().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max);
        let last = points.last().map_or(f64::NAN, |point| point.1);
        told.push(format!("{name} at most {}, at the end {}", words::digits(high), words::digits(last)));
        panel.key(class, name);
    }
    panel.summary = format!("{}.", told.join("; "));
    for (from, to) in axis.stretches() {
        let known: Vec<String> = lines.iter().filter_map(|(name, points)| level_text(name, points, to)).collect();
        if !known.is_empty() {
            panel.hover(&axis.x, (from, to), format!("{}: {}", stretch(from, to), known.join(", ")));
        }
    }
}

fn level_text(name: &str, points: &[(f64, f64)], at: f64) -> Option<String> {
    let before = points.partition_point(|point| point.0 < at);
    let (_, value) = points.get(before.checked_sub(1)?)?;
    Some(format!("{} {}", words::clip(name, 60), words::digits(*value)))
}

/// Points in order of time, without repeated levels; where still too many, the highest of each stretch.
fn thin(mut points: Vec<(f64, f64)>, axis: &Axis) -> Vec<(f64, f64)> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for (index, point) in points.iter().enumerate() {
        let same = |other: Option<&(f64, f64)>| other.is_some_and(|other| other.1.total_cmp(&point.1).is_eq());
        // The first and last point of a level are enough to draw it.
        let inside = same(kept.last()) && same(points.get(index + 1));
        if !inside {
            kept.push(*point);
        }
    }
    if kept.len() <= POINTS_MAX {
        return kept;
    }
    let highest = |(from, to): (f64, f64)| {
        let first = kept.partition_point(|point| point.0 < from);
        let last = kept.partition_point(|point| point.0 < to);
        kept[first..last].iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))
    };
    axis.stretches().filter_map(highest).collect()
}

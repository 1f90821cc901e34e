//! One drawing, as the template writes it: every coordinate already a text, every word still unescaped.
//!
//! Drawn by hand rather than by `plotters`: its SVG has fixed colours, so it cannot follow the reader's theme, and no
//! `<title>`, so nothing could be read off by pointing at it.

use super::scale::{self, BOTTOM, Scale, TOP, Tick};

/// A drawing.
#[derive(Default)]
pub(super) struct Panel {
    /// For links and labels; letters, digits and hyphens only.
    pub(super) id: String,
    pub(super) heading: String,
    /// What is drawn, for those who cannot see it.
    pub(super) summary: String,
    pub(super) height: String,
    pub(super) legend: Vec<Key>,
    pub(super) y_ticks: Vec<Tick>,
    pub(super) x_ticks: Vec<Tick>,
    /// Whether ticks below have lines upwards.
    pub(super) x_grid: bool,
    /// Places of the plan's boundaries.
    pub(super) boundaries: Vec<String>,
    pub(super) marks: Vec<Tick>,
    pub(super) boxes: Vec<PlanBox>,
    /// Filled shapes: class and path.
    pub(super) areas: Vec<Shape>,
    pub(super) lines: Vec<Shape>,
    pub(super) limits: Vec<Limit>,
    pub(super) signs: Vec<Sign>,
    pub(super) hovers: Vec<Hover>,
    /// Shown instead of a drawing that would be empty.
    pub(super) message: String,
}

/// One entry of a legend.
pub(super) struct Key {
    pub(super) class: &'static str,
    pub(super) text: String,
}

impl Key {
    /// What stands before the text.
    pub(super) fn sample(&self) -> Sample {
        match self.class {
            "heat" => Sample::Shades,
            "wrong" | "due" => Sample::Area,
            "sign" | "none" => Sample::Nothing,
            _ => Sample::Line,
        }
    }
}

/// A small picture of what a legend explains.
#[derive(PartialEq)]
pub(super) enum Sample {
    Area,
    Line,
    Shades,
    Nothing,
}

/// A path with the class that colours and dashes it.
pub(super) struct Shape {
    pub(super) class: &'static str,
    pub(super) path: String,
}

/// A stretch of the plan.
pub(super) struct PlanBox {
    pub(super) x: String,
    pub(super) y: String,
    pub(super) width: String,
    pub(super) text_x: String,
    pub(super) text_y: String,
    pub(super) label: String,
    pub(super) title: String,
}

/// A limit over a stretch of the axis.
pub(super) struct Limit {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) y: String,
    pub(super) text_y: String,
    pub(super) class: &'static str,
    pub(super) label: String,
}

/// A character at a place.
pub(super) struct Sign {
    pub(super) x: String,
    pub(super) y: String,
    pub(super) class: &'static str,
    pub(super) text: &'static str,
    /// Written beside it; may be empty.
    pub(super) label: String,
    pub(super) title: String,
}

/// A strip that tells its values when pointed at.
pub(super) struct Hover {
    pub(super) x: String,
    pub(super) width: String,
    pub(super) text: String,
}

impl Panel {
    /// Bottom edge of the drawn area.
    pub(super) fn floor(&self) -> String {
        scale::px(self.height.parse::<f64>().unwrap_or(0.0) - BOTTOM)
    }

    /// Where labels below stand.
    pub(super) fn label_y(&self) -> String {
        scale::px(self.height.parse::<f64>().unwrap_or(0.0) - 6.0)
    }

    /// Height of a strip from top to bottom.
    pub(super) fn depth(&self) -> String {
        scale::px((self.height.parse::<f64>().unwrap_or(0.0) - BOTTOM - TOP).max(0.0))
    }

    /// Adds a line through points; `None` breaks it. Points stand alone as dots.
    pub(super) fn line(&mut self, class: &'static str, points: &[Option<(f64, f64)>]) {
        let mut path = String::new();
        for run in points.split(Option::is_none) {
            let run: Vec<(f64, f64)> = run.iter().flatten().copied().collect();
            if run.len() == 1 {
                // A line of no length with round ends is a dot.
                path.push_str(&join(&run));
                path.push_str("h0");
            }
            if run.len() > 1 {
                path.push_str(&join(&run));
            }
        }
        if !path.is_empty() {
            self.lines.push(Shape { class, path });
        }
    }

    /// Adds a filled shape between an upper and a lower edge of the same length.
    pub(super) fn area(&mut self, class: &'static str, upper: &[(f64, f64)], lower: &[(f64, f64)]) {
        if upper.len() < 2 {
            return;
        }
        let back: Vec<(f64, f64)> = lower.iter().rev().copied().collect();
        self.shape(class, format!("{}L{}Z", join(upper), join(&back).trim_start_matches('M')));
    }

    /// Adds a filled shape by its path; nothing where that is empty.
    pub(super) fn shape(&mut self, class: &'static str, path: String) {
        if !path.is_empty() {
            self.areas.push(Shape { class, path });
        }
    }

    /// Adds a strip of the time axis that tells its values.
    pub(super) fn hover(&mut self, x: &Scale, (from, to): (f64, f64), text: String) {
        let (left, right) = (x.place(from), x.place(to));
        self.hovers.push(Hover { x: scale::px(left), width: scale::px((right - left).max(1.0)), text });
    }

    /// Adds an entry to the legend.
    pub(super) fn key(&mut self, class: &'static str, text: impl Into<String>) {
        self.legend.push(Key { class, text: text.into() });
    }
}

/// `M1 2L3 4L5 6`.
fn join(points: &[(f64, f64)]) -> String {
    let places: Vec<String> = points.iter().map(|(x, y)| format!("{} {}", scale::px(*x), scale::px(*y))).collect();
    format!("M{}", places.join("L"))
}

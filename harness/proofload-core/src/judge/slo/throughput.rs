//! Good answers per second.

use super::super::finding::{Figure, Finding, Outcome};
use super::{Stretch, no_samples};

#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
pub(super) fn judge(stretch: Option<&Stretch<'_>>, min: f64) -> Finding {
    let Some(stretch) = stretch else { return no_samples("no request was measured") };
    let length_s = (stretch.to_ns / 1_000_000_000).saturating_sub(stretch.from_ns.div_ceil(1_000_000_000)) as f64;
    let good = stretch.sum(|second| second.answered - second.errors);
    if length_s < 1.0 || stretch.sum(|second| second.due) == 0 {
        return no_samples("no request was due in this stretch");
    }
    let rate = good as f64 / length_s;
    Finding {
        figure: Some(Figure { value: Some(rate), interval: None, limit: min, unit: "/s".to_owned() }),
        samples: good,
        ..no_samples(&format!("{good} good answers in {length_s:.0} s"))
    }
    .with(if rate >= min { Outcome::Pass } else { Outcome::Fail })
}

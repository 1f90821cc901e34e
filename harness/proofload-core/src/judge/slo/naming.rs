//! What a rule is called: in words, and by a stable id.

use std::time::Duration;

use crate::scenario::units::Span;
use crate::scenario::{Bound, Claim, Scenario, Sli, Slo, Window};

/// The rule in words, as the scenario states it.
pub(in crate::judge) fn title(slo: &Slo, scenario: &Scenario) -> String {
    let bound = match slo.bound {
        Bound::Percentile { share, limit } => format!("{} ≤ {}", percent_name(share), Span(limit)),
        Bound::Max(max) => format!("{}≤ {}", if slo.sli.is_time() { "max " } else { "" }, amount(&slo.sli, max)),
        Bound::Mean(mean) => format!("mean ≤ {}", amount(&slo.sli, mean)),
        Bound::Min(min) => format!("≥ {}", amount(&slo.sli, min)),
    };
    let bound = match slo.over {
        Some(over) => format!("{bound} over {}", Span(over)),
        None => bound,
    };
    let claim = match (slo.bound, slo.claim) {
        (Bound::Percentile { .. }, Claim::Steady) => " (steady)",
        (Bound::Percentile { .. }, Claim::Run) => " (this run)",
        _ => "",
    };
    match &slo.during {
        Window::Run => format!("{} {bound}{claim}", slo.sli),
        window => format!("{} {bound} during {}{claim}", slo.sli, scenario.window_name(window)),
    }
}

pub(super) fn id(slo: &Slo, scenario: &Scenario) -> String {
    let key = match slo.bound {
        Bound::Percentile { share, .. } => percent_name(share),
        Bound::Max(_) => "max".to_owned(),
        Bound::Mean(_) => "mean".to_owned(),
        Bound::Min(_) => "min".to_owned(),
    };
    format!("slo.{}.{key}.{}", slo.sli, scenario.window_name(&slo.during))
}

/// A bound in the unit of its indicator.
fn amount(sli: &Sli, value: f64) -> String {
    match sli {
        Sli::Latency(_) | Sli::Job(_) => Span(Duration::from_secs_f64(value / 1e3)).to_string(),
        Sli::Errors(_) | Sli::Checks(_) => format!("{}%", trim(value * 100.0)),
        Sli::Throughput(_) => format!("{}/s", trim(value)),
        // A thousand answers may cost less than four digits show.
        Sli::CostTotal | Sli::CostHourly | Sli::CostPer1000(_) => value.to_string(),
        _ => trim(value),
    }
}

/// `p95` of 0.95.
fn percent_name(share: f64) -> String {
    format!("p{}", trim(share * 100.0))
}

fn trim(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

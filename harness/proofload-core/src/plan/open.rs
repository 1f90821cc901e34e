//! Arrivals of open loads. The k-th arrival of an even load is due when the area under the rate reaches k + 1/2; of a
//! random load, when it reaches the k-th point of a unit-rate process (time change of an inhomogeneous process,
//! Çinlar 1975).

use super::Arrival;
use super::curve::{area, time_at_area};
use super::gaps::GapSource;
use crate::scenario::{Gaps, Stage, Workload};

/// Appends the arrivals of one workload, in order of time.
pub(super) fn add(
    workload: &Workload,
    (gaps, stages): (Gaps, &[Stage]),
    (seed, number): (u64, u32),
    arrivals: &mut Vec<Arrival>,
) {
    let mut source = GapSource::new(gaps, seed, u64::from(number));
    let mut next = source.first();
    let mut iteration = 0;
    let (mut area_before, mut starts_s) = (0.0, workload.after.as_secs_f64());
    for stage in stages {
        let area = area(stage);
        while next < area_before + area {
            let at_ns = to_ns(starts_s + time_at_area(stage, next - area_before));
            arrivals.push(Arrival { at_ns, workload: number, iteration });
            iteration += 1;
            next += source.next();
        }
        area_before += area;
        starts_s += stage.duration.as_secs_f64();
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a plan is shorter than 584 years")]
fn to_ns(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

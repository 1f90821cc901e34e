//! Which flow starts how often: the shapes of a load, as checked.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::trace::{Field, Format};

/// Which flow starts how often.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Name.
    pub name: String,
    /// Index into [`super::Scenario::flows`].
    pub flow: usize,
    /// From the start of the run to the first arrival.
    pub after: Duration,
    /// The shape of the load.
    pub executor: Executor,
    /// Most requests on the wire at once.
    pub max_in_flight: u32,
    /// Who sends it.
    pub engine: Engine,
}

/// Who sends the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// proofload itself; so unless given.
    #[default]
    Proofload,
    /// Goose, as an independent cross-check: virtual users only, alone in its scenario, and without jobs. It needs a
    /// proofload that was built with `--features goose`.
    Goose,
}

/// The shape of a load.
#[derive(Debug, Clone, PartialEq)]
pub enum Executor {
    /// Arrivals by plan, whatever the answers do.
    Open {
        /// Even or random gaps.
        gaps: Gaps,
        /// Rate at the beginning, per second; used by ramps.
        start_per_second: f64,
        /// In order.
        stages: Vec<Stage>,
    },
    /// Arrivals as they were recorded, whatever the answers do.
    Replay(Replay),
    /// Virtual users, each starting again when it has its answers.
    Vus {
        /// How many, in order; their number changes linearly within a stage.
        stages: Vec<VuStage>,
        /// Pause between two passes, shortest and longest.
        think: (Duration, Duration),
    },
    /// A number of passes that virtual users share until all are done.
    Iterations {
        /// How many users.
        vus: u32,
        /// How many passes.
        iterations: u64,
        /// When the users stop, done or not.
        longest: Duration,
        /// Pause between two passes, shortest and longest.
        think: (Duration, Duration),
    },
}

/// The gaps between arrivals, in operational time: as if the rate were always 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gaps {
    /// As even as the rate allows.
    Even,
    /// Exponential: a Poisson process, inhomogeneous where the rate changes.
    Exponential,
    /// Gamma-distributed with mean 1 and variance 1/shape: bursts below shape 1, nearly even far above it.
    Gamma {
        /// From 0.01 to 1000.
        shape: f64,
    },
}

/// A stretch of a workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Its name, or its number from 1.
    pub name: String,
    /// Length.
    pub duration: Duration,
    /// Rate at its beginning, per second.
    pub from_per_second: f64,
    /// Rate at its end, per second; of a sine the same as at its beginning, its mean.
    pub to_per_second: f64,
    /// How the rate goes from one to the other.
    pub curve: Curve,
}

/// How a rate changes within a stage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Curve {
    /// On a straight line.
    Linear,
    /// `from + amplitude · sin(2π · t / period)`.
    Sine {
        /// Largest distance from the mean, per second; never above the mean.
        amplitude_per_second: f64,
        /// From one peak to the next.
        period: Duration,
    },
}

/// A recorded load.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// The trace file, relative to the scenario's folder.
    pub file: String,
    /// How it was recorded.
    pub format: Format,
    /// Recorded seconds that pass in a second; 0.1 to 10.
    pub speed: f64,
    /// Where the replay begins, in the time of the recording.
    pub from: Duration,
    /// How much of the recording is replayed, in its time; all that is left if `None`.
    pub length: Option<Duration>,
    /// Arrivals for each recorded request: 1, unless `--scale` makes the load thinner or thicker.
    pub share: f64,
}

/// A stretch of virtual users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VuStage {
    /// Its name, or its number from 1.
    pub name: String,
    /// Length.
    pub duration: Duration,
    /// Users at its beginning.
    pub from: u32,
    /// Users at its end.
    pub to: u32,
}

/// A stretch that rules may name: `during: uploads.peak`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch<'w> {
    /// Its name.
    pub name: &'w str,
    /// Length.
    pub duration: Duration,
    /// Whether an open rate stays the same in it.
    pub is_hold: bool,
}

/// What a flow takes from a recorded trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TraceUse {
    /// `{{trace path}}` in a template.
    Field(Field),
    /// A payload set that goes by the trace.
    Payload(String),
}

/// A trace file that a workload replays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceFile<'s> {
    /// Index of the workload.
    pub workload: usize,
    /// Relative to the scenario's folder.
    pub file: &'s str,
    /// How it was recorded.
    pub format: Format,
}

impl Stage {
    /// Whether the rate stays the same: only then can a steady claim be judged in it.
    pub fn is_hold(&self) -> bool {
        self.curve == Curve::Linear && (self.from_per_second - self.to_per_second).abs() < f64::EPSILON
    }

    /// The highest rate in it, per second.
    pub fn peak_per_second(&self) -> f64 {
        match self.curve {
            Curve::Linear => self.from_per_second.max(self.to_per_second),
            Curve::Sine { amplitude_per_second, .. } => self.from_per_second + amplitude_per_second,
        }
    }

    fn scale(&mut self, factor: f64) {
        self.from_per_second *= factor;
        self.to_per_second *= factor;
        if let Curve::Sine { amplitude_per_second, .. } = &mut self.curve {
            *amplitude_per_second *= factor;
        }
    }
}

impl Executor {
    /// Most virtual users at once; none for open loads.
    pub fn peak_vus(&self) -> u32 {
        match self {
            Executor::Open { .. } | Executor::Replay(_) => 0,
            Executor::Vus { stages, .. } => stages.iter().map(|stage| stage.from.max(stage.to)).max().unwrap_or(0),
            Executor::Iterations { vus, .. } => *vus,
        }
    }

    /// The same load thinner or thicker.
    pub(super) fn scale(&mut self, factor: f64) {
        match self {
            Executor::Open { start_per_second, stages, .. } => {
                *start_per_second *= factor;
                for stage in stages {
                    stage.scale(factor);
                }
            }
            Executor::Replay(replay) => replay.share *= factor,
            Executor::Vus { stages, .. } => {
                for stage in stages {
                    (stage.from, stage.to) = (times(stage.from, factor), times(stage.to, factor));
                }
            }
            Executor::Iterations { vus, iterations, .. } => {
                *vus = times(*vus, factor);
                #[expect(
                    clippy::cast_precision_loss,
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "at most 2^32 iterations and a positive factor; saturates"
                )]
                let scaled = (*iterations as f64 * factor).ceil() as u64;
                *iterations = scaled;
            }
        }
    }
}

impl Workload {
    /// The stages of an open workload; none for virtual users and replays.
    pub fn stages(&self) -> &[Stage] {
        match &self.executor {
            Executor::Open { stages, .. } => stages,
            Executor::Replay(_) | Executor::Vus { .. } | Executor::Iterations { .. } => &[],
        }
    }

    /// The stretches that rules may name. A number of users that never changes is one stretch, the workload itself.
    pub fn stretches(&self) -> Vec<Stretch<'_>> {
        match &self.executor {
            Executor::Vus { stages, .. } if !matches!(stages.as_slice(), [only] if only.from == only.to) => stages
                .iter()
                .map(|stage| Stretch { name: &stage.name, duration: stage.duration, is_hold: false })
                .collect(),
            _ => self
                .stages()
                .iter()
                .map(|stage| Stretch { name: &stage.name, duration: stage.duration, is_hold: stage.is_hold() })
                .collect(),
        }
    }

    /// From the start of the run to the last moment an arrival may be due, as far as the scenario alone says it: a
    /// replay without `for` lasts as long as its trace, which the plan knows.
    pub fn ends(&self) -> Duration {
        let length = match &self.executor {
            Executor::Open { stages, .. } => stages.iter().map(|stage| stage.duration).sum(),
            Executor::Replay(replay) => replay.length.unwrap_or_default().div_f64(replay.speed),
            Executor::Vus { stages, .. } => stages.iter().map(|stage| stage.duration).sum(),
            Executor::Iterations { longest, .. } => *longest,
        };
        self.after + length
    }
}

/// A number of users times a factor, rounded up so that a thin load still has one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive user count; saturates")]
fn times(vus: u32, factor: f64) -> u32 {
    (f64::from(vus) * factor).ceil() as u32
}

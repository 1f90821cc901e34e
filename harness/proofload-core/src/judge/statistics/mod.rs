//! The statistics behind the verdicts: pure formulas, each with its source. `benches/truth` shows by simulation what
//! they are worth; its tables are in `reports/benchmarks/`.

mod beta;
mod early_stopping;
mod effect;
mod interval;
mod mser;
mod ranks;
pub mod student;

pub use beta::{at_least_late, at_most_late};
pub use early_stopping::EarlyStopping;
pub use effect::{Block, DesignEffect, design_effect};
pub use interval::rank_interval;
pub use mser::{MserCut, mser_cut, warm_up};
pub use ranks::{Shift, mann_whitney, signed_ranks};

//! The checks, one file per part of a contract. A profile is a list of areas; areas that say nothing of one system are shared.

mod actuator;
mod batch;
mod batch_refused;
mod batch_results;
mod health;
mod http_errors;
mod idempotency;
mod job_ids;
mod jwt_accepted;
mod jwt_claims;
mod jwt_signature;
mod jwt_transport;
mod limits;
mod predict;
mod predict_refused;
mod queue_figures;
mod studies;
mod study_cancel;
mod study_result;
mod study_state;
mod upload;
mod upload_refused;

use super::case::Case;

/// The checks on one part of a contract.
#[derive(Debug)]
pub(super) struct Area {
    /// The part's name.
    pub(super) feature: &'static str,
    /// Its checks.
    pub(super) cases: &'static [Case],
}

/// The parts of the `fish` contract.
pub(super) const FISH: &[&Area] = &[
    &health::AREA,
    &http_errors::AREA,
    &job_ids::AREA,
    &limits::AREA,
    &predict::AREA,
    &predict_refused::AREA,
    &batch::AREA,
    &batch_refused::AREA,
    &batch_results::AREA,
];

/// The parts of the `medical-platform` contract.
pub(super) const MEDICAL_PLATFORM: &[&Area] = &[
    &health::AREA,
    &actuator::AREA,
    &http_errors::AREA,
    &jwt_accepted::AREA,
    &jwt_transport::AREA,
    &jwt_signature::AREA,
    &jwt_claims::AREA,
    &job_ids::AREA,
    &limits::AREA,
    &upload::AREA,
    &upload_refused::AREA,
    &idempotency::AREA,
    &study_state::AREA,
    &study_result::AREA,
    &study_cancel::AREA,
    &queue_figures::AREA,
];

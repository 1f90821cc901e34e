//! What each contract is made of: its areas, and where the shared areas find things in it.

use proofload_core::conformance::ConformanceProfile;

use super::areas::{self, Area};

pub(super) fn areas(profile: ConformanceProfile) -> &'static [&'static Area] {
    match profile {
        ConformanceProfile::Fish => areas::FISH,
        ConformanceProfile::MedicalPlatform => areas::MEDICAL_PLATFORM,
    }
}

pub(super) fn places(profile: ConformanceProfile) -> &'static Places {
    match profile {
        ConformanceProfile::Fish => &FISH,
        ConformanceProfile::MedicalPlatform => &MEDICAL_PLATFORM,
    }
}

/// Where the shared areas find things.
#[derive(Debug)]
pub(super) struct Places {
    /// Health, a path that takes GET alone.
    pub(super) health: &'static str,
    /// The word it says when all is well.
    pub(super) healthy: &'static str,
    /// A path that takes an upload by POST alone.
    pub(super) upload: &'static str,
    /// The file's field in that upload.
    pub(super) file_field: &'static str,
    /// Followed by an id, a job.
    pub(super) job: &'static str,
    /// Whether upload and job need a token.
    pub(super) guarded: bool,
}

const FISH: Places = Places {
    health: "/health",
    healthy: "ok",
    upload: "/predict",
    file_field: "file",
    job: "/batch/status/",
    guarded: false,
};

const MEDICAL_PLATFORM: Places = Places {
    health: "/actuator/health",
    healthy: "UP",
    upload: "/api/v1/studies",
    file_field: "file",
    job: "/api/v1/studies/",
    guarded: true,
};

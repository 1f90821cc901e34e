//! The contracts that can be checked, the areas each is made of, and where the shared areas find things in it.

use super::areas::{self, Area};

/// A contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConformanceProfile {
    /// Fish image classification.
    Fish,
    /// Diagnosis from medical images.
    MedicalPlatform,
}

impl ConformanceProfile {
    /// Every profile.
    pub const ALL: [Self; 2] = [Self::Fish, Self::MedicalPlatform];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fish => "fish",
            Self::MedicalPlatform => "medical-platform",
        }
    }

    /// The profile of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }

    pub(super) fn areas(self) -> &'static [&'static Area] {
        match self {
            Self::Fish => areas::FISH,
            Self::MedicalPlatform => areas::MEDICAL_PLATFORM,
        }
    }

    pub(super) fn places(self) -> &'static Places {
        match self {
            Self::Fish => &FISH,
            Self::MedicalPlatform => &MEDICAL_PLATFORM,
        }
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

//! The contracts there are, by name. What is checked of each is known to whoever carries the checks out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConformanceProfile {
    /// Fish image classification.
    Fish,
    /// Diagnosis from medical images.
    MedicalPlatform,
}

impl ConformanceProfile {
    /// Every profile.
    pub const ALL: [Self; 2] = [Self::Fish, Self::MedicalPlatform];

    /// The name on the command line and in scenarios.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_has_one_name_everywhere() {
        for profile in ConformanceProfile::ALL {
            assert_eq!(serde_json::to_value(profile).unwrap(), profile.name());
            assert_eq!(ConformanceProfile::from_name(profile.name()), Some(profile));
        }
    }
}

//! The two systems this stack speaks for, and the names their documents give.

use clap::ValueEnum;

use crate::ports::queue::QueueName;

/// A system of `API.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum System {
    /// Diagnosis from medical images.
    MedicalPlatform,
    /// Fish image classification.
    Fish,
}

impl System {
    /// The name on the command line and in the listening line.
    pub fn name(self) -> &'static str {
        match self {
            Self::MedicalPlatform => "medical-platform",
            Self::Fish => "fish",
        }
    }

    /// The queue (for fish: the topic) that its worker consumes.
    pub fn queue(self) -> QueueName {
        match self {
            Self::MedicalPlatform => "medical_data",
            Self::Fish => "fish-classification-requests",
        }
    }

    /// The model its images are put to.
    pub fn model(self) -> &'static str {
        match self {
            Self::MedicalPlatform => "resnet50_chest_xray",
            Self::Fish => "fish_classifier",
        }
    }
}

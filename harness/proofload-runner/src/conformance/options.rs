//! What a caller chooses, is told, and may be refused.

use std::time::Duration;

use proofload_core::conformance::Outcome;
use url::Url;

use super::ConformanceProfile;

/// What to check, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The contract.
    pub profile: ConformanceProfile,
    /// The base address. Credentials in it are used and never reported.
    pub target: Url,
    /// When, RFC 3339, as the report shall say it.
    pub date: String,
    /// How to make tokens. Without it the checks that need one are skipped, and the profile is partial at best.
    pub token: Option<TokenSource>,
    /// Id prefixes; none means all. What is left out is skipped, and the profile is partial at best.
    pub select: Vec<String>,
    /// Whether a failed SHOULD fails the profile.
    pub strict: bool,
    /// The limit on request bodies that the target is set to.
    pub body_max_bytes: usize,
    /// Whether the target speaks HTTP/2 and nothing else.
    pub http2: bool,
    /// Certificate authorities that are trusted beside those of the machine, as PEM texts.
    pub authorities: Vec<String>,
    /// How long to wait for what.
    pub timeouts: Timeouts,
}

impl Options {
    /// The whole profile, with the limits of the contract.
    pub fn new(profile: ConformanceProfile, target: Url) -> Self {
        Self {
            profile,
            target,
            date: String::new(),
            token: None,
            select: Vec::new(),
            strict: false,
            body_max_bytes: 32 * 1024 * 1024,
            http2: false,
            authorities: Vec::new(),
            timeouts: Timeouts::default(),
        }
    }
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// To open a connection.
    pub connect: Duration,
    /// From the start of a request to the last byte of its answer.
    pub request: Duration,
    /// From the submission of a job to its end.
    pub job: Duration,
    /// Between two looks at a job.
    pub poll_every: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(20),
            job: Duration::from_mins(1),
            poll_every: Duration::from_millis(20),
        }
    }
}

/// How to make HS256 tokens that the target accepts.
#[derive(Clone)]
pub struct TokenSource {
    /// The HMAC key.
    pub secret: Vec<u8>,
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
    /// `sub`.
    pub subject: String,
}

impl TokenSource {
    /// The names of the `medical-platform` contract.
    pub fn medical_platform(secret: Vec<u8>) -> Self {
        Self {
            secret,
            issuer: "medical-platform".to_owned(),
            audience: "api-gateway".to_owned(),
            subject: "proofload-conformance".to_owned(),
        }
    }
}

/// The key never reaches a log.
impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenSource").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// What happens while checks run.
#[derive(Debug, Clone)]
pub enum Event {
    /// The target answers; this many checks follow.
    Started {
        /// Checks that will be carried out.
        total: usize,
    },
    /// A check has come out.
    Checked {
        /// How many have come out, this one included.
        done: usize,
        /// Checks that will be carried out.
        total: usize,
        /// Its id.
        id: &'static str,
        /// What came of it.
        outcome: Outcome,
        /// Expected and seen; empty when it passed.
        message: String,
    },
}

/// Why nothing was checked.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Nobody answers.
    #[error("{target} does not answer ({why}); start it, or name another address with --target")]
    Unreachable {
        /// The address, without credentials.
        target: String,
        /// What went wrong.
        why: String,
    },
    /// No check has such an id.
    #[error("no check of {profile} starts with `{prefix}`; `proofload conform --profile {profile} --list` shows all")]
    NothingSelected {
        /// The profile.
        profile: &'static str,
        /// What was asked for.
        prefix: String,
    },
    /// The address cannot be used.
    #[error("{target} cannot be checked: {why}; write http://host:port")]
    Unusable {
        /// The address, without credentials.
        target: String,
        /// What is wrong with it.
        why: String,
    },
}

impl TargetError {
    /// 5 when the target does not answer, 2 when the question makes no sense.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Unreachable { .. } => 5,
            Self::NothingSelected { .. } | Self::Unusable { .. } => 2,
        }
    }
}

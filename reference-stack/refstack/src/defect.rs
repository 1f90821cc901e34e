//! Named faults that a role can be started with. Each conformance check and each planted-defect test is shown to say no on one.

use std::num::NonZeroU64;

use crate::system::System;

/// Everything that can be wrong with a gateway or a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "API.md says what each does; the names are its names")]
pub enum Defect {
    ProblemPlainText,
    UnknownPath200,
    UnknownId200,
    UnknownId500,
    Malformed500,
    AllowMissing,
    Method404,
    HealthMissing,
    HealthNotJson,
    MetricsMissing,
    MetricsWrongType,
    BodyUnlimited,
    BodyLimitLengthOnly,
    TypeUnchecked,
    EmptyAccepted,
    AuthOff,
    JwtAlgNone,
    JwtSignatureUnchecked,
    JwtExpIgnored,
    JwtNbfIgnored,
    JwtIssIgnored,
    JwtAudIgnored,
    JwtSubOptional,
    WwwAuthenticateMissing,
    Upload200,
    LocationMissing,
    StateMissing,
    PatientOptional,
    IdempotencyIgnored,
    IdempotencyBodyIgnored,
    ResultEarly,
    CancelIgnored,
    DeleteFinal200,
    ReadinessMissing,
    QueueFiguresMissing,
    ScoresUnnormalised,
    AcceptedNotDurable,
    CacheOff,
    CacheHeaderMissing,
    ScoreMissing,
    ScoreOutOfRange,
    BatchSync,
    RequestIdMissing,
    StatusWord,
    ResultsMissing,
    ResultsReversed,
    CountsWrong,
    PrivateUrls,
    SchemeAny,
    BatchUnlimited,
    BatchLocationMissing,
    DropJob,
    DoubleEffect,
    NeverReady,
}

use Defect as D;

const GATEWAY: &[(&str, Defect)] = &[
    ("problem-plain-text", D::ProblemPlainText),
    ("unknown-path-200", D::UnknownPath200),
    ("unknown-id-200", D::UnknownId200),
    ("unknown-id-500", D::UnknownId500),
    ("malformed-500", D::Malformed500),
    ("allow-missing", D::AllowMissing),
    ("method-404", D::Method404),
    ("health-missing", D::HealthMissing),
    ("health-not-json", D::HealthNotJson),
    ("metrics-missing", D::MetricsMissing),
    ("metrics-wrong-type", D::MetricsWrongType),
    ("body-unlimited", D::BodyUnlimited),
    ("body-limit-length-only", D::BodyLimitLengthOnly),
    ("type-unchecked", D::TypeUnchecked),
    ("empty-accepted", D::EmptyAccepted),
];

const MEDICAL_GATEWAY: &[(&str, Defect)] = &[
    ("auth-off", D::AuthOff),
    ("jwt-alg-none", D::JwtAlgNone),
    ("jwt-signature-unchecked", D::JwtSignatureUnchecked),
    ("jwt-exp-ignored", D::JwtExpIgnored),
    ("jwt-nbf-ignored", D::JwtNbfIgnored),
    ("jwt-iss-ignored", D::JwtIssIgnored),
    ("jwt-aud-ignored", D::JwtAudIgnored),
    ("jwt-sub-optional", D::JwtSubOptional),
    ("www-authenticate-missing", D::WwwAuthenticateMissing),
    ("upload-200", D::Upload200),
    ("location-missing", D::LocationMissing),
    ("state-missing", D::StateMissing),
    ("patient-optional", D::PatientOptional),
    ("idempotency-ignored", D::IdempotencyIgnored),
    ("idempotency-body-ignored", D::IdempotencyBodyIgnored),
    ("result-early", D::ResultEarly),
    ("cancel-ignored", D::CancelIgnored),
    ("delete-final-200", D::DeleteFinal200),
    ("readiness-missing", D::ReadinessMissing),
    ("queue-figures-missing", D::QueueFiguresMissing),
    ("scores-unnormalised", D::ScoresUnnormalised),
    ("accepted-not-durable", D::AcceptedNotDurable),
];

const FISH_GATEWAY: &[(&str, Defect)] = &[
    ("cache-off", D::CacheOff),
    ("cache-header-missing", D::CacheHeaderMissing),
    ("score-missing", D::ScoreMissing),
    ("score-out-of-range", D::ScoreOutOfRange),
    ("batch-sync", D::BatchSync),
    ("request-id-missing", D::RequestIdMissing),
    ("status-word", D::StatusWord),
    ("results-missing", D::ResultsMissing),
    ("results-reversed", D::ResultsReversed),
    ("counts-wrong", D::CountsWrong),
    ("private-urls", D::PrivateUrls),
    ("scheme-any", D::SchemeAny),
    ("batch-unlimited", D::BatchUnlimited),
    ("batch-location-missing", D::BatchLocationMissing),
];

const WORKER: &[(&str, Defect)] = &[("never-ready", D::NeverReady)];
/// These take `=N`: the Nth job the worker takes, counted from 1.
const WORKER_COUNTED: &[(&str, Defect)] = &[("drop-job", D::DropJob), ("double-effect", D::DoubleEffect)];

/// A role that can have defects of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A gateway of one system.
    Gateway(System),
    /// A worker of either system.
    Worker,
}

/// A defect that a role does not know.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("defect {name:?} is unknown here; this role knows {known}")]
pub struct UnknownDefect {
    name: String,
    known: String,
}

/// The defects a role was started with.
#[derive(Clone, Debug, Default)]
pub struct Defects(Vec<(Defect, u64)>);

impl Defects {
    /// Reads the values of `--defect` for a role.
    pub fn parse(role: Role, texts: &[String]) -> Result<Self, UnknownDefect> {
        let parse = |text: &String| {
            one(role, text).ok_or_else(|| UnknownDefect { name: text.clone(), known: names(role).join(", ") })
        };
        texts.iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether this defect is planted.
    pub fn has(&self, defect: Defect) -> bool {
        self.0.iter().any(|(planted, _)| *planted == defect)
    }

    /// Whether this defect is planted for the `nth` job.
    pub fn has_nth(&self, defect: Defect, nth: u64) -> bool {
        self.0.contains(&(defect, nth))
    }
}

/// The names a role accepts, as its help lists them.
pub fn names(role: Role) -> Vec<String> {
    let counted = counted(role).iter().map(|(name, _)| format!("{name}=N"));
    counted.chain(plain(role).map(|(name, _)| (*name).to_owned())).collect()
}

fn one(role: Role, text: &str) -> Option<(Defect, u64)> {
    if let Some((name, value)) = text.split_once('=') {
        let (_, defect) = counted(role).iter().find(|(known, _)| *known == name)?;
        return Some((*defect, value.parse::<NonZeroU64>().ok()?.get()));
    }
    plain(role).find(|(known, _)| *known == text).map(|(_, defect)| (*defect, 0))
}

fn plain(role: Role) -> impl Iterator<Item = &'static (&'static str, Defect)> {
    let (first, second): (&[_], &[_]) = match role {
        Role::Gateway(System::MedicalPlatform) => (GATEWAY, MEDICAL_GATEWAY),
        Role::Gateway(System::Fish) => (GATEWAY, FISH_GATEWAY),
        Role::Worker => (WORKER, &[]),
    };
    first.iter().chain(second)
}

fn counted(role: Role) -> &'static [(&'static str, Defect)] {
    if role == Role::Worker { WORKER_COUNTED } else { &[] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(role: Role, text: &str, expected: Option<(Defect, u64)>) {
        assert_eq!(one(role, text), expected, "{text}");
    }

    #[test]
    fn each_role_knows_its_own() {
        let medical = Role::Gateway(System::MedicalPlatform);
        check(medical, "auth-off", Some((Defect::AuthOff, 0)));
        check(medical, "malformed-500", Some((Defect::Malformed500, 0)));
        check(medical, "cache-off", None);
        check(Role::Gateway(System::Fish), "cache-off", Some((Defect::CacheOff, 0)));
        check(Role::Worker, "drop-job=7", Some((Defect::DropJob, 7)));
        check(Role::Worker, "never-ready", Some((Defect::NeverReady, 0)));
        for wrong in ["drop-job", "drop-job=0", "drop-job=x", "never-ready=1", "auth-off", "", "="] {
            check(Role::Worker, wrong, None);
        }
    }

    #[test]
    fn an_unknown_one_is_refused_with_the_list() {
        let error = Defects::parse(Role::Worker, &["nonsense".to_owned()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "defect \"nonsense\" is unknown here; this role knows drop-job=N, double-effect=N, never-ready"
        );
        assert_eq!(names(Role::Gateway(System::MedicalPlatform)).len(), 37);
        assert_eq!(names(Role::Gateway(System::Fish)).len(), 29);
    }
}

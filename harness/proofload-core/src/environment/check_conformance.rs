//! What conformance needs of an environment: one way to make tokens, and the limit that a system is set to.

use super::{Environment, Token};
use crate::scenario::ConformanceClause;
use crate::scenario::units::Bytes;
use crate::source::{At, Reporter, suggest};

const DEFAULT_BODY_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Less holds no image, and more would have to be held in memory.
const BODY_BYTES: std::ops::RangeInclusive<u64> = 1024..=1024 * 1024 * 1024;

pub(super) fn check_body_max(written: Option<&At<Bytes>>, report: &mut Reporter<'_>) -> usize {
    let bytes = written.map_or(DEFAULT_BODY_BYTES_MAX, |at| at.value.0);
    if let Some(at) = written.filter(|at| !BODY_BYTES.contains(&at.value.0)) {
        let help = "write the limit that the system is set to, from 1KiB to 1GiB".to_owned();
        report.add(at, format!("a limit of {bytes} bytes cannot be checked"), Some(help));
    }
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Why it is not plain how a contract's tokens are made. A system without a token source that signs is no misfit: the
/// checks that need one are not carried out.
pub(super) fn token_misfit(environment: &Environment, clause: &ConformanceClause) -> Option<String> {
    let system = environment.system(&clause.system)?;
    let signing = system.tokens.iter().filter(|(_, token)| matches!(token, Token::Jwt { .. }));
    let signing: Vec<&str> = signing.map(|(name, _)| name.as_str()).collect();
    let (profile, place) =
        (clause.profile.name(), format!("system `{}` of environment `{}`", system.name, environment.name));
    match &clause.auth {
        Some(auth) if !signing.contains(&auth.as_str()) => {
            let help = suggest(auth, signing).map_or(String::new(), |help| format!("; {help}"));
            Some(format!(
                "conformance to `{profile}` makes tokens by `{auth}`, and {place} has no `jwt` of that name{help}"
            ))
        }
        None if signing.len() > 1 => Some(format!(
            "conformance to `{profile}` needs one token source that signs, and {place} has {}; say which, `auth: {}`",
            signing.join(" and "),
            signing[0]
        )),
        _ => None,
    }
}

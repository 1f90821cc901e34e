//! Verifies tokens strictly. The library checks the signature alone: its claim checks let through missing and wrongly typed
//! claims, so each claim is looked at here.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use crate::defect::{Defect, Defects};

/// Who must have issued a token, and for whom.
const ISSUER: &str = "medical-platform";
const AUDIENCE: &str = "api-gateway";
/// Clocks of issuer and gateway may differ by this much.
const LEEWAY_SECONDS: f64 = 5.0;
const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// The last second of the year 9999; later times are overflow tricks, not times.
const LATEST_SECOND: f64 = 253_402_300_799.0;
/// Header members that would have the token choose its own key or its own rules.
const FORBIDDEN_MEMBERS: [&str; 6] = ["crit", "b64", "jwk", "jku", "x5u", "x5c"];
const TYPES: [&str; 3] = ["jwt", "at+jwt", "application/at+jwt"];

/// Whom a valid token speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) subject: String,
}

/// Why a token is refused. Never contains any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) &'static str);

/// Verifies HS256 tokens of one key.
pub(crate) struct Verifier {
    key: DecodingKey,
    defects: Defects,
}

impl Verifier {
    pub(crate) fn new(secret: &[u8], defects: Defects) -> Self {
        Self { key: DecodingKey::from_secret(secret), defects }
    }

    /// The caller of a token, at `now_ms`.
    pub(crate) fn verify(&self, token: &str, now_ms: i64) -> Result<Caller, Refused> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Refused("the token is too long"));
        }
        let mut parts = token.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refused("the token does not have three parts"));
        };
        let signed = &token[..header.len() + 1 + claims.len()];
        self.check_signature(&decode(header)?, signed, signature)?;
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age fit a float")]
        self.check_claims(&decode(claims)?, now_ms as f64 / 1000.0)
    }

    fn check_signature(&self, header: &Members, signed: &str, signature: &str) -> Result<(), Refused> {
        if FORBIDDEN_MEMBERS.iter().any(|member| header.get(member).is_some()) {
            return Err(Refused("the token's header asks for its own rules"));
        }
        match header.get("typ") {
            None => {}
            Some(Value::String(typ)) if TYPES.contains(&typ.to_ascii_lowercase().as_str()) => {}
            Some(_) => return Err(Refused("the token is of another type")),
        }
        if header.get("kid").is_some_and(|kid| !kid.is_string()) {
            return Err(Refused("the token's key id is malformed"));
        }
        match header.get("alg").and_then(Value::as_str) {
            Some("HS256") => {}
            Some("none") if self.defects.has(Defect::JwtAlgNone) => return Ok(()),
            _ => return Err(Refused("the token is not signed with HS256")),
        }
        if self.defects.has(Defect::JwtSignatureUnchecked) {
            return Ok(());
        }
        // Decoded here too: the engine refuses padding and stray bits, so each signature has one spelling.
        URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refused("the token's signature is malformed"))?;
        match jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &self.key, Algorithm::HS256) {
            Ok(true) => Ok(()),
            _ => Err(Refused("the token's signature is wrong")),
        }
    }

    fn check_claims(&self, claims: &Members, now: f64) -> Result<Caller, Refused> {
        if claims.get("iss").and_then(Value::as_str) != Some(ISSUER) && !self.defects.has(Defect::JwtIssIgnored) {
            return Err(Refused("the token is from another issuer"));
        }
        if !claims.get("aud").is_some_and(is_for_us) && !self.defects.has(Defect::JwtAudIgnored) {
            return Err(Refused("the token is for another audience"));
        }
        let expires = seconds(claims, "exp")?;
        if !expires.is_some_and(|expires| now < expires + LEEWAY_SECONDS) && !self.defects.has(Defect::JwtExpIgnored) {
            return Err(Refused("the token has expired, or never does"));
        }
        let early = |from: Option<f64>| from.is_some_and(|from| now + LEEWAY_SECONDS < from);
        let not_yet = early(seconds(claims, "nbf")?) || early(seconds(claims, "iat")?);
        if not_yet && !self.defects.has(Defect::JwtNbfIgnored) {
            return Err(Refused("the token is not valid yet"));
        }
        match claims.get("sub") {
            // No database keeps NUL in a text, and keys are kept by subject.
            Some(Value::String(subject)) if !subject.is_empty() && !subject.contains('\0') => {
                Ok(Caller { subject: subject.clone() })
            }
            _ if self.defects.has(Defect::JwtSubOptional) => Ok(Caller { subject: String::new() }),
            _ => Err(Refused("the token names no subject")),
        }
    }
}

fn is_for_us(audience: &Value) -> bool {
    match audience {
        Value::String(one) => one == AUDIENCE,
        Value::Array(many) => many.iter().all(Value::is_string) && many.iter().any(|one| one == AUDIENCE),
        _ => false,
    }
}

fn seconds(claims: &Members, name: &str) -> Result<Option<f64>, Refused> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    match value.as_f64() {
        Some(time) if (0.0..=LATEST_SECOND).contains(&time) => Ok(Some(time)),
        _ => Err(Refused("a time in the token is not a time")),
    }
}

fn decode(part: &str) -> Result<Members, Refused> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Refused("the token is not base64url"))?;
    serde_json::from_slice(&bytes).map_err(|_| Refused("the token is not made of JSON objects"))
}

/// A JSON object in which no member stands twice: of two, readers would disagree which counts.
struct Members(Vec<(String, Value)>);

impl Members {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(member, _)| member == name).map(|(_, value)| value)
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members: Vec<(String, Value)> = Vec::new();
        while let Some((name, value)) = map.next_entry()? {
            if members.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom("a member stands twice"));
            }
            members.push((name, value));
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;

//! `Authorization` values from token sources.

use http::HeaderValue;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use proofload_core::environment::Token;
use serde::Serialize;

use super::Secrets;

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    iat: u64,
    exp: u64,
}

/// The header value of a token source at `now_s`, seconds since 1970.
///
/// # Errors
/// A sentence that never repeats the token or the secret.
pub(crate) fn authorization(token: &Token, secrets: &Secrets, now_s: u64) -> Result<HeaderValue, String> {
    let text = match token {
        Token::Bearer { secret } => String::from_utf8_lossy(secrets.value(secret).unwrap_or_default()).into_owned(),
        Token::Jwt { secret, issuer, audience, subject, lifetime } => {
            let claims =
                Claims { iss: issuer, aud: audience, sub: subject, iat: now_s, exp: now_s + lifetime.as_secs() };
            let key = EncodingKey::from_secret(secrets.value(secret).unwrap_or_default());
            encode(&Header::new(Algorithm::HS256), &claims, &key)
                .map_err(|error| format!("a token could not be signed: {error}"))?
        }
    };
    let mut value = HeaderValue::from_str(&format!("Bearer {text}"))
        .map_err(|_| "a token holds characters that no header can carry".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

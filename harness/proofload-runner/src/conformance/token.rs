//! Tokens, good and bad. Header and claims are plain JSON here, so that anything can be wrong with them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::TokenSource;

/// How long a token is good for; longer than any profile takes.
const LIFE_S: u64 = 3600;

/// The header of a good token.
pub(super) fn header() -> Value {
    json!({ "alg": "HS256", "typ": "JWT" })
}

/// The claims of a good token.
pub(super) fn claims(source: &TokenSource, now_s: u64) -> Value {
    json!({ "iss": source.issuer, "aud": source.audience, "sub": source.subject, "iat": now_s, "exp": now_s + LIFE_S })
}

/// Signs whatever header and claims say.
pub(super) fn sign(header: &str, claims: &str, algorithm: Algorithm, key: &[u8]) -> String {
    let signed = unsigned(header, claims);
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &EncodingKey::from_secret(key), algorithm)
        .expect("HMAC takes a key of any length");
    format!("{signed}.{signature}")
}

/// Header and claims without a signature and its dot.
pub(super) fn unsigned(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

/// The same signature bytes in another spelling: the unused bits of the last digit are set.
pub(super) fn respell(token: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (head, last) = token.split_at(token.len() - 1);
    let value = DIGITS.iter().position(|digit| last.as_bytes() == [*digit]).unwrap_or(0);
    format!("{head}{}", char::from(DIGITS[value | 1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_signed_as_rfc_7515_says() {
        let token = sign(r#"{"alg":"HS256"}"#, r#"{"sub":"a"}"#, Algorithm::HS256, b"key");
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let key = jsonwebtoken::DecodingKey::from_secret(b"key");
        assert!(jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key, Algorithm::HS256).unwrap());
        assert_ne!(respell(&token), token);
        assert!(URL_SAFE_NO_PAD.decode(respell(signature)).is_err());
    }
}

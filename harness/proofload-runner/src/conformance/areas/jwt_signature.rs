//! Who signed: no token passes whose signature is not HS256 by the gateway's own key, whatever its header claims.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::Area;
use super::jwt_transport::refuses_token;
use crate::clock::unix_ms;
use crate::conformance::case::{CaseResult, must};
use crate::conformance::context::Context;
use crate::conformance::token::{claims, header, respell, sign, unsigned};

const OFF: &[&str] = &["auth-off"];
const UNCHECKED: &[&str] = &["jwt-signature-unchecked", "auth-off"];
const ALGORITHMS: &str = "RFC 8725 §3.1";
const OWN_KEYS: &str = "RFC 8725 §3.5";

pub(super) const AREA: Area = Area {
    feature: "tokens",
    cases: &[
        must("gw.jwt.alg-none", "A token that says it has no signature is refused.", |cx| {
            Box::pin(unsigned_as(cx, "none"))
        })
        .source(ALGORITHMS)
        .fails_on(&["jwt-alg-none", "auth-off"]),
        must("gw.jwt.alg-none-capital", "`None` does not slip past.", |cx| Box::pin(unsigned_as(cx, "None")))
            .source(ALGORITHMS)
            .fails_on(OFF),
        must("gw.jwt.alg-none-mixed", "`nOnE` does not slip past.", |cx| Box::pin(unsigned_as(cx, "nOnE")))
            .source(ALGORITHMS)
            .fails_on(OFF),
        must("gw.jwt.alg-none-upper", "`NONE` does not slip past.", |cx| Box::pin(unsigned_as(cx, "NONE")))
            .source(ALGORITHMS)
            .fails_on(OFF),
        must("gw.jwt.alg-empty", "An empty algorithm is refused.", |cx| Box::pin(unsigned_as(cx, "")))
            .source(ALGORITHMS)
            .fails_on(OFF),
        must("gw.jwt.alg-none-signed", "`none` is refused even beside a good signature.", |cx| {
            Box::pin(with_header(cx, json!({"alg": "none"})))
        })
        .source(ALGORITHMS)
        .fails_on(&["jwt-alg-none", "auth-off"]),
        must("gw.jwt.alg-missing", "A header without an algorithm is refused.", |cx| {
            Box::pin(with_header(cx, json!({"typ": "JWT"})))
        })
        .source("RFC 7515 §4.1.1")
        .fails_on(OFF),
        must("gw.jwt.alg-mislabelled", "An HMAC labelled as RS256 is refused.", |cx| {
            Box::pin(with_header(cx, json!({"alg": "RS256"})))
        })
        .source(ALGORITHMS)
        .fails_on(OFF),
        must("gw.jwt.alg-other", "HS512 with the right key is refused: the gateway chooses the algorithm.", |cx| {
            Box::pin(other_algorithm(cx))
        })
        .source(ALGORITHMS)
        .fails_on(OFF),
        must("gw.jwt.signature-other-key", "A token signed with another key is refused.", |cx| {
            Box::pin(with_key(cx, header(), b"not the key of this gateway, but as long"))
        })
        .source("RFC 7515 §5.2")
        .fails_on(UNCHECKED),
        must("gw.jwt.signature-empty-key", "A token signed with the empty key is refused.", |cx| {
            Box::pin(with_key(cx, header(), b""))
        })
        .source(OWN_KEYS)
        .fails_on(UNCHECKED),
        must("gw.jwt.signature-stripped", "A token whose signature was cut away is refused.", |cx| {
            Box::pin(respelt(cx, |token| {
                token.rsplit_once('.').map_or_else(String::new, |(head, _)| format!("{head}."))
            }))
        })
        .source("RFC 7515 §5.2")
        .fails_on(UNCHECKED),
        must("gw.jwt.signature-truncated", "Half a signature is refused.", |cx| {
            Box::pin(respelt(cx, |token| token[..token.len() - 20].to_owned()))
        })
        .source("RFC 7515 §5.2")
        .fails_on(UNCHECKED),
        must("gw.jwt.signature-padded", "A signature with base64 padding is refused: it has one spelling.", |cx| {
            Box::pin(respelt(cx, |token| format!("{token}=")))
        })
        .source("RFC 7515 §2")
        .fails_on(UNCHECKED),
        must("gw.jwt.signature-respelt", "A signature with stray bits in its last digit is refused.", |cx| {
            Box::pin(respelt(cx, respell))
        })
        .source("RFC 4648 §3.5")
        .fails_on(UNCHECKED),
        must("gw.jwt.claims-altered", "Claims changed after signing are refused.", |cx| Box::pin(altered(cx)))
            .source("RFC 7515 §5.2")
            .fails_on(UNCHECKED),
        must("gw.jwt.key-in-header", "A key that the token brings along is not used.", |cx| {
            let jwk = json!({"kty": "oct", "k": "YXR0YWNrZXI"});
            Box::pin(with_key(cx, json!({"alg": "HS256", "jwk": jwk}), b"attacker"))
        })
        .source("RFC 8725 §3.10")
        .fails_on(OFF),
        must("gw.jwt.key-by-url", "A key address that the token brings along is not used.", |cx| {
            let header = json!({"alg": "HS256", "jku": "http://127.0.0.1:9/keys", "x5u": "http://127.0.0.1:9/cert"});
            Box::pin(with_key(cx, header, b"attacker"))
        })
        .source("RFC 8725 §3.10")
        .fails_on(OFF),
        must("gw.jwt.kid-traversal", "A key id that names a file does not choose the key.", |cx| {
            Box::pin(with_key(cx, json!({"alg": "HS256", "kid": "../../../../dev/null"}), b""))
        })
        .source("RFC 8725 §3.10")
        .fails_on(UNCHECKED),
        must("gw.jwt.kid-injection", "A key id that is SQL does not choose the key.", |cx| {
            let kid = "x' UNION SELECT 'attacker' --";
            Box::pin(with_key(cx, json!({"alg": "HS256", "kid": kid}), b"attacker"))
        })
        .source("RFC 8725 §3.10")
        .fails_on(UNCHECKED),
        must("gw.jwt.crit-unknown", "A critical header extension nobody knows is refused.", |cx| {
            Box::pin(with_header(cx, json!({"alg": "HS256", "crit": ["proofload"], "proofload": true})))
        })
        .source("RFC 7515 §4.1.11")
        .fails_on(OFF),
        must("gw.jwt.payload-unencoded", "The unencoded payload option is refused.", |cx| {
            Box::pin(with_header(cx, json!({"alg": "HS256", "b64": false, "crit": ["b64"]})))
        })
        .source("RFC 7797 §6")
        .fails_on(OFF),
    ],
};

fn good_claims(cx: &Context) -> CaseResult<String> {
    Ok(claims(cx.token_source()?, unix_ms() / 1000).to_string())
}

async fn unsigned_as(cx: &Context, algorithm: &str) -> CaseResult {
    let header = json!({"alg": algorithm, "typ": "JWT"}).to_string();
    let token = format!("{}.", unsigned(&header, &good_claims(cx)?));
    refuses_token(cx, &token).await
}

/// The right key under a header that must be refused.
async fn with_header(cx: &Context, bad: Value) -> CaseResult {
    let token = cx.token_with(|header, _| *header = bad)?;
    refuses_token(cx, &token).await
}

async fn with_key(cx: &Context, header: Value, key: &[u8]) -> CaseResult {
    let token = sign(&header.to_string(), &good_claims(cx)?, Algorithm::HS256, key);
    refuses_token(cx, &token).await
}

async fn other_algorithm(cx: &Context) -> CaseResult {
    let header = json!({"alg": "HS512", "typ": "JWT"}).to_string();
    let token = sign(&header, &good_claims(cx)?, Algorithm::HS512, &cx.token_source()?.secret);
    refuses_token(cx, &token).await
}

/// A good token, written differently.
async fn respelt(cx: &Context, change: fn(&str) -> String) -> CaseResult {
    refuses_token(cx, &change(&cx.token()?)).await
}

async fn altered(cx: &Context) -> CaseResult {
    let good = cx.token()?;
    let (_, signature) = good.rsplit_once('.').unwrap_or_default();
    let mut claims = claims(cx.token_source()?, unix_ms() / 1000);
    claims["sub"] = json!("somebody-else");
    refuses_token(cx, &format!("{}.{signature}", unsigned(&header().to_string(), &claims.to_string()))).await
}

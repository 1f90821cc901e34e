//! Tokens that must not pass, and the few that must.

use jsonwebtoken::EncodingKey;
use serde_json::json;

use super::*;
use crate::system::System;

const SECRET: &[u8] = b"a-secret-of-at-least-thirty-two-bytes!";
const NOW_MS: i64 = 1_800_000_000_000;
const NOW: i64 = NOW_MS / 1000;

fn part(value: &str) -> String {
    URL_SAFE_NO_PAD.encode(value)
}

fn signed_with(secret: &[u8], header: &str, claims: &str) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let key = EncodingKey::from_secret(secret);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

fn good_claims() -> Value {
    json!({"iss": "medical-platform", "aud": "api-gateway", "sub": "dr-house", "exp": NOW + 60})
}

fn with(member: &str, value: Value) -> String {
    let mut claims = good_claims();
    claims[member] = value;
    signed_with(SECRET, HEADER, &claims.to_string())
}

fn without(member: &str) -> String {
    let mut claims = good_claims();
    claims.as_object_mut().unwrap().remove(member);
    signed_with(SECRET, HEADER, &claims.to_string())
}

fn headed(header: &str) -> String {
    signed_with(SECRET, header, &good_claims().to_string())
}

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

fn verify(token: &str, defects: &[&str]) -> Result<Caller, Refused> {
    let role = crate::defect::Role::Gateway(System::MedicalPlatform);
    let texts: Vec<String> = defects.iter().map(|text| (*text).to_owned()).collect();
    Verifier::new(SECRET, Defects::parse(role, &texts).unwrap()).verify(token, NOW_MS)
}

#[test]
fn good_tokens_pass() {
    for token in [
        headed(HEADER),
        headed(r#"{"alg":"HS256"}"#),
        headed(r#"{"alg":"HS256","typ":"at+jwt","kid":"any"}"#),
        with("aud", json!(["other", "api-gateway"])),
        with("nbf", json!(NOW)),
        with("nbf", json!(NOW + 4)),
        with("exp", json!(NOW - 4)),
        with("exp", json!(1_800_000_060.5)),
        with("iat", json!(NOW)),
        with("role", json!({"anything": ["goes"]})),
    ] {
        assert_eq!(verify(&token, &[]), Ok(Caller { subject: "dr-house".into() }), "{token}");
    }
}

fn shape_attacks() -> Vec<(&'static str, String)> {
    let good = headed(HEADER);
    let mut pieces = good.split('.');
    let (header, claims, signature) = (pieces.next().unwrap(), pieces.next().unwrap(), pieces.next().unwrap());
    let body = good_claims().to_string();
    let unsigned = |alg: &str| format!("{}.{}.", part(&format!(r#"{{"alg":"{alg}"}}"#)), part(&body));
    vec![
        ("empty", String::new()),
        ("one word", "token".into()),
        ("two parts", format!("{header}.{claims}")),
        ("four parts", format!("{good}.x")),
        ("five parts, as an encrypted token has", format!("{good}.x.y")),
        ("only dots", "..".into()),
        ("alg none", unsigned("none")),
        ("alg None", unsigned("None")),
        ("alg nOnE", unsigned("nOnE")),
        ("alg empty", unsigned("")),
        ("alg none with the good signature", format!("{}.{claims}.{signature}", part(r#"{"alg":"none"}"#))),
        ("signature stripped", format!("{header}.{claims}.")),
        ("signature cut", format!("{header}.{claims}.{}", &signature[..20])),
        ("signature padded", format!("{good}=")),
        ("signature with a stray bit", stray_bit(&good)),
        ("signature in the other alphabet", format!("{header}.{claims}.{}", "+/".repeat(21) + "A")),
        ("signature of another key", signed_with(b"another key", HEADER, &body)),
        ("signature of the empty key", signed_with(b"", HEADER, &body)),
        ("claims swapped", format!("{header}.{}.{signature}", part(&body.replace("house", "who")))),
        ("space before", format!(" {good}")),
        ("space after", format!("{good} ")),
        ("line end", format!("{good}\n")),
        ("a megabyte", "a".repeat(1 << 20)),
        ("a megabyte of claims", with("pad", json!("x".repeat(1 << 20)))),
        ("header not JSON", signed_with(SECRET, "alg=HS256", &body)),
        ("header an array", signed_with(SECRET, "[]", &body)),
        ("claims not JSON", signed_with(SECRET, HEADER, "sub=x")),
        ("claims an array", signed_with(SECRET, HEADER, "[1]")),
        ("claims with something behind", signed_with(SECRET, HEADER, &format!("{body} {{}}"))),
        ("NaN", signed_with(SECRET, HEADER, &body.replace(&(NOW + 60).to_string(), "NaN"))),
        ("exp overflow", signed_with(SECRET, HEADER, &body.replace(&(NOW + 60).to_string(), "1e999"))),
    ]
}

/// The last character of an HMAC signature carries two unused bits; setting one must not give a second valid spelling.
fn stray_bit(good: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = good.split_at(good.len() - 1);
    let index = ALPHABET.find(last).unwrap();
    format!("{rest}{}", &ALPHABET[index + 1..index + 2])
}

fn header_attacks() -> Vec<(&'static str, String)> {
    vec![
        ("no alg", headed(r#"{"typ":"JWT"}"#)),
        ("alg a number", headed(r#"{"alg":256}"#)),
        ("alg lower case", headed(r#"{"alg":"hs256"}"#)),
        ("alg HS384", headed(r#"{"alg":"HS384"}"#)),
        ("alg RS256", headed(r#"{"alg":"RS256"}"#)),
        ("alg twice", headed(r#"{"alg":"none","alg":"HS256"}"#)),
        ("crit", headed(r#"{"alg":"HS256","crit":["exp"]}"#)),
        ("b64 false", headed(r#"{"alg":"HS256","b64":false}"#)),
        ("jwk", headed(r#"{"alg":"HS256","jwk":{"kty":"oct","k":"YQ"}}"#)),
        ("jku", headed(r#"{"alg":"HS256","jku":"http://127.0.0.1/keys"}"#)),
        ("x5u", headed(r#"{"alg":"HS256","x5u":"http://127.0.0.1/cert"}"#)),
        ("x5c", headed(r#"{"alg":"HS256","x5c":[]}"#)),
        ("kid a list", headed(r#"{"alg":"HS256","kid":["a"]}"#)),
        ("typ of another kind", headed(r#"{"alg":"HS256","typ":"dpop+jwt"}"#)),
        ("typ a number", headed(r#"{"alg":"HS256","typ":1}"#)),
    ]
}

fn claim_attacks() -> Vec<(&'static str, String)> {
    vec![
        ("no iss", without("iss")),
        ("iss of another", with("iss", json!("other"))),
        ("iss in capitals", with("iss", json!("Medical-Platform"))),
        ("iss a list", with("iss", json!(["medical-platform"]))),
        ("iss an object", with("iss", json!({}))),
        ("iss null", with("iss", Value::Null)),
        ("no aud", without("aud")),
        ("aud of another", with("aud", json!("other"))),
        ("aud a list of others", with("aud", json!(["other"]))),
        ("aud an empty list", with("aud", json!([]))),
        ("aud a mixed list", with("aud", json!(["api-gateway", 1]))),
        ("aud a number", with("aud", json!(1))),
        ("no sub", without("sub")),
        ("sub empty", with("sub", json!(""))),
        ("sub a number", with("sub", json!(7))),
        ("no exp", without("exp")),
        ("expired", with("exp", json!(NOW - 6))),
        ("expired within other people's leeway", with("exp", json!(NOW - 58))),
        ("exp text", with("exp", json!((NOW + 60).to_string()))),
        ("exp null", with("exp", Value::Null)),
        ("exp negative", with("exp", json!(-1))),
        ("exp enormous", with("exp", json!(1e300))),
        ("exp in milliseconds", with("exp", json!(NOW_MS + 60_000))),
        ("not yet valid", with("nbf", json!(NOW + 60))),
        ("nbf text", with("nbf", json!("0"))),
        ("nbf a list", with("nbf", json!([0]))),
        ("issued in the future", with("iat", json!(NOW + 3600))),
        ("iat text", with("iat", json!("now"))),
        ("sub twice", signed_with(SECRET, HEADER, &good_claims().to_string().replace('{', r#"{"sub":"admin","#))),
    ]
}

#[test]
fn bad_tokens_are_refused_and_never_quoted() {
    let attacks = [shape_attacks(), header_attacks(), claim_attacks()].concat();
    assert!(attacks.len() >= 60, "{}", attacks.len());
    for (name, token) in attacks {
        let refused = verify(&token, &[]).expect_err(name);
        assert!(token.len() < 8 || !refused.to_string().contains(&token), "{name}");
    }
}

#[test]
fn each_defect_lets_its_token_pass() {
    let none = format!("{}.{}.", part(r#"{"alg":"none"}"#), part(&good_claims().to_string()));
    for (defect, token) in [
        ("jwt-alg-none", none),
        ("jwt-signature-unchecked", signed_with(b"another key", HEADER, &good_claims().to_string())),
        ("jwt-exp-ignored", with("exp", json!(NOW - 3600))),
        ("jwt-nbf-ignored", with("nbf", json!(NOW + 3600))),
        ("jwt-iss-ignored", with("iss", json!("other"))),
        ("jwt-aud-ignored", with("aud", json!("other"))),
        ("jwt-sub-optional", without("sub")),
    ] {
        assert!(verify(&token, &[defect]).is_ok(), "{defect}");
        assert!(verify(&token, &[]).is_err(), "{defect}");
    }
}

//! `/v1/models/{m}[/versions/{n}|/labels/{l}][/metadata|:verb]`, matched as upstream's expressions match it.

use axum::http::Method;

/// What a path asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) model: String,
    pub(super) version: Version,
    pub(super) verb: Verb,
}

/// Which version.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Version {
    Latest,
    Number(u64),
    Label(String),
}

/// What to do with the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Status,
    Metadata,
    Predict,
    Classify,
    Regress,
}

/// Whether upstream would dispatch this path at all.
pub(super) fn is_v1(path: &str) -> bool {
    strip(path, "/v1/").is_some()
}

/// `Ok(None)` is a path that matches nothing; an error is one that matches and cannot be used.
pub(super) fn parse(method: &Method, path: &str) -> Result<Option<Target>, String> {
    let Some(rest) = strip(path, "/v1/models") else { return Ok(None) };
    let (rest, verb) = if method == Method::POST {
        match rest.rsplit_once(':').and_then(|(rest, word)| Some((rest, verb(word)?))) {
            Some(found) => found,
            None => return Ok(None),
        }
    } else if method == Method::GET {
        match ends(rest, "/metadata") {
            Some(rest) => (rest, Verb::Metadata),
            None => (rest, Verb::Status),
        }
    } else {
        return Ok(None);
    };
    if rest.is_empty() && method == Method::GET {
        return Err("Missing model name in request.".to_owned());
    }
    let mut parts = rest.split('/');
    if parts.next() != Some("") {
        return Ok(None);
    }
    let parts: Vec<_> = parts.collect();
    let Some((version, model)) = version(&parts)? else { return Ok(None) };
    Ok(Some(Target { model: decode(model)?, version, verb }))
}

fn version<'p>(parts: &[&'p str]) -> Result<Option<(Version, &'p str)>, String> {
    let name = |part: &str| !part.is_empty() && !part.contains(':');
    Ok(match *parts {
        [model] if name(model) => Some((Version::Latest, model)),
        [model, word, number] if name(model) && word.eq_ignore_ascii_case("versions") => {
            if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
                return Ok(None);
            }
            let number = number.parse::<u64>().ok().filter(|n| i64::try_from(*n).is_ok());
            let failed = || format!("Failed to convert version: {} to numeric.", parts[2]);
            Some((Version::Number(number.ok_or_else(failed)?), model))
        }
        [model, word, label] if name(model) && name(label) && word.eq_ignore_ascii_case("labels") => {
            Some((Version::Label(decode(label)?), model))
        }
        _ => None,
    })
}

fn verb(word: &str) -> Option<Verb> {
    [("predict", Verb::Predict), ("classify", Verb::Classify), ("regress", Verb::Regress)]
        .into_iter()
        .find_map(|(name, verb)| word.eq_ignore_ascii_case(name).then_some(verb))
}

fn strip<'p>(path: &'p str, prefix: &str) -> Option<&'p str> {
    let head = path.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &path[prefix.len()..])
}

fn ends<'p>(path: &'p str, suffix: &str) -> Option<&'p str> {
    let at = path.len().checked_sub(suffix.len())?;
    path.get(at..)?.eq_ignore_ascii_case(suffix).then(|| &path[..at])
}

/// Percent-decoding; what is no escape stays as it is.
fn decode(text: &str) -> Result<String, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = |byte: u8| char::from(byte).to_digit(16);
        let escape = match (first, tail) {
            (b'%', [a, b, ..]) => hex(*a).zip(hex(*b)),
            _ => None,
        };
        (out, rest) = match escape {
            Some((high, low)) => {
                (push(out, u8::try_from(high * 16 + low).expect("two hex digits fit a byte")), &tail[2..])
            }
            None => (push(out, *first), tail),
        };
    }
    String::from_utf8(out).map_err(|_| format!("Failed to decode model name: {text}"))
}

fn push(mut out: Vec<u8>, byte: u8) -> Vec<u8> {
    out.push(byte);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(method: &Method, path: &str) -> String {
        match parse(method, path) {
            Ok(Some(Target { model, version, verb })) => format!("{model} {version:?} {verb:?}"),
            Ok(None) => "malformed".to_owned(),
            Err(why) => why,
        }
    }

    #[test]
    fn paths_match_as_upstream() {
        let get = Method::GET;
        let post = Method::POST;
        for (method, path, expected) in [
            (&post, "/v1/models/m:predict", "m Latest Predict"),
            (&post, "/V1/Models/m/Versions/3:PREDICT", "m Number(3) Predict"),
            (&post, "/v1/models/m/labels/canary:classify", "m Label(\"canary\") Classify"),
            (&post, "/v1/models/m/versions/3/labels/x:predict", "malformed"),
            (&post, "/v1/models/m/versions/x:predict", "malformed"),
            (&post, "/v1/models/m:explain", "malformed"),
            (&post, "/v1/models/:predict", "malformed"),
            (&post, "/v1/models/a:b:predict", "malformed"),
            (&post, "/v1/models/m", "malformed"),
            (
                &post,
                "/v1/models/m/versions/99999999999999999999:predict",
                "Failed to convert version: 99999999999999999999 to numeric.",
            ),
            (&get, "/v1/models/m", "m Latest Status"),
            (&get, "/v1/models/a%2Fb%20c", "a/b c Latest Status"),
            (&get, "/v1/models/m%", "m% Latest Status"),
            (&get, "/v1/models/%ff", "Failed to decode model name: %ff"),
            (&get, "/v1/models/m/versions/1/metadata", "m Number(1) Metadata"),
            (&get, "/v1/models", "Missing model name in request."),
            (&get, "/v1/models/", "malformed"),
            (&get, "/v1/models/m/", "malformed"),
            (&get, "/v1/modelsx", "malformed"),
            (&get, "/v1/models/m:predict", "malformed"),
            (&Method::PUT, "/v1/models/m", "malformed"),
        ] {
            assert_eq!(said(method, path), expected, "for {method} {path}");
        }
    }

    proptest! {
        #[test]
        fn no_path_panics(path in "/v1/(models)?[/:%a-zé0-9]{0,24}") {
            said(&Method::GET, &path);
            said(&Method::POST, &path);
        }
    }
}

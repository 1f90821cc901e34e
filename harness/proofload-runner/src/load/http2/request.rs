//! From a head as HTTP/1.1 has it to the fields of HTTP/2 (RFC 9113 §8.2.2, §8.3.1).

use bytes::Bytes;
use http::header::{HOST, HeaderName};
use http::uri::{Authority, Parts, PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, Uri};

use crate::load::exchange::FIELDS_MAX;

/// The request that a head means; `None` where a part of it has no place in HTTP/2.
pub(super) fn request(head: &Bytes, is_tls: bool) -> Option<Request<()>> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut parsed = httparse::Request::new(&mut fields);
    if !parsed.parse(head).ok()?.is_complete() {
        return None;
    }
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(parsed.method?.as_bytes()).ok()?;
    let mut uri = Parts::default();
    uri.scheme = Some(if is_tls { Scheme::HTTPS } else { Scheme::HTTP });
    // What the head holds is shared, not copied: it may stand there for many requests.
    uri.path_and_query = Some(PathAndQuery::from_maybe_shared(head.slice_ref(parsed.path?.as_bytes())).ok()?);
    let headers = request.headers_mut();
    for field in parsed.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        let value = HeaderValue::from_maybe_shared(head.slice_ref(field.value)).ok()?;
        if name == HOST {
            uri.authority = Some(Authority::from_maybe_shared(head.slice_ref(field.value)).ok()?);
        } else if !speaks_of_the_connection(&name, &value) {
            headers.append(name, value);
        }
    }
    *request.uri_mut() = Uri::from_parts(uri).ok()?;
    Some(request)
}

/// Fields of HTTP/1.1 that have no place here (RFC 9113 §8.2.2).
fn speaks_of_the_connection(name: &HeaderName, value: &HeaderValue) -> bool {
    match name.as_str() {
        "connection" | "keep-alive" | "proxy-connection" | "transfer-encoding" | "upgrade" => true,
        "te" => value != "trailers",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_becomes_fields() {
        let head = "POST /a?b=1 HTTP/1.1\r\nhost: example.com:8080\r\nConnection: close\r\nX-One: 1\r\nte: trailers\r\nTE: gzip\r\nupgrade: h2c\r\n\r\n";
        let request = request(&Bytes::from(head), false).unwrap();
        assert_eq!(request.uri().to_string(), "http://example.com:8080/a?b=1");
        let told = format!("{} {:?}", request.method(), request.headers());
        assert_eq!(told, r#"POST {"x-one": "1", "te": "trailers"}"#);
    }

    #[test]
    fn half_a_head_is_no_request() {
        assert!(request(&Bytes::from("GET / HTTP/1.1\r\nhost: a\r\n"), true).is_none());
    }
}

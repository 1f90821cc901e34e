//! Where a broker URL names its virtual host, and how names are escaped.

use std::fmt::Write as _;

/// The default virtual host `/`, escaped.
const ROOT: &str = "/%2F";

/// Splits the raw path of a broker URL into the virtual host (its last segment, escaped, with a leading `/`) and the
/// path before it. A given virtual host takes the place of the last segment.
pub fn vhost_and_path(raw_path: &str, vhost: &str) -> (String, String) {
    let segments: Vec<&str> = raw_path.split('/').collect();
    let (last, before) = segments.split_last().unwrap_or((&"", &[]));
    let kept: Vec<&str> = before.iter().copied().filter(|segment| !segment.is_empty()).collect();
    let path = if kept.is_empty() { String::new() } else { format!("/{}", kept.join("/")) };
    let resolved = match (vhost, *last) {
        ("", "") => ROOT.to_owned(),
        ("", last) => format!("/{last}"),
        (vhost, _) => format!("/{}", query_escape(vhost)),
    };
    (resolved, path)
}

/// Go's `url.QueryEscape`.
pub(super) fn query_escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => escaped.push(char::from(byte)),
            b' ' => escaped.push('+'),
            other => write!(escaped, "%{other:02X}").expect("writing to a String cannot fail"),
        }
    }
    escaped
}

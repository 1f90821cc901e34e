//! JSON access logs of nginx and Envoy.

use super::line::Line;
use super::time::rfc3339_ns;
use super::{Recorded, TraceEntry, shown};

/// nginx logs when a request has ended, so `request_time`, where it is logged, is taken off again. Its `msec` goes
/// before `time_iso8601`, which has whole seconds only.
pub(super) fn nginx(line: &Line) -> Result<Recorded, String> {
    let ended_ns = match line.decimal_ns("msec", 1_000_000_000)? {
        Some(ended_ns) => ended_ns,
        None => moment(line, "time_iso8601").map_err(|wrong| format!("{wrong}; logging `msec` serves as well"))?,
    };
    let lasted_ns = line.decimal_ns("request_time", 1_000_000_000)?.unwrap_or(0);
    let bytes = match line.count("content_length")? {
        Some(bytes) => Some(bytes),
        None => line.count("request_length")?,
    };
    let entry = request(line.required("request_method")?, line.required("request_uri")?)?;
    Ok((ended_ns - lasted_ns, TraceEntry { bytes, ..entry }))
}

/// Envoy logs when a request began.
pub(super) fn envoy(line: &Line) -> Result<Recorded, String> {
    let at_ns = moment(line, "start_time")?;
    let entry = request(line.required("method")?, line.required("path")?)?;
    Ok((at_ns, TraceEntry { bytes: line.count("bytes_received")?, ..entry }))
}

fn moment(line: &Line, name: &str) -> Result<i128, String> {
    let text = line.required(name)?;
    rfc3339_ns(text).ok_or_else(|| {
        format!("`{name}` is `{}`, and a moment such as 2026-11-21T13:02:00.125Z is expected", shown(text))
    })
}

/// An entry of a method and a path as they stood in a request line.
pub(super) fn request(method: &str, path: &str) -> Result<TraceEntry, String> {
    if !method.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-') {
        return Err(format!(
            "`{}` is not an HTTP method; leave out requests that were never well formed",
            shown(method)
        ));
    }
    let path = origin_form(path);
    if !path.bytes().all(|byte| byte.is_ascii_graphic() || !byte.is_ascii()) {
        return Err(format!("`{}` is not a path; leave out requests that were never well formed", shown(&path)));
    }
    Ok(TraceEntry { method: Some(method.to_ascii_uppercase()), path: Some(path), ..TraceEntry::default() })
}

/// Path and query of what may be a whole URL (RFC 9112, §3.2), without a fragment.
fn origin_form(target: &str) -> String {
    let target = target.split('#').next().unwrap_or_default();
    let path = match target.find("://") {
        Some(scheme) if !target.starts_with('/') => {
            let host_on = &target[scheme + 3..];
            host_on.find(['/', '?']).map_or("", |at| &host_on[at..])
        }
        _ => target,
    };
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

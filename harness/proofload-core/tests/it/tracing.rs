//! Recorded traffic: what each format gives, and what is said of a line that cannot be read.

use std::fmt::Write;

use proofload_core::trace::{Format, Trace, TraceEntry};

const NGINX: &str = r#"
{"msec":"1700000003.250","request_time":"0.250","request_method":"POST","request_uri":"/v1/studies?x=1","request_length":"2048","content_length":"1500"}
{"msec":1700000001.5,"request_time":0.500,"request_method":"get","request_uri":"/","request_length":120,"content_length":""}
{"time_iso8601":"2023-11-14T23:13:25+01:00","request_method":"GET","request_uri":"http://host.example/a?b#c"}
"#;

const ENVOY: &str = r#"{"start_time":"2026-11-21T13:02:00.125Z","method":"POST","path":"/predict","bytes_received":51234,"response_code":200}
{"start_time":"2026-11-21T13:02:00.120Z","method":"GET","path":"/health","bytes_received":0}
"#;

const HAR: &str = r#"{ "log": { "version": "1.2", "creator": {}, "entries": [
  { "startedDateTime": "2026-11-21T13:02:01.000+01:00", "time": 12, "request": { "method": "POST", "url": "https://shop.example/cart?id=7#top", "bodySize": 31, "headers": [] } },
  { "startedDateTime": "2026-11-21T12:02:00.500Z", "request": { "method": "GET", "url": "https://shop.example", "bodySize": -1 } }
] } }"#;

fn told(entry: &TraceEntry) -> String {
    let TraceEntry { at_ns, method, path, bytes, input_length, output_length, hash_ids } = entry;
    let ids = hash_ids.len();
    let method = method.as_deref().unwrap_or("-");
    let path = path.as_deref().unwrap_or("-");
    format!("{at_ns} ns {method} {path} bytes {bytes:?} tokens {input_length:?} -> {output_length:?}, {ids} ids")
}

#[test]
fn every_format_is_read() {
    let mooncake = super::workloads::mooncake();
    let mut text = String::new();
    for (format, log) in [(Format::Nginx, NGINX), (Format::Envoy, ENVOY), (Format::Har, HAR)] {
        writeln!(text, "{}", format.word()).unwrap();
        let trace = Trace::parse(format, "log", log).unwrap();
        trace.entries().iter().for_each(|entry| writeln!(text, "    {}", told(entry)).unwrap());
    }
    writeln!(text, "mooncake, {} entries", mooncake.entries().len()).unwrap();
    for entry in [0, 1, 199] {
        writeln!(text, "    {}", told(mooncake.entry(entry))).unwrap();
    }
    insta::assert_snapshot!(text);
}

/// A format, and a text that is none.
const MISTAKES: &[(Format, &str)] = &[
    (Format::Mooncake, ""),
    (Format::Mooncake, "{\"timestamp\": 0, \"input_length\": 5}\n\nnot json"),
    (Format::Mooncake, "[1, 2]"),
    (Format::Mooncake, "{\"input_length\": 5}"),
    (Format::Mooncake, "{\"timestamp\": 0}"),
    (Format::Mooncake, "{\"timestamp\": -5, \"input_length\": 5}"),
    (Format::Mooncake, "{\"timestamp\": 1e400, \"input_length\": 5}"),
    (Format::Mooncake, "{\"timestamp\": 0, \"input_length\": 5.5}"),
    (Format::Mooncake, "{\"timestamp\": 0, \"input_length\": 99999999999999}"),
    (Format::Mooncake, "{\"timestamp\": 0, \"input_length\": 5, \"hash_ids\": [1, \"a\"]}"),
    (Format::Mooncake, "{\"timestamp\": 0, \"input_length\": 5}\n{\"timestamp\": 31536000001, \"input_length\": 5}"),
    (Format::Nginx, "127.0.0.1 - - [21/Nov/2026:13:02:00 +0100] \"GET / HTTP/1.1\" 200 5"),
    (Format::Nginx, "{\"request_method\":\"GET\",\"request_uri\":\"/\"}"),
    (Format::Nginx, "{\"time_iso8601\":\"yesterday\\u001b[31m\",\"request_method\":\"GET\",\"request_uri\":\"/\"}"),
    (Format::Nginx, "{\"msec\":\"1700000000.1\",\"request_method\":\"\",\"request_uri\":\"\"}"),
    (Format::Nginx, "{\"msec\":\"1700000000.1\",\"request_method\":\"GE T\",\"request_uri\":\"/\"}"),
    (Format::Nginx, "{\"msec\":\"1700000000.1\",\"request_method\":\"GET\",\"request_uri\":\"/a\\r\\nHost: b\"}"),
    (
        Format::Nginx,
        "{\"msec\":\"1700000000.1\",\"request_method\":\"GET\",\"request_uri\":\"/\",\"request_length\":\"many\"}",
    ),
    (Format::Envoy, "{\"start_time\":\"2026-11-21T13:02:00Z\",\"method\":null,\"path\":\"/\"}"),
    (Format::Envoy, "{\"start_time\":\"2026-11-31 25:00\",\"method\":\"GET\",\"path\":\"/\"}"),
    (Format::Har, "{}"),
    (Format::Har, "{\"log\":\n{\"entries\":\n[]}}"),
    (
        Format::Har,
        "{\"log\":{\"entries\":[\n{\"startedDateTime\":\"now\",\"request\":{\"method\":\"GET\",\"url\":\"/\"}}]}}",
    ),
    (
        Format::Har,
        "{\"log\":{\"entries\":[\n{\"startedDateTime\":\"2026-11-21T13:02:00Z\",\n\"request\":{\"method\":\"GET\"}}]}}",
    ),
];

#[test]
fn a_line_that_cannot_be_read_is_named() {
    let mut text = String::new();
    for (format, log) in MISTAKES {
        let answer =
            Trace::parse(*format, "log", log).map_or_else(|error| error.to_string(), |_| "ACCEPTED".to_owned());
        writeln!(text, "{}: {}\n    {answer}", format.word(), log.escape_debug()).unwrap();
    }
    assert!(!text.contains("ACCEPTED"), "{text}");
    insta::assert_snapshot!(text);
}

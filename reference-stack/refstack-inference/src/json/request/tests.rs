//! Bodies and what is read from them.

use proptest::prelude::*;

use super::*;
use crate::repository::Repository;

/// A model of shape [2, 1] whose one input is called `image`.
fn small() -> ModelSpec {
    let mut spec = Repository::embedded().unwrap().models()[0].spec.clone();
    spec.input.shape = vec![2, 1];
    spec
}

fn said(body: &[u8]) -> String {
    match parse(body, &small(), 3) {
        Err(JsonError(why)) => why,
        Ok(Request { layout, signature, inputs }) => {
            let inputs: Vec<_> = inputs
                .iter()
                .map(|input| match input {
                    Input::Tensor(data) => format!("{data:?}"),
                    Input::Encoded(bytes) => format!("{bytes:?}"),
                })
                .collect();
            format!("{layout:?} {} {}", signature.as_deref().unwrap_or("-"), inputs.join(" "))
        }
    }
}

fn check(rows: &[(&str, &str)]) {
    for (body, expected) in rows {
        assert_eq!(&said(body.as_bytes()), expected, "for {body}");
    }
}

#[test]
fn rows_columns_names_and_pictures() {
    check(&[
        (r#"{"instances": [[[1],[2]]]}"#, "Row - [1.0, 2.0]"),
        (
            r#"{"instances": [[[1],[2]], [[3.5],[-4e-1]]], "signature_name": "serving_default"}"#,
            "Row serving_default [1.0, 2.0] [3.5, -0.4]",
        ),
        (r#"{"instances": [{"image": [[1],[2]]}]}"#, "Row - [1.0, 2.0]"),
        (r#"{"instances": [{"b64": "aGk="}, {"image": {"b64": "aGk"}}]}"#, r#"Row - b"hi" b"hi""#),
        (r#"{"inputs": [[[1],[2]]]}"#, "Column - [1.0, 2.0]"),
        (r#"{"inputs": {"image": [[[1],[2]],[[3],[4]]]}}"#, "Column - [1.0, 2.0] [3.0, 4.0]"),
        (r#"{"inputs": {"b64": "aGk="}}"#, r#"Column - b"hi""#),
        (r#"{"inputs": [{"b64": "aGk="}]}"#, r#"Column - b"hi""#),
        (r#"{"inputs": {"image": {"b64": "aGk="}}}"#, r#"Column - b"hi""#),
        (
            r#" { "x": [1, {"y": null, "z": [true, false, "\u00e9"]}], "instances" : [ [ [ 1 ] , [ 2 ] ] ] } "#,
            "Row - [1.0, 2.0]",
        ),
        (r#"{"instances": [[[NaN],[Infinity]], [[-Infinity],[-0.0]]]}"#, "Row - [NaN, inf] [-inf, -0.0]"),
        (r#"{"instances": [[[16777215],[1.5e30]]]}"#, "Row - [16777215.0, 1.5e30]"),
    ]);
}

#[test]
fn syntax_errors_name_the_place() {
    check(&[
        ("", "JSON Parse error: The document is empty"),
        ("  ", "JSON Parse error: The document is empty"),
        ("[1]", "JSON Value: [1] Is not object"),
        ("nonsense", "JSON Parse error: Invalid value. at offset: 0"),
        ("{", "JSON Parse error: Missing a name for object member. at offset: 1"),
        (r#"{"instances""#, "JSON Parse error: Missing a colon after a name of object member. at offset: 12"),
        (
            r#"{"instances": [[[1],[2]]]"#,
            "JSON Parse error: Missing a comma or } after an object member. at offset: 25",
        ),
        (r#"{"instances": [[[1],[2]]"#, "JSON Parse error: Missing a comma or ] after an array element. at offset: 24"),
        (
            r#"{"instances": [[[1],[2]]]} x"#,
            "JSON Parse error: The document root must not be followed by other values. at offset: 27",
        ),
        (r#"{"a": "unended"#, "JSON Parse error: Missing a closing quotation mark in string. at offset: 14"),
        (r#"{"a": "\x"}"#, "JSON Parse error: Invalid encoding in string. at offset: 6"),
        (r#"{"a": 01}"#, "JSON Parse error: Missing a comma or } after an object member. at offset: 7"),
        (r#"{"a": 1.}"#, "JSON Parse error: Miss fraction part in number. at offset: 8"),
        (r#"{"a": 1e}"#, "JSON Parse error: Miss exponent in number. at offset: 8"),
        (r#"{"a": +1}"#, "JSON Parse error: Invalid value. at offset: 6"),
        (r#"{"a": tru}"#, "JSON Parse error: Invalid value. at offset: 6"),
    ]);
    let deep = format!("{{\"a\": {}", "[".repeat(100_000));
    assert_eq!(said(deep.as_bytes()), "JSON Parse error: Value is nested too deeply. at offset: 71");
    assert!(said(b"{\"a\": \"\xff\"}").starts_with("JSON Parse error: Invalid encoding in string."));
}

#[test]
fn wrong_content_gets_a_sentence() {
    let failed = |why: &str| format!("Failed to process element: 0 of 'instances' list. Error: {why}");
    let rows = [
        ("{}", "Missing 'inputs' or 'instances' key".to_owned()),
        (r#"{"instances": []}"#, "No values in 'instances' array".to_owned()),
        (r#"{"inputs": []}"#, "No values in 'inputs' array".to_owned()),
        (r#"{"instances": 3}"#, "JSON Value: 3} Excepting 'instances' to be an list/array".to_owned()),
        (r#"{"inputs": 3}"#, "JSON Value: 3} is not a batch; 'inputs' takes a list of instances".to_owned()),
        (
            r#"{"signature_name": 3}"#,
            "JSON Value: 3} not formatted correctly. 'signature_name' key must be a string value.".to_owned(),
        ),
        (
            r#"{"instances": [[[1],[2]]], "inputs": []}"#,
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist".to_owned(),
        ),
        (r#"{"inputs": {"picture": []}}"#, "Missing named input: image in 'inputs' object.".to_owned()),
        (r#"{"instances": [[[1]]]}"#, failed("Encountered list at unexpected size: 1 at level: 0 expected size: 2")),
        (r#"{"instances": [[[1],[2],[3]]]}"#, failed("Encountered list of more than 2 at level: 0 expected size: 2")),
        (r#"{"instances": [[[[1]],[2]]]}"#, failed("Encountered list at unexpected level: 2 expected < 2")),
        (
            r#"{"instances": [[1, 2]]}"#,
            failed("JSON Value: 1, 2]]} found at incorrect level: 1 in the JSON DOM. Expected at level: 2"),
        ),
        (
            r#"{"instances": [[["a"],[2]]]}"#,
            failed("JSON Value: \"a\"],[2]]]} Type: String is not of expected type: float"),
        ),
        (r#"{"instances": [null]}"#, failed("JSON Value: null]} Type: Null is not of expected type: float")),
        (
            r#"{"instances": [[[1e39],[2]]]}"#,
            failed("Cannot convert JSON value: 1e39 to float without loss of precision."),
        ),
        (
            r#"{"instances": [[[16777216],[2]]]}"#,
            failed("Cannot convert JSON value: 16777216 to float without loss of precision."),
        ),
        (r#"{"instances": [{"b64": "a"}]}"#, failed("Unable to base64 decode: Invalid input length: 1")),
        (r#"{"instances": [{"b64": 3}]}"#, failed("JSON Value: 3}]} not formatted correctly for base64 data")),
        (r#"{"instances": [{"b64": "aGk=", "x": 1}]}"#, failed("JSON Value: 'b64' must be the only key of its object")),
        (r#"{"instances": [{"picture": 1}]}"#, failed("JSON object: does not have named input: picture")),
        (r#"{"instances": [{}]}"#, failed("JSON object keys must be equal to: image")),
        (
            r#"{"instances": [[[1],[2]],[[1],[2]],[[1],[2]],[[1],[2]]]}"#,
            "Task size is larger than maximum input batch size 3; send fewer instances at a time".to_owned(),
        ),
    ];
    for (body, expected) in rows {
        assert_eq!(said(body.as_bytes()), expected, "for {body}");
    }
}

/// Pieces that come up in such bodies, in any order.
fn nearly_json() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"instances\"",
        "\"inputs\"",
        "\"image\"",
        "\"b64\"",
        "\"aGk=\"",
        "1",
        "-2.5e3",
        "NaN",
        "-Inf",
        "null",
        "\"",
        "\\",
        " ",
        "[[1],[2]]",
        "{\"instances\":[",
        "é",
    ]);
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        said(&body);
    }

    #[test]
    fn no_near_miss_panics(body in nearly_json()) {
        said(body.as_bytes());
    }

    #[test]
    fn what_is_written_is_read(numbers in prop::collection::vec(-1e6_f32..1e6, 2)) {
        let body = format!("{{\"instances\": [[[{:?}],[{:?}]]]}}", numbers[0], numbers[1]);
        prop_assert_eq!(said(body.as_bytes()), format!("Row - {numbers:?}"));
    }
}

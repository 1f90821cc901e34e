//! One instance: nested lists of numbers of a known shape, or `{"b64": "…"}`.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use super::JsonError;
use super::cursor::Cursor;

/// As upstream: padding may be left out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The largest whole number upstream takes for a float.
const WHOLE_MAX: u64 = (1 << 24) - 1;

/// The numbers of one instance of `shape`.
pub(super) fn numbers(cursor: &mut Cursor<'_>, shape: &[usize]) -> Result<Vec<f32>, JsonError> {
    let mut out = Vec::with_capacity(shape.iter().product());
    fill(cursor, shape, 0, &mut out)?;
    Ok(out)
}

/// The bytes in a string of base64.
pub(super) fn base64(cursor: &mut Cursor<'_>) -> Result<Bytes, JsonError> {
    if cursor.peek() != Some(b'"') {
        return Err(JsonError(format!("JSON Value: {} not formatted correctly for base64 data", cursor.excerpt())));
    }
    let text = cursor.string()?;
    let bytes =
        BASE64.decode(text.as_bytes()).map_err(|error| JsonError(format!("Unable to base64 decode: {error}")))?;
    Ok(bytes.into())
}

/// Recurses no deeper than the model's shape has dimensions.
fn fill(cursor: &mut Cursor<'_>, shape: &[usize], level: usize, out: &mut Vec<f32>) -> Result<(), JsonError> {
    let Some(&side) = shape.get(level) else {
        out.push(number(cursor, level)?);
        return Ok(());
    };
    if !cursor.eat(b'[') {
        return Err(wrong_level(cursor, level, shape.len()));
    }
    let mut count = 0;
    if !cursor.eat(b']') {
        loop {
            if count == side {
                return Err(JsonError(format!(
                    "Encountered list of more than {side} at level: {level} expected size: {side}"
                )));
            }
            fill(cursor, shape, level + 1, out)?;
            count += 1;
            if !cursor.next_element()? {
                break;
            }
        }
    }
    if count != side {
        return Err(JsonError(format!(
            "Encountered list at unexpected size: {count} at level: {level} expected size: {side}"
        )));
    }
    Ok(())
}

fn wrong_level(cursor: &mut Cursor<'_>, level: usize, rank: usize) -> JsonError {
    match cursor.peek() {
        Some(b'-' | b'0'..=b'9' | b'N' | b'I') => {
            let value = cursor.excerpt();
            JsonError(format!(
                "JSON Value: {value} found at incorrect level: {level} in the JSON DOM. Expected at level: {rank}"
            ))
        }
        _ => wrong_type(cursor),
    }
}

fn wrong_type(cursor: &mut Cursor<'_>) -> JsonError {
    let kind = match cursor.peek() {
        Some(b'"') => "String",
        Some(b'{') => "Object",
        Some(b't') => "True",
        Some(b'f') => "False",
        Some(b'n') => "Null",
        _ => return cursor.syntax("Invalid value."),
    };
    JsonError(format!("JSON Value: {} Type: {kind} is not of expected type: float", cursor.excerpt()))
}

fn number(cursor: &mut Cursor<'_>, level: usize) -> Result<f32, JsonError> {
    match cursor.peek() {
        Some(b'-' | b'0'..=b'9' | b'N' | b'I') => {}
        Some(b'[') => {
            return Err(JsonError(format!("Encountered list at unexpected level: {level} expected < {level}")));
        }
        _ => return Err(wrong_type(cursor)),
    }
    let text = cursor.number()?;
    let lossy = || JsonError(format!("Cannot convert JSON value: {text} to float without loss of precision."));
    let value: f32 = text.parse().expect("the cursor yields what Rust reads as a number");
    let written_finite = !text.ends_with('f');
    if value.is_infinite() && written_finite {
        return Err(lossy());
    }
    if text.len() >= 8 && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) {
        let whole = text.trim_start_matches('-').parse::<u64>();
        if whole.map_or(true, |whole| whole > WHOLE_MAX) {
            return Err(lossy());
        }
    }
    Ok(value)
}

//! Scores as TF Serving writes them.

use std::fmt::Write as _;

use super::Layout;

/// The answer to a predict request; the one named tensor's name is dropped, as upstream.
pub(crate) fn predictions(layout: Layout, scores: &[Vec<f32>]) -> String {
    let key = match layout {
        Layout::Row => "predictions",
        Layout::Column => "outputs",
    };
    let mut out = format!("{{\n    \"{key}\": [");
    for (row, index) in scores.iter().zip(0..) {
        out.push_str(if index == 0 { "[" } else { ", [" });
        for (score, index) in row.iter().zip(0..) {
            if index > 0 {
                out.push_str(", ");
            }
            number(&mut out, *score);
        }
        out.push(']');
    }
    out.push_str("\n    ]\n}");
    out
}

/// The shortest digits that read back as the same float, laid out as `%g` does; whole numbers get `.0`.
fn number(out: &mut String, value: f32) {
    if !value.is_finite() {
        out.push_str(match (value.is_nan(), value > 0.0) {
            (true, _) => "NaN",
            (_, true) => "Infinity",
            (_, false) => "-Infinity",
        });
        return;
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').expect("`{:e}` writes an exponent");
    let exponent: i32 = exponent.parse().expect("`{:e}` writes a whole exponent");
    // Six digits where they do, nine else: where upstream changes to the scientific form.
    let precision = if digits.bytes().filter(u8::is_ascii_digit).count() <= 6 { 6 } else { 9 };
    let _ = if exponent < -4 || exponent >= precision {
        let sign = if exponent < 0 { '-' } else { '+' };
        write!(out, "{digits}e{sign}{:02}", exponent.abs())
    } else if value.fract() == 0.0 {
        write!(out, "{value:.1}")
    } else {
        write!(out, "{value}")
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(value: f32) -> String {
        let mut out = String::new();
        number(&mut out, value);
        out
    }

    #[test]
    fn numbers_look_like_upstreams() {
        for (value, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-3.0, "-3.0"),
            (0.2, "0.2"),
            (0.1 + 0.2, "0.3"),
            (1.0 / 3.0, "0.33333334"),
            (9_000_000.0, "9e+06"),
            (16_777_215.0, "16777215.0"),
            (123_456.0, "123456.0"),
            (0.000_03, "3e-05"),
            (0.000_123, "0.000123"),
            (f32::MAX, "3.4028235e+38"),
            (f32::NAN, "NaN"),
            (f32::INFINITY, "Infinity"),
            (f32::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(written(value), expected);
        }
    }

    #[test]
    fn rows_and_columns() {
        let scores = [vec![0.25, 0.75], vec![1.0, 0.0]];
        assert_eq!(predictions(Layout::Row, &scores), "{\n    \"predictions\": [[0.25, 0.75], [1.0, 0.0]\n    ]\n}");
        assert_eq!(predictions(Layout::Column, &scores[..1]), "{\n    \"outputs\": [[0.25, 0.75]\n    ]\n}");
    }

    proptest! {
        #[test]
        fn every_finite_float_reads_back_the_same(bits: u32) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            prop_assert_eq!(written(value).parse::<f32>().unwrap().to_bits(), value.to_bits());
        }
    }
}

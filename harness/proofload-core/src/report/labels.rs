//! Names of steps and rules as labels in other tools' files: one line, of bounded length, each different.

use std::collections::BTreeSet;

use super::words;
use crate::evidence::StepKind;

/// Most characters of a label.
const LABEL_MAX: usize = 120;

/// A text without what some reader trips over. GitLab splits the lines of a metrics report as a shell would, so quotes,
/// backslashes and `#` would end a label early there.
pub(super) fn plain(text: &str) -> String {
    let fits = |c: char| if matches!(c, '"' | '\'' | '\\' | '#' | '`' | '$') { '_' } else { c };
    let text: String = words::clip(text, LABEL_MAX).chars().map(fits).filter(|c| !is_invisible(*c)).collect();
    if text.trim().is_empty() { "unnamed".to_owned() } else { text.trim().to_owned() }
}

/// What a step is called in a list of steps and jobs.
pub(super) fn of_step(kind: StepKind, name: &str) -> String {
    match kind {
        StepKind::Request => plain(name),
        StepKind::Job => format!("job {}", plain(name)),
    }
}

/// The same labels, each different from those before it.
pub(super) fn unique(labels: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut repeats = std::collections::BTreeMap::<String, u64>::new();
    let one = |label: String| {
        let mut own = label.clone();
        while !taken.insert(own.clone()) {
            let repeat = repeats.entry(label.clone()).or_insert(1);
            *repeat += 1;
            own = format!("{label} ({repeat})");
        }
        own
    };
    labels.into_iter().map(one).collect()
}

/// At most so many characters on one line, without what XML forbids.
pub(crate) fn clipped(text: &str, most: usize) -> String {
    xml(&words::clip(text, most))
}

/// A text as part of a URI: what is not plain, nor among `kept`, is written as its bytes.
pub(crate) fn percent_encoded(text: &str, kept: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c) || kept.contains(c);
    let encoded = |byte: u8| match char::from(byte) {
        c if byte.is_ascii() && is_plain(c) => c.to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encoded).collect()
}

/// Without the code points that XML forbids and its writer lets through.
fn xml(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}')).collect()
}

/// Byte order marks, zero-width characters and what is no character at all.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{2060}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_one_short_line_each() {
        assert_eq!(plain("say \"a\\b\" #1\nnow"), "say _a_b_ _1 now");
        assert_eq!([plain("\u{0}\n"), plain("\u{feff}")], ["unnamed", "unnamed"]);
        assert_eq!(plain(&"x".repeat(10_000)).chars().count(), LABEL_MAX + 1);
    }

    #[test]
    fn labels_stay_apart() {
        let of = |labels: &[&str]| unique(labels.iter().map(|label| (*label).to_owned()));
        assert_eq!(of(&["a", "a", "b", "a"]), ["a", "a (2)", "b", "a (3)"]);
        assert_eq!(of(&["a (2)", "a", "a"]), ["a (2)", "a", "a (3)"]);
    }
}

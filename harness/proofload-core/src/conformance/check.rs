//! What a check is, known before anything is sent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How binding a check is, in the words of RFC 2119.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// A failure makes the target non-conformant.
    Must,
    /// A failure is reported; it counts only when the caller is strict.
    Should,
    /// A failure is reported and never counts.
    May,
}

impl Level {
    /// The word as reports print it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::May => "MAY",
        }
    }

    /// Whether a failure counts.
    pub fn is_binding(self, strict: bool) -> bool {
        self == Self::Must || (strict && self == Self::Should)
    }
}

/// One check: its permanent name and why it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CheckInfo {
    /// `area.subject.behaviour`; permanent, never given to another check.
    pub id: &'static str,
    /// How binding it is.
    pub level: Level,
    /// What a conformant target does, in one sentence.
    pub sentence: &'static str,
    /// Where that is written: an RFC and section, or a contract.
    pub source: &'static str,
    /// The part of the contract it belongs to.
    pub feature: &'static str,
    /// Named defects of the reference stack on which this check must fail.
    pub defects: &'static [&'static str],
}

impl CheckInfo {
    /// Whether one of these prefixes selects the check; no prefix selects all. A prefix ends where a part of the id ends.
    pub fn is_selected(&self, prefixes: &[String]) -> bool {
        let starts = |prefix: &String| {
            let rest = self.id.strip_prefix(prefix.trim_end_matches('.'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        prefixes.is_empty() || prefixes.iter().any(starts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(prefixes: &[&str], expected: bool) {
        let info = CheckInfo {
            id: "gw.jwt.alg-none",
            level: Level::Must,
            sentence: "",
            source: "",
            feature: "",
            defects: &[],
        };
        let prefixes: Vec<String> = prefixes.iter().map(|&prefix| prefix.to_owned()).collect();
        assert_eq!(info.is_selected(&prefixes), expected, "{prefixes:?}");
    }

    #[test]
    fn prefixes_select_whole_parts() {
        check(&[], true);
        check(&["gw"], true);
        check(&["gw."], true);
        check(&["gw.jwt"], true);
        check(&["gw.jwt.alg"], false);
        check(&["gw.jwt.alg-none"], true);
        check(&["http", "gw"], true);
        check(&["g"], false);
        check(&["gw.jwt.al"], false);
        check(&["gw.jwt.alg-none-capital"], false);
        check(&["http"], false);
    }
}

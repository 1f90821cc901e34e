//! Where a value stood in a file, and what to say when it is wrong: `file:line:column: what; did you mean …`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

/// One mistake in a file that a person wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file as the user named it.
    pub file: String,
    /// Line, counted from 1; 0 where the whole file is meant.
    pub line: u64,
    /// Column in characters, counted from 1.
    pub column: u64,
    /// What is wrong.
    pub message: String,
    /// The nearest known word, or what to write instead.
    pub help: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

/// Every mistake found in one file, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Problems(pub Vec<Problem>);

/// A value together with the place it was read from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) line: u64,
    pub(crate) column: u64,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = serde_saphyr::Spanned::<T>::deserialize(deserializer)?;
        Ok(At { line: spanned.referenced.line(), column: spanned.referenced.column(), value: spanned.value })
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// Collects problems of one file while it is checked.
#[derive(Debug)]
pub(crate) struct Reporter<'a> {
    file: &'a str,
    problems: Vec<Problem>,
}

impl<'a> Reporter<'a> {
    pub(crate) fn new(file: &'a str) -> Self {
        Self { file, problems: Vec::new() }
    }

    /// Notes a mistake at the place of `at`.
    pub(crate) fn add<T>(&mut self, at: &At<T>, message: impl Into<String>, help: Option<String>) {
        self.problems.push(Problem {
            file: self.file.to_owned(),
            line: at.line,
            column: at.column,
            message: message.into(),
            help,
        });
    }

    /// How many mistakes were noted so far.
    pub(crate) fn count(&self) -> usize {
        self.problems.len()
    }

    /// Ends the check: the value if nothing was wrong, else every problem in the order of the file.
    pub(crate) fn finish<T>(mut self, value: Option<T>) -> Result<T, Problems> {
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(Problems(self.problems)),
        }
    }
}

/// Reads YAML into `T`, turning the parser's words into one [`Problem`].
pub(crate) fn read_yaml<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Problems> {
    serde_saphyr::from_str(text).map_err(|error| Problems(vec![from_parser(file, &error)]))
}

/// The nearest of `known` to `word` as `did you mean …`, or the list of what is known when it is short.
pub(crate) fn suggest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    let nearest = known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .min_by_key(|(distance, _)| *distance);
    match nearest {
        Some((distance, candidate)) if distance <= 2.max(word.len() / 3) => {
            Some(format!("did you mean `{candidate}`?"))
        }
        Some(_) if known.len() <= 16 => Some(format!("known: {}", known.join(", "))),
        _ => None,
    }
}

fn from_parser(file: &str, error: &serde_saphyr::Error) -> Problem {
    let plain = error.without_snippet();
    let (line, column) = error.location().map_or((0, 0), |at| (at.line(), at.column()));
    let (message, help) = explain(plain);
    Problem { file: file.to_owned(), line, column, message, help }
}

/// The parser's error in our words: what is wrong, and the nearest word that would be right.
fn explain(error: &serde_saphyr::Error) -> (String, Option<String>) {
    use serde_saphyr::Error;
    match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            (format!("unknown field `{field}`"), suggest(field, expected.iter().copied()))
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            (format!("unknown word `{variant}`"), suggest(variant, expected.iter().copied()))
        }
        Error::SerdeMissingField { field, .. } => {
            (format!("the field `{field}` is missing"), Some("add it".to_owned()))
        }
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("a key");
            (format!("`{key}` stands here twice"), Some("keep one".to_owned()))
        }
        Error::Unexpected { expected, .. } => {
            let wanted = match *expected {
                "string scalar" => "a single value",
                "sequence start" => "a list",
                "mapping start" => "a list of `key: value`",
                other => other,
            };
            (format!("this cannot stand here; {wanted} was expected"), Some("check the indentation".to_owned()))
        }
        Error::InvalidScalar { ty: "boolean", .. } => ("true or false was expected here".to_owned(), None),
        Error::InvalidScalar { .. } => ("a whole number was expected here".to_owned(), None),
        other => in_our_words(strip_location(&other.to_string())),
    }
}

/// What the YAML parser says of a text that is no YAML, and what a writer most often did: its own words name the
/// grammar's rules.
const GRAMMAR: &[(&str, &str, &str)] = &[
    ("simple key expected", "a colon is missing after this key", "write `key: value`, with a space after the colon"),
    ("tabs disallowed", "a tab stands in the indentation", "indent with spaces"),
    (
        "did not find expected key",
        "this line belongs to no block above it",
        "check the indentation, and brackets above",
    ),
    (
        "did not find expected ',' or '}'",
        "a `{` is not closed before here",
        "add `}` or `,`, or close a quotation mark",
    ),
    (
        "did not find expected ',' or ']'",
        "a `[` is not closed before here",
        "add `]` or `,`, or close a quotation mark",
    ),
    ("only valid inside a block", "a bracket that was opened above is not closed", "add `}` or `]`"),
    ("invalid trailing content", "a quotation mark is not closed, here or above", "close it, or take it away"),
    (
        "mapping values are not allowed",
        "a `key: value` cannot stand here",
        "check the indentation and the quotation marks",
    ),
];

fn in_our_words(message: String) -> (String, Option<String>) {
    let known = GRAMMAR.iter().find(|(theirs, _, _)| message.contains(theirs));
    match known {
        Some((_, ours, help)) => ((*ours).to_owned(), Some((*help).to_owned())),
        None => (message, None),
    }
}

/// The parser appends ` at line L, column C`; the place is already in front of our message.
fn strip_location(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    match first.rfind(" at line ") {
        Some(at) if at > 0 => first[..at].to_owned(),
        _ => first.to_owned(),
    }
}

//! Keeps secrets out of reports: the known ones wherever they stand, and whatever looks like a token.

/// What stands where a secret stood.
const MASK: &str = "[redacted]";

/// Shorter texts are not treated as secrets: masking every `a` would leave no report.
const SECRET_CHARS_MIN: usize = 6;

/// Removes secrets from text.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    secrets: Vec<String>,
}

impl Redactor {
    /// Remembers one more text that no report may show.
    pub fn hide(&mut self, secret: &str) {
        let known = self.secrets.iter().any(|other| other == secret);
        if secret.len() >= SECRET_CHARS_MIN && !known {
            self.secrets.push(secret.to_owned());
            // Longest first, so that a secret that contains another leaves nothing behind.
            self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        }
    }

    /// The text without secrets.
    pub fn clean(&self, text: &str) -> String {
        let known = self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, MASK));
        without_tokens(&known)
    }
}

/// Masks every run of token characters that starts as a JSON Web Token does: `eyJ` is `{"` in base64.
fn without_tokens(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("eyJ") {
        let (before, token) = rest.split_at(start);
        let end = token.find(|c: char| !is_token_char(c)).unwrap_or(token.len());
        cleaned.push_str(before);
        cleaned.push_str(MASK);
        rest = &token[end..];
    }
    cleaned + rest
}

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=' | '+' | '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(secrets: &[&str], text: &str, expected: &str) {
        let mut redactor = Redactor::default();
        for secret in secrets {
            redactor.hide(secret);
        }
        assert_eq!(redactor.clean(text), expected);
    }

    #[test]
    fn secrets_and_tokens_are_masked() {
        check(&["canary-1"], "key=canary-1;", "key=[redacted];");
        check(&["canary", "canary-long"], "canary-long canary", "[redacted] [redacted]");
        check(&[], "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0. end", "Bearer [redacted] end");
        check(&[], r#"{"a":"eyJ0.b.c","d":1}"#, r#"{"a":"[redacted]","d":1}"#);
        check(&[], "eyJ", "[redacted]");
        check(&["abc"], "abc", "abc");
        check(&[], "plain täxt", "plain täxt");
    }
}

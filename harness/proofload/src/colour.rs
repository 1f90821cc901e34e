//! Whether colours may be used: `--color`, else `NO_COLOR`, else whether a terminal reads along.

use clap::{ColorChoice, ValueEnum};

/// `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl From<Colour> for ColorChoice {
    fn from(colour: Colour) -> Self {
        match colour {
            Colour::Auto => ColorChoice::Auto,
            Colour::Always => ColorChoice::Always,
            Colour::Never => ColorChoice::Never,
        }
    }
}

impl Colour {
    /// What a command line asks for, whatever else is wrong with it.
    pub(crate) fn asked_for(words: impl IntoIterator<Item = String>) -> Self {
        let mut words = words.into_iter().take_while(|word| word != "--");
        let mut asked = Colour::Auto;
        while let Some(word) = words.next() {
            let value = if word == "--color" { words.next() } else { word.strip_prefix("--color=").map(str::to_owned) };
            asked = value.and_then(|value| Colour::from_str(&value, false).ok()).unwrap_or(asked);
        }
        asked
    }

    /// An option outranks `NO_COLOR`, which counts when it is set to anything but nothing (no-color.org).
    pub(crate) fn allowed(self, no_color: Option<&str>, is_terminal: bool) -> bool {
        match self {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => is_terminal && no_color.is_none_or(str::is_empty),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_with_mistakes_still_says_whether_it_wants_colours() {
        let check = |line: &str, expected: Colour| {
            assert_eq!(Colour::asked_for(line.split(' ').map(str::to_owned)), expected, "{line}");
        };
        check("proofload rum --color never --x", Colour::Never);
        check("proofload --color=always run", Colour::Always);
        check("proofload --color", Colour::Auto);
        check("proofload --color often", Colour::Auto);
        check("proofload run -- --color never", Colour::Auto);
    }

    #[test]
    fn an_option_outranks_the_variable_which_outranks_the_terminal() {
        assert!(Colour::Auto.allowed(None, true));
        assert!(Colour::Auto.allowed(Some(""), true));
        assert!(!Colour::Auto.allowed(Some("1"), true));
        assert!(!Colour::Auto.allowed(None, false));
        assert!(Colour::Always.allowed(Some("1"), false));
        assert!(!Colour::Never.allowed(None, true));
    }
}

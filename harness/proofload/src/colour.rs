//! Whether colours may be used: `--color`, else `NO_COLOR`, else whether a terminal reads along.

use clap::ValueEnum;

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

impl Colour {
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
    fn an_option_outranks_the_variable_which_outranks_the_terminal() {
        assert!(Colour::Auto.allowed(None, true));
        assert!(Colour::Auto.allowed(Some(""), true));
        assert!(!Colour::Auto.allowed(Some("1"), true));
        assert!(!Colour::Auto.allowed(None, false));
        assert!(Colour::Always.allowed(Some("1"), false));
        assert!(!Colour::Never.allowed(None, true));
    }
}

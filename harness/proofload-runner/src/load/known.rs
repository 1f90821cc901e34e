//! Values that passes extracted for others, `{{known NAME}}`: shared between threads, and kept only where some template
//! uses the name.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// Most values of one name that later passes may pick from.
const KNOWN_MAX: usize = 10_000;

/// The last values of each name that is used.
#[derive(Debug, Default)]
pub(super) struct Known(HashMap<String, Mutex<VecDeque<String>>>);

impl Known {
    /// Nothing known yet, of these names.
    pub(super) fn new(names: &[String]) -> Self {
        Self(names.iter().map(|name| (name.clone(), Mutex::default())).collect())
    }

    /// Keeps a value that other passes may use, if any can.
    pub(super) fn learn(&self, name: &str, value: &str) {
        let Some(values) = self.0.get(name) else { return };
        let mut values = values.lock().unwrap_or_else(PoisonError::into_inner);
        if values.len() == KNOWN_MAX {
            values.pop_front();
        }
        values.push_back(value.to_owned());
    }

    /// A value that some pass extracted, at this share of all.
    pub(super) fn pick(&self, name: &str, share: f64) -> Option<String> {
        let values = self.0.get(name)?.lock().unwrap_or_else(PoisonError::into_inner);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most 10,000 values"
        )]
        let index = (share * values.len() as f64) as usize;
        values.get(index.min(values.len().saturating_sub(1))).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_used_names_are_kept_and_the_oldest_values_go_first() {
        let known = Known::new(&["study".to_owned()]);
        assert_eq!(known.pick("study", 1.0), None);
        for number in 0..=KNOWN_MAX {
            known.learn("study", &number.to_string());
            known.learn("other", "x");
        }
        assert_eq!(known.pick("study", 0.000_01).as_deref(), Some("1"));
        assert_eq!(known.pick("study", 1.0), Some(KNOWN_MAX.to_string()));
        assert_eq!(known.pick("other", 1.0), None);
    }
}

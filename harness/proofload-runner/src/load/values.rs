//! What earlier steps of a pass extracted. A pass has a few values and may wait for long, so they are kept in a list
//! that takes no more room than they need.

use std::cell::Cell;

/// Values by name; the last one given by a name counts.
#[derive(Debug, Default)]
pub(super) struct Values {
    by_name: Vec<(String, String)>,
    payloads_used: Cell<u32>,
}

impl Values {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&String> {
        self.by_name.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Gives a name its value, in place of an earlier one.
    pub(super) fn insert(&mut self, name: String, value: String) {
        if let Some((_, known)) = self.by_name.iter_mut().find(|(known, _)| *known == name) {
            *known = value;
            return;
        }
        self.by_name.reserve_exact(1);
        self.by_name.push((name, value));
    }

    /// The number of the next use of a payload within this pass.
    pub(super) fn next_use(&self) -> u32 {
        self.payloads_used.replace(self.payloads_used.get() + 1)
    }
}

//! What earlier steps of a pass extracted. A pass has a few values and may wait for long, so they are kept in a list
//! that takes no more room than they need.

/// Values by name; the last one given by a name counts.
#[derive(Debug, Default)]
pub(super) struct Values(Vec<(String, String)>);

impl Values {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&String> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Gives a name its value, in place of an earlier one.
    pub(super) fn insert(&mut self, name: String, value: String) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => {
                self.0.reserve_exact(1);
                self.0.push((name, value));
            }
        }
    }
}

//! How far another process's clock is from ours, from the times of question and answer (RFC 5905 §8, as NTP does it):
//! of several rounds the one that took least is believed, and the truth lies within half of what it took.

/// One question and its answer, in ns: asked and answered on our clock, and what the other clock showed in between.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_field_names, reason = "every name ends with its unit")]
pub(super) struct Round {
    pub(super) asked_ns: u64,
    pub(super) other_ns: u64,
    pub(super) heard_ns: u64,
}

/// What rounds tell of the other clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offset {
    /// The other clock less ours.
    ahead_ns: i128,
    /// The truth is no further away than this.
    pub(super) uncertainty_ns: u64,
}

impl Offset {
    /// Believes the round that took least; `None` without any.
    pub(super) fn of(rounds: &[Round]) -> Option<Self> {
        let best = rounds.iter().min_by_key(|round| round.heard_ns.saturating_sub(round.asked_ns))?;
        let took_ns = best.heard_ns.saturating_sub(best.asked_ns);
        let middle_ns = i128::from(best.asked_ns) + i128::from(took_ns / 2);
        Some(Self { ahead_ns: i128::from(best.other_ns) - middle_ns, uncertainty_ns: took_ns.div_ceil(2) })
    }

    /// How far the two clocks may have gone apart between this look and a later one, ns.
    pub(super) fn apart_ns(self, later: Self) -> u64 {
        let went_ns = u64::try_from(later.ahead_ns.abs_diff(self.ahead_ns)).unwrap_or(u64::MAX);
        went_ns.saturating_add(self.uncertainty_ns).saturating_add(later.uncertainty_ns)
    }

    /// What our clock shows when the other shows `other_ns`; 0 where that was before our clock began.
    pub(super) fn here_ns(self, other_ns: u64) -> u64 {
        u64::try_from(i128::from(other_ns) - self.ahead_ns).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(asked_ns: u64, other_ns: u64, heard_ns: u64) -> Round {
        Round { asked_ns, other_ns, heard_ns }
    }

    #[test]
    fn the_quickest_round_is_believed() {
        let offset =
            Offset::of(&[round(0, 5_900, 1_000), round(2_000, 7_050, 2_100), round(3_000, 8_900, 4_000)]).unwrap();
        assert_eq!((offset.here_ns(10_000), offset.uncertainty_ns), (5_000, 50));
    }

    #[test]
    fn clocks_that_went_apart_are_seen_to_have() {
        let (first, later) =
            (Offset::of(&[round(0, 5_050, 100)]).unwrap(), Offset::of(&[round(1_000, 6_350, 1_100)]).unwrap());
        assert_eq!((first.apart_ns(later), later.apart_ns(first), first.apart_ns(first)), (400, 400, 100));
    }

    #[test]
    fn a_clock_that_is_behind_is_as_good() {
        let offset = Offset::of(&[round(9_000, 50, 9_100)]).unwrap();
        assert_eq!((offset.here_ns(100), offset.uncertainty_ns), (9_100, 50));
        assert_eq!(Offset::of(&[]), None);
    }
}

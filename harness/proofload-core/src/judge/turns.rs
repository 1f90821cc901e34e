//! Two systems in turns: which of them runs next. The order is turned round from pair to pair (A B, B A, A B, …), so
//! that a machine which grows slower or faster meanwhile harms both alike.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which of two systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The one that is known.
    Before,
    /// The one that may be slower.
    After,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Side::Before => "before",
            Side::After => "after",
        })
    }
}

/// One run of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The pair, counted from 0.
    pub pair: u32,
    /// Who runs.
    pub side: Side,
}

impl Turn {
    /// Which side runs first in a pair.
    pub fn first_of(pair: u32) -> Side {
        if pair.is_multiple_of(2) { Side::Before } else { Side::After }
    }

    fn nth(number: u32) -> Self {
        let pair = number / 2;
        let side = match (Self::first_of(pair), number.is_multiple_of(2)) {
            (first, true) => first,
            (Side::Before, false) => Side::After,
            (Side::After, false) => Side::Before,
        };
        Self { pair, side }
    }
}

/// How often a pair is tried: a run of it that could not be measured spoils both.
const TRIES_MAX: u32 = 2;

/// A series of pairs as far as it has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turns {
    pairs: u32,
    /// Runs that count so far.
    measured: u32,
    /// Tries of the pair under way that were spoilt.
    spoilt: u32,
}

impl Turns {
    /// A series of so many pairs, none of them run yet.
    pub fn new(pairs: u32) -> Self {
        Self { pairs, measured: 0, spoilt: 0 }
    }

    /// Every turn in order, if all goes well.
    pub fn planned(pairs: u32) -> impl Iterator<Item = Turn> {
        (0..pairs * 2).map(Turn::nth)
    }

    /// Who runs next; `None` once all have run.
    pub fn due(&self) -> Option<Turn> {
        (self.measured < self.pairs * 2).then(|| Turn::nth(self.measured))
    }

    /// The run that was due counts. Whether its pair is whole now.
    pub fn measured(&mut self) -> bool {
        self.measured += 1;
        let is_whole = self.measured.is_multiple_of(2);
        if is_whole {
            self.spoilt = 0;
        }
        is_whole
    }

    /// The run that was due could not be measured, so its pair does not count. Whether the pair is run again.
    pub fn spoilt(&mut self) -> bool {
        self.measured -= self.measured % 2;
        self.spoilt += 1;
        self.spoilt < TRIES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a series in which some runs are spoilt (`x`); gives who ran, and which pairs were given up.
    fn check(pairs: u32, outcomes: &str, expected: &str) {
        let mut turns = Turns::new(pairs);
        let mut told = String::new();
        let mut outcomes = outcomes.chars();
        while let Some(turn) = turns.due() {
            let side = if turn.side == Side::Before { 'A' } else { 'B' };
            told.push(side);
            if outcomes.next() != Some('x') {
                told.push_str(if turns.measured() { " " } else { "" });
            } else if turns.spoilt() {
                told.push_str("! ");
            } else {
                told.push_str("! given up");
                break;
            }
        }
        assert_eq!(told.trim_end(), expected);
    }

    #[test]
    fn two_systems_take_turns() {
        check(0, "", "");
        check(1, "", "AB");
        check(5, "", "AB BA AB BA AB");
        let planned: Vec<Turn> = Turns::planned(3).collect();
        assert_eq!(planned[3], Turn { pair: 1, side: Side::Before });
        assert_eq!(planned.len(), 6);
    }

    #[test]
    fn a_spoilt_pair_is_run_again_once() {
        check(2, "x", "A! AB BA");
        check(2, ".x", "AB! AB BA");
        check(2, "xx", "A! A! given up");
        check(2, ".x.x", "AB! AB! given up");
        // The next pair may be tried twice as well.
        check(3, "x..x", "A! AB B! BA AB");
        check(3, "x..xx", "A! AB B! B! given up");
    }

    /// What grows steadily from run to run falls on both alike, over any even number of pairs.
    #[test]
    fn drift_harms_both_alike() {
        for pairs in [2, 4, 10, 100] {
            let places = |side: Side| {
                (0u32..).zip(Turns::planned(pairs)).filter(|(_, turn)| turn.side == side).map(|(at, _)| at).sum::<u32>()
            };
            assert_eq!(places(Side::Before), places(Side::After), "{pairs}");
        }
    }
}

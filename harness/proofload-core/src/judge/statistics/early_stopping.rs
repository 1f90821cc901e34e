//! MLPerf's early-stopping rule (`loadgen/early_stopping.cc`) on effective sample sizes: the rule itself takes requests
//! for independent, and then passes up to two thirds of the runs of a busy system that is exactly at its limit.

use super::beta::{at_least_late, at_most_late};
use super::effect::DesignEffect;

/// Beyond so many samples nobody waits for the answer.
const NEEDED_MAX: f64 = 1e9;

/// Whether at least `share` of a system's requests are in time, with what confidence, on samples thinned by `effect`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EarlyStopping {
    /// 0.95 for p95.
    pub share: f64,
    /// How sure a verdict must be.
    pub confidence: f64,
    /// How much dependence thins the samples.
    pub effect: DesignEffect,
}

impl EarlyStopping {
    /// Yes if so few late ones would be improbable for a system exactly at its limit, no if so many would; `None` if
    /// neither.
    pub fn decide(&self, total: f64, late: f64) -> Option<bool> {
        let doubt = 1.0 - self.confidence;
        let DesignEffect { estimate, upper } = self.effect;
        if at_most_late(total / upper, late / upper, self.share) <= doubt {
            return Some(true);
        }
        // A no that is wrong costs a repeated run, a yes that is wrong a release: halfway between the two is enough.
        let middle = (estimate * upper).sqrt();
        (at_least_late(total / middle, late / middle, self.share) <= doubt).then_some(false)
    }

    /// How many more samples would decide, should late share and dependence stay as they are.
    pub fn needed(&self, total: f64, late: f64) -> Option<u64> {
        let mut factor = 1.0;
        while total * factor < NEEDED_MAX {
            factor *= 1.05;
            if self.decide(total * factor, late * factor).is_some() {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 10^9")]
                return Some((total * (factor - 1.0)).ceil() as u64);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(effect: (f64, f64), total: f64, late: f64, expected: Option<bool>) {
        let effect = DesignEffect { estimate: effect.0, upper: effect.1 };
        let rule = EarlyStopping { share: 0.99, confidence: 0.99, effect };
        assert_eq!(rule.decide(total, late), expected, "{rule:?} {total} {late}");
    }

    #[test]
    fn it_says_yes_no_and_neither() {
        check((1.0, 1.0), 662.0, 1.0, Some(true));
        check((1.0, 1.0), 661.0, 1.0, None);
        check((1.0, 1.0), 1_000.0, 20.0, Some(false));
        check((1.0, 1.0), 1_000.0, 10.0, None);
        // Dependence that may be twice as strong doubles what a yes takes, and asks more of a no.
        check((1.0, 2.0), 662.0, 1.0, None);
        check((1.0, 2.0), 1_324.0, 2.0, Some(true));
        check((1.0, 2.0), 1_000.0, 20.0, None);
        check((1.0, 2.0), 1_000.0, 23.0, Some(false));
        check((1.0, 1.0), 0.0, 0.0, None);
    }

    #[test]
    fn what_is_needed_would_decide() {
        let rule = EarlyStopping { share: 0.95, confidence: 0.99, effect: DesignEffect { estimate: 1.5, upper: 3.0 } };
        let needed = rule.needed(200.0, 4.0).unwrap();
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let total = 200.0 + needed as f64;
        assert_eq!((rule.decide(200.0, 4.0), rule.decide(total, total * 0.02)), (None, Some(true)));
        assert_eq!(rule.needed(1_000.0, 50.0), None, "exactly at the limit");
    }
}

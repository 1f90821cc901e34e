//! A fast slice of the simulation behind `reports/benchmarks/truth-steady.md`: the steady rule on queues whose true
//! percentile is known.

#[path = "../../benches/truth/bootstrap.rs"]
mod bootstrap;
#[expect(dead_code, reason = "the bench uses all of it, this test a part")]
#[path = "../../benches/truth/queues.rs"]
mod queues;
#[expect(dead_code, reason = "the bench uses all of it, this test a part")]
#[path = "../../benches/truth/steady.rs"]
mod steady;

use queues::Queue;
use steady::{Case, Hold, simulate};

const RUNS: u32 = 200;

/// At most 6 of 200 runs pass at the limit: the rule's own 1 % gives more in one of a hundred thousand such tests.
fn check(queue: Queue, utilisation: f64, share: f64) {
    let [limit] = queues::quantiles(queue, utilisation, [share], 3_000_000);
    let hold = Hold { requests: 10_000, seconds: 60 };
    let outcome = simulate(&Case { queue, utilisation, hold, share, limit }, RUNS);
    assert!(outcome.false_passes <= 6, "{queue:?} {utilisation} {share}: {outcome:?}");
    assert!(outcome.false_fails <= 12, "{queue:?} {utilisation} {share}: {outcome:?}");
}

#[test]
fn a_system_at_its_limit_does_not_pass() {
    check(Queue::Mm1, 0.3, 0.99);
    check(Queue::Mm1, 0.5, 0.95);
    check(Queue::Mm1, 0.8, 0.95);
    check(Queue::Md1, 0.8, 0.95);
    check(Queue::MhyperOne, 0.5, 0.95);
    check(Queue::MlognormalOne, 0.3, 0.99);
    check(Queue::Bulk, 0.5, 0.95);
    check(Queue::BatchFormer, 0.8, 0.95);
}

#[test]
fn a_system_with_room_passes() {
    let [limit] = queues::quantiles(Queue::Mm1, 0.3, [0.99], 0);
    let hold = Hold { requests: 20_000, seconds: 60 };
    let outcome = simulate(&Case { queue: Queue::Mm1, utilisation: 0.3, hold, share: 0.99, limit }, RUNS);
    assert!(outcome.passes_with_room >= 190, "{outcome:?}");
}

/// The same simulation shows the uncorrected rule for what it is, so it can show a wrong rule.
#[test]
fn the_rule_without_the_design_effect_passes_what_it_should_not() {
    let [limit] = queues::quantiles(Queue::Mm1, 0.8, [0.95], 0);
    let hold = Hold { requests: 10_000, seconds: 60 };
    let outcome = simulate(&Case { queue: Queue::Mm1, utilisation: 0.8, hold, share: 0.95, limit }, RUNS);
    assert!(outcome.false_passes_uncorrected > 40, "{outcome:?}");
}

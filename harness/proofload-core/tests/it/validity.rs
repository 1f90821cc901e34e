//! Every signal is seen to say no; what the whole machine suffers, or the target does, only warns.

use std::collections::BTreeMap;

use proofload_core::evidence::{
    AuditEvidence, ClusterEvidence, GapEvidence, Histogram, MICROS_MAX, RunEnd, RunRecord, ScaledWorkload, Standstill,
};
use proofload_core::judge::{judge, unfit_above};

use super::judging::{GOOD, looks, record, scenario, tell, wake_lag};

const RULES: &str = "slos: [{ sli: latency(upload), p95: 300ms }]";

/// A sound run with one thing changed.
fn changed(change: impl Fn(&mut RunRecord)) -> String {
    let scenario = scenario(RULES);
    let mut record = record(&scenario, &[GOOD; 30]);
    record.generator.audit = Some(AuditEvidence { run_queue: vec![0.0; 30], ..AuditEvidence::default() });
    change(&mut record);
    tell(&judge(&scenario, &record))
}

fn check(change: impl Fn(&mut RunRecord), expected: &str) {
    let told = changed(change);
    assert!(told.starts_with(expected), "{told}");
}

fn check_audit(change: impl Fn(&mut AuditEvidence), expected: &str) {
    check(|record| change(record.generator.audit.as_mut().unwrap()), expected);
}

/// The run passes, and a warning says so much.
fn check_warning(change: impl Fn(&mut RunRecord), expected: &str) {
    let told = changed(change);
    assert!(told.starts_with("PASS") && told.contains(&format!("  WARNING {expected}")), "{told}");
}

#[test]
fn a_sound_run_passes_and_a_stopped_one_is_not_called_broken() {
    check(|_| (), "PASS");
    check(|record| record.run.end = RunEnd::Interrupted, "INCONCLUSIVE: the run was stopped");
}

#[test]
fn load_that_did_not_leave_invalidates() {
    check(|record| record.generator.wake_lag = wake_lag(record.generator.due, 25_000), "INVALID: wake lag p99");
    check(|record| record.generator.dispatched -= 60, "INVALID: arrivals due and never dispatched");
    // Arrivals that the plan had and that never even became due, in a run that says it is complete.
    check(|record| record.plan[0].arrivals += 60, "INVALID: arrivals due and never dispatched");
    check(|record| record.generator.local_failures = 1, "INVALID: connections that this machine had no port");
}

/// A thousand gaps of a workload, as planned and as they were.
fn gaps(planned_us: impl Fn(u64) -> u64, dispatched_us: impl Fn(u64) -> u64) -> BTreeMap<String, GapEvidence> {
    let of = |gap_us: &dyn Fn(u64) -> u64| {
        let mut live = Histogram::live();
        (0..1_000).for_each(|number| live.record(gap_us(number)).unwrap());
        Histogram::freeze(&live)
    };
    BTreeMap::from([("uploads".to_owned(), GapEvidence { planned: of(&planned_us), dispatched: of(&dispatched_us) })])
}

#[test]
fn load_in_another_rhythm_than_planned_invalidates() {
    let title = "arrivals that left in another rhythm than planned";
    // Ten at once every 100 ms, where one every 10 ms was planned: on time at the median, and another load.
    let bunched = |number: u64| if number.is_multiple_of(10) { 100_000 } else { 0 };
    check(|record| record.generator.gaps = gaps(|_| 10_000, bunched), &format!("INVALID: {title}"));
    let sometimes = |number: u64| if number.is_multiple_of(8) { 17_500 } else { 10_000 - 1_250 };
    check_warning(|record| record.generator.gaps = gaps(|_| 10_000, sometimes), title);
    let jitter = |number: u64| 9_000 + number % 2_000;
    check(|record| record.generator.gaps = gaps(|_| 10_000, jitter), "PASS");
}

#[test]
fn a_watcher_that_looked_away_invalidates_and_a_collector_warns() {
    let looked = |every_ms: i64| {
        move |record: &mut RunRecord| {
            let syncs = looks(every_ms, record.run.lasted_ms);
            let (target, autoscaler) = ("Deployment/x".to_owned(), String::new());
            let (replicas_min, replicas_max, replicas) = (1, 2, Vec::new());
            let workload = ScaledWorkload { target, autoscaler, replicas_min, replicas_max, syncs, replicas };
            let (kind, speed) = ("local".to_owned(), 10.0);
            record.cluster = Some(ClusterEvidence { kind, speed, workloads: vec![workload] });
        }
    };
    // At tenfold speed, the autoscaler looks every 1.5 s.
    check(looked(1_500), "PASS");
    check_warning(looked(5_000), "longest time in which the cluster's watcher looked at nothing");
    check(looked(14_000), "INVALID: longest time in which the cluster's watcher looked at nothing");
    let read = |record: &mut RunRecord| {
        record.timeline.series.insert("queue q ready".to_owned(), vec![(0, 1.0), (500, 1.0), (9_000, 1.0)]);
    };
    check_warning(read, "longest time in which a queue of the environment was not read");
}

#[test]
fn a_generator_that_was_not_let_run_invalidates() {
    check(|record| record.generator.thread_busy = vec![0.2, 0.95, 0.95, 0.95], "INVALID: generator thread busy");
    check(|record| record.generator.thread_busy = vec![0.95, 0.2, 0.95, 0.95], "PASS");
    check(|record| record.generator.thread_busy.clear(), "PASS");
    let five_seconds_of_a_minute: Vec<f64> = (0..60).map(|at| if at < 5 { 0.3 } else { 0.0 }).collect();
    check_audit(|audit| audit.run_queue.clone_from(&five_seconds_of_a_minute), "INVALID: generator threads ready");
    check_audit(|audit| audit.run_queue = vec![0.0, 0.2, 0.0, 0.0], "PASS");
    check_audit(|audit| audit.throttled = Some(1), "INVALID: times that proofload's control group");
    let stood = |lasted_ms: f64| Some(Standstill { at_ms: 5_000, lasted_ms });
    check_audit(|audit| audit.standstill = stood(301.0), "INVALID: longest time in which proofload stood still");
    check_audit(|audit| audit.standstill = stood(199.0), "PASS");
}

#[test]
fn a_record_from_before_the_audit_is_judged_by_what_it_holds() {
    let old = |delay: Option<f64>| {
        move |record: &mut RunRecord| {
            record.generator.audit = None;
            record.generator.run_queue_delay = delay;
        }
    };
    check(old(Some(0.2)), "INVALID: generator threads ready");
    check(old(None), "PASS");
}

#[test]
fn clocks_that_go_apart_invalidate() {
    check_audit(|audit| audit.clock_step_ms = Some(5_000.0), "INVALID: largest jump of the wall clock");
    check_audit(|audit| audit.clock_drift = Some(0.02), "INVALID: wall clock and monotonic clock apart");
    check_audit(|audit| (audit.clock_step_ms, audit.clock_drift) = (Some(99.0), Some(0.009)), "PASS");
    check_audit(|audit| audit.host_clock_ms = Some(150.0), "INVALID: clock of another generator");
    let audit = |record: &mut RunRecord| record.generator.audit.as_mut().unwrap().host_clock_ms = Some(6.0);
    check_warning(audit, "clock of another generator and that of the run apart at worst: 6.0 ms");
}

#[test]
fn ports_that_run_out_warn_before_they_invalidate() {
    check_audit(|audit| audit.ports = Some(0.91), "INVALID: local ports towards one target");
    let audit =
        |change: fn(&mut AuditEvidence)| move |record: &mut RunRecord| change(record.generator.audit.as_mut().unwrap());
    check_warning(audit(|audit| audit.ports = Some(0.6)), "local ports towards one target");
    check_warning(audit(|audit| audit.descriptors = Some(0.9)), "allowed file descriptors that were open");
}

#[test]
fn the_machine_and_the_target_only_warn() {
    let audit =
        |change: fn(&mut AuditEvidence)| move |record: &mut RunRecord| change(record.generator.audit.as_mut().unwrap());
    check_warning(|record| record.generator.cpu_pressure = Some(99.0), "CPU pressure of the whole machine");
    check_warning(audit(|audit| audit.steal = vec![0.03; 9]), "CPU time that the hypervisor gave to others");
    check_warning(audit(|audit| audit.listen_overflows = Some(7)), "connections turned away by a full listener");
    let strong = changed(audit(|audit| audit.steal = vec![0.5; 9]));
    assert!(strong.starts_with("PASS") && strong.contains("another tenant had this machine's cores"), "{strong}");
}

/// Moves arrivals of the second second from answered to dropped.
fn drop_some(record: &mut RunRecord) {
    record.generator.dispatched -= 3;
    record.generator.dropped = 3;
}

#[test]
fn what_was_dropped_is_the_targets_doing_only_while_proofload_is_clean() {
    check_warning(
        drop_some,
        "arrivals given up because too many waited already: 3.0 arrivals, above 0.0 arrivals; the target's doing",
    );
    let unclean = changed(|record| {
        drop_some(record);
        record.generator.local_failures = 1;
    });
    assert!(unclean.starts_with("INVALID") && unclean.contains("whose doing it was cannot be said"), "{unclean}");
}

#[test]
fn a_sample_missing_from_any_book_invalidates() {
    let lost = "INVALID: samples that the books miss";
    // A second that vanished, a sample that never ended, one that was answered and not timed, a lag not written down.
    check(|record| drop(record.steps[0].seconds.remove(7)), lost);
    check(|record| record.steps[0].seconds[7].answered -= 1, lost);
    check(|record| record.steps[1].seconds[7].due += 1, lost);
    check(|record| record.steps[0].seconds[7].response = Histogram::default(), lost);
    check(|record| record.generator.wake_lag = wake_lag(record.generator.due - 1, 40), lost);
    let told = changed(|record| {
        let second = &mut record.steps[0].seconds[7];
        assert_eq!(second.due, 100);
        (second.due, second.broken, second.answered) = (90, 0, 90);
        let mut times = Histogram::live();
        times.record_n(20_000, 90).unwrap();
        second.response = Histogram::freeze(&times);
    });
    assert!(told.starts_with(lost) && told.contains("10.0 samples"), "{told}");
}

#[test]
fn a_run_cut_short_is_not_held_to_arrivals_it_never_began() {
    let told = changed(|record| {
        record.run.end = RunEnd::Interrupted;
        record.steps[0].seconds.truncate(10);
    });
    assert!(told.starts_with("INCONCLUSIVE"), "{told}");
}

#[test]
fn times_at_the_end_of_the_scale_are_told() {
    let change = |record: &mut RunRecord| {
        let second = &mut record.steps[1].seconds[7];
        let mut times = Histogram::live();
        times.record_n(20_000, second.answered).unwrap();
        times.record(MICROS_MAX).unwrap();
        second.response = Histogram::freeze(&times);
        (second.due, second.answered) = (second.due + 1, second.answered + 1);
    };
    check_warning(change, "times too long to be told apart (a day): 1.0 samples");
}

#[test]
fn a_machine_is_unfit_by_the_lines_of_a_run() {
    let lines = |rules: &str| unfit_above(&scenario(rules));
    assert!((lines(RULES).wake_lag_ms - 20.0).abs() < 1e-9 && (lines(RULES).busy - 0.9).abs() < 1e-9);
    assert!((lines("slos: [{ sli: latency(upload), p95: 50ms }]").wake_lag_ms - 5.0).abs() < 1e-9);
    assert!((lines("").wake_lag_ms - 20.0).abs() < 1e-9);
}

//! What must hold of every sync, whatever the numbers.

use proofload_autoscale::hpa::{
    Behavior, ConditionType, Controller, HpaSpec, HpaState, MetricSpec, Observation, PodCount, Reading, Reason,
    Recommendation, Rules, Scale, Selector, Target, stabilise_legacy, sync,
};
use proofload_autoscale::{ClusterTime, Milli};
use proptest::prelude::*;

const NOW: ClusterTime = ClusterTime::from_millis(10_000_000);

fn spec((min, max): (i32, i32), metrics: usize, with_behavior: bool) -> HpaSpec {
    let metric = |i: usize| MetricSpec::External { name: format!("m{i}"), target: Target::AverageValue(Milli(10_000)) };
    let behavior = Behavior { scale_up: Rules::default_up(), scale_down: Rules::default_down() };
    HpaSpec {
        min,
        max,
        metrics: (0..metrics).map(metric).collect(),
        behavior: with_behavior.then_some(behavior),
        controller: Controller::default(),
    }
}

fn seen(replicas: i32, readings: Vec<Reading>) -> Observation {
    Observation {
        scale: Some(Scale { spec_replicas: replicas, status_replicas: replicas, selector: Selector::Valid }),
        pods: PodCount { total: replicas, ready: replicas },
        readings,
    }
}

fn log() -> impl Strategy<Value = Vec<Recommendation>> {
    let entry = (0..50_i32, 0..900_000_i64);
    let entry = entry.prop_map(|(replicas, age_ms)| Recommendation { replicas, at: NOW.plus_ms(-age_ms) });
    proptest::collection::vec(entry, 0..8)
}

proptest! {
    #[test]
    fn the_result_lies_between_minimum_and_maximum(
        min in 1..10_i32, span in 0..20_i32, current in 1..60_i32, value in 0..1_000_000_i64,
        recommendations in log(), with_behavior: bool,
    ) {
        let spec = spec((min, min + span), 1, with_behavior);
        let state = HpaState { recommendations: Some(recommendations), ..HpaState::default() };
        let (decision, _) = sync(&spec, state, &seen(current, vec![Reading::Series(vec![Milli(value)])]), NOW);
        prop_assert!((min..=min + span).contains(&decision.desired), "{decision:?}");
    }

    #[test]
    fn a_failed_metric_forbids_scaling_down(
        current in 1..20_i32, value in 0..400_000_i64, recommendations in log(), with_behavior: bool, first: bool,
    ) {
        let spec = spec((1, 20), 2, with_behavior);
        let state = HpaState { recommendations: Some(recommendations), ..HpaState::default() };
        let mut readings = vec![Reading::Failed, Reading::Series(vec![Milli(value)])];
        if first { readings.reverse(); }
        let (decision, _) = sync(&spec, state, &seen(current, readings), NOW);
        prop_assert!(decision.desired >= current, "{decision:?}");
    }

    #[test]
    fn stabilisation_never_goes_below_the_window(desired in 0..50_i32, recommendations in log()) {
        let in_window = recommendations.iter().filter(|r| r.at.age_ms(NOW) <= 300_000).map(|r| r.replicas);
        let highest = in_window.max().unwrap_or(0).max(desired);
        let mut log = recommendations;
        prop_assert_eq!(stabilise_legacy(&mut log, desired, 300_000, NOW), highest);
    }
}

#[test]
fn a_failed_metric_does_not_hinder_standing_still_or_growing() {
    for (value, desired) in [(20_000, 2), (50_000, 4)] {
        let readings = vec![Reading::Failed, Reading::Series(vec![Milli(value)])];
        let (decision, _) = sync(&spec((1, 20), 2, false), HpaState::default(), &seen(2, readings), NOW);
        assert_eq!(decision.desired, desired);
        let active = decision.conditions.iter().find(|c| c.kind == ConditionType::ScalingActive).unwrap();
        assert_eq!((active.status, active.reason), (true, Reason::ValidMetricFound));
    }
}

proptest! {
    /// Whatever stands in a file: an answer or an error, never a panic.
    #[test]
    fn no_text_breaks_the_reader(text in "[a-z:{}\\[\\]\\-\n \"']{0,200}", kind in 0..3_usize) {
        let api = ["apps/v1\nkind: Deployment", "autoscaling/v2\nkind: HorizontalPodAutoscaler", "keda.sh/v1alpha1\nkind: ScaledObject"];
        let document = format!("apiVersion: {}\nmetadata: {{name: a}}\nspec: {text}\n", api[kind]);
        if let Ok(resources) = proofload_autoscale::manifest::parse("m.yaml", &document) {
            proofload_autoscale::lint::lint(&resources);
        }
    }

    #[test]
    fn no_partition_list_breaks_the_reader(text in "[0-9, \\-]{0,30}") {
        let _ = proofload_autoscale::keda::parse_partitions(&text);
    }
}

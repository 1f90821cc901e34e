//! Checks prices, and that the environment can count the replicas that it prices.

use std::collections::BTreeMap;

use super::written::WrittenPrices;
use super::{Environment, Price, Prices};
use crate::source::{At, Reporter, suggest};

/// Most characters of a currency: codes have three, signs fewer.
const CURRENCY_MAX: usize = 3;

pub(super) fn check_prices(written: &WrittenPrices, report: &mut Reporter<'_>) -> Option<Prices> {
    check_currency(&written.currency, report);
    if written.replicas.is_empty() && written.fixed.is_empty() {
        let help = "add `replicas: { Deployment/name: 0.55/h }` or `fixed: { name: 200/month }`".to_owned();
        report.add(&written.currency, "nothing is priced here", Some(help));
    }
    let (replicas, fixed) = (check_all(&written.replicas, report), check_all(&written.fixed, report));
    Some(Prices { currency: written.currency.value.clone(), replicas: replicas?, fixed: fixed? })
}

fn check_currency(written: &At<String>, report: &mut Reporter<'_>) {
    let is_sign = |c: char| matches!(c, '$' | '\u{a2}'..='\u{a5}' | '\u{20a0}'..='\u{20cf}');
    let known = |c: char| c.is_alphabetic() || is_sign(c);
    let length = written.value.chars().count();
    if !(1..=CURRENCY_MAX).contains(&length) || !written.value.chars().all(known) {
        let help = "write a code such as USD, or a sign such as €".to_owned();
        report.add(written, format!("`{}` is no currency", written.value), Some(help));
    }
}

/// All prices of a list, every mistake in it told.
fn check_all(written: &BTreeMap<String, At<String>>, report: &mut Reporter<'_>) -> Option<BTreeMap<String, Price>> {
    let checked: Vec<_> =
        written.iter().map(|(name, price)| Some((name.clone(), check_price(price, report)?))).collect();
    checked.into_iter().collect()
}

fn check_price(written: &At<String>, report: &mut Reporter<'_>) -> Option<Price> {
    Price::parse(&written.value).map_err(|(wrong, help)| report.add(written, wrong, help)).ok()
}

/// Workloads whose replicas are priced and that nobody could count, as sentences.
pub(super) fn uncounted(environment: &Environment) -> Vec<String> {
    let pods = environment.cluster.iter().flat_map(|cluster| &cluster.pods).map(|(name, _)| name.as_str());
    let pods: Vec<&str> = pods.collect();
    let priced = environment.prices.iter().flat_map(|prices| prices.replicas.keys());
    let told = priced.filter(|target| !pods.contains(&target.as_str())).map(|target| {
        let help = suggest(target, pods.iter().copied()).filter(|_| !pods.is_empty());
        let help = help.unwrap_or_else(|| "price it under `fixed`".to_owned());
        format!(
            "environment `{}` prices replicas of {target}, and no cluster of it runs them; {help}",
            environment.name
        )
    });
    told.collect()
}

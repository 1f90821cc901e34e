//! Which payload each use takes, and what generated ones are made of: the same for every generator process.

use proofload_core::payload::{Filling, Picker, Recipe, Use, recipe};
use proofload_core::scenario::{Content, PayloadSet, PayloadSource, Pick};
use proofload_core::trace::{Format, Trace, TraceEntry};

use super::workloads::mooncake;

fn of(iteration: u64) -> Use<'static> {
    Use { workload: 0, iteration, number: 0, entry: None }
}

#[test]
fn payloads_are_picked_as_asked() {
    let shares = |pick: Pick| {
        let picker = Picker::new(pick, 3, 1);
        let mut counts = [0u32; 3];
        (0..3_000).for_each(|iteration| counts[picker.pick(of(iteration))] += 1);
        counts
    };
    assert_eq!(shares(Pick::Cycle), [1_000, 1_000, 1_000]);
    let uniform = shares(Pick::Uniform);
    assert!(uniform.iter().all(|count| (900..1_100).contains(count)), "{uniform:?}");
    // Weights 1, 1/2, 1/3 of 11/6.
    let zipf = shares(Pick::Zipf { exponent: 1.0 });
    assert!((1_540..1_740).contains(&zipf[0]) && (450..650).contains(&zipf[2]), "{zipf:?}");
}

#[test]
fn a_pick_depends_on_its_use_alone() {
    for pick in [Pick::Cycle, Pick::Uniform, Pick::Zipf { exponent: 1.1 }] {
        let picker = Picker::new(pick, 50, 1);
        let forwards: Vec<usize> = (0..200).map(|iteration| picker.pick(of(iteration))).collect();
        let mut backwards: Vec<usize> = (0..200).rev().map(|iteration| picker.pick(of(iteration))).collect();
        backwards.reverse();
        assert_eq!(forwards, backwards);
    }
    let picker = Picker::new(Pick::Uniform, 1_000_000, 1);
    let one = picker.pick(of(3));
    assert_ne!(one, picker.pick(Use { number: 1, ..of(3) }), "the second use of a pass takes another one");
    assert_ne!(one, picker.pick(Use { workload: 1, ..of(3) }), "and so does another workload");
    assert_ne!(one, Picker::new(Pick::Uniform, 1_000_000, 2).pick(of(3)), "and another seed");
    // One pass that sends several takes neighbours.
    let cycle = Picker::new(Pick::Cycle, 3, 1);
    assert_eq!([0, 1, 2, 3].map(|number| cycle.pick(Use { number, ..of(4) })), [1, 2, 0, 1]);
}

#[test]
fn what_was_repeated_takes_the_same_file() {
    let entry = |ids: &[u64]| TraceEntry { hash_ids: ids.to_vec(), ..TraceEntry::default() };
    let at = |path: &str| TraceEntry { path: Some(path.to_owned()), ..TraceEntry::default() };
    let by_content = Picker::new(Pick::Trace, 1_000_000, 1);
    let picked = |entry: &TraceEntry, iteration: u64| by_content.pick(Use { entry: Some(entry), ..of(iteration) });
    assert_eq!(picked(&entry(&[1, 2]), 0), picked(&entry(&[1, 2]), 9));
    assert_ne!(picked(&entry(&[1, 2]), 0), picked(&entry(&[2, 1]), 0));
    assert_ne!(picked(&entry(&[1, 2]), 0), picked(&entry(&[1, 2, 3]), 0));
    assert_eq!(picked(&at("/a"), 0), picked(&at("/a"), 9));
    assert_ne!(picked(&at("/a"), 0), picked(&at("/b"), 0));
}

fn set(source: PayloadSource) -> PayloadSet {
    PayloadSet { name: "texts".to_owned(), source, pick: Pick::Cycle }
}

fn recorded() -> PayloadSet {
    set(PayloadSource::Recorded { content: Content::Text, bytes_per_token: 4 })
}

fn bytes(filling: &Filling, recipe: Recipe<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    recipe.blocks().for_each(|block| filling.write(block, &mut out));
    assert_eq!(out.len() as u64, recipe.bytes());
    out
}

#[test]
fn equal_prefixes_of_ids_are_equal_prefixes_of_bytes() {
    let (trace, set, filling) = (mooncake(), recorded(), Filling::new(Content::Text));
    let body = |entry| bytes(&filling, recipe(&set, 0, Some(entry), 1).unwrap());
    let entries = &trace.entries()[..40];
    let mut shared = 0;
    for (number, a) in entries.iter().enumerate() {
        for b in &entries[..number] {
            let (first, second) = (body(a), body(b));
            let blocks = a.hash_ids.iter().zip(&b.hash_ids).take_while(|(a, b)| a == b).count();
            let same = first.iter().zip(&second).take_while(|(a, b)| a == b).count();
            // All shared blocks, and of the next ones the letter that all names begin with and leading zeros.
            let least = (blocks * 512 * 4).min(first.len()).min(second.len());
            assert!((least..least + 20).contains(&same), "{blocks} blocks and {same} bytes are shared");
            shared += blocks;
        }
    }
    assert!(shared > 500, "the trace repeats itself: {shared}");
    let first = body(&entries[0]);
    assert_eq!(first.len(), 6758 * 4);
    assert!(first.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte)), "safe inside JSON");
}

#[test]
fn bytes_are_the_same_on_every_machine() {
    let trace = mooncake();
    let mut told = Vec::new();
    for content in [Content::Text, Content::Bytes] {
        let filling = Filling::new(content);
        let generated = set(PayloadSource::Generated { content, bytes_min: 10, bytes_max: 100_000, count: 64 });
        let made = bytes(&filling, recipe(&generated, 3, None, 1).unwrap());
        let replayed = bytes(&filling, recipe(&recorded(), 0, Some(&trace.entries()[7]), 1).unwrap());
        for body in [made, replayed] {
            let sum = body.iter().fold(0u64, |sum, byte| sum.wrapping_mul(0x0100_0000_01b3) ^ u64::from(*byte));
            let beginning = String::from_utf8_lossy(&body[..48]).escape_debug().to_string();
            told.push(format!("{content:?} {} bytes {sum:016x} {beginning}", body.len()));
        }
    }
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn generated_payloads_have_sizes_of_their_range_and_differ() {
    let generated =
        set(PayloadSource::Generated { content: Content::Bytes, bytes_min: 1_000, bytes_max: 2_000, count: 64 });
    let filling = Filling::new(Content::Bytes);
    let mut bodies: Vec<Vec<u8>> =
        (0..64).map(|number| bytes(&filling, recipe(&generated, number, None, 1).unwrap())).collect();
    assert!(bodies.iter().all(|body| (1_000..=2_000).contains(&body.len())));
    assert!(bodies.iter().any(|body| body.len() < 1_250) && bodies.iter().any(|body| body.len() > 1_750));
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 64);
    let other = PayloadSet { name: "others".to_owned(), ..generated.clone() };
    assert_ne!(
        bytes(&filling, recipe(&generated, 0, None, 1).unwrap()),
        bytes(&filling, recipe(&other, 0, None, 1).unwrap()),
        "another set has other content"
    );
}

#[test]
fn an_entry_without_ids_or_with_too_few_is_still_filled() {
    let set = recorded();
    let filling = Filling::new(Content::Text);
    let text = "{\"start_time\":\"2026-01-01T00:00:00Z\",\"method\":\"PUT\",\"path\":\"/a\",\"bytes_received\":70000}\n\
                {\"start_time\":\"2026-01-01T00:00:01Z\",\"method\":\"PUT\",\"path\":\"/b\",\"bytes_received\":70000}\n\
                {\"start_time\":\"2026-01-01T00:00:02Z\",\"method\":\"PUT\",\"path\":\"/a\",\"bytes_received\":10}\n";
    let log = Trace::parse(Format::Envoy, "log", text).unwrap();
    let [a, b, short] = [0, 1, 2].map(|entry| bytes(&filling, recipe(&set, 0, Some(log.entry(entry)), 1).unwrap()));
    assert_eq!((a.len(), b.len(), &a[..10]), (70_000, 70_000, short.as_slice()));
    assert_ne!(a, b);
    let few = TraceEntry { hash_ids: vec![7], input_length: Some(2_000), ..TraceEntry::default() };
    assert_eq!(bytes(&filling, recipe(&set, 0, Some(&few), 1).unwrap()).len(), 8_000);
    assert_eq!(recipe(&set, 0, None, 1), None, "without an entry there is nothing to make it of");
    assert_eq!(recipe(&self::set(PayloadSource::Files("*".to_owned())), 0, None, 1), None);
}

/// A payload of a terabyte is a few numbers until it is sent.
#[test]
fn a_large_payload_costs_nothing() {
    let huge = TraceEntry { input_length: Some(1 << 40), ..TraceEntry::default() };
    let set = recorded();
    let recipe = recipe(&set, 0, Some(&huge), 1).unwrap();
    assert_eq!(recipe.bytes(), 1 << 42);
    assert_eq!(recipe.blocks().take(3).map(|block| block.length).sum::<u32>(), 3 * 32 * 1024);
}

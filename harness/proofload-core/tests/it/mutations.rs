//! Hundreds of small mistakes in the committed scenarios, made by rule: nearly all must be refused, at a place.
//! Each rule makes only texts that are wrong; the rules say why where it is not plain.

use std::fmt::Write;
use std::path::Path;

use proofload_core::scenario::Scenario;
use regex::Regex;

/// The least that must be refused with line and column, in 100.
const REFUSED_LEAST: f64 = 98.0;
/// The least mutants over all rules.
const MUTANTS_LEAST: usize = 300;

/// A kind of mistake: what is looked for in a line, and what stands there instead. `$1` is the first group. A rule
/// never touches comments, the description, or names that the writer is free to choose.
struct Rule {
    kind: &'static str,
    pattern: &'static str,
    instead: &'static [&'static str],
}

const fn rule(kind: &'static str, pattern: &'static str, instead: &'static [&'static str]) -> Rule {
    Rule { kind, pattern, instead }
}

/// Keys of the format at a place where a key stands. `files` and `id` are left out where they name a form field or a
/// value; no scenario names anything of its own by these words.
const KEY: &str = r"((?:^|[{,-])\s*)(apiVersion|kind|name|system|payloads|flows|workloads|slos|scaling|conformance|profile|select|strict|drain|request|job|method|path|multipart|headers|body|expect|extract|poll|done|failed|every|timeout|flow|executor|start_rate|stages|rate|for|vus|think_time|sli|p90|p95|p99|max|min|during|claim|needs|target|reaches|returns|replicas|within|after|steps|pick|exponent):";

const RULES: &[Rule] = &[
    rule("wrong key", KEY, &["${1}colour:"]),
    rule("misspelt key", KEY, &["${1}${2}x:", "${1}x${2}:"]),
    rule("key in capitals", KEY, &["${1}X${2}:"]),
    rule("duplicated key", r"\{ (sli|name|flow|replicas|path|json|status): ([^,}]+),", &["{ $1: $2, $1: $2,"]),
    rule("duplicated key", r"^( *)(name|kind|method|path|executor|flow|system|drain): (.+)$", &["$1$2: $3\n$1$2: $3"]),
    rule("missing field", r"^(apiVersion|kind|name): .*$", &["# gone"]),
    rule("missing field", r"sli: [^,]+, ", &[""]),
    rule("missing field", r", (p90|p95|p99|max|min): [^,} ]+", &[""]),
    rule("missing field", r"\brate: [0-9]+/s, ", &[""]),
    rule("missing field", r"flow: [a-z-]+, ", &[""]),
    rule("missing field", r"executor: [a-z-]+, ", &[""]),
    rule("missing field", r"replicas: [0-9]+, ", &[""]),
    rule("missing field", r"within: [0-9]+m, ", &[""]),
    rule("missing field", r"^( +)(flow|executor|path|id|done|poll|target|name): .*$", &["$1# gone"]),
    rule("missing field", r"json: /[a-z]+, ", &[""]),
    rule("wrong type", r"\b(status|vus|replicas|exponent): ([0-9.]+)", &["$1: many", "$1: [$2]", "$1: { of: $2 }"]),
    rule("wrong type", r"\b(for|within|every|timeout|drain|p90|p95|p99): ([0-9]+[a-z]+)", &["$1: [$2]", "$1: true"]),
    rule("wrong type", r"\b(rate|start_rate): ([0-9]+/s)", &["$1: [$2]", "$1: fast"]),
    rule("wrong type", r"\b(flow|executor|claim|during|pick|sli): ([a-z][a-z().-]*)", &["$1: [$2]", "$1: { a: b }"]),
    rule("wrong type", r"\bin: \[[a-z, -]+\]", &["in: { a: b }"]),
    rule("wrong type", r"^(flows|workloads|slos|scaling|payloads):$", &["$1: text\nx:"]),
    rule(
        "wrong unit",
        r"\b(for|within|every|timeout|drain): ([0-9]+)(ms|s|m)\b",
        &["$1: $2", "$1: ${2}sec", "$1: $2 q"],
    ),
    rule("wrong unit", r"\b(p90|p95|p99): ([0-9]+)(ms|s)\b", &["$1: $2", "$1: $2%", "$1: $2/s"]),
    rule("wrong unit", r"\b(rate|start_rate): ([0-9]+)/s", &["$1: $2", "$1: $2/sec", "$1: ${2}s"]),
    rule("wrong unit", r"\bmax: ([0-9.]+)%", &["max: ${1}pct", "max: ${1}ms"]),
    rule("out of range", r"\bstatus: [0-9]+", &["status: 99", "status: 2020", "status: -1"]),
    rule("out of range", r"\bvus: [0-9]+", &["vus: 0", "vus: -1", "vus: 99999999999"]),
    rule("out of range", r"\breplicas: [0-9]+", &["replicas: -1", "replicas: 99999999999"]),
    rule("out of range", r"\bexponent: [0-9.]+", &["exponent: -1", "exponent: 0"]),
    rule("out of range", r"\bmax: [0-9.]+%", &["max: 101%", "max: -1%"]),
    rule("out of range", r"\b(for|within|every|timeout): [0-9]+[a-z]+", &["$1: 0s", "$1: -1s"]),
    rule("out of range", r"\b(p90|p95|p99): [0-9]+[a-z]+", &["$1: 0ms", "$1: -5ms"]),
    rule("out of range", r"\b(rate|start_rate): ([0-9]+)/s", &["$1: -$2/s"]),
    rule("wrong word", r"\bexecutor: ([a-z-]+)", &["executor: ${1}s", "executor: constant"]),
    rule("wrong word", r"\bpick: ([a-z]+)", &["pick: ${1}y"]),
    rule("wrong word", r"\bclaim: ([a-z]+)", &["claim: ${1}s"]),
    rule("wrong word", r"\bmethod: POST", &["method: PSOT", "method: post it"]),
    rule("wrong word", r"^kind: Scenario", &["kind: Scenery", "kind: Environment"]),
    rule("wrong word", r"^apiVersion: proofload/v1", &["apiVersion: v1", "apiVersion: proofload/v9"]),
    rule("wrong word", r"\bneeds: \[([a-z]+)\]", &["needs: [${1}s]"]),
    rule("unknown name", r"\bflow: ([a-z-]+)", &["flow: ${1}s"]),
    rule("unknown name", r"\b(during|after): ([a-z]+)(\.[a-z]+)?", &["$1: x$2$3"]),
    rule("unknown name", r"\b(during|after): ([a-z]+)\.([a-z]+)", &["$1: $2.x$3"]),
    rule("unknown name", r"\b(latency|errors|throughput|job)\(([a-z-]+)\)", &["$1(x$2)", "x$1($2)"]),
    rule("unknown name", r"ledger\.[a-z]+", &["ledger.gone"]),
    rule("unknown name", r"\{\{(payload|known) ([a-z]+)\}\}", &["{{$1 x$2}}", "{{x$1 $2}}"]),
    rule("unknown name", r"\{\{(study|status_url|request_id)\}\}", &["{{x$1}}"]),
    rule("unclosed", r"\{\{([a-z_ ]+)\}\}", &["{{$1}", "{{$1"]),
    rule("unclosed", r" \}$", &[""]),
    rule("unclosed", r"\]( ?\})$", &["$1"]),
    rule("unclosed", r#"""#, &[""]),
    rule("unclosed", r"\b(latency|errors|job)\(([a-z-]+)\)", &["$1($2", "$1 $2)", "$1()"]),
    // After a value, a deeper key has nothing to belong to; one column less belongs to no block.
    rule("indentation", r"^( +)(method|path|auth|expect|poll|done|failed|executor|start_rate|returns): ", &["$1 $2: "]),
    rule("indentation", r"^  ( +)(method|path|auth|expect|poll|done|failed|executor|start_rate): ", &[" $1$2: "]),
    rule("tab", r"^ +(method|path|auth|expect|poll|done|failed|executor|flow|target|returns): ", &["\t$1: "]),
    rule("no colon", r"^( *)(name|kind|method|path|flow|executor|system|drain): ", &["$1$2 ", "$1$2:", "$1$2 = "]),
    rule("no colon", r"\{ (name|sli|flow|replicas|path): ", &["{ $1 ", "{ $1 = "]),
];

/// A text with one mistake.
struct Mutant {
    kind: &'static str,
    /// Where the mistake was made: file, line from 1, and what stands there now.
    file: String,
    line: usize,
    written: String,
    text: String,
}

/// Every text that the rules make of a file.
fn mutants(file: &str, text: &str) -> Vec<Mutant> {
    let lines: Vec<&str> = text.lines().collect();
    let mut mutants = Vec::new();
    for rule in RULES {
        let pattern = Regex::new(rule.pattern).expect("the table holds patterns");
        for (number, line) in lines.iter().enumerate().filter(|(_, line)| is_touched(line)) {
            for found in pattern.captures_iter(line) {
                for instead in rule.instead {
                    let mut piece = String::new();
                    found.expand(instead, &mut piece);
                    let place = found.get(0).expect("group 0 is the whole match").range();
                    let written = format!("{}{piece}{}", &line[..place.start], &line[place.end..]);
                    let mut changed: Vec<&str> = lines.clone();
                    changed[number] = &written;
                    let text = changed.join("\n") + "\n";
                    mutants.push(Mutant { kind: rule.kind, file: file.to_owned(), line: number + 1, written, text });
                }
            }
        }
    }
    mutants
}

fn is_touched(line: &str) -> bool {
    let words = line.trim_start();
    // The last two are lines of the folded description of the quickstart.
    !words.is_empty()
        && !["#", "description:", "A small morning", "one by one"].iter().any(|head| words.starts_with(head))
}

/// What came of all mutants of a kind.
#[derive(Default)]
struct Row {
    made: usize,
    placed: usize,
    on_its_line: usize,
    suggested: usize,
}

#[test]
#[expect(clippy::print_stdout, reason = "the share is what one runs this for")]
#[expect(clippy::cast_precision_loss, reason = "a thousand mutants")]
fn nearly_all_small_mistakes_are_refused_with_line_and_column() {
    let mut rows: Vec<(&str, Row)> = Vec::new();
    let mut survivors = String::new();
    let all: Vec<Mutant> = scenarios().iter().flat_map(|(file, text)| mutants(file, text)).collect();
    for mutant in &all {
        if !rows.iter().any(|(kind, _)| *kind == mutant.kind) {
            rows.push((mutant.kind, Row::default()));
        }
        let row = &mut rows.iter_mut().find(|(kind, _)| *kind == mutant.kind).unwrap().1;
        row.made += 1;
        let problems = Scenario::parse(&mutant.file, &mutant.text).err().map(|problems| problems.0).unwrap_or_default();
        row.on_its_line += usize::from(problems.iter().any(|problem| problem.line == mutant.line as u64));
        row.suggested += usize::from(problems.iter().any(|problem| problem.help.is_some()));
        if !problems.is_empty() && problems.iter().all(|problem| problem.line > 0 && problem.column > 0) {
            row.placed += 1;
        } else {
            let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
            let told = if told.is_empty() { "ACCEPTED".to_owned() } else { told.join(" | ") };
            writeln!(survivors, "{} {}:{}: {} → {told}", mutant.kind, mutant.file, mutant.line, mutant.written.trim())
                .unwrap();
        }
    }
    let mut table =
        "kind of mistake | made | refused with line and column | at the line of the mistake | with a suggestion\n"
            .to_owned();
    for (kind, row) in &rows {
        writeln!(table, "{kind} | {} | {} | {} | {}", row.made, row.placed, row.on_its_line, row.suggested).unwrap();
    }
    let placed: usize = rows.iter().map(|(_, row)| row.placed).sum();
    let share = placed as f64 * 100.0 / all.len() as f64;
    println!("{table}{placed} of {} mutants were refused with line and column: {share:.2} %\n{survivors}", all.len());
    assert!(all.len() >= MUTANTS_LEAST, "{} mutants", all.len());
    assert!(share >= REFUSED_LEAST, "{share:.2} %:\n{survivors}");
}

/// The committed scenarios; without a mistake each is good.
fn scenarios() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    ["quickstart.yaml", "fish/catch-of-the-day.yaml", "medical-platform/upload-peak.yaml"]
        .map(|file| {
            let text = std::fs::read_to_string(root.join(file)).expect("committed");
            Scenario::parse(file, &text).expect("good");
            (file.to_owned(), text)
        })
        .into()
}

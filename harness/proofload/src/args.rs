//! The command line exactly as typed.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args as ClapArgs, Parser, Subcommand};
use clap_complete::Shell;
use proofload_core::report::Format;
use proofload_core::scenario::units::Ratio;

use crate::colour::Colour;

const EXIT_CODES: &str = "Exit codes: 0 PASS, 1 FAIL, 2 usage or invalid scenario, 3 INVALID run (proofload's own instruments failed), \
4 INCONCLUSIVE, 5 target not reachable or not ready, 70 internal error, 130 interrupted.";

/// Load testing and conformance with verdicts that can be trusted.
#[derive(Debug, Parser)]
#[command(version, about, after_help = EXIT_CODES, propagate_version = true)]
pub(crate) struct Args {
    /// When to use colours; auto looks at the terminal and at `NO_COLOR`.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: Colour,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a scenario and judge it.
    #[command(after_help = concat!(
        "Examples:\n  proofload run scenarios/quickstart.yaml\n  proofload run scenarios/fish/predict.yaml -e stage --scale 0.1\n",
        "  proofload run my.yaml -e my-env.yaml --target http://127.0.0.1:8080\n  proofload run my.yaml --json | jq -c 'select(.event == \"verdict\")'\n\n",
        "Exit codes: 0 PASS, 1 FAIL, 2 usage or invalid scenario, 3 INVALID, 4 INCONCLUSIVE, 5 target not ready, 70 internal, 130 interrupted."
    ))]
    Run(RunArgs),
    /// Show the schedule and what it can decide; nothing is sent.
    #[command(
        after_help = "Examples:\n  proofload plan scenarios/quickstart.yaml\n  proofload plan my.yaml --arrivals | head\n\nExit codes: 0, 2 invalid scenario, or more than this machine allows."
    )]
    Plan(PlanArgs),
    /// Judge a stored run again.
    #[command(
        after_help = "Example:\n  proofload judge reports/local/run-20261121T101500Z-3fa2\n\nExit codes: as of run."
    )]
    Judge(JudgeArgs),
    /// Find the highest load at which the rules of a scenario hold.
    #[command(after_help = concat!(
        "Examples:\n  proofload search scenarios/fish/predict.yaml --most 20\n  proofload search my.yaml -e stage --within 5% --probes 8\n\n",
        "Each probe is a whole run with its own report; steady rules are judged at 95 %.\n",
        "Exit codes: 0 found, 1 nothing passes, 2 usage, 3 proofload itself is the limit, 4 not found, 5 target not ready, 130 interrupted."
    ))]
    Search(SearchArgs),
    /// Show earlier and later runs side by side, and whether the later ones are slower.
    #[command(after_help = concat!(
        "Examples:\n  proofload compare reports/local/run-A reports/local/run-B\n",
        "  proofload compare before/ after/ --tolerance 2% --pairs\n\n",
        "The unit is the run: with five runs or more of `before`, a shift is judged.\n",
        "Exit codes: 0 no slower, 1 slower than tolerated, 2 usage, 4 too few runs to say."
    ))]
    Compare(CompareArgs),
    /// Run two builds of a system in turns, and say whether the later one is slower.
    #[command(after_help = concat!(
        "Examples:\n  proofload pairs my.yaml --before-target http://127.0.0.1:8081 --after-target http://127.0.0.1:8082\n",
        "  proofload pairs my.yaml --before stage.yaml --after candidate.yaml --pairs 8 --tolerance 2%\n",
        "  proofload pairs my.yaml --before old.yaml --after new.yaml --dry-run\n\n",
        "Turns: before after, after before, before after, and so on, so that a machine that drifts harms both alike. ",
        "Both runs of a pair have the same seed, and each pair the next one, so that nothing hangs on one plan of arrivals.\n\n",
        "What so many pairs can show: fewer than 5, nothing; 5 or more, that no rule got worse; 7 or more, that the one rule of ",
        "a scenario did (p <= 1 %, one-sided); 8 or more, that one of two rules did; 10 or more, that one of ten did.\n\n",
        "A run that is INVALID is left out, and its pair is run again once; one whose own rules FAIL is a measurement all the same. ",
        "DIR/before and DIR/after hold the runs that are compared, DIR/pairs.json what came of them (`proofload schema pairs`).\n\n",
        "Exit codes: 0 no slower, 1 slower than tolerated, 2 usage, 3 a pair was INVALID twice, 4 too few pairs to say, ",
        "5 target not ready, 70 internal, 130 interrupted (what was run is kept and judged as far as it goes)."
    ))]
    Pairs(PairsArgs),
    /// Keep runs that later ones are held against.
    #[command(
        after_help = "Examples:\n  proofload baseline accept reports/local/run-20261121T101500Z-3fa2\n  proofload run scenarios/quickstart.yaml --baseline auto\n\nExit codes: 0 accepted, 2 usage, else that of the run, which did not pass."
    )]
    Baseline {
        #[command(subcommand)]
        action: BaselineAction,
    },
    /// Render a stored run again, in any format, or index the runs of a folder.
    #[command(after_help = concat!(
        "Examples:\n  proofload report reports/local/run-20261121T101500Z-3fa2 --open\n",
        "  proofload report RUN --as jtl --out samples.jtl\n  proofload report RUN --as openmetrics --out -\n",
        "  proofload report RUN --otlp http://127.0.0.1:4318\n  proofload report --all reports/local --open\n\n",
        "Exit codes: 0 written, whatever the verdict, 2 usage or not a run, 70 not writable."
    ))]
    Report(ReportArgs),
    /// Check that a target keeps the contract of its system.
    #[command(after_help = concat!(
        "Examples:\n  proofload conform --profile fish --target http://127.0.0.1:8080\n",
        "  proofload conform --profile medical-platform --target URL --jwt-secret-file FILE --select gw.jwt\n\n",
        "Exit codes: 0 conformant, 1 non-conformant, 2 usage, 4 partial (a MUST was skipped), 5 target not reachable."
    ))]
    Conform(ConformArgs),
    /// Find contradictions in Kubernetes manifests before any load.
    #[command(
        after_help = "Example:\n  proofload lint k8s/\n\nExit codes: 0 nothing found, 1 findings, 2 unreadable manifests."
    )]
    Lint(LintArgs),
    /// Start a whole system of the reference stack, or one role of it.
    #[command(after_help = concat!(
        "Examples:\n  proofload stack up fish\n  proofload stack gateway --system fish --data /tmp/fish --inference http://127.0.0.1:8501\n",
        "  proofload stack inference --system fish\n\nExit codes: 0, 2 usage, 5 address in use or neighbour away, 70 internal."
    ))]
    Stack {
        #[command(subcommand)]
        action: StackAction,
    },
    /// Send a share of another run's load; `run --generators` starts these by itself.
    #[command(after_help = concat!(
        "Example:\n  PROOFLOAD_JOIN_TOKEN=… proofload generator --join 127.0.0.1:41234\n\n",
        "Exit codes: 0 the run is over, 2 refused, 70 the run has gone."
    ))]
    Generator(GeneratorArgs),
    /// Say what this machine lacks for each feature, and how to get it.
    #[command(after_help = concat!(
        "Examples:\n  proofload doctor\n  proofload doctor --json | jq '.[] | select(.status != \"OK\")'\n",
        "  proofload doctor --fetch chromium\n\n",
        "Exit codes: 0 `proofload run` works here, 1 something it needs is missing, 2 usage, 70 the part could not be fetched."
    ))]
    Doctor(DoctorArgs),
    /// Print a page of the manual, or write all pages into a folder.
    #[command(
        after_help = "Examples:\n  proofload man run | man -l -\n  proofload man --out ~/.local/share/man/man1\n\nExit codes: 0, 2 unknown command, 70 the folder cannot be written."
    )]
    Man(ManArgs),
    /// Print the JSON Schema of a file format, for editors.
    #[command(
        after_help = "Examples:\n  proofload schema > scenario.json\n  proofload schema run-events\n\nExit codes: 0, 2 usage."
    )]
    Schema {
        /// Which file.
        #[arg(value_enum, default_value = "scenario")]
        of: SchemaOf,
    },
    /// Print a completion script for a shell.
    #[command(
        after_help = "Example:\n  proofload completions bash > ~/.local/share/bash-completion/completions/proofload\n\nExit codes: 0, 2 usage."
    )]
    Completions {
        /// Which shell.
        shell: Shell,
    },
}

/// Options of `doctor`.
#[derive(Debug, ClapArgs)]
pub(crate) struct DoctorArgs {
    /// Install the packages of a part first, by apt-get.
    #[arg(long, value_name = "PART")]
    pub(crate) fetch: Option<String>,
    /// The findings as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `man`.
#[derive(Debug, ClapArgs)]
pub(crate) struct ManArgs {
    /// The command, such as `run` or `stack up`; the page of proofload itself unless given.
    pub(crate) command: Vec<String>,
    /// Write every page into this folder.
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub(crate) out: Option<PathBuf>,
}

/// What of the stack is started.
#[derive(Debug, Subcommand)]
pub(crate) enum StackAction {
    /// A whole system of an environment, its pods and autoscalers included, until Ctrl-C.
    Up(UpArgs),
    #[command(flatten)]
    Role(Box<refstack::stack::StackCommand>),
}

/// Options of `stack up`.
#[derive(Debug, ClapArgs)]
pub(crate) struct UpArgs {
    /// The system: medical-platform or fish.
    pub(crate) system: String,
    /// The environment: a file, or a name looked up in `scenarios/environments/`.
    #[arg(short, long, default_value = "local")]
    pub(crate) env: String,
}

/// What is done with accepted runs.
#[derive(Debug, Subcommand)]
pub(crate) enum BaselineAction {
    /// Accept a run that passed.
    Accept(AcceptArgs),
}

/// Options of `baseline accept`.
#[derive(Debug, ClapArgs)]
pub(crate) struct AcceptArgs {
    /// A run folder.
    pub(crate) run: PathBuf,
    /// Who accepts it; git's user.name unless given.
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    /// Folder of accepted runs; `reports/ENVIRONMENT/baseline/SCENARIO` unless given.
    #[arg(long, value_name = "DIR")]
    pub(crate) into: Option<PathBuf>,
}

/// Options of `compare`.
#[derive(Debug, ClapArgs)]
pub(crate) struct CompareArgs {
    /// A run folder, or a folder of run folders.
    pub(crate) before: PathBuf,
    /// A run folder, or a folder of run folders.
    pub(crate) after: PathBuf,
    /// How much worse a time or a rate may be.
    #[arg(long, default_value = "5%", value_parser = share)]
    pub(crate) tolerance: f64,
    /// The runs were made in turns: the first of the one belongs to the first of the other.
    #[arg(long)]
    pub(crate) pairs: bool,
}

/// Options of `pairs`.
#[derive(Debug, ClapArgs)]
pub(crate) struct PairsArgs {
    /// The scenario file.
    pub(crate) scenario: PathBuf,
    /// Where the earlier build runs: a file or a name, as of `run -e`.
    #[arg(long, value_name = "ENV")]
    pub(crate) before: Option<String>,
    /// Where the later build runs.
    #[arg(long, value_name = "ENV")]
    pub(crate) after: Option<String>,
    /// Base URL of the earlier build, in place of its environment's.
    #[arg(long, value_name = "URL")]
    pub(crate) before_target: Option<String>,
    /// Base URL of the later build, in place of its environment's.
    #[arg(long, value_name = "URL")]
    pub(crate) after_target: Option<String>,
    /// The environment of a build of which the base URL alone is given.
    #[arg(short, long, default_value = "local")]
    pub(crate) env: String,
    /// How many pairs of runs.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) pairs: u32,
    /// How much worse a time or a rate may be.
    #[arg(long, default_value = "5%", value_parser = share)]
    pub(crate) tolerance: f64,
    /// Multiply every rate and every number of virtual users.
    #[arg(long, default_value_t = 1.0, value_parser = positive)]
    pub(crate) scale: f64,
    /// Where everything random of the first pair comes from; each pair has the next one.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Folder that gets everything; a new one in `reports/pairs` unless given.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Generator threads; as many as the load needs unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) threads: Option<u32>,
    #[command(flatten)]
    pub(crate) tell: TellArgs,
    /// Check both environments and the plan, say who runs when and for how long, then stop.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not try before each run whether this machine can send the plan's highest rate on time.
    #[arg(long)]
    pub(crate) no_calibration: bool,
}

/// A file format.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum SchemaOf {
    /// What is sent and what must hold.
    Scenario,
    /// Where it runs.
    Environment,
    /// `report.json`.
    Report,
    /// A line of `run --json` and `pairs --json`.
    RunEvents,
    /// `pairs.json`.
    Pairs,
}

/// Options of `search`, beside those of `run`.
#[derive(Debug, ClapArgs)]
pub(crate) struct SearchArgs {
    #[command(flatten)]
    pub(crate) run: RunArgs,
    /// The load that is tried first, as a factor of the scenario's.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = positive)]
    pub(crate) from: f64,
    /// The largest load that may be tried, as a factor of the scenario's.
    #[arg(long, value_name = "FACTOR", default_value_t = 100.0, value_parser = positive)]
    pub(crate) most: f64,
    /// How closely the answer must be known.
    #[arg(long, value_name = "SHARE", default_value = "3%", value_parser = share)]
    pub(crate) within: f64,
    /// Most runs.
    #[arg(long, value_name = "N", default_value_t = 12)]
    pub(crate) probes: usize,
}

/// Options of `run`.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct RunArgs {
    /// The scenario file.
    pub(crate) scenario: PathBuf,
    /// Where it runs: a file, or a name looked up in `environments/` beside the scenario or above it.
    #[arg(short, long, default_value = "local")]
    pub(crate) env: String,
    /// Base URL in place of the environment's; only where the scenario drives one system.
    #[arg(long, value_name = "URL")]
    pub(crate) target: Option<String>,
    /// Multiply every rate and every number of virtual users.
    #[arg(long, default_value_t = 1.0, value_parser = positive)]
    pub(crate) scale: f64,
    /// Where everything random comes from.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Folder that gets the run's own folder; `reports/ENVIRONMENT` unless given.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Hold the run against accepted ones: a folder of them, a run folder, or `auto` for those of this scenario.
    #[arg(long, value_name = "PATH")]
    pub(crate) baseline: Option<PathBuf>,
    /// Generator threads of each process; as many as the load needs unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) threads: Option<u32>,
    /// Generator processes beside this one, which send the load between them; with 0 this process sends it itself.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=64))]
    pub(crate) generators: u32,
    #[command(flatten)]
    pub(crate) tell: TellArgs,
    /// Check everything that can be checked without sending, then stop.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not try first whether this machine can send the plan's highest rate on time.
    #[arg(long)]
    pub(crate) no_calibration: bool,
    /// Send the metrics of the run to an OTLP/HTTP receiver at its end; headers come from
    /// `OTEL_EXPORTER_OTLP_HEADERS`.
    #[arg(long, value_name = "URL")]
    pub(crate) otlp: Option<String>,
}

/// How a run is told.
#[derive(Debug, Clone, Copy, ClapArgs)]
pub(crate) struct TellArgs {
    /// Say nothing while the run goes; the closing lines are still printed.
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Say everything as one JSON object per line on standard output, the verdict last (`proofload schema run-events`).
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `generator`.
#[derive(Debug, ClapArgs)]
pub(crate) struct GeneratorArgs {
    /// Where the run listens.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) join: std::net::SocketAddr,
}

/// Options of `plan`.
#[derive(Debug, ClapArgs)]
pub(crate) struct PlanArgs {
    /// The scenario file.
    pub(crate) scenario: PathBuf,
    /// Multiply every rate and every number of virtual users.
    #[arg(long, default_value_t = 1.0, value_parser = positive)]
    pub(crate) scale: f64,
    /// Where everything random comes from.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Print every arrival instead: nanoseconds from the start, workload, number of the pass.
    #[arg(long)]
    pub(crate) arrivals: bool,
}

/// Options of `judge`.
#[derive(Debug, ClapArgs)]
pub(crate) struct JudgeArgs {
    /// A run folder.
    pub(crate) run: PathBuf,
}

/// Options of `report`.
#[derive(Debug, ClapArgs)]
pub(crate) struct ReportArgs {
    /// A run folder.
    #[arg(required_unless_present = "all")]
    pub(crate) run: Option<PathBuf>,
    /// One format alone; without it, every file that a run leaves is written again.
    #[arg(long = "as", value_name = "FORMAT", value_parser = format(), conflicts_with = "all")]
    pub(crate) format: Option<Format>,
    /// Where it goes: a file, or - for standard output; without --as, a folder. The run folder unless given.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Show it with the program that this desktop has for such files.
    #[arg(long)]
    pub(crate) open: bool,
    /// Index every run of a folder instead: newest first, with the trend of each rule.
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "reports/local", conflicts_with_all = ["run", "otlp"])]
    pub(crate) all: Option<PathBuf>,
    /// Send the metrics to an OTLP/HTTP receiver too; headers come from `OTEL_EXPORTER_OTLP_HEADERS`.
    #[arg(long, value_name = "URL")]
    pub(crate) otlp: Option<String>,
}

/// Options of `conform`.
#[derive(Debug, ClapArgs)]
pub(crate) struct ConformArgs {
    /// The contract: fish or medical-platform.
    #[arg(long)]
    pub(crate) profile: String,
    /// Base URL of the target.
    #[arg(long, value_name = "URL", required_unless_present = "list")]
    pub(crate) target: Option<String>,
    /// File with the HMAC secret that signs tokens; without it, checks that need a token are skipped.
    #[arg(long, value_name = "FILE")]
    pub(crate) jwt_secret_file: Option<PathBuf>,
    /// The body limit that the target is set to; the checks of 413 go by it.
    #[arg(long, value_name = "BYTES", default_value_t = 32 * 1024 * 1024)]
    pub(crate) max_body: usize,
    /// Only checks whose id begins so; may be given several times.
    #[arg(long, value_name = "PREFIX")]
    pub(crate) select: Vec<String>,
    /// A failed SHOULD fails the profile too.
    #[arg(long)]
    pub(crate) strict: bool,
    /// List the checks and stop.
    #[arg(long)]
    pub(crate) list: bool,
    /// Folder that gets the reports; `reports/conformance` unless given.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Options of `lint`.
#[derive(Debug, ClapArgs)]
pub(crate) struct LintArgs {
    /// A manifest file, a kustomization, or a folder that holds some.
    pub(crate) path: PathBuf,
    /// Write the findings as SARIF 2.1.0 too; - writes them to standard output instead of the text.
    #[arg(long, value_name = "FILE")]
    pub(crate) sarif: Option<PathBuf>,
}

/// A report format by its name.
fn format() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(Format::name))
        .map(|name| Format::from_name(&name).expect("only names of formats are let through"))
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value <= 1000.0 => Ok(value),
        _ => Err("write a number above 0 and up to 1000".to_owned()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    text.parse::<Ratio>().map(|share| share.0)
}

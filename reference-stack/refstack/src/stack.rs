//! `proofload stack gateway|worker|inference`: the roles as a program runs them.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::adapters::rabbitmq::QueueKind;
use crate::system::System;

mod compose;
mod units;

/// A role of the reference stack.
#[derive(Debug, Subcommand)]
pub enum StackCommand {
    /// Takes requests: uploads, batches, status, figures
    Gateway(GatewayArgs),
    /// Consumes the queue and asks the inference server
    Worker(WorkerArgs),
    /// Answers as TensorFlow Serving does
    Inference(InferenceArgs),
    /// Brings the schema of a database forward, and ends; roles refuse a database without it
    Migrate(MigrateArgs),
}

/// What every role takes.
#[derive(Debug, Args)]
pub struct CommonArgs {
    /// The system whose contract it answers
    #[arg(long, value_enum)]
    pub system: System,
    /// Address to listen on; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Plant a fault; may stand more than once (unknown names are refused with the list)
    #[arg(long = "defect", value_name = "NAME[=VALUE]")]
    pub defects: Vec<String>,
    /// End cleanly when standard input reaches its end
    #[arg(long)]
    pub until_stdin_closes: bool,
}

/// Where jobs, messages and objects are kept.
#[derive(Debug, Args)]
pub struct StoreArgs {
    /// Folder of the store, shared by the processes of one stack
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Keep jobs, messages and idempotency keys in this PostgreSQL database instead of in the folder
    #[arg(long, value_name = "URL", env = "REFSTACK_DATABASE_URL", hide_env_values = true)]
    pub database: Option<String>,
    /// Keep objects in this S3 bucket instead of in the folder; endpoint, region and credentials come from the variables of
    /// the AWS tools (`AWS_ENDPOINT_URL` and so on)
    #[arg(long, value_name = "s3://BUCKET/PREFIX", env = "REFSTACK_OBJECTS_URL")]
    pub objects: Option<String>,
    /// Let this RabbitMQ broker carry the messages; the database keeps the jobs
    #[arg(long, value_name = "URL", env = "REFSTACK_BROKER_URL", hide_env_values = true, requires = "database")]
    pub broker: Option<String>,
    /// How the broker keeps the queue
    #[arg(long, value_enum, default_value_t = QueueKind::Quorum)]
    pub queue_type: QueueKind,
}

/// Arguments of the migration.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// The database, as postgres://USER:PASSWORD@HOST:PORT/NAME; better in the environment, where other users cannot read it
    #[arg(long, value_name = "URL", env = "REFSTACK_DATABASE_URL", hide_env_values = true)]
    pub database: String,
    /// Only say whether the schema is what this program needs
    #[arg(long)]
    pub check: bool,
}

/// Arguments of the gateway role.
#[derive(Debug, Args)]
pub struct GatewayArgs {
    /// What every role takes
    #[command(flatten)]
    pub common: CommonArgs,
    /// Where jobs, messages and objects are kept
    #[command(flatten)]
    pub store: StoreArgs,
    /// Keep answers in this Redis server, shared by all gateways, instead of in memory
    #[arg(long, value_name = "URL", env = "REFSTACK_CACHE_URL", hide_env_values = true)]
    pub cache: Option<String>,
    /// Address of the inference server, for answers at once
    #[arg(long, value_name = "URL")]
    pub inference: Option<String>,
    /// File with the HMAC key of tokens (needed by medical-platform)
    #[arg(long, value_name = "FILE")]
    pub jwt_secret_file: Option<PathBuf>,
    /// Largest request body, in bytes or with a unit (32MiB)
    #[arg(long, value_name = "BYTES", default_value = "32MiB", value_parser = units::bytes)]
    pub max_body: u64,
    /// Let batches name private and loopback hosts
    #[arg(long)]
    pub allow_private_urls: bool,
}

/// Arguments of the worker role.
#[derive(Debug, Args)]
pub struct WorkerArgs {
    /// What every role takes
    #[command(flatten)]
    pub common: CommonArgs,
    /// Where jobs, messages and objects are kept
    #[command(flatten)]
    pub store: StoreArgs,
    /// Address of the inference server
    #[arg(long, value_name = "URL")]
    pub inference: String,
    /// Messages in hand at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub concurrency: u32,
    /// How long a message is held without a sign of life before others may take it
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = units::duration)]
    pub lease: Duration,
    /// Let batches name private and loopback hosts
    #[arg(long)]
    pub allow_private_urls: bool,
}

/// Arguments of the inference role.
#[derive(Debug, Args)]
pub struct InferenceArgs {
    /// What every role takes
    #[command(flatten)]
    pub common: CommonArgs,
    /// Folder of models; the built-in ones otherwise
    #[arg(long, value_name = "DIR")]
    pub models: Option<PathBuf>,
    /// Hold each inference at least this long without using CPU
    #[arg(long, value_name = "DURATION", value_parser = units::duration)]
    pub min_service_time: Option<Duration>,
}

/// Why a role could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The command line asks for something that cannot be.
    #[error("{0}")]
    Usage(String),
    /// An address is taken, or a neighbour does not answer.
    #[error("{0}")]
    Unreachable(String),
    /// Something on this machine failed.
    #[error("{0}")]
    Internal(String),
}

impl StackError {
    /// The exit code that stands for it, as `API.md` fixes them.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 5,
            Self::Internal(_) => 70,
        }
    }
}

/// Runs a role until `shutdown` (or the end of standard input, if asked for), then drains. The listening line goes to `stdout`.
pub async fn run(
    command: StackCommand,
    shutdown: impl Future<Output = ()> + Send + 'static,
    stdout: &mut (impl Write + ?Sized),
) -> Result<(), StackError> {
    start_logging();
    crate::adapters::install_tls_provider();
    let with_stdin = command.ends_with_stdin();
    let mut shutdown = Box::pin(async move {
        tokio::select! {
            () = shutdown => {}
            () = stdin_closed(), if with_stdin => {}
        }
    });
    // From here on a signal is caught: whoever reads the listening line may send one at once.
    if futures::poll!(&mut shutdown).is_ready() {
        return Ok(());
    }
    match command {
        StackCommand::Gateway(args) => compose::gateway(args, shutdown, stdout).await,
        StackCommand::Worker(args) => compose::worker(args, shutdown, stdout).await,
        StackCommand::Inference(args) => compose::inference(args, shutdown, stdout).await,
        StackCommand::Migrate(args) => compose::migrate(args, shutdown, stdout).await,
    }
}

/// Completes on SIGTERM or SIGINT.
pub async fn signals() {
    use tokio::signal::unix::{SignalKind, signal};
    let asked = signal(SignalKind::terminate()).and_then(|term| Ok((term, signal(SignalKind::interrupt())?)));
    match asked {
        Ok((mut term, mut interrupt)) => {
            tokio::select! {
                _ = term.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        Err(error) => {
            tracing::warn!(%error, "signals cannot be caught; they end this process at once");
            std::future::pending::<()>().await;
        }
    }
}

impl StackCommand {
    fn ends_with_stdin(&self) -> bool {
        match self {
            Self::Gateway(args) => args.common.until_stdin_closes,
            Self::Worker(args) => args.common.until_stdin_closes,
            Self::Inference(args) => args.common.until_stdin_closes,
            Self::Migrate(_) => false,
        }
    }
}

/// Tells where a role listens, as one line of JSON.
fn announce(
    stdout: &mut (impl Write + ?Sized),
    role: &str,
    system: System,
    address: SocketAddr,
) -> Result<(), StackError> {
    let line = json!({"event": "listening", "role": role, "system": system.name(), "address": address.to_string()});
    writeln!(stdout, "{line}")
        .and_then(|()| stdout.flush())
        .map_err(|error| StackError::Internal(format!("the listening line cannot be written: {error}")))
}

/// Logs are JSON lines on standard error; a program that has its own subscriber keeps it.
fn start_logging() {
    let _ = tracing_subscriber::fmt().json().with_max_level(tracing::Level::INFO).with_writer(io::stderr).try_init();
}

/// A thread of its own, because a blocking read of tokio's would keep the runtime from ending.
async fn stdin_closed() {
    let (closed, waiting) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        // An error ends it as well: nobody can be at the other side.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        drop(closed);
    });
    let _ = waiting.await;
}

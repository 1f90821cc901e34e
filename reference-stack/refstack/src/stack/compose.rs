//! The one place that names adapters: puts each role together from them and runs it.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use refstack_inference::{Config, PredictorConfig};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::units;
use super::{CommonArgs, GatewayArgs, InferenceArgs, MigrateArgs, StackError, StoreArgs, WorkerArgs, announce};
use crate::adapters::brokered::Carried;
use crate::adapters::embedded::Store;
use crate::adapters::embedded::cache::MemoryCache;
use crate::adapters::embedded::objects::FileObjects;
use crate::adapters::postgres::{self, PgStore};
use crate::adapters::rabbitmq;
use crate::adapters::redis_cache::RedisCache;
use crate::adapters::s3_objects::S3Objects;
use crate::adapters::tf_serving::TfServing;
use crate::adapters::url_fetch::UrlFetch;
use crate::clock::Clock;
use crate::defect::{Defect, Defects, Role};
use crate::gateway::{Gateway, GatewayParts, GatewayPorts, GatewaySettings};
use crate::ports::PortError;
use crate::ports::cache::Cache;
use crate::ports::inference::Inference;
use crate::ports::jobs::Jobs;
use crate::ports::keys::Keys;
use crate::ports::objects::Objects;
use crate::ports::queue::Queue;
use crate::serve::serve;
use crate::system::System;
use crate::worker::{ATTEMPTS_MAX, Worker, WorkerPorts, WorkerSettings};

/// A worker started together with its inference server waits so long for it.
const NEIGHBOUR_WAIT_MAX: Duration = Duration::from_secs(10);
/// Work in hand at shutdown has this long, of the 10 s a process may take.
const GRACE: Duration = Duration::from_secs(5);
const NEIGHBOUR_PAUSE: Duration = Duration::from_millis(100);

pub(super) async fn gateway(
    args: GatewayArgs,
    shutdown: impl Future<Output = ()>,
    stdout: &mut (impl Write + ?Sized),
) -> Result<(), StackError> {
    let system = args.common.system;
    let defects = parse_defects(Role::Gateway(system), &args.common)?;
    let settings = GatewaySettings {
        body_bytes_max: args.max_body,
        jwt_secret: jwt_secret(system, args.jwt_secret_file.as_deref(), &defects)?,
        allow_private_urls: args.allow_private_urls,
        defects,
    };
    let inference = args.inference.map(|url| tf_serving(&url, system)).transpose()?;
    let listener = bind(&args.common).await?;
    let clock = Clock::system();
    let kept = open_store(&args.store, system, clock.clone(), None).await?;
    let (objects, abandoned) = open_objects(&args.store, Leftovers::Clear)?;
    let ports = GatewayPorts {
        queue: kept.queue,
        jobs: kept.jobs,
        keys: kept.keys,
        objects,
        cache: open_cache(args.cache.as_deref())?,
        inference: inference.map(|inference| -> Arc<dyn Inference> { Arc::new(inference) }),
    };
    let gateway = Gateway::new(GatewayParts { system, ports, settings, clock });
    announce(stdout, "gateway", system, local_address(&listener)?)?;
    let drain = async {
        shutdown.await;
        gateway.start_draining();
    };
    tokio::select! {
        () = serve(listener, gateway.router(), drain) => {}
        () = gateway.keep_tidy(abandoned) => {}
    }
    Ok(())
}

pub(super) async fn worker(
    args: WorkerArgs,
    shutdown: impl Future<Output = ()>,
    stdout: &mut (impl Write + ?Sized),
) -> Result<(), StackError> {
    let system = args.common.system;
    let settings = WorkerSettings {
        concurrency: args.concurrency,
        lease: args.lease,
        grace: GRACE,
        allow_private_urls: args.allow_private_urls,
        defects: parse_defects(Role::Worker, &args.common)?,
    };
    let inference = Arc::new(tf_serving(&args.inference, system)?);
    let listener = bind(&args.common).await?;
    let mut shutdown = std::pin::pin!(shutdown);
    tokio::select! {
        () = &mut shutdown => return Ok(()),
        met = neighbour(&inference, &args.inference) => met?,
    }
    let kept = open_store(&args.store, system, Clock::system(), Some(args.concurrency)).await?;
    let ports = WorkerPorts {
        queue: kept.queue,
        jobs: kept.jobs,
        objects: open_objects(&args.store, Leftovers::Leave)?.0,
        inference,
        fetch: Arc::new(UrlFetch::new().map_err(internal)?),
    };
    let worker = Worker::new(system, ports, settings);
    announce(stdout, "worker", system, local_address(&listener)?)?;
    let (stop, stopped) = watch::channel(());
    let ended = |mut stopped: watch::Receiver<()>| async move { drop(stopped.changed().await) };
    tokio::join!(
        async {
            shutdown.await;
            drop(stop);
        },
        serve(listener, worker.router(), ended(stopped.clone())),
        worker.consume(ended(stopped)),
    );
    Ok(())
}

pub(super) async fn inference(
    args: InferenceArgs,
    shutdown: impl Future<Output = ()> + Send + 'static,
    stdout: &mut (impl Write + ?Sized),
) -> Result<(), StackError> {
    let defects = args.common.defects.iter().map(|text| text.parse::<refstack_inference::Defect>());
    let defects = defects.collect::<Result<Vec<_>, _>>().map_err(|error| StackError::Usage(error.to_string()))?;
    let config = Config {
        listen: args.common.listen,
        predictor: PredictorConfig {
            models_dir: args.models,
            min_service_time: args.min_service_time,
            defects,
            ..PredictorConfig::default()
        },
        ..Config::default()
    };
    let server = config.build().await.map_err(|error| {
        let text = error.to_string();
        if error.is_address() { StackError::Unreachable(text) } else { StackError::Usage(text) }
    })?;
    announce(stdout, "inference", args.common.system, server.address())?;
    server.serve(shutdown).await.map_err(|error| StackError::Internal(error.to_string()))
}

pub(super) async fn migrate(
    args: MigrateArgs,
    shutdown: impl Future<Output = ()>,
    stdout: &mut (impl Write + ?Sized),
) -> Result<(), StackError> {
    let url = units::database(&args.database).map_err(StackError::Usage)?;
    if args.check {
        PgStore::open(url, Clock::system()).await.map_err(|error| unreachable(&error))?;
        return Ok(());
    }
    let migrated = tokio::select! {
        () = shutdown => return Ok(()),
        migrated = postgres::migrate(url) => migrated.map_err(|error| unreachable(&error))?,
    };
    let line = json!({"event": "migrated", "applied": migrated.applied, "steps": migrated.steps});
    writeln!(stdout, "{line}").map_err(internal)
}

/// Jobs, messages and idempotency keys, wherever they are kept.
struct Kept {
    queue: Arc<dyn Queue>,
    jobs: Arc<dyn Jobs>,
    keys: Arc<dyn Keys>,
}

impl Kept {
    /// All in one store.
    fn of<S: Queue + Jobs + Keys + 'static>(store: Arc<S>) -> Self {
        Self { queue: store.clone(), jobs: store.clone(), keys: store }
    }
}

/// Opens what the arguments name; a worker says how many messages it takes at once.
async fn open_store(args: &StoreArgs, system: System, clock: Clock, hands: Option<u32>) -> Result<Kept, StackError> {
    let Some(url) = &args.database else {
        return Ok(Kept::of(Arc::new(Store::open(&args.data, clock).await.map_err(internal)?)));
    };
    let url = units::database(url).map_err(StackError::Usage)?;
    let store = Arc::new(PgStore::open(url, clock).await.map_err(|error| unreachable(&error))?);
    let Some(url) = &args.broker else { return Ok(Kept::of(store)) };
    let settings = rabbitmq::Settings {
        url: units::broker(url).map_err(StackError::Usage)?.to_owned(),
        kind: args.queue_type,
        prefetch: hands.map(|hands| u16::try_from(hands).unwrap_or(u16::MAX)),
    };
    let carried = Carried { queue: system.queue(), attempts_max: ATTEMPTS_MAX };
    let brokered = rabbitmq::carry(Arc::clone(&store), settings, carried).await.map_err(|error| unreachable(&error))?;
    let brokered = Arc::new(brokered);
    Ok(Kept { queue: brokered.clone(), jobs: brokered, keys: store })
}

/// What to do with what processes that were killed have left in the folder of objects.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leftovers {
    Clear,
    Leave,
}

/// The object store, and the keys of whole objects that nobody may have recorded.
fn open_objects(args: &StoreArgs, leftovers: Leftovers) -> Result<(Arc<dyn Objects>, Vec<String>), StackError> {
    if let Some(url) = &args.objects {
        let objects = S3Objects::open(url, &args.data.join("spool"));
        return Ok((Arc::new(objects.map_err(|error| StackError::Usage(error.to_string()))?), Vec::new()));
    }
    let objects = FileObjects::open(&args.data.join("objects")).map_err(internal)?;
    let abandoned = match leftovers {
        Leftovers::Clear => objects.clear_leftovers().map_err(internal)?,
        Leftovers::Leave => Vec::new(),
    };
    Ok((Arc::new(objects), abandoned))
}

fn open_cache(url: Option<&str>) -> Result<Arc<dyn Cache>, StackError> {
    let Some(url) = url else { return Ok(Arc::new(MemoryCache::new())) };
    let url = units::cache(url).map_err(StackError::Usage)?;
    Ok(Arc::new(RedisCache::new(url).map_err(|error| unreachable(&error))?))
}

/// A neighbour that must be there before the start.
fn unreachable(error: &PortError) -> StackError {
    StackError::Unreachable(error.to_string())
}

fn parse_defects(role: Role, common: &CommonArgs) -> Result<Defects, StackError> {
    Defects::parse(role, &common.defects).map_err(|error| StackError::Usage(error.to_string()))
}

fn jwt_secret(system: System, file: Option<&Path>, defects: &Defects) -> Result<Option<Vec<u8>>, StackError> {
    let needed = system == System::MedicalPlatform && !defects.has(Defect::AuthOff);
    let Some(file) = file else {
        let text = "medical-platform checks tokens: name the file with their HMAC key by --jwt-secret-file";
        return if needed { Err(StackError::Usage(text.to_owned())) } else { Ok(None) };
    };
    let bytes = std::fs::read(file)
        .map_err(|error| StackError::Usage(format!("{} cannot be read: {error}", file.display())))?;
    let secret = bytes.trim_ascii();
    if secret.is_empty() {
        return Err(StackError::Usage(format!("{} holds no key; write one into it", file.display())));
    }
    Ok(Some(secret.to_vec()))
}

fn tf_serving(url: &str, system: System) -> Result<TfServing, StackError> {
    let is_http = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !is_http {
        return Err(StackError::Usage(format!("--inference takes an http URL, and {url:?} is none")));
    }
    TfServing::new(url, system.model()).map_err(internal)
}

async fn bind(common: &CommonArgs) -> Result<TcpListener, StackError> {
    TcpListener::bind(common.listen).await.map_err(|error| {
        let address = common.listen;
        StackError::Unreachable(format!("cannot listen on {address}: {error}; choose another --listen address"))
    })
}

fn local_address(listener: &TcpListener) -> Result<std::net::SocketAddr, StackError> {
    listener.local_addr().map_err(internal)
}

/// Waits until the inference server tells its model.
async fn neighbour(inference: &TfServing, url: &str) -> Result<(), StackError> {
    let answers = async {
        loop {
            match inference.model().await {
                Ok(_) => return,
                Err(error) => tracing::debug!(%error, "no inference server yet"),
            }
            tokio::time::sleep(NEIGHBOUR_PAUSE).await;
        }
    };
    tokio::time::timeout(NEIGHBOUR_WAIT_MAX, answers).await.map_err(|_| {
        StackError::Unreachable(format!(
            "the inference server at {url} does not answer; start it, or correct --inference"
        ))
    })
}

fn internal(error: impl std::fmt::Display) -> StackError {
    StackError::Internal(error.to_string())
}

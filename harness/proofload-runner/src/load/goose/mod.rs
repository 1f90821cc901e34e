//! Goose as a second engine: an independent cross-check of our own. Its users walk the same passes as ours, each request
//! goes through its client and into its metrics, and what comes back is judged and recorded as ever.
//!
//! What Goose decides: when users run, how a request is sent, what it counted and how long it took. What is ours: the
//! way of a pass, think times, extraction, checks, and everything after. A user begins its first pass when its time in
//! the plan has come and leaves after the last, by Goose's own count of iterations.
//!
//! Goose says one line on standard output, `N users launched.`, which no option of it leaves out.

mod books;
mod client;
mod user;

use std::sync::{Arc, Mutex, TryLockError};
use std::time::Duration;

use ::goose::client::GooseClientBuilder;
use ::goose::config::GooseConfiguration;
use ::goose::goose::{Scenario as GooseScenario, Transaction};
use ::goose::{GooseAttack, GooseError, trigger_killswitch};
use proofload_core::plan::Plan;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::event::{Control, GeneratorEvent};
use super::shard::{self, TICK, Teller};
use super::world::WorldParts;
use user::Attack;

/// How long Goose may take to end its users and put its metrics together when the run must end. What it does not manage
/// until then is lost: the run keeps its record, and has no cross-check.
const ENDS_WITHIN: Duration = Duration::from_secs(4);
/// Shares of a second in which Goose starts all its users, so that they wait for the run and not the run for them.
const STARTS_PER_SECOND: usize = 10;
/// More passes than any user begins: who leaves says so itself.
const ITERATIONS_MAX: &str = "1000000000";

/// Goose's switch to end an attack is one for the process, so there is one attack at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Starts Goose on a thread of its own, with a runtime of its own. It speaks as shard 0.
///
/// # Errors
/// Where the machine gives no thread.
pub(super) fn start(
    parts: WorldParts,
    plan: Arc<Plan>,
    tell: UnboundedSender<(usize, GeneratorEvent)>,
) -> std::io::Result<UnboundedSender<Control>> {
    shard::spawn((0, "goose"), tell, move |told, tell| thread_main(parts, &plan, told, &tell))
}

/// Keeps Goose from taking Ctrl-C for itself: its handler refuses where there is one by the same library already. To be
/// called before anybody else asks for the signal; who asks afterwards hears it as well.
pub(crate) fn keep_interrupts() {
    // Fails only where this was done before.
    let _ = ctrlc::set_handler(|| ());
}

/// Takes every line of a log and tells none: Goose would print its own.
struct Silent;

impl log::Log for Silent {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        false
    }

    fn log(&self, _: &log::Record<'_>) {}

    fn flush(&self) {}
}

fn thread_main(parts: WorldParts, plan: &Plan, told: UnboundedReceiver<Control>, tell: &Teller) -> Result<(), String> {
    let _alone = match ONE_AT_A_TIME.try_lock() {
        Err(TryLockError::WouldBlock) => return Err("Goose runs one attack at a time in a process".to_owned()),
        // The attack before this one panicked, and left nothing behind that this one reads.
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Ok(alone) => alone,
    };
    // Fails where somebody logs already, who then decides what to say.
    let _ = log::set_logger(&Silent);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("Goose's runtime could not start: {error}"))?;
    let attack = Arc::new(Attack::new(parts, plan)?);
    let goose = goose_attack(&attack).map_err(|error| format!("Goose refused its configuration: {error}"))?;
    runtime.block_on(drive(&attack, goose, told, tell))
}

/// The attack as Goose knows it: one scenario, whose one transaction is a pass.
fn goose_attack(attack: &Arc<Attack>) -> Result<GooseAttack, GooseError> {
    let users = attack.users();
    let mut configuration = GooseConfiguration::parse_args_default(&[
        "--iterations",
        ITERATIONS_MAX,
        "--no-telnet",
        "--no-websocket",
        "--no-print-metrics",
        "--no-error-summary",
        "--quiet",
    ])?;
    configuration.host = Some(attack.host());
    configuration.users = Some(users);
    configuration.increase_rate = Some((users * STARTS_PER_SECOND).to_string());
    let shared = Arc::clone(attack);
    let pass = Transaction::new(Arc::new(move |user| {
        let shared = Arc::clone(&shared);
        Box::pin(async move {
            user::iterate(&shared, user).await;
            Ok(())
        })
    }));
    let scenario = GooseScenario::new(attack.flow_name()).register_transaction(pass.set_name("pass"));
    GooseAttack::initialize_with_config(configuration)?
        .register_scenario(scenario)
        // One client for all: one of its own each would cost 133 KB a user. Ours takes its place at the first pass.
        .set_client_builder_without_cookies(GooseClientBuilder::new().without_cookies())
}

async fn drive(
    attack: &Attack,
    goose: GooseAttack,
    mut told: UnboundedReceiver<Control>,
    tell: &Teller,
) -> Result<(), String> {
    let mut running = Box::pin(goose.execute());
    let mut metrics = None;
    let mut ticks = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            ended = &mut running, if metrics.is_none() => {
                metrics = Some(ended.map_err(|error| format!("Goose ended early: {error}"))?);
                attack.tell_figures(tell);
                if let Some(ended_ns) = attack.iterations_ended_ns() {
                    tell.tell(GeneratorEvent::IterationsEnded { workload: 0, ended_ns });
                }
                tell.tell(GeneratorEvent::LoadEnded);
            }
            _ = ticks.tick() => attack.tell_figures(tell),
            control = told.recv() => match control {
                Some(Control::Finish) | None => break,
            },
        }
    }
    attack.stop();
    if metrics.is_none() {
        trigger_killswitch("proofload ends the run");
        // A user may hang on an answer that never comes; what Goose had counted goes with it.
        metrics = tokio::time::timeout(ENDS_WITHIN, running).await.ok().and_then(Result::ok);
    }
    attack.finish(metrics.as_ref(), tell);
    Ok(())
}

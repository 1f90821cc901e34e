//! `Idempotency-Key`: a request that brings one holds it while it runs, and gives it back when it does not end in a job.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::Gateway;
use super::jwt::Caller;
use super::problem::{Code, Problem};
use crate::defect::Defect;
use crate::ports::jobs::HeldKey;
use crate::ports::keys::{Keys, Reserved};

const HEADER: &str = "idempotency-key";
const KEY_BYTES_MAX: usize = 255;
/// A gateway that dies with a key in hand blocks it for this long.
const LEASE: Duration = Duration::from_secs(10);
const RENEW_EVERY: Duration = Duration::from_secs(3);

/// What the key of a request says.
pub(crate) enum Entry {
    /// There is none.
    Free,
    /// It is ours while the hold lives.
    Held(Hold),
    /// A job was accepted under it.
    Used { digest: String, job: Uuid },
}

/// A key in our hands. Dropped, it is given back, unless a job took it.
pub(crate) struct Hold {
    keys: Arc<dyn Keys>,
    key: String,
    owner: String,
    renewing: JoinHandle<()>,
}

impl Hold {
    /// What `Jobs::accept` needs to turn the hold into use.
    pub(crate) fn with_digest(&self, digest: String) -> HeldKey {
        HeldKey { key: self.key.clone(), owner: self.owner.clone(), digest }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.renewing.abort();
        let (keys, key, owner) =
            (Arc::clone(&self.keys), std::mem::take(&mut self.key), std::mem::take(&mut self.owner));
        // The handler may be dropped in the middle, when its client goes away; its lease ends even if this is lost.
        tokio::spawn(async move {
            if let Err(error) = keys.release(&key, &owner).await {
                tracing::warn!(%error, "an idempotency key was not given back");
            }
        });
    }
}

/// The key of a request, one per caller.
pub(crate) fn key_of(gateway: &Gateway, request: &Request, caller: &Caller) -> Result<Option<String>, Problem> {
    let mut values = request.headers().get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let bytes = value.as_bytes();
    let fits = (1..=KEY_BYTES_MAX).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    if !fits || values.next().is_some() {
        return Err(Problem::bad_request("Idempotency-Key takes one value of 1 to 255 visible ASCII characters"));
    }
    if gateway.has(Defect::IdempotencyIgnored) {
        return Ok(None);
    }
    Ok(Some(format!("{}\n{}", caller.subject, String::from_utf8_lossy(bytes))))
}

/// Tries to hold `key`.
pub(crate) async fn reserve(gateway: &Gateway, key: Option<String>) -> Result<Entry, Problem> {
    let Some(key) = key else { return Ok(Entry::Free) };
    let owner = Uuid::new_v4().simple().to_string();
    let keys = Arc::clone(&gateway.ports.keys);
    match keys.reserve(&key, &owner, LEASE).await? {
        Reserved::Held => {
            let renewing = tokio::spawn(renew(Arc::clone(&keys), key.clone(), owner.clone()));
            Ok(Entry::Held(Hold { keys, key, owner, renewing }))
        }
        Reserved::InFlight => Err(in_flight()),
        Reserved::Used { digest, job } => Ok(Entry::Used { digest, job }),
    }
}

/// The answer to whoever comes second.
pub(crate) fn in_flight() -> Problem {
    Problem::new(Code::IdempotencyInFlight, "wait for the first request, then send this one again to read its answer")
}

async fn renew(keys: Arc<dyn Keys>, key: String, owner: String) {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        match keys.renew(&key, &owner, LEASE).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::warn!(%error, "an idempotency key was not renewed"),
        }
    }
}

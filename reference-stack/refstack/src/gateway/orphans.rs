//! Objects without a record: their gateway was killed after it had written the file and before it had written the row.

use uuid::Uuid;

use super::GatewayPorts;
use crate::ports::PortResult;
use crate::ports::jobs::JobKind;

/// Removes the object under `key` unless its job is on record.
pub(super) async fn remove_if_orphan(ports: &GatewayPorts, key: &str) -> PortResult<()> {
    let Some((kind, id)) = job_of(key) else { return Ok(()) };
    if ports.jobs.find(kind, id).await?.is_some() {
        return Ok(());
    }
    tracing::info!(key, "removing an object that no record names");
    ports.objects.delete(key).await
}

/// The job in `…/studies/<id>`, `…/batches/<id>/<index>` and `…/results/<id>-<attempt>.json`.
fn job_of(key: &str) -> Option<(JobKind, Uuid)> {
    let mut parts = key.split('/').skip(1);
    let kind = match parts.next()? {
        "studies" => JobKind::Study,
        "batches" | "results" => JobKind::Batch,
        _ => return None,
    };
    let id = Uuid::parse_str(parts.next()?.get(..36)?).ok()?;
    Some((kind, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_name_their_jobs() {
        let id = "01a1fda1-7f52-7720-8e1e-ce3bee3fdf89";
        let uuid = Uuid::parse_str(id).unwrap();
        let study = Some((JobKind::Study, uuid));
        let batch = Some((JobKind::Batch, uuid));
        assert_eq!(job_of(&format!("p/studies/{id}")), study);
        assert_eq!(job_of(&format!("p/batches/{id}/3")), batch);
        assert_eq!(job_of(&format!("p/results/{id}-1.json")), batch);
        for other in ["", "p", "p/studies", "p/studies/x", "p/other/01a1fda1-7f52-7720-8e1e-ce3bee3fdf89"] {
            assert_eq!(job_of(other), None, "{other}");
        }
    }
}

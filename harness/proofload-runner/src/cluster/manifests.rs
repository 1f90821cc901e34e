//! Which workloads of a manifest folder the local cluster scales, and by which autoscaler.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use proofload_autoscale::hpa::Controller;
use proofload_autoscale::keda::{GeneratedHpa, ScaledObject, TriggerContext, generated_hpa};
use proofload_autoscale::manifest::{Resource, render};
use proofload_core::environment::LocalCluster as LocalClusterSpec;
use proofload_core::evidence::ScaledWorkload;

use super::local::{Workload, queue_name};
use super::pod::PodTemplate;
use crate::collector::WatchedQueue;
use crate::environment::{Secrets, Spawner};
use crate::run::{Place, RunError};

/// A workload, its autoscaler, and the replicas its manifest asks for.
#[derive(Debug, Clone)]
pub(crate) struct Autoscaled {
    /// `Deployment/name`.
    pub(crate) target: String,
    /// `spec.replicas` of the workload.
    pub(crate) replicas: u32,
    /// As written.
    pub(crate) object: ScaledObject,
    /// The autoscaler that KEDA makes of it.
    pub(crate) hpa: GeneratedHpa,
}

impl Autoscaled {
    /// Fewest and most replicas.
    pub(crate) fn bounds(&self) -> (u32, u32) {
        let positive = |count: i32| u32::try_from(count).unwrap_or(0);
        (positive(self.object.spec.min()), positive(self.object.spec.max()))
    }

    /// The evidence before anything happened.
    pub(crate) fn evidence(&self) -> ScaledWorkload {
        let (replicas_min, replicas_max) = self.bounds();
        let metrics: Vec<String> =
            self.hpa.triggers.iter().map(|trigger| format!("queue {}", queue_name(trigger))).collect();
        ScaledWorkload {
            target: self.target.clone(),
            autoscaler: format!("{} {replicas_min}–{replicas_max} on {}", self.hpa.name, metrics.join(", ")),
            replicas_min,
            replicas_max,
            syncs: Vec::new(),
            replicas: Vec::new(),
        }
    }
}

/// Reads the manifests and makes a workload of each entry of `pods`; nothing is started yet.
///
/// # Errors
/// A sentence naming the file, workload or container.
pub(crate) fn prepare_local(
    local: &LocalClusterSpec,
    place: &Place,
    addresses: &HashMap<String, String>,
    spawner: &Arc<Spawner>,
    (secrets, queues): (&Arc<Secrets>, &[WatchedQueue]),
) -> Result<Vec<Workload>, RunError> {
    let queues: Vec<WatchedQueue> = queues.iter().filter(|queue| queue.system == local.system).cloned().collect();
    let folder = place.environment_folder.join(&local.manifests);
    let resources = render(&folder, &read).map_err(|error| RunError::Setup(error.to_string()))?;
    let mut workloads = Vec::new();
    for (target, containers) in &local.pods {
        let autoscaled = autoscaled(target, &resources, &folder).map_err(RunError::Setup)?;
        check_containers(target, containers, &resources).map_err(RunError::Setup)?;
        for trigger in &autoscaled.hpa.triggers {
            let wanted = queue_name(trigger);
            if !queues.iter().any(|queue| queue.name == wanted) {
                return Err(RunError::Setup(format!(
                    "{target} scales on the queue `{wanted}`, and system `{}` of the environment does not say where that is read; add it under `queues`",
                    local.system
                )));
            }
        }
        let template = PodTemplate {
            workload: target.rsplit('/').next().unwrap_or(target).to_owned(),
            containers: containers.clone(),
            addresses: addresses.clone(),
            spawner: Arc::clone(spawner),
            secrets: Arc::clone(secrets),
        };
        workloads.push(Workload::new(workloads.len(), autoscaled, template, queues.clone(), local.speed));
    }
    Ok(workloads)
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

/// The workload called `target` and the ScaledObject that points at it.
fn autoscaled(target: &str, resources: &[Resource], folder: &Path) -> Result<Autoscaled, String> {
    let (kind, name) = target.split_once('/').unwrap_or(("Deployment", target));
    let named = |workload: &&proofload_autoscale::manifest::Workload| workload.kind == kind && workload.name == name;
    let workload = resources
        .iter()
        .filter_map(Resource::workload)
        .find(named)
        .ok_or_else(|| format!("{} holds no {target}", folder.display()))?;
    let object = resources
        .iter()
        .filter_map(Resource::scaled_object)
        .find(|object| object.spec.scale_target_ref.name == name)
        .ok_or_else(|| format!("{} holds no ScaledObject for {target}, so nothing would scale it", folder.display()))?;
    let hpa = generated_hpa(object, &TriggerContext::default(), Controller::default())
        .map_err(|error| format!("ScaledObject `{}`: {error}", object.name))?;
    Ok(Autoscaled {
        target: target.to_owned(),
        replicas: u32::try_from(workload.replicas.unwrap_or(1)).unwrap_or(0),
        object: object.clone(),
        hpa,
    })
}

/// The environment must run what the manifest runs, container by container.
fn check_containers(
    target: &str,
    containers: &[proofload_core::environment::Process],
    resources: &[Resource],
) -> Result<(), String> {
    let name = target.rsplit('/').next().unwrap_or(target);
    let workloads = resources.iter().filter_map(Resource::workload);
    let declared: Vec<&str> = workloads
        .filter(|workload| workload.name == name)
        .flat_map(|workload| &workload.containers)
        .map(|container| container.name.as_str())
        .collect();
    for container in containers {
        if !declared.contains(&container.name.as_str()) {
            return Err(format!(
                "the environment gives {target} a container `{}`, and its manifest has {}",
                container.name,
                declared.join(", ")
            ));
        }
    }
    match declared.iter().find(|name| !containers.iter().any(|container| container.name == **name)) {
        Some(missing) => Err(format!(
            "the manifest gives {target} a container `{missing}`, and the environment does not say what runs as it"
        )),
        None => Ok(()),
    }
}

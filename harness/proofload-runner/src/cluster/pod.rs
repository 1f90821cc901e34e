//! A pod of the local cluster: its containers are processes, started in the order of their needs.

use std::collections::HashMap;
use std::sync::Arc;

use proofload_core::environment::Process;

use crate::environment::{Running, Secrets, Spawner};

/// What pods of one workload are made of.
pub(crate) struct PodTemplate {
    /// `ml-inference`.
    pub(crate) workload: String,
    /// Its containers.
    pub(crate) containers: Vec<Process>,
    /// Addresses of the environment's own processes.
    pub(crate) addresses: HashMap<String, String>,
    /// Starts processes.
    pub(crate) spawner: Arc<Spawner>,
    /// For commands that name a secret's file.
    pub(crate) secrets: Arc<Secrets>,
}

/// A pod whose containers all answer.
pub(crate) struct Pod {
    /// `ml-inference-3`.
    pub(crate) name: String,
    containers: Vec<Running>,
}

impl PodTemplate {
    /// Starts one pod; ready when every container is.
    ///
    /// # Errors
    /// A sentence with the last words of the container that failed; the others have been ended.
    pub(crate) async fn start(&self, number: u32) -> Result<Pod, String> {
        let name = format!("{}-{number}", self.workload);
        let mut addresses = self.addresses.clone();
        let mut pod = Pod { name, containers: Vec::new() };
        for container in &self.containers {
            let label = format!("{}.{}", pod.name, container.name);
            match self.spawner.start(container, &label, &addresses, &self.secrets).await {
                Ok(running) => {
                    addresses.insert(container.name.clone(), running.address.clone());
                    pod.containers.push(running);
                }
                Err(error) => {
                    pod.stop().await;
                    return Err(error);
                }
            }
        }
        Ok(pod)
    }
}

impl Pod {
    /// Whether any container has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.containers.iter_mut().any(Running::has_ended)
    }

    /// Ends the containers, those that use others first.
    pub(crate) async fn stop(self) {
        for container in self.containers.into_iter().rev() {
            container.stop().await;
        }
    }
}

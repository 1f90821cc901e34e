//! Roles of the reference stack as processes of the real binary, for tests that end them the hard way.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running role; killed when dropped.
pub(crate) struct Role {
    child: Child,
    /// `http://127.0.0.1:port`.
    pub(crate) address: String,
}

impl Role {
    /// Starts `proofload stack …` and waits for its address.
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_proofload"))
            .arg("stack")
            .args(args)
            .arg("--until-stdin-closes")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{args:?} said `{line}`"));
        let address = format!("http://{}", said["address"].as_str().unwrap());
        Self { child, address }
    }

    pub(crate) fn medical_gateway(data: &Path, secret: &Path) -> Self {
        let (data, secret) = (data.display().to_string(), secret.display().to_string());
        Self::start(&["gateway", "--system", "medical-platform", "--data", &data, "--jwt-secret-file", &secret])
    }

    pub(crate) fn medical_worker(data: &Path, inference: &str) -> Self {
        let data = data.display().to_string();
        Self::start(&[
            "worker",
            "--system",
            "medical-platform",
            "--data",
            &data,
            "--inference",
            inference,
            "--lease",
            "2s",
        ])
    }

    /// SIGKILL: no goodbye, no clean-up.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

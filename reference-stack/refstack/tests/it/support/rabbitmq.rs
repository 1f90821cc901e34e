//! A RabbitMQ broker of a test's own: in a temporary folder, on free ports, gone with the test.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::require::missing;
use super::unprivileged::{folder, unprivileged, until_said};
use tempfile::TempDir;

const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

pub(crate) struct RabbitMqServer {
    server: Child,
    /// Finds nodes by name. Shared ones outlive their nodes and make names collide.
    epmd: Child,
    ports: Ports,
    dir: TempDir,
}

#[derive(Clone, Copy)]
struct Ports {
    amqp: u16,
    nodes: u16,
    epmd: u16,
}

impl RabbitMqServer {
    /// A running broker, or nothing where none is installed and none is required.
    pub(crate) fn start() -> Option<Self> {
        if !Path::new(SERVER).exists() {
            missing("rabbitmq", "install Debian's rabbitmq-server");
            return None;
        }
        let dir = folder();
        // Nothing in it: the machine's own settings are not read.
        for file in ["env", "rabbitmq.conf"] {
            std::fs::write(dir.path().join(file), "").unwrap();
        }
        std::fs::write(dir.path().join("plugins"), "[].").unwrap();
        let [amqp, nodes, epmd] = free_ports();
        let ports = Ports { amqp, nodes, epmd };
        let epmd = unprivileged("KILL", Path::new("epmd"))
            .args(["-address", "127.0.0.1", "-port", &epmd.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = serve(dir.path(), ports);
        Some(Self { server, epmd, ports, dir })
    }

    pub(crate) fn url(&self) -> String {
        url_on(self.ports.amqp)
    }

    pub(crate) fn port(&self) -> u16 {
        self.ports.amqp
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    /// Starts it again, on what it had on disk.
    pub(crate) fn restart(&mut self) {
        self.server = serve(self.dir.path(), self.ports);
    }
}

impl Drop for RabbitMqServer {
    fn drop(&mut self) {
        for child in [&mut self.server, &mut self.epmd] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The address of a broker that is reached on `port`.
pub(crate) fn url_on(port: u16) -> String {
    format!("amqp://guest:guest@127.0.0.1:{port}/%2f")
}

fn free_ports<const N: usize>() -> [u16; N] {
    // All held at once, so that they differ.
    let held = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

fn serve(dir: &Path, ports: Ports) -> Child {
    let at = |name: &str| dir.join(name).display().to_string();
    let mut command: Command = unprivileged("KILL", Path::new(SERVER));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", dir)
        .env("LANG", "C.UTF-8")
        // The script becomes the server instead of watching over it.
        .env("RUNNING_UNDER_SYSTEMD", "yes")
        .env("RABBITMQ_NODENAME", format!("test{}@localhost", ports.amqp))
        .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODE_PORT", ports.amqp.to_string())
        .env("RABBITMQ_DIST_PORT", ports.nodes.to_string())
        .env("RABBITMQ_MNESIA_BASE", at("mnesia"))
        .env("RABBITMQ_LOG_BASE", at("log"))
        .env("RABBITMQ_LOGS", "-")
        .env("RABBITMQ_PID_FILE", at("pid"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", at("plugins"))
        .env("RABBITMQ_CONFIG_FILE", at("rabbitmq.conf"))
        .env("RABBITMQ_GENERATED_CONFIG_DIR", at("config"))
        .env("RABBITMQ_CONF_ENV_FILE", at("env"))
        .env("ERL_EPMD_PORT", ports.epmd.to_string())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut server = command.spawn().unwrap();
    until_said(server.stdout.take().unwrap(), "Server startup complete");
    server
}

"""The servers that benchmarks run against, each a child process of its own on loopback, on the target's core.

nginx where a well-known server is wanted; a file of `peers/` where the server must stamp, freeze, hold or hash.
"""

import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import common

START_TIMEOUT_S = 10


class Nginx:
    """An nginx of our own: one process on one core, `/hello` answers 22 bytes, `/status` counts requests."""

    def __init__(self, cpu=common.TARGET_CPU):
        if not shutil.which("nginx"):
            raise common.BenchError("nginx is not installed; apt-get install nginx")
        self.folder = tempfile.TemporaryDirectory(prefix="bench-nginx-")
        self.url = f"http://127.0.0.1:{common.free_port()}"
        config = Path(self.folder.name) / "nginx.conf"
        config.write_text(
            NGINX_CONFIG.replace("FOLDER", self.folder.name).replace("ADDRESS", self.url.removeprefix("http://"))
        )
        self.child = common.start(["nginx", "-c", config, "-p", self.folder.name, "-e", "stderr"], cpu)
        wait_until_answers(f"{self.url}/hello", self.child)

    def requests(self):
        """Requests served so far, the asking one included."""
        return int(get_text(f"{self.url}/status").splitlines()[2].split()[2])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        common.stop(self.child)
        self.folder.cleanup()


NGINX_CONFIG = r"""
daemon off; master_process off; pid FOLDER/pid; error_log stderr error;
events { worker_connections 16384; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; tcp_nodelay on;
  client_body_temp_path FOLDER/body; proxy_temp_path FOLDER/proxy; fastcgi_temp_path FOLDER/fastcgi;
  uwsgi_temp_path FOLDER/uwsgi; scgi_temp_path FOLDER/scgi;
  server {
    listen ADDRESS backlog=4096;
    location = /hello { default_type text/plain; return 200 "hello from the target\n"; }
    location = /status { stub_status; }
    location / { return 404; }
  }
}
"""


class RustTarget:
    """One of the servers in `peers/`, a single file for `rustc`; it listens on a port of its own choice."""

    def __init__(self, name, tools, arguments=(), cpu=common.TARGET_CPU):
        binary = compile_target(name, tools)
        self.child = common.start([binary, *arguments], cpu, stdout=subprocess.PIPE, text=True)
        said = self.child.stdout.readline()
        if not said.startswith("listening "):
            common.stop(self.child)
            raise common.BenchError(f"the target {name} did not start")
        self.url = f"http://127.0.0.1:{said.split()[1]}"

    def report(self):
        """What the target counted or saw."""
        try:
            return json.loads(get_text(f"{self.url}/report"))
        except OSError as error:
            raise common.BenchError(f"the target at {self.url} answers no more: {error}") from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        common.stop(self.child)
        self.child.stdout.close()


def compile_target(name, tools):
    """Compiles `peers/NAME.rs` with optimisation unless that was done since it was last changed."""
    source, shared, binary = (
        common.HERE / "peers" / f"{name}.rs",
        common.HERE / "peers" / "http.rs",
        tools / "targets" / name,
    )
    newest = max(source.stat().st_mtime, shared.stat().st_mtime)
    if binary.is_file() and binary.stat().st_mtime >= newest:
        return binary
    binary.parent.mkdir(parents=True, exist_ok=True)
    common.note(f"compiling {name}")
    done = subprocess.run(["rustc", "--edition", "2024", "-O", "-o", binary, source], capture_output=True, text=True)
    if done.returncode != 0:
        raise common.BenchError(f"{source} does not compile:\n{done.stderr}")
    return binary


def get_text(url, timeout_s=30):
    """One GET on a connection of its own."""
    with urllib.request.urlopen(url, timeout=timeout_s) as answer:
        return answer.read().decode()


def wait_until_answers(url, child):
    """Waits until a target that was just started answers, or says why it will not."""
    give_up = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < give_up:
        try:
            return get_text(url, timeout_s=1)
        except OSError:
            if child.poll() is not None:
                break
            time.sleep(0.02)
    common.stop(child)
    raise common.BenchError(f"nothing answers at {url}")

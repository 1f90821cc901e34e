"""A real OTLP/HTTP receiver on this machine: proofload sends a stored run to it, and what arrives is decoded.

    python check_otlp_sender.py PROOFLOAD DIR

Needs opentelemetry-proto from PyPI. PROOFLOAD is the program, DIR a run folder. Ends with 0 if everything agrees.
"""

import http.server
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading

from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from formats import check_otlp_request


class Receiver(http.server.BaseHTTPRequestHandler):
    """Answers as a collector does and keeps what it got."""

    received = []
    status = 200
    answer = b"{}"
    # So many requests are told to come again at once before one is answered.
    busy = 0

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.received.append((self.path, self.headers["content-type"], self.headers["x-key"], body))
        if Receiver.busy > 0:
            Receiver.busy -= 1
            self.send_response(503)
            self.send_header("retry-after", "0")
            self.send_header("content-length", "0")
            self.end_headers()
            return
        self.send_response(self.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_):
        pass


def send(proofload, folder, address):
    """Sends; gives the exit code and what standard error said."""
    environment = {**os.environ, "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%2Cb"}
    command = [proofload, "report", str(folder), "--as", "json", "--out", "-", "--otlp", address]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)
    return told.returncode, told.stderr.strip()


def check(proofload, folder):
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    if (told := send(proofload, folder, address)) != (0, ""):
        yield f"sending ended with {told}"
    for path, kind, key, body in Receiver.received:
        if (path, kind, key) != ("/v1/metrics", "application/json", "a,b"):
            yield f"it was sent to {path} as {kind} with x-key {key}"
        yield from check_otlp_request(Parse(body, ExportMetricsServiceRequest()), report)
    if len(Receiver.received) != 1:
        yield f"{len(Receiver.received)} requests arrived"
    Receiver.busy = 2
    if (told := send(proofload, folder, address)) != (0, "") or len(Receiver.received) != 4:
        yield f"a receiver that is busy twice ended with {told} after {len(Receiver.received)} requests"
    Receiver.answer = b'{"partialSuccess": {"rejectedDataPoints": "7", "errorMessage": "no"}}'
    yield from warns(send(proofload, folder, address), "it rejected 7 data points")
    Receiver.status = 503
    yield from warns(send(proofload, folder, f"{address}/v1/metrics"), "it answered 503")
    server.shutdown()
    server.server_close()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        away = f"http://user:secret@127.0.0.1:{free.getsockname()[1]}"
        yield from warns(send(proofload, folder, away), "refused")


def warns(told, why):
    """One line that says why, without secrets; the exit code is that of a run that was told."""
    code, said = told
    if code != 0 or said.count("\n") != 0 or not said.startswith("warning: ") or why not in said or "secret" in said:
        yield f"expected a warning with `{why}`, exit 0; got exit {code}: {said}"


def main(arguments):
    proofload, folder = arguments[0], pathlib.Path(arguments[1])
    wrong = list(check(proofload, folder))
    for line in wrong:
        print(f"{folder}: {line}")
    if not wrong:
        print(f"{folder}: an OTLP receiver decodes what is sent; one that is away costs one warning")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))

"""Real processes on free loopback ports, for the end-to-end tests. Nothing here sleeps for luck: it waits
for a line, an answer or an end, and each wait has a limit."""

import json
import os
import pathlib
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

LOBO = os.environ.get("LOBO") or str(pathlib.Path(__file__).resolve().parents[2] / "build" / "dev" / "lobo")
PATIENCE = 20.0


class Process:
    """A program with its standard output as lines; ended and reaped by end()."""

    def __init__(self, words, log, folder=None):
        self.log = open(log, "ab")
        self.child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=self.log, cwd=folder)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.child.stdout, selectors.EVENT_READ)
        self.unread = b""

    def line(self, patience=PATIENCE):
        until = time.monotonic() + patience
        while b"\n" not in self.unread:
            left = until - time.monotonic()
            if left <= 0 or not self.selector.select(left):
                raise AssertionError(f"{self.child.args} said nothing for {patience} s; see {self.log.name}")
            piece = os.read(self.child.stdout.fileno(), 65536)
            if not piece:
                raise AssertionError(f"{self.child.args} ended with {self.child.wait()}; see "
                                     f"{pathlib.Path(self.log.name).read_text()[-2000:]}")
            self.unread += piece
        line, self.unread = self.unread.split(b"\n", 1)
        return line.decode()

    def ready(self):
        while True:
            line = self.line()
            if line.startswith("ready: "):
                return line[len("ready: "):].split()

    def signal(self, number):
        self.child.send_signal(number)

    def wait(self, patience=PATIENCE):
        return self.child.wait(patience)

    def end(self):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        self.selector.close()
        self.child.stdout.close()
        self.log.close()


class Answer:
    """What a server answered, to an independent client."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.text = status, headers, body.decode()
        self.media_type = (headers.get("content-type") or "").split(";")[0]

    @property
    def json(self):
        return json.loads(self.text)


def ask(url, method="GET", headers=None, body=None, context=None):
    """One request by Python's own client; `body` is sent as JSON."""
    data = None if body is None else json.dumps(body).encode()
    all_headers = {**({"content-type": "application/json"} if data else {}), **(headers or {})}
    request = urllib.request.Request(url, data=data, headers=all_headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE, context=context) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as refused:
        return Answer(refused.code, refused.headers, refused.read())


class Case(unittest.TestCase):
    """A folder of its own, and processes that end with the test."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lobo-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self, *words):
        process = Process([LOBO, *map(str, words)], self.folder / f"{words[0]}.log", self.folder)
        self.addCleanup(process.end)
        return process

    def ask(self, method, path, headers=None, body=None):
        return ask(self.url + path, method, headers, body)

    def run_lobo(self, *words):
        return subprocess.run([LOBO, *map(str, words)], capture_output=True, text=True, timeout=60)

    def lobo(self, *words, exit_code=0):
        """Runs a verb to its end; its standard output."""
        done = self.run_lobo(*words)
        self.assertEqual(done.returncode, exit_code, f"{words}\n{done.stdout}\n{done.stderr}")
        self.last_error = done.stderr
        return done.stdout

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    # -- the usual stage ------------------------------------------------------------------------

    NETWORK = """
netsim:
  server:
    - {address: 127.0.0.1, port: 0}
  cells:
    - {name: cell1, downlink: 110 Mbps, uplink: 60 Mbps}
    - {name: cell2, downlink: 40 Mbps, uplink: 20 Mbps}
  ues:
    - {name: ue1, gpsi: msisdn-491700000001, ipv4: 10.45.0.2, cell: cell1}
    - {name: ue2, gpsi: msisdn-491700000002, ipv6: "2001:db8:45::2", cell: cell1}
    - {name: ue3, gpsi: msisdn-491700000003, ipv4: 10.45.0.4, cell: cell1}
  qos_profiles:
    - {name: xr-gold, downlink: 40 Mbps, uplink: 10 Mbps, delay: 30ms, loss_percent: 0.1}
    - {name: xr-silver, downlink: 20 Mbps, uplink: 5 Mbps, delay: 50ms, loss_percent: 1}
  application_functions: [lobodon]
"""

    SERVER = """
nrm:
  server:
    - {{address: 127.0.0.1, port: {port}{tls}}}
  metrics:
    server:
      - {{address: 127.0.0.1, port: 0}}
  store:
    path: {folder}/store.sqlite
  auth:
{auth}
  nef:
    uri: {nef}
    allocation_events: always
{nef_more}  ues:
    - {{val_ue: ue1, gpsi: msisdn-491700000001}}
    - {{val_ue: ue2, gpsi: msisdn-491700000002}}
    - {{val_ue: ue3, gpsi: msisdn-491700000003}}
  qos_references: [xr-gold, xr-silver]
  sinks:
    allow: [127.0.0.0/8]
    https_only: false
{more}"""

    def start_network(self, more="", port=0, tls=""):
        text = self.NETWORK.replace("port: 0}", f"port: {port}{tls}}}")
        self.network = self.start("netsim", "-c", self.write("network.yaml", text + more))
        self.net_url = self.network.ready()[0]

    def server_config(self, port=0, auth='    mode: "off"\n', tls="", nef_more="", more=""):
        return self.write("server.yaml", self.SERVER.format(port=port, tls=tls, folder=self.folder, auth=auth,
                                                            nef=self.net_url, nef_more=nef_more, more=more))

    def start_server(self, **options):
        self.server = self.start("serve", "-c", self.server_config(**options))
        urls = self.server.ready()
        self.url, self.admin_url = urls[0], urls[1]

    def start_listener(self):
        self.listener = self.start("nrm", "listen", "--port", "0", "-o", "json")
        return self.listener.ready()[0]

    def net(self, *words):
        return self.lobo("net", *words, "--server", self.net_url, *getattr(self, "net_credentials", ()))

    def reservations(self):
        return json.loads(self.net("list", "reservations", "-o", "json"))

    def nrm(self, *words, exit_code=0):
        return self.lobo("nrm", "unicast", *words, "--server", self.url, *getattr(self, "credentials", ()),
                         exit_code=exit_code)

    def create(self, ue, qos="xr-gold", notify="http://127.0.0.1:9/none"):
        return json.loads(self.nrm("create", "--ue", ue, "--qos", qos, "--notify", notify, "-o", "json"))

    def until(self, asked, wanted, patience=PATIENCE):
        """Asks again until the answer is the wanted one, no faster than a client's quota allows: for what the network
        settles by itself."""
        until = time.monotonic() + patience
        while (answer := asked()) != wanted:
            if time.monotonic() > until:
                self.assertEqual(answer, wanted)
            time.sleep(0.02)


def main():
    sys.stdout.reconfigure(line_buffering=True)
    unittest.main(verbosity=2)


SIGKILL, SIGTERM, SIGHUP = signal.SIGKILL, signal.SIGTERM, signal.SIGHUP

"""A UPF between two namespaces, a control plane beside it, and what a test asks of them."""

import os
import pathlib
import shutil
import sys
import tempfile
import time
import unittest
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
for folder in ("e2e", "toolbox"):
    sys.path.insert(0, str(HERE.parent / folder))

import harness  # noqa: E402  (the paths above come first)
import xrm_decoder  # noqa: E402
from control_plane import ControlPlane, fields  # noqa: E402
import net  # noqa: E402
from net import N3_GNB, N3_UPF, N4_SMF, N4_UPF, N6_SERVER, N6_UPF, N6_UPF_V6, UE, Stage, ask_until, g_pdu, \
    ip_packet, readable  # noqa: E402

CONFIG = f"""
logger: {{level: debug}}
upf:
  pfcp:
    server: {{address: {N4_UPF}, port: 8805}}
    node_id: upf1.example
    control_planes: [{N4_SMF}]
    retransmit_after: 500ms
  n3: {{interface: n3, address: N3_ADDRESS N3_DEVICE}}
  n6: {{interface: n6, address: N6_ADDRESSES N6_DEVICE}}
  io: PORTS
  workers: WORKERS
  xrm: {{accept: ACCEPT KEYS}}
  metrics:
    server: {{address: {N4_UPF}, port: 9090}}
"""
GNB_TEID = 0x1001
# How many a test has that does not say it itself: each body can be run with one and with several.
WORKERS = int(os.environ.get("LOBO_UPF_WORKERS", "1"))


def enough_cores(workers):
    return workers == 1 or (os.cpu_count() or 1) >= workers


def need_namespaces():
    net.need_namespaces()
    if not enough_cores(WORKERS):
        print(f"skipped: {WORKERS} workers want a core each")
        raise SystemExit(net.SKIPPED)


class UpfCase(unittest.TestCase):
    accept, keys, ports, workers = "clear_and_protected", "", "af_packet", WORKERS
    ue, server_address = UE, N6_SERVER
    n3_upf, n3_gnb = N3_UPF, N3_GNB

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lobo-upf-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        ipv6 = any(":" in address for address in (self.ue, self.n3_upf))
        self.stage = Stage(ipv6)
        self.addCleanup(self.stage.end)
        self.config = self.folder / "upf.yaml"
        text = CONFIG.replace("N3_ADDRESS", f'"{self.n3_upf}"' if ":" in self.n3_upf else self.n3_upf)
        text = text.replace("N6_ADDRESSES", f'[{N6_UPF}, "{N6_UPF_V6}"]' if ipv6 else N6_UPF)
        text = text.replace("ACCEPT", self.accept).replace("KEYS", self.keys).replace("PORTS", self.ports)
        for side in ("n3", "n6"):
            device = self.device(side)
            text = text.replace(f" {side.upper()}_DEVICE", f', device: "{device}"' if device else "")
        text = text.replace("WORKERS", str(self.workers))
        self.config.write_text(text, encoding="utf-8")
        self.upf = self.start_upf()
        self.smf = ControlPlane(self.stage.upf, (N4_UPF, 8805))
        self.addCleanup(self.smf.end)
        self.gnb = self.stage.gnb.udp(self.n3_gnb, 2152)
        self.addCleanup(self.gnb.close)
        self.server = self.stage.server.udp(self.server_address, 6000)
        self.addCleanup(self.server.close)
        self.wire = self.stage.server.frames("dn0")
        self.addCleanup(self.wire.close)
        self.link = self.stage.upf.mac("n6") + self.stage.server.mac("dn0") + (b"\x86\xdd" if ":" in self.ue else b"\x08\x00")

    def device(self, _side):
        """Of DPDK, where the test has one."""
        return None

    def start_upf(self):
        with self.stage.upf.inside():
            process = harness.Process([harness.LOBO, "upf", "-c", str(self.config)], self.folder / "upf.log",
                                      self.folder)
        self.addCleanup(process.end)
        self.addCleanup(self.show_log_on_failure)
        self.assertEqual(process.ready(), [f"pfcp://{N4_UPF}:8805", f"http://{N4_UPF}:9090"])
        return process

    def show_log_on_failure(self):
        outcome = getattr(self._outcome, "result", None)
        if outcome and any(test is self for test, _ in outcome.failures + outcome.errors):
            print((self.folder / "upf.log").read_text(encoding="utf-8")[-4000:], file=sys.stderr)

    def page(self, path):
        with self.stage.upf.inside():
            with urllib.request.urlopen(f"http://{N4_UPF}:9090{path}", timeout=10) as answer:
                return answer.read().decode()

    def metric(self, name, **labels):
        """The sum over all label sets that have these labels."""
        total = 0
        for line in self.page("/metrics").splitlines():
            if line.startswith(name) and line[len(name)] in "{ " and \
                    all(f'{key}="{value}"' in line for key, value in labels.items()):
                total += float(line.rsplit(" ", 1)[1])
        return total

    # -- sessions --

    def establish(self, rules):
        """(our SEID at the UPF, the TEID that it chose)"""
        self.assertEqual(fields(self.smf.associate(), 19)["value"], "1")
        answer = self.smf.establish(rules)
        self.assertEqual(fields(answer, 19)["value"], "1", answer)
        tunnel = fields(answer, 8, 21)
        self.assertEqual(tunnel["v6" if ":" in self.n3_upf else "v4"], self.n3_upf)
        return int(fields(answer, 57)["seid"]), int(tunnel["teid"])

    # -- packets --

    def send_downlink(self, packet):
        self.wire.send(self.link + packet)

    def downlink(self, payload, surplus=None):
        return ip_packet(self.server_address, self.ue, 6000, 5004, payload, surplus)

    def warm_up(self):
        """Until the gNB's address is known to the UPF: what comes before is lost, as it should be."""
        ask_until(lambda: self.send_downlink(self.downlink(b"warm")), self.gnb)
        while readable(self.gnb, 0.3):
            self.gnb.recv(65535)

    def through(self, packet):
        """What the gNB gets of one downlink packet, taken apart by the other decoder."""
        self.send_downlink(packet)
        self.assertTrue(readable(self.gnb, 5), "nothing came to the gNB")
        message = xrm_decoder.read_gtpu(self.gnb.recv(65535))
        self.assertEqual((message["gtpu"], message["type"], message["teid"]), ("it_is", 255, GNB_TEID))
        return message

    def send_uplink(self, teid, packet, qfi=9):
        self.gnb.sendto(g_pdu(teid, packet, qfi), (self.n3_upf, 2152))

    def wait_for(self, holds, patience=10.0):
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if holds():
                return
            readable(self.gnb, 0.05)
        self.fail(f"did not come true within {patience} s")


__all__ = ["UpfCase", "enough_cores", "harness", "need_namespaces"]

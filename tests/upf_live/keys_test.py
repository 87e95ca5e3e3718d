#!/usr/bin/env python3
"""Keys by TLS between `lobo eas` and `lobo upf`: agreed on, rolled over under load, expired, lost and found
again, and refused with a reason at both ends. Whatever befalls the keys, every packet arrives."""

import json
import signal
import struct
import subprocess
import time
import unittest
import urllib.request

from control_plane import PDUSM, create_qer, session_rules, udp_option
from net import N4_UPF, N6_SERVER, UE, readable
from upf_case import UpfCase, harness, need_namespaces

import xrm_decoder  # upf_case has put its folder on the path

QFI = 5
PORT = 7788
STATUS = "127.0.0.1:9091"
WINDOW = 16
KEYS = f"""  keys:
    tls: {{ca: pki/ca.pem, cert: CERT.pem, key: CERT.key}}
    eas:
      - {{name: EAS, address: {N6_SERVER}, port: {PORT}, senders: 1-64}}
      - {{name: other.example, address: {N6_SERVER}, port: 7799, senders: 100-199}}
"""


class KeysByTls(UpfCase):
    accept = "protected_only"
    upf_certificate, expected_eas = "pki/upf-upf1.example", "eas1.example"
    begun = False

    def start_upf(self):
        if not self.begun:
            self.begun = True
            self.pki("pki", "--upf", "upf1.example", "--upf", "upf2.example", "--eas", "eas1.example",
                     "--eas", "eas2.example")
            text = self.config.read_text(encoding="utf-8")
            keys = KEYS.replace("CERT", self.upf_certificate).replace("EAS", self.expected_eas)
            self.config.write_text(text + keys, encoding="utf-8")
        return super().start_upf()

    def pki(self, folder, *words):
        subprocess.run([harness.LOBO, "pki", "keys", str(self.folder / folder), *words], check=True,
                       capture_output=True)

    def start_eas(self, *more, certificate="pki/eas-eas1.example", life="1h"):
        words = [harness.LOBO, "eas", "--in", "127.0.0.1:5004", "--to", f"{UE}:5004", "--lone", "111:3",
                 "--payload-type", "96", "--keys-by-tls", f"{N6_SERVER}:{PORT}", "--tls-cert",
                 str(self.folder / (certificate + ".pem")), "--tls-key", str(self.folder / (certificate + ".key")),
                 "--tls-ca", str(self.folder / "pki/ca.pem"), "--upf-name", "upf1.example", "--key-life", life,
                 "--status", STATUS, *more]
        with self.stage.server.inside():
            process = harness.Process(words, self.folder / "eas.log", self.folder)
        self.addCleanup(process.end)
        process.ready()
        return process

    def eas_page(self, path):
        with self.stage.server.inside():
            with urllib.request.urlopen(f"http://{STATUS}{path}", timeout=10) as answer:
                return answer.read().decode()

    def eas_status(self):
        return json.loads(self.eas_page("/status/keys"))

    def upf_status(self):
        return json.loads(self.page("/status/upf"))["keyChannels"][0]

    def begin(self):
        """A session, and an application that can send."""
        self.establish(session_rules(downlink=[udp_option()], qer=create_qer(1, qfi=QFI, indications=PDUSM)))
        self.application = self.stage.server.udp("127.0.0.1")
        self.addCleanup(self.application.close)
        self.sequence = 0

    def send(self, count=1):
        for _ in range(count):
            self.sequence += 1
            head = struct.pack(">BBHII", 0x80, 111, self.sequence & 0xFFFF, 90 * self.sequence, 0x10B0)
            self.application.sendto(head + self.sequence.to_bytes(4, "big") + bytes(700), ("127.0.0.1", 5004))

    def next_packet(self, patience=2.0):
        """(its number, whether it is marked) of what comes to the gNB; None where nothing does."""
        while readable(self.gnb, patience):
            message = xrm_decoder.read_gtpu(self.gnb.recv(65535))
            if message.get("type") == 255:
                payload = message["payload"]
                head = (payload[0] & 15) * 4 + 8
                return int.from_bytes(payload[head + 12:head + 16], "big"), "set" in message
        return None

    def until_marked(self, patience=20.0):
        """Sends one packet after the other until one arrives marked; how long that took."""
        begin = time.monotonic()
        while time.monotonic() < begin + patience:
            self.send()
            packet = self.next_packet(0.05)
            if packet and packet[1]:
                while self.next_packet(0.2):
                    pass
                return time.monotonic() - begin
        self.fail(f"nothing was marked within {patience} s")

    def load(self, seconds):
        """As fast as the path takes it, some packets at a time: (sent, unmarked). All arrive, in order."""
        end = time.monotonic() + seconds
        sent = unmarked = 0
        while time.monotonic() < end:
            first = self.sequence + 1
            self.send(WINDOW)
            for number in range(first, first + WINDOW):
                packet = self.next_packet()
                self.assertIsNotNone(packet, f"packet {number} did not arrive")
                self.assertEqual(packet[0], number)
                unmarked += not packet[1]
            sent += WINDOW
        return sent, unmarked


class Rollover(KeysByTls):
    def test_keys_are_rolled_over_every_second_under_load_without_one_unmarked_packet(self):
        self.begin()
        self.start_eas(life="1777ms")  # the next key comes after nine sixteenths of it
        self.until_marked()
        before = self.metric("lobo_upf_unmarked_packets_total")
        keys = self.eas_status()["used"]
        sent, unmarked = self.load(12)
        self.assertEqual(unmarked, 0)
        self.assertEqual(self.metric("lobo_upf_unmarked_packets_total"), before)
        self.assertGreater(sent, 2000)
        rolled = self.eas_status()["used"] - keys
        self.assertGreaterEqual(rolled, 10)
        # Four KeyIDs: each fourth key had a connection, and so a handshake, of its own.
        self.assertGreaterEqual(self.metric("lobo_upf_key_channel_dials_total", eas="eas1.example"), 3)
        self.assertLessEqual(self.metric("lobo_upf_key_contexts"), 2)
        self.assertEqual(self.metric("lobo_upf_key_channel_ends_total", eas="eas1.example", said_by="eas"), 0)
        print(f"rollover: {sent} packets, {rolled} keys, {unmarked} unmarked")

    def test_keys_expire_at_both_ends_when_the_channel_is_gone(self):
        self.begin()
        eas = self.start_eas(life="3s")
        self.until_marked()
        self.upf.signal(signal.SIGKILL)
        self.upf.wait()
        self.wait_for(lambda: "current" not in self.eas_status())
        self.assertEqual(self.eas_status()["expired"], 1)
        self.upf = self.start_upf()
        self.begin()
        self.until_marked()
        eas.signal(signal.SIGKILL)
        eas.wait()
        self.wait_for(lambda: self.metric("lobo_upf_key_contexts") == 0)
        self.assertGreaterEqual(self.metric("lobo_upf_keys_total", eas="eas1.example", what="expired"), 1)
        self.assertEqual(self.upf_status()["live"], [])


class LostAndFound(KeysByTls):
    def test_a_upf_that_was_killed_gets_keys_by_itself_and_passes_packets_meanwhile(self):
        self.begin()
        self.start_eas()
        self.until_marked()
        self.upf.signal(signal.SIGKILL)
        self.upf.wait()
        self.upf = self.start_upf()
        self.begin()
        took = self.until_marked()
        self.assertEqual(self.load(1)[1], 0)
        self.assertGreaterEqual(self.eas_status()["connections"], 2)
        print(f"UPF killed: marked again {took * 1000:.0f} ms after its session was there")

    def test_an_application_server_that_was_killed_replaces_the_keys_that_the_upf_has(self):
        self.begin()
        eas = self.start_eas()
        self.until_marked()
        for _ in range(2):
            eas.signal(signal.SIGKILL)
            eas.wait()
            eas = self.start_eas()
            took = self.until_marked()
            self.assertEqual(self.load(0.5)[1], 0)
            print(f"EAS killed: marked again {took * 1000:.0f} ms after it was ready")
        self.assertLessEqual(self.metric("lobo_upf_key_contexts"), 2)

    def test_keys_come_whoever_begins_first(self):
        self.begin()
        self.wait_for(lambda: self.upf_status()["dials"] >= 2)
        self.start_eas()
        self.until_marked()
        self.assertEqual(self.upf_status()["lastEnd"], {"reason": "unreachable", "saidBy": "upf"})


class RefusedCase(KeysByTls):
    def expect(self, reason, said_by):
        """Both ends say why, in status, metrics and log, and every packet arrives unmarked."""
        self.wait_for(lambda: self.metric("lobo_upf_key_channel_ends_total", eas=self.expected_eas, reason=reason,
                                          said_by=said_by) >= 1, 20)
        end = {"reason": reason, "saidBy": said_by}
        self.wait_for(lambda: (self.upf_status().get("lastEnd"), self.eas_status().get("lastEnd")) == (end, end))
        log = (self.folder / "upf.log").read_text(encoding="utf-8")
        self.assertTrue(any("key_channel_refused" in line and reason in line for line in log.splitlines()), log[-800:])
        self.assertIn(reason, (self.folder / "eas.log").read_text(encoding="utf-8"))
        self.assertIn(f'reason="{reason}",said_by="{said_by}"', self.eas_page("/metrics"))
        self.begin()
        self.send()
        while self.next_packet(0.5):
            pass
        sent, unmarked = self.load(0.5)
        self.assertEqual(sent, unmarked)
        self.assertEqual(self.metric("lobo_upf_key_contexts"), 0)


class RefusedByTheUpf(RefusedCase):
    def test_for_the_authority(self):
        self.pki("strangers", "--upf", "upf1.example", "--eas", "eas1.example")
        self.start_eas(certificate="strangers/eas-eas1.example")
        self.expect("authority_unknown", "upf")

    def test_for_the_name(self):
        self.start_eas(certificate="pki/eas-eas2.example")
        self.expect("name_not_expected", "upf")

    def test_for_senders_that_are_anothers(self):
        self.start_eas("--sid", "150")
        self.expect("senders_of_another", "upf")

    def test_for_short_tags(self):
        self.start_eas("--tag", "8")
        self.expect("tag_not_allowed", "upf")


class RefusedForItsName(RefusedCase):
    upf_certificate = "pki/upf-upf2.example"

    def test_by_the_application_server(self):
        self.start_eas()
        self.expect("name_not_expected", "eas")



class RefusedForItsTime(RefusedCase):
    upf_certificate = "late/upf-upf1.example"

    def pki(self, folder, *words):
        super().pki(folder, *words)
        if folder == "pki":
            super().pki("late", "--upf", "upf1.example", "--life", "1s")
            # The authority of these is another one with the same name: both are believed.
            both = "".join((self.folder / one / "ca.pem").read_text() for one in ("pki", "late"))
            (self.folder / "pki" / "ca.pem").write_text(both)

    def test_by_the_application_server(self):
        until = time.time() + 2
        self.wait_for(lambda: time.time() > until)
        self.start_eas()
        self.expect("certificate_expired", "eas")



if __name__ == "__main__":
    need_namespaces()
    unittest.main()

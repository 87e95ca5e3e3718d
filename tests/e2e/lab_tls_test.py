"""config/lab-tls.yaml as it is shipped, with the keys that its first lines tell one to make. Only
addresses' ports are replaced by free ones."""

import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import unittest

import harness

CONFIG = pathlib.Path(__file__).resolve().parents[2] / "config" / "lab-tls.yaml"


def free_port(address):
    with socket.create_server((address, 0)) as probe:
        return probe.getsockname()[1]


class LabTls(harness.Case):
    def setUp(self):
        super().setUp()
        config = self.folder / "config"
        self.pki = config / "pki"
        self.lobo("pki", "init", self.pki, "--client", "app1")
        self.start_network()
        # The place where the network calls back is told in the file: its port must be known before.
        inner = free_port("127.0.0.62")
        text = CONFIG.read_text()
        text, replaced = re.subn(r"http://127\.0\.0\.61:7777", self.net_url, text)
        self.assertGreater(replaced, 0)
        text = re.sub(r"(base: http://127\.0\.0\.62:)7777", rf"\g<1>{inner}", text)
        text = re.sub(r"(address: 127\.0\.0\.62\b.*\n\s+port: )7777", rf"\g<1>{inner}", text)
        text = re.sub(r"port: (7777|9090)", "port: 0", text)
        self.file = config / "lab-tls.yaml"
        self.file.write_text(text)

    def serve(self):
        self.server = self.start("serve", "-c", self.file)
        urls = self.server.ready()
        self.url = urls[0]
        self.assertTrue(self.url.startswith("https://"), urls)
        self.credentials = ("--ca", self.pki / "ca.pem", "--token-file", self.token("app1"), "--http2")

    def token(self, subject, *more):
        path = self.folder / f"{subject}.token"
        path.write_text(self.lobo("pki", "token", self.pki, "--subject", subject, *more))
        return path

    def test_the_file_passes_its_own_check(self):
        self.lobo("config", "check", self.file)

    def test_a_reservation_is_made_read_and_released_over_http2_with_a_bearer_token(self):
        self.serve()
        sink = self.start_listener()
        made = self.create("ue1", notify=sink + "/events")["uniSubId"]
        self.assertEqual([one["ue"] for one in self.reservations()], ["ue1"])
        self.net("degrade", "ue1", "--loss", "5")
        self.assertIn("QOS_NOT_GUARANTEED", self.listener.line())
        self.nrm("get", made)
        self.nrm("delete", made)
        self.until(self.reservations, [])

    def test_a_client_certificate_does_in_place_of_a_token_and_is_the_same_requester(self):
        self.serve()
        made = self.create("ue1")["uniSubId"]
        self.credentials = ("--ca", self.pki / "ca.pem", "--cert", self.pki / "client-app1.pem",
                            "--key", self.pki / "client-app1.key")
        self.nrm("get", made)

    def test_neither_token_nor_certificate_is_neither_seen_nor_served(self):
        self.serve()
        self.credentials = ("--ca", self.pki / "ca.pem")
        self.nrm("list", exit_code=6)

    def test_a_ue_of_one_requester_is_no_other_ones(self):
        self.serve()
        self.credentials = ("--ca", self.pki / "ca.pem", "--token-file", self.token("app2"))
        self.nrm("create", "--ue", "ue1", "--qos", "xr-gold", "--notify", "http://127.0.0.1:9/x", exit_code=5)
        self.nrm("create", "--ue", "ue2", "--qos", "xr-gold", "--notify", "http://127.0.0.1:9/x")

    def test_an_independent_client_is_offered_http2_by_alpn_and_old_tls_is_not_spoken(self):
        self.serve()
        host, port = self.url.removeprefix("https://").split(":")
        context = ssl.create_default_context(cafile=self.pki / "ca.pem")
        context.set_alpn_protocols(["h2", "http/1.1"])
        with socket.create_connection((host, int(port)), timeout=harness.PATIENCE) as raw:
            with context.wrap_socket(raw, server_hostname=host) as tls:
                self.assertEqual(tls.selected_alpn_protocol(), "h2")
                self.assertIn(tls.version(), ("TLSv1.2", "TLSv1.3"))
        for old in ("-tls1", "-tls1_1"):
            done = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", old],
                                  input=b"", capture_output=True, timeout=20)
            self.assertNotEqual(done.returncode, 0)

    @unittest.skipUnless(shutil.which("curl"), "curl is not there to be an independent client")
    def test_curl_speaks_http2_with_the_server_and_gets_the_list(self):
        self.serve()
        token = (self.folder / "app1.token").read_text().strip()
        done = subprocess.run(
            ["curl", "-sS", "--http2", "--cacert", self.pki / "ca.pem", "-H", f"authorization: Bearer {token}",
             "-w", "\n%{http_version} %{http_code}", self.url + "/ss-nra/v1/unicast-subscriptions"],
            capture_output=True, text=True, timeout=30)
        self.assertEqual(done.stdout.splitlines()[-1], "2 200", done.stdout + done.stderr)


if __name__ == "__main__":
    harness.main()

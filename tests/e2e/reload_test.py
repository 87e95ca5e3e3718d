"""SIGHUP: keys, certificates and the file are taken over together, or none of them."""

import shutil

import harness
from security_test import TOKENS

BROKEN = "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n"


class Reload(harness.Case):
    """Two authorities, old and new. What the server reads lies in a third folder."""

    def setUp(self):
        super().setUp()
        for name in ("old", "new"):
            self.lobo("pki", "init", self.folder / name, "--client", "app1")
        self.used = self.folder / "used"
        self.used.mkdir()
        self.install("old")
        self.start_network("  callback_tls: {ca: %s/old/ca.pem}\n" % self.folder)
        self.start_server(auth=TOKENS.format(pki=self.used),
                          tls=", tls: {cert: %s/server.pem, key: %s/server.key}" % (self.used, self.used))

    def install(self, name, *files):
        for file in files or ("server.pem", "server.key", "jwks.json"):
            shutil.copy(self.folder / name / file, self.used / file)

    def lines(self, what):
        return (self.folder / "serve.log").read_text().count(what)

    def reload(self, event):
        before = self.lines(event)
        self.server.signal(harness.SIGHUP)
        self.until(lambda: self.lines(event) > before, True)

    def exit_of(self, authority, issuer):
        """How a listing ends: 0 well, 4 the certificate is not believed, 6 the token is not."""
        token = self.folder / f"{issuer}.token"
        token.write_text(self.lobo("pki", "token", self.folder / issuer, "--subject", "app1"))
        words = ("nrm", "unicast", "list", "--server", self.url, "--ca", self.folder / authority / "ca.pem",
                 "--token-file", token)
        return self.run_lobo(*words).returncode

    def assert_serves(self, name, other):
        self.assertEqual(self.exit_of(name, name), 0)
        self.assertEqual(self.exit_of(name, other), 6)
        self.assertEqual(self.exit_of(other, name), 4)

    def test_keys_and_certificate_are_swapped_while_it_runs(self):
        self.assert_serves("old", "new")
        self.install("new")
        self.reload("configuration_reloaded")
        self.assert_serves("new", "old")

    def test_good_keys_beside_a_broken_certificate_change_neither(self):
        self.install("new", "jwks.json")
        (self.used / "server.pem").write_text(BROKEN)
        self.reload("configuration_not_reloaded")
        self.assert_serves("old", "new")
        told = [line for line in (self.folder / "serve.log").read_text().splitlines() if "not_reloaded" in line]
        self.assertIn("server.pem", told[0])

    def test_a_certificate_without_its_key_changes_nothing(self):
        self.install("new", "jwks.json", "server.pem")
        self.reload("configuration_not_reloaded")
        self.assert_serves("old", "new")

    def test_a_good_certificate_beside_broken_keys_changes_neither(self):
        for text in ("{", '{"keys": []}', None):
            self.install("new", "server.pem", "server.key")
            path = self.used / "jwks.json"
            path.unlink() if text is None else path.write_text(text)
            self.reload("configuration_not_reloaded")
            self.assert_serves("old", "new")

    def test_a_broken_file_keeps_the_old_keys_and_services_too(self):
        self.install("new")
        self.write("server.yaml", (self.folder / "server.yaml").read_text() + "  quota: {burst: 3}\n")
        self.reload("configuration_not_reloaded")
        self.assert_serves("old", "new")

    def test_broken_keys_leave_the_services_of_the_new_file_out(self):
        file = self.folder / "server.yaml"
        file.write_text(file.read_text() + "  val_services:\n    vr: {qosReference: xr-gold}\n")
        (self.used / "jwks.json").write_text("{")
        self.reload("configuration_not_reloaded")
        token = self.folder / "old.token"
        token.write_text(self.lobo("pki", "token", self.folder / "old", "--subject", "app1"))
        self.credentials = ("--ca", self.folder / "old" / "ca.pem", "--token-file", token)
        words = ("create", "--ue", "ue1", "--qos", "vr", "--notify", "http://127.0.0.1:9/x")
        self.nrm(*words, exit_code=1)
        self.install("old")
        self.reload("configuration_reloaded")
        self.nrm(*words)


if __name__ == "__main__":
    harness.main()

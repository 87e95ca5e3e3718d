"""A network that asks who we are: client credentials and certificates, both ways."""

import json

import harness

SECRET = "not a word of a dictionary & \\u00fc"


class GuardedNetwork(harness.Case):
    """Nobody gets to the NEF without a certificate of its authority and a token of its issuer, and
    nobody to us without a certificate either."""

    def setUp(self):
        super().setUp()
        self.pki = self.folder / "pki"
        self.lobo("pki", "init", self.pki, "--client", "lobodon", "nef", "app1")
        self.net_credentials = self.shown("app1")
        self.credentials = self.shown("app1")
        self.network_options = {
            "tls": f", tls: {{cert: {self.pki}/server.pem, key: {self.pki}/server.key, "
                   f"client_ca: {self.pki}/ca.pem, require_client_certificate: true}}",
            "more": "  tokens_required: true\n"
                    "  clients:\n"
                    f"    - {{id: our id, secret: \"{SECRET}\", application_functions: [lobodon]}}\n"
                    "    - {id: another, secret: else, application_functions: []}\n"
                    f"  callback_tls: {{ca: {self.pki}/ca.pem, cert: {self.pki}/client-nef.pem, "
                    f"key: {self.pki}/client-nef.key}}\n"}
        self.start_network(**self.network_options)

    def shown(self, name):
        return ("--ca", self.pki / "ca.pem", "--cert", self.pki / f"client-{name}.pem",
                "--key", self.pki / f"client-{name}.key")

    def start_guarded(self, certificate="lobodon", client="our id", secret=None, ca="ca.pem"):
        self.secret = self.write("secret", (json.loads(f'"{SECRET}"') if secret is None else secret) + "\n")
        shown = f", cert: {self.pki}/client-{certificate}.pem, key: {self.pki}/client-{certificate}.key"
        nef = f"    tls: {{ca: {self.pki}/{ca}{shown if certificate else ''}}}\n"
        if client:
            nef += (f"    oauth2: {{token_uri: \"{self.net_url}/oauth2/token\", client_id: \"{client}\", "
                    f"client_secret_file: {self.secret}}}\n")
        auth = (f"    mode: jwt\n    jwks: {self.pki}/jwks.json\n    issuer: https://lobodon.lab\n"
                "    audience: lobodon\n    client_certificates: true\n    certificate_scopes: [ss-nra]\n")
        self.start_server(
            auth=auth, nef_more=nef,
            tls=f", tls: {{cert: {self.pki}/server.pem, key: {self.pki}/server.key, "
                f"client_ca: {self.pki}/ca.pem, require_client_certificate: true}}")

    def journal(self, path):
        return [one for one in json.loads(self.net("journal", "-o", "json")) if path in one["path"]]

    CREATE = ("--qos", "xr-gold", "--notify", "http://127.0.0.1:9/x")

    def refused(self, exit_code=4):
        self.nrm("create", "--ue", "ue1", *self.CREATE, exit_code=exit_code)
        self.assertEqual(self.reservations(), [])

    def test_a_certificate_and_a_token_open_the_way_and_one_token_serves_many_calls(self):
        self.start_guarded()
        made = [self.create(ue, qos="xr-silver")["uniSubId"] for ue in ("ue1", "ue2")]
        self.assertEqual(len(self.reservations()), 2)
        for one in made:
            self.nrm("delete", one)
        self.until(self.reservations, [])
        asked = self.journal("/oauth2/token")
        self.assertEqual([one["status"] for one in asked], [200])
        self.assertNotIn("body", {name for one in asked for name in one if one[name]})

    def test_what_the_network_tells_comes_back_over_mutual_tls(self):
        self.start_guarded()
        sink = self.start_listener()
        self.create("ue1", notify=sink + "/events")
        self.net("degrade", "ue1", "--loss", "5")
        self.assertEqual(json.loads(self.listener.line())["eventNotifs"][0]["event"], "QOS_NOT_GUARANTEED")

    def test_a_token_that_the_network_no_longer_knows_is_renewed(self):
        self.start_guarded()
        self.create("ue1", qos="xr-silver")
        self.net("reset")
        # A token of the last second is not asked for again: many calls may be refused together.
        words = ("nrm", "unicast", "create", "--ue", "ue2", *self.CREATE, "--server", self.url, *self.credentials)
        self.until(lambda: self.run_lobo(*words).returncode, 0)
        self.assertIn(401, [one["status"] for one in self.journal("/3gpp-")])
        self.assertEqual([one["status"] for one in self.journal("/oauth2/token")], [200])

    def test_no_client_certificate_no_way_in(self):
        self.start_guarded(certificate="")
        self.refused()
        self.assertEqual(self.journal("/"), [])

    def test_no_token_no_reservation(self):
        self.start_guarded(client="")
        self.refused()
        self.assertEqual({one["status"] for one in self.journal("/3gpp-")}, {401})

    def test_a_wrong_secret_is_told_as_ours_and_never_shown(self):
        self.start_guarded(secret="wrong secret")
        self.refused()
        self.assertEqual({one["status"] for one in self.journal("/oauth2/token")}, {401})
        self.assertNotIn("wrong secret", self.last_error + (self.folder / "serve.log").read_text())

    def test_a_client_that_may_not_speak_for_us_gets_nothing(self):
        self.start_guarded(client="another", secret="else")
        self.refused(exit_code=1)
        self.assertEqual({one["status"] for one in self.journal("/3gpp-")}, {403})

    def test_a_network_that_another_authority_vouches_for_gets_no_secret(self):
        self.lobo("pki", "init", self.folder / "other")
        (self.pki / "other.pem").write_text((self.folder / "other" / "ca.pem").read_text())
        self.start_guarded(ca="other.pem")
        self.refused()
        self.assertEqual(self.journal("/"), [])

    def test_the_secret_is_read_anew_at_sighup(self):
        self.start_guarded(secret="wrong secret")
        self.refused()
        self.secret.write_text(json.loads(f'"{SECRET}"'))
        self.server.signal(harness.SIGHUP)
        self.until(lambda: "configuration_reloaded" in (self.folder / "serve.log").read_text(), True)
        self.create("ue1")


if __name__ == "__main__":
    harness.main()

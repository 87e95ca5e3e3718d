"""Tokens, certificates, and what each of them does not allow."""

import json
import subprocess

import harness
import tokens

TOKENS = """    mode: jwt
    jwks: {pki}/jwks.json
    issuer: https://lobodon.lab
    audience: lobodon
"""


class Security(harness.Case):
    def setUp(self):
        super().setUp()
        self.pki = self.folder / "pki"
        self.lobo("pki", "init", self.pki, "--client", "app1", "nef")
        self.start_network(f"  callback_tls: {{ca: {self.pki}/ca.pem, cert: {self.pki}/client-nef.pem, "
                           f"key: {self.pki}/client-nef.key}}\n")

    def token(self, subject, *more):
        path = self.folder / f"{subject}.token"
        path.write_text(self.lobo("pki", "token", self.pki, "--subject", subject, *more))
        return path

    def tls(self, *more):
        lines = [f"cert: {self.pki}/server.pem", f"key: {self.pki}/server.key", *more]
        return ", tls: {" + ", ".join(lines) + "}"

    def create_words(self):
        return ("create", "--ue", "ue1", "--qos", "xr-gold", "--notify", "http://127.0.0.1:9/x", "-o", "json")


class Tokens(Security):
    def setUp(self):
        super().setUp()
        self.start_server(auth=TOKENS.format(pki=self.pki))

    def test_no_token_a_forged_one_another_audience_and_a_missing_scope_are_refused(self):
        self.nrm("list", exit_code=6)
        good = self.token("app1").read_text().strip()
        head, payload, signature = good.split(".")
        forged = [".".join((head, payload[:-2] + "AA", signature)), head + "." + payload + ".",
                  "eyJhbGciOiJub25lIn0." + payload + "."]
        for text in forged:
            self.credentials = ("--token-file", self.write("forged.token", text))
            self.nrm("list", exit_code=6)
        for subject, more in (("wrong1", ("--audience", "another")), ("wrong2", ("--issuer", "https://another")),
                              ("wrong3", ("--scope", "other"))):
            self.credentials = ("--token-file", self.token(subject, *more))
            self.nrm("list", exit_code=6)
        self.assertEqual(self.reservations(), [])

    def assert_refused(self, text, status=401):
        answer = self.ask("GET", "/ss-nra/v1/unicast-subscriptions", {"authorization": "Bearer " + text})
        self.assertEqual((answer.status, answer.media_type), (status, "application/problem+json"), text)
        self.assertNotIn(text.split(".")[-1] or "\0", answer.text)
        return answer

    def test_a_token_of_the_lab_is_good_and_names_its_subject(self):
        answer = self.ask("GET", "/ss-nra/v1/unicast-subscriptions",
                          {"authorization": "Bearer " + tokens.signed(self.pki, tokens.claims())})
        self.assertEqual(answer.status, 200)

    def test_a_token_that_is_not_signed_is_refused(self):
        for algorithm in ("none", "None", "NONE", "nOnE", ""):
            self.assert_refused(tokens.unsigned(self.pki, tokens.claims(), algorithm))

    def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(self):
        for text in tokens.signed_with_public_key(self.pki, tokens.claims()):
            self.assert_refused(text)

    def test_a_token_that_is_over_not_yet_good_or_without_an_end_is_refused(self):
        now = tokens.claims()["iat"]
        for other in ({"exp": now - 3600}, {"exp": None}, {"nbf": now + 3600}, {"exp": "later"}):
            answer = self.assert_refused(tokens.signed(self.pki, tokens.claims(**other)))
            self.assertTrue(answer.headers["www-authenticate"].startswith("Bearer"))

    def test_a_token_for_another_audience_or_by_another_issuer_is_refused(self):
        for other in ({"aud": "another"}, {"aud": ["a", "b"]}, {"aud": None}, {"iss": "https://another"},
                      {"iss": None}, {"sub": None}, {"sub": ""}):
            self.assert_refused(tokens.signed(self.pki, tokens.claims(**other)))

    def test_a_token_without_the_scope_may_do_nothing(self):
        for scope in ("other", "ss-nra-read", "", None):
            self.assert_refused(tokens.signed(self.pki, tokens.claims(scope=scope)), status=403)
        answer = self.ask("POST", "/ss-nra/v1/unicast-subscriptions",
                          {"authorization": "Bearer " + tokens.signed(self.pki, tokens.claims(scope="other"))},
                          {"valTgtUe": {"valUeId": "ue1"}, "uniQosReq": "xr-gold", "notifUri": "http://127.0.0.1:9/x"})
        self.assertEqual((answer.status, self.reservations()), (403, []))

    def test_nobody_sees_reads_changes_or_deletes_what_belongs_to_another(self):
        self.credentials = ("--token-file", self.token("app1"))
        made = json.loads(self.nrm(*self.create_words()))["uniSubId"]
        self.credentials = ("--token-file", self.token("app2"))
        self.assertEqual(json.loads(self.nrm("list", "-o", "json")), [])
        self.nrm("get", made, exit_code=5)
        self.nrm("modify", made, "--qos", "xr-silver", exit_code=5)
        self.nrm("delete", made, exit_code=5)
        self.assertEqual(self.reservations()[0]["asked"], "xr-gold")
        self.credentials = ("--token-file", self.token("app1"))
        self.nrm("delete", made)


class Certificates(Security):
    def use(self, *words):
        self.credentials = ("--ca", self.pki / "ca.pem", *words)

    def test_tls_carries_tokens_and_a_client_that_does_not_trust_the_authority_stays_away(self):
        self.start_server(auth=TOKENS.format(pki=self.pki), tls=self.tls())
        self.assertTrue(self.url.startswith("https://"))
        self.use("--token-file", self.token("app1"))
        made = json.loads(self.nrm(*self.create_words()))["uniSubId"]
        self.use("--token-file", self.token("app1"), "--http2")
        self.nrm("get", made)
        self.credentials = ("--token-file", self.token("app1"))
        self.nrm("get", made, exit_code=4)

    def test_mutual_tls_refuses_who_shows_no_certificate_and_names_who_does(self):
        more = "    client_certificates: true\n    certificate_scopes: [ss-nra]\n"
        self.start_server(auth=TOKENS.format(pki=self.pki) + more,
                          tls=self.tls(f"client_ca: {self.pki}/ca.pem", "require_client_certificate: true"))
        self.use()
        self.nrm("list", exit_code=4)
        self.use("--cert", self.pki / "client-app1.pem", "--key", self.pki / "client-app1.key")
        self.nrm(*self.create_words())
        self.assertEqual(len(self.reservations()), 1)

    def test_an_independent_client_agrees_about_the_certificate(self):
        self.start_server(auth=TOKENS.format(pki=self.pki), tls=self.tls())
        host = self.url.removeprefix("https://")
        done = subprocess.run(["openssl", "s_client", "-connect", host, "-CAfile", self.pki / "ca.pem",
                               "-verify_return_error", "-verify_ip", "127.0.0.1", "-alpn", "h2"],
                              input=b"", capture_output=True, timeout=20)
        self.assertIn(b"Verify return code: 0 (ok)", done.stdout)
        self.assertIn(b"ALPN protocol: h2", done.stdout)


if __name__ == "__main__":
    harness.main()

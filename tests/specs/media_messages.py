#!/usr/bin/env python3
"""Every message of M1 and M5 on the wire, held against the official schemas of TS 26.512.

`lobo serve` is asked each operation that it has: what it answers must be an instance of the official schema, extensions
beside it. What the official schemas allow, every member at once, must be taken and shown again as it came: those who
have never heard of an extension lose nothing. Without the official files, or without python3-jsonschema, it is skipped.
"""

import functools
import os
import pathlib
import sys
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPECS = pathlib.Path(os.environ.get("LOBO_SPECS", ROOT.parent / "shared" / "specs")) / "3gpp-rel18"
SKIPPED = 77
MESSAGES = 20

sys.path.insert(0, str(ROOT / "tests" / "e2e"))
if not SPECS.is_dir():
    print(f"SKIP: {MESSAGES} messages not compared, there are no official OpenAPI files at {SPECS}")
    sys.exit(SKIPPED)
try:
    import jsonschema
except ImportError:
    print(f"SKIP: {MESSAGES} messages not compared, python3-jsonschema is not there")
    sys.exit(SKIPPED)
import media_test  # noqa: E402, pylint: disable=wrong-import-position

PROVISIONING = "TS26512_M1_ProvisioningSessions"
HOSTING = "TS26512_M1_ContentHostingProvisioning"
METRICS = "TS26512_M1_MetricsReportingProvisioning"
CONSUMPTION = "TS26512_M1_ConsumptionReportingProvisioning"
ACCESS = "TS26512_M5_ServiceAccessInformation"
REPORT = "TS26512_M5_ConsumptionReporting"
# Sent in a document that says everything: what a schema's type alone does not tell.
SAMPLES = {
    "pull": False, "protocol": "urn:3gpp:5gms:content-protocol:dash-if-ingest", "relativePath": "live.mpd",
    "contentType": "application/dash+xml", "profiles": "urn:mpeg:dash:profile:isoff-live:2011",
    "locatorType": "urn:3gpp:5gms:locator-type:iso3166", "requestPathPattern": "^/a/(.*)$", "mappedPath": "/$1",
    "urlPatternFilter": ".*", "reportingInterval": 10, "samplingPeriod": 5, "samplePercentage": 50,
    "scheme": "urn:3GPP:ns:PSS:DASH:QM10", "startTime": "2026-11-22T12:00:00Z", "portNumber": 8080,
    "ipv4Addr": "192.0.2.1", "ipv6Addr": "2001:db8::1",
}
PATTERNS = {"uri": "https://media.example/a/", "uri-reference": "a/b", "date-time": "2026-11-22T12:00:00Z"}


@functools.lru_cache(maxsize=None)
def document(uri):
    text = pathlib.Path(uri.removeprefix("file://")).read_text(encoding="utf-8")
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def resolver(file):
    uri = (SPECS / f"{file}.yaml").as_uri()
    return jsonschema.RefResolver(uri, document(uri), handlers={"file": document}, cache_remote=True)


def faults(file, schema, message):
    """What is wrong with the message by the official file; draft 4 is what OpenAPI 3.0 builds on."""
    validator = jsonschema.Draft4Validator({"$ref": f"#/components/schemas/{schema}"}, resolver=resolver(file))
    return [f"/{'/'.join(map(str, fault.absolute_path))}: {fault.message}" for fault in validator.iter_errors(message)]


def everything(schema, refs, name=""):
    """An instance with every member that the schema knows."""
    if "$ref" in schema:
        with refs.resolving(schema["$ref"]) as resolved:
            return everything(resolved, refs, name)
    if name in SAMPLES and schema.get("type") not in ("array", "object"):
        return SAMPLES[name]
    if "enum" in schema:
        return schema["enum"][0]
    for combined in ("allOf", "anyOf", "oneOf"):
        if combined in schema:
            return everything(schema[combined][0], refs, name)
    kind = schema.get("type", "object")
    if kind == "object":
        return {key: everything(value, refs, key) for key, value in schema.get("properties", {}).items()}
    if kind == "array":
        return [everything(schema["items"], refs, name)]
    if kind == "string":
        return PATTERNS.get(schema.get("format"), "text")
    return {"boolean": True, "integer": 7, "number": 7}[kind]


def whole(file, schema):
    """The same, and valid by the official file itself."""
    message = everything({"$ref": f"#/components/schemas/{schema}"}, resolver(file))
    assert not faults(file, schema, message), (message, faults(file, schema, message))
    return message


class Messages(media_test.MediaStage):
    def setUp(self):
        super().setUp()
        self.compared = 0

    def valid(self, file, schema, message):
        self.compared += 1
        self.assertEqual(faults(file, schema, message), [], message)

    def shows(self, path, file, schema, sent):
        """Whoever asks gets what was sent, and it is valid."""
        shown = self.ask("GET", path)
        self.assertEqual(shown.status, 200, shown.text)
        self.valid(file, schema, shown.json)
        for member, value in sent.items():
            self.assertEqual(shown.json.get(member), value, member)

    def through(self, path, file, schema, identifier=None):
        """Create, read, replace, modify and delete one resource with everything that its schema has."""
        sent = whole(file, schema)
        self.compared += 1
        made = self.made(path, {key: value for key, value in sent.items() if key != identifier})
        sent.pop(identifier, None)
        self.shows(made, file, schema, sent)
        replaced = self.ask("PUT", made, body=sent)
        self.assertEqual(replaced.status, 204, replaced.text)
        self.shows(made, file, schema, sent)
        patched = self.ask("PATCH", made, headers={"content-type": "application/merge-patch+json"}, body=sent)
        self.assertEqual(patched.status, 200, patched.text)
        self.valid(file, schema, patched.json)
        name, value = next(iter(sent.items()))
        patched = self.ask("PATCH", made, headers={"content-type": "application/json-patch+json"}, body=[
            {"op": "test", "path": f"/{name}", "value": value}, {"op": "replace", "path": f"/{name}", "value": value}])
        self.assertEqual(patched.status, 200, patched.text)
        self.valid(file, schema, patched.json)
        return made

    def test_every_message_is_one_of_the_official_schemas(self):
        sent = {"provisioningSessionType": "DOWNLINK", "appId": "app", "aspId": "asp"}
        self.session = self.made("/3gpp-m1/v2/provisioning-sessions", sent)
        self.shows(self.session, PROVISIONING, "ProvisioningSession", sent)

        hosting = self.through(self.session + "/content-hosting-configuration", HOSTING, "ContentHostingConfiguration")
        metrics = self.through(self.session + "/metrics-reporting-configurations", METRICS,
                               "MetricsReportingConfiguration", "metricsReportingConfigurationId")
        least = self.made(self.session + "/metrics-reporting-configurations", {"samplingPeriod": 5})
        consumption = self.through(self.session + "/consumption-reporting-configuration", CONSUMPTION,
                                   "ConsumptionReportingConfiguration")
        self.shows(self.session, PROVISIONING, "ProvisioningSession", sent)

        session = self.session.rsplit("/", 1)[1]
        access = self.ask("GET", f"/3gpp-m5/v2/service-access-information/{session}").json
        self.valid(ACCESS, "ServiceAccessInformationResource", access)
        self.assertEqual(len(access["clientMetricsReportingConfigurations"]), 2)
        report = whole(REPORT, "ConsumptionReport")
        self.valid(REPORT, "ConsumptionReport", report)
        told = self.ask("POST", f"/3gpp-m5/v2/consumption-reporting/{session}", body=report)
        self.assertEqual(told.status, 204, told.text)

        for path in (hosting, metrics, least, consumption, self.session):
            self.assertEqual(self.ask("DELETE", path).status, 204, path)
        self.assertEqual(self.compared, 19)
        print(f"{self.compared} messages compared")

    def test_what_is_said_of_energy_stands_beside_the_official_members(self):
        self.provision()
        self.register("as1", "SL1")
        self.report("as1", "SL1", 120)
        self.shows(self.session, PROVISIONING, "ProvisioningSession", {"appId": "app"})
        hosting = self.ask("GET", self.session + "/content-hosting-configuration").json
        self.valid(HOSTING, "ContentHostingConfiguration", hosting)
        self.assertEqual(hosting["distributionConfigurations"][0]["serviceLocationId"], "SL1")
        access = self.ask("GET", "/3gpp-m5/v2/service-access-information/" + self.session.rsplit("/", 1)[1]).json
        self.valid(ACCESS, "ServiceAccessInformationResource", access)
        self.assertIn("energyCharacteristics", access["streamingAccess"]["entryPoints"][0]["serviceLocations"][0])
        self.assertIn("clientEnergyInformationConfiguration", access)
        # A client of before reads the members that it knows, and finds all that it needs.
        official = everything({"$ref": "#/components/schemas/ServiceAccessInformationResource"}, resolver(ACCESS))
        known = {key: value for key, value in access.items() if key in official}
        self.valid(ACCESS, "ServiceAccessInformationResource", known)
        self.assertEqual(known["streamingAccess"]["entryPoints"][0]["locator"], "http://sl1.example/live.mpd")


if __name__ == "__main__":
    unittest.main()

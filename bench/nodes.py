"""A SEALDD server and its relay node as measurements start them, and the UEs that join."""

import json
import sys
import time
import urllib.error
import urllib.request

PATIENCE = 60

SEALDD = """
logger: {{level: warn}}
sealdd:
  server: [{{address: 127.0.0.1, port: 0}}]
  store: {{path: {folder}/sealdd.sqlite}}
  auth: {{mode: "off"}}
  quotas: {{resources_per_client: 100000, requests_per_second: 100000, burst: 100000}}
  nodes: {{lease: 3s}}
"""
RELAY = """
logger: {{level: warn}}
relay:
  node: n1
  server: {{address: 127.0.0.1, port: {port}}}
  tls: {{cert: {folder}/pki/server.pem, key: {folder}/pki/server.key}}
  reset_key: {folder}/reset.key
  limits: {{handshakes_per_second: 0}}
  sealdd: {{uri: {sealdd}}}
"""


def ask(method, url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.loads(answer.read() or b"null")


def ready(process):
    while True:
        line = process.line()
        if line.startswith("ready: "):
            return line[len("ready: "):].split()
        if not line and process.popen.poll() is not None:
            sys.exit(f"{process.popen.args} ended")


def until_registered(sealdd):
    limit = time.monotonic() + PATIENCE
    while True:
        try:
            if ask("GET", sealdd + "/sdd-rly/v1/nodes/n1").get("alive"):
                return
        except urllib.error.HTTPError as refused:
            if refused.code != 404:
                raise
        if time.monotonic() > limit:
            sys.exit("the node was not registered in time")
        time.sleep(0.01)


def ues_in_rooms(sealdd, port, digest, count, of_room, flow_terms=None):
    """A line for each UE that tests/relay_node/far_ue.hpp reads: a connection with one flow, of these terms besides."""
    lines = []
    for number in range(count):
        body = {"room": f"r{number // of_room}", "valServiceId": "xr", "valServerId": "v1",
                "valTargetUe": {"valUeId": f"ue-{number}"}, "flows": {f"urn:avatar:{number}": {"direction": "BIDI", **(flow_terms or {})}}}
        made = ask("POST", sealdd + "/sdd-trans/v1/connections", body)
        flow = next(iter(made["flows"].values()))
        lines.append(f"127.0.0.1 {port} {digest} {made['token']} {flow['flowIds'][0]} {flow['alias']}\n")
    return lines

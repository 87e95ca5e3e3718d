#!/usr/bin/env python3
"""From joules to a player: agents beside three service locations report what they take, the media AF plans by
it, `lobo energy steer` fetches the plan, and a player as it is moves to where less is taken."""

import threading
import time

import stage
from stage import AFTERWARDS, JITTER, LOCATIONS, SEGMENT, SLACK, TTL, harness

AF = """
media_energy:
  server: {{address: 127.0.0.1, port: 0}}
  metrics: {{server: {{address: 127.0.0.1, port: 0}}}}
  store: {{path: {folder}/media.sqlite}}
  auth: {{mode: "off"}}
  service_locations:
    - {{id: SL1, latency_ms: 10}}
    - {{id: SL2, latency_ms: 10}}
    - {{id: SL3, latency_ms: 10}}
  sinks: {{allow: [127.0.0.0/8], https_only: false}}
  sessions: {{usual_mbps: 1}}
  plan: {{{plan}}}
  web_origins: ["*"]
"""
AGENT = """
energy_agent:
  as_instance_id: as-{name}
  af: {{uri: "{af}"}}
  locations: [{{id: {name}, base_urls: ["http://{address}:{port}/"]}}]
  host:
    capacity: 1 Gbps
    model: {{idle_w: 90, max_w: {max_w}}}
    idle_w: 90
    sys: {folder}/sys-{name}
    proc: {folder}/proc
  access_log: {folder}/access.log
  sampling: 200ms
"""
POLICY = {"reporting": {"mode": "BOTH", "reportingInterval": 1, "samplingPeriod": 1, "minReportSpacing": 1},
          "serviceEnergyProfile": {"switchCostJoule": 0}}
MAX_W = {"SL1": 120, "SL2": 160, "SL3": 220}
METER = 0.1  # seconds between two looks of the made-up meters


class Meters:
    """A RAPL tree for each location; its counter goes on by the watts that are told, in real time."""

    def __init__(self, folder):
        self.folder, self.watts = folder, {name: 95.0 for name in LOCATIONS}
        self.joules = {name: 0.0 for name in LOCATIONS}
        self.over, self.at = threading.Event(), time.monotonic()
        (folder / "proc").mkdir()
        (folder / "proc" / "stat").write_text("cpu  0 0 0 1000\ncpu0 0 0 0 1000\n", encoding="utf-8")
        for name in LOCATIONS:
            zone = self.zone(name)
            zone.mkdir(parents=True)
            for file, text in (("name", "psys"), ("max_energy_range_uj", str(1 << 60))):
                (zone / file).write_text(text + "\n", encoding="utf-8")
        self.write()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def zone(self, name):
        return self.folder / f"sys-{name}" / "class" / "powercap" / "intel-rapl:0"

    def write(self):
        now = time.monotonic()
        for name, watts in self.watts.items():
            self.joules[name] += watts * (now - self.at)
            fresh = self.zone(name) / ".energy_uj"
            fresh.write_text(f"{int(self.joules[name] * 1e6)}\n", encoding="utf-8")
            fresh.replace(self.zone(name) / "energy_uj")
        self.at = now

    def run(self):
        while not self.over.wait(METER):
            self.write()

    def end(self):
        self.over.set()
        self.thread.join()


class EnergyStage(stage.Stage):
    """Three agents, the AF, and steering that follows its plan."""
    planning = "every: 1s, spacing: 0s, release_share: 1, steering_ttl: 5s, stand_by: false"

    def start_steering(self):
        self.af = self.start("serve", "-c", self.write("media.yaml", AF.format(folder=self.folder, plan=self.planning)))
        self.url = self.af.ready()[0]
        self.provision()
        self.meters = Meters(self.folder)
        self.addCleanup(self.meters.end)
        for name, address in LOCATIONS.items():
            agent = self.start("energy", "agent", "-c", self.write(f"agent-{name}.yaml", AGENT.format(
                name=name, af=self.url, address=address, port=self.port, folder=self.folder, max_w=MAX_W[name])))
            agent.ready()
        self.until(self.best, "SL1")
        self.steering = self.start("energy", "steer", "-c", self.write(
            "steer.yaml", "energy_steering:\n  server: {address: 127.0.0.1, port: 0}\n"
                          f"  af: {{uri: \"{self.url}\"}}\n"))
        self.steer_url = self.steering.ready()[0]

    def made(self, path, body):
        answer = self.ask("POST", path, body=body)
        self.assertEqual(answer.status, 201, answer.text)
        return answer.headers["location"].rsplit("/", 1)[1]

    def provision(self):
        root = "/3gpp-m1/v2/provisioning-sessions"
        self.session = self.made(root, {"provisioningSessionType": "DOWNLINK", "appId": "app"})
        self.made(f"{root}/{self.session}/content-hosting-configuration", {
            "name": "vod", "ingestConfiguration": {},
            "distributionConfigurations": [
                {"entryPoint": {"relativePath": "steered.mpd", "contentType": "application/dash+xml"},
                 "baseURL": f"http://{address}:{self.port}/", "serviceLocationId": name}
                for name, address in LOCATIONS.items()]})
        self.made(f"{root}/{self.session}/energy-information-exposure",
                  {"recipients": ["EIC", "APPLICATION"], "parameters": EXPOSED})
        self.policy = self.made(f"{root}/{self.session}/energy-policies", self.policy_body())
        self.steering_query = f"?g={self.policy}"

    def policy_body(self):
        return POLICY

    seen = None  # the last plan, and the entity tag of it

    def plan_of_policy(self):
        """As it becomes another one, or within a second: who asks all the time takes steering's requests away."""
        tag = {"if-none-match": self.seen.headers["etag"]} if self.seen else {}
        answer = self.ask("GET", "/x-steering/v1/steering-plan?wait=1", tag)
        if answer.status == 200:
            self.seen = answer
        groups = self.seen.json["groups"] if self.seen else []
        return next((group["shares"] for group in groups if group["id"] == self.policy), {})

    def best(self):
        shares = self.plan_of_policy()
        return max(shares, key=shares.get) if shares else None


EXPOSED = ["energyAdaptationRecommendation", "energyConsumptionValue", "energyCharacteristics", "energyThresholdStatus"]


class Energy(EnergyStage):
    def test_a_player_moves_when_its_location_takes_more(self):
        self.play("hls.js")
        self.assertEqual({address for _, address, _ in self.media_requests()}, {LOCATIONS["SL1"]})
        self.until(lambda: "steered to SL1" in (self.folder / "serve.log").read_text(), True)
        risen = time.time()
        self.meters.watts["SL1"] = 420.0
        self.until(self.best, "SL2")
        changed = time.time()
        limit = TTL * (1 + JITTER) + SEGMENT
        moved = self.wait_for_move("SL2", limit + SLACK)
        self.nginx.selector.select(AFTERWARDS)
        end = self.told()
        late = [one for one in self.media_requests() if one[0] > moved and one[1] != LOCATIONS["SL2"]]
        print(f"plan {changed - risen:.2f} s after the power rose, player {moved - changed:.2f} s after the plan "
              f"(TTL {TTL} s +- {JITTER:.0%}, segments of {SEGMENT} s), {end['waiting']} stalls, {len(late)} late")
        self.assertEqual(end["errors"], [])
        self.assertEqual(end["waiting"], 0, "it stalled")
        self.assertEqual(late, [])

    def test_a_player_that_sends_cmcd_is_known_to_the_af_by_the_server_that_serves_it(self):
        for player in ("dash.js", "hls.js", "shaka"):
            with self.subTest(player):
                session = "play-" + player.replace(".", "-")
                self.play(f"{player},{session}")
                mapped = f'number=10g about={session} what="mapped to a service location"'
                self.until(lambda: mapped in (self.folder / "serve.log").read_text(), True)
                self.assertEqual(self.told()["errors"], [])
                self.end_browser()

    def test_steering_goes_on_with_its_plan_when_the_af_is_gone_and_says_when_it_ends(self):
        first = harness.ask(f"{self.steer_url}/steer/dash?g={self.policy}").json
        self.assertEqual(first["PATHWAY-PRIORITY"][0], "SL1")
        self.af.signal(harness.SIGKILL)
        self.af.wait()
        self.until(lambda: "plan_expired" in (self.folder / "energy.log").read_text(), True)
        reload = first["RELOAD-URI"]
        held = harness.ask(reload + "&_DASH_pathway=%22SL3%22&_DASH_throughput=5000000").json
        self.assertEqual(held["PATHWAY-PRIORITY"][0], "SL3", "a plan that is over moves nobody")
        self.assertEqual(harness.ask(reload).json["PATHWAY-PRIORITY"][0], "SL1")


if __name__ == "__main__":
    stage.main()

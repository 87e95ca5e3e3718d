#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "agent/agent_config.hpp"
#include "base/result.hpp"
#include "config.hpp"
#include "energy/meter/power_model.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view smallest_agent = R"(energy_agent:
  as_instance_id: as1
  af: {uri: "http://127.0.0.60:7777"}
  locations: {id: SL1, base_urls: ["http://127.0.1.1:8080/"]}
)";

std::string agent(std::string_view more) { return std::string(smallest_agent) + std::string(more); }

std::string first_fault(const std::string& text) {
  const auto read = parse_config(text, "energy.yaml");
  return read ? "accepted" : read.error().faults.front().where;
}

TEST(config_energy, an_agent_without_a_word_on_power_uses_the_table_and_says_so) {
  const auto read = parse_config(agent("  host: {capacity: 10 Gbps}\n"), "energy.yaml");
  ASSERT_TRUE(read) << read.error().faults.front().reason;
  const AgentConfig& config = read->energy_agent->agent;
  EXPECT_DOUBLE_EQ(config.capacity_mbps, 10'000);
  EXPECT_EQ(config.host.model.method, energy::meter::Method::declared);
  EXPECT_GT(config.host.model.max_w(), 0);
  EXPECT_FALSE(config.duty.has_standby);
}

TEST(config_energy, every_key_of_an_agent_is_read) {
  const auto read = parse_config(R"(energy_agent:
  as_instance_id: as1
  af: {uri: "https://af.example/root", deadline: 2s}
  locations:
    - {id: SL1, base_urls: ["http://127.0.1.1:8080/", "http://sl1.example:8080/"], reserved: 3}
    - {id: SL2, base_urls: ["http://127.0.1.2:8080/"]}
  host:
    capacity: 10 Gbps
    model: {curve: [50, 80, 120], uncertainty: 0.1}
    rest_w: 30
    idle_w: 60
    standby_w: 5
    measured_uncertainty: 0.07
    zone_max_w: 400
    pue: 1.3
    sys: /fake/sys
    proc: /fake/proc
  access_log: /fake/access.log
  session_query: session
  status_url: http://127.0.0.1:8088/status
  sampling: 2s
  reporting: 20s
  commands: {drain: [a], standby: [b, c], wake: [d], limit: 5s, drain_deadline: 2min, retry_pause: 10s}
  supply: {carbon_g_per_kwh: 210, renewable_ratio: 0.6, zone: DE}
)",
                                 "energy.yaml");
  ASSERT_TRUE(read) << read.error().faults.front().reason;
  const AgentConfig& config = read->energy_agent->agent;
  EXPECT_EQ(config.locations.size(), 2U);
  EXPECT_DOUBLE_EQ(config.locations[0].reserved, 3);
  EXPECT_EQ(config.host.model.watts, (std::vector<double>{50, 80, 120}));
  EXPECT_DOUBLE_EQ(config.host.model.rel_uncertainty, 0.1);
  EXPECT_EQ(config.host.idle_w, 60);
  EXPECT_EQ(config.host.standby_w, 5);
  EXPECT_EQ(config.sys_root, "/fake/sys");
  EXPECT_EQ(config.session_query, "session");
  EXPECT_EQ(config.commands.standby, (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(config.duty.drain_deadline, 2min);
  EXPECT_TRUE(config.duty.has_drain && config.duty.has_standby && config.duty.has_wake);
  EXPECT_EQ(config.supply.zone, "DE");
  EXPECT_EQ(config.sampling, 2s);
}

TEST(config_energy, what_no_server_does_is_refused_at_its_line) {
  for (const auto* more :
       {"  host: {capacity: 0 bps}\n", "  host: {capacity: 10 Gbps, model: {curve: [100, 50]}}\n",
        "  host: {capacity: 10 Gbps, model: {curve: [100, x]}}\n",
        "  host: {capacity: 10 Gbps, model: {idle_w: 100}}\n",
        "  host: {capacity: 10 Gbps, model: {family: z80}}\n",
        "  host: {capacity: 10 Gbps, pue: 0.5}\n"})
    EXPECT_EQ(first_fault(agent(more)), "energy.yaml:5") << more;
  EXPECT_EQ(first_fault(agent("  host: {capacity: 1 Gbps}\n  commands: {standby: [a]}\n")),
            "energy.yaml:6");
  EXPECT_EQ(first_fault(agent("  host: {capacity: 1 Gbps}\n  status_url: nowhere\n")),
            "energy.yaml:6");
}

TEST(config_energy, steering_wants_servers_and_a_plan) {
  const auto read = parse_config(R"(energy_steering:
  server: {address: 127.0.0.68, port: 7777}
  plan: plan.json
  keys: keys.txt
  path: /s
  requests_per_second: 50
  demoted_for: 1min
  token_life: 1h
)",
                                 "energy.yaml");
  ASSERT_TRUE(read) << read.error().faults.front().reason;
  const auto& steer = read->energy_steering->steer;
  EXPECT_EQ(steer.path, "/s");
  EXPECT_EQ(steer.settings.demoted_for, 1min);
  EXPECT_EQ(steer.settings.token_life, 1h);
  EXPECT_NE(first_fault("energy_steering:\n  server: {address: 127.0.0.68, port: 1}\n"),
            "accepted");
  const std::string plan =
      "energy_steering:\n  server: {address: 127.0.0.68, port: 1}\n  plan: p\n";
  EXPECT_EQ(first_fault(plan), "accepted");
  EXPECT_EQ(first_fault(plan + "  path: steer\n"), "energy.yaml:4");
  const std::string af =
      "energy_steering:\n  server: {address: 127.0.0.68, port: 1}\n  af: {uri: http://a/}\n";
  EXPECT_EQ(first_fault(af), "accepted") << "an AF's plan is one as well";
  EXPECT_EQ(first_fault("energy_steering:\n  server: {address: 127.0.0.68, port: 1}\n"
                        "  af: {uri: nowhere}\n"),
            "energy.yaml:3");
  EXPECT_EQ(first_fault(plan + "  token_life: 5min\n"), "energy.yaml:4");
}

TEST(config_energy, the_presets_are_usable) {
  const auto agent_preset = load_config(LOBO_SOURCE_DIR "/config/energy-agent.yaml");
  ASSERT_TRUE(agent_preset) << agent_preset.error().faults.front().reason;
  const auto steering = load_config(LOBO_SOURCE_DIR "/config/energy-steering.yaml");
  ASSERT_TRUE(steering) << steering.error().faults.front().reason;
  EXPECT_EQ(steering->energy_steering->steer.plan, LOBO_SOURCE_DIR "/config/energy-plan.json");
}

}  // namespace
}  // namespace lobo::app

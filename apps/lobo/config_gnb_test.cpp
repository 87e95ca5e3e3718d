#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "config.hpp"
#include "dataplane/radio/cell.hpp"
#include "dataplane/set_queue.hpp"
#include "gnb/gnb_config.hpp"
#include "model/address.hpp"
#include "wire/gtpu/bits.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view smallest = R"(gnb:
  n3: {address: 10.100.3.2}
  air: {server: {address: 10.100.9.1}}
  cell: {rate: 12 Mbps}
  control: "http://10.100.3.1:7777"
)";

constexpr std::string_view by_itself = R"(gnb:
  name: east
  n3: {address: "fd00::2", port: 2200, release: 18}
  air: {server: [{address: 10.100.9.1, port: 0}], mtu: 1380}
  cell:
    rate: 2.5 Gbps
    scheduler: plain
    policy: evict
    queue_octets: 64000
    thresholds: [100, 90, 80, 70, 60, 50, 40, 30, 20, 10, 9, 8, 7, 6, 5, 0]
    delay_budget: 250ms
    seed: 7
  link: {delay: 5ms, loss_percent: 0.25}
  ues:
    - name: ue1
      loss_percent: 1
      session:
        address: 10.45.0.2
        teid: 17
        upf: 10.100.3.1
        upf_teid: 18
        flows:
          - {qfi: 9}
          - {qfi: 1, gbr: 8 Mbps, psdb: 100ms, pser: 0.01, psihi: false}
  guarantee: {window: 2s, not_held_after: 3s, held_after: 4s}
  metrics: {server: {address: 127.0.0.64, port: 0}}
)";

std::string first_fault(const std::string& text) {
  const auto read = parse_config(text, "gnb.yaml");
  return read ? "accepted" : read.error().faults.front().reason;
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string changed(text);
  const auto at = changed.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return changed.replace(at, from.size(), to);
}

TEST(config_gnb, addresses_a_rate_and_a_network_are_enough) {
  const auto read = parse_config(smallest, "gnb.yaml");
  ASSERT_TRUE(read) << read.error().faults.front().reason;
  const GnbConfig& gnb = *read->gnb;
  EXPECT_EQ(gnb.name, "gnb1");
  EXPECT_EQ(gnb.n3.port, 2152);
  ASSERT_EQ(gnb.air.size(), 1U);
  EXPECT_EQ(gnb.air.front().port, 2153);
  EXPECT_EQ(gnb.rate.count, 12'000'000U);
  EXPECT_EQ(gnb.cell.scheduler, dataplane::CellScheduler::by_flow);
  EXPECT_EQ(gnb.cell.policy, dataplane::Policy::threshold);
  EXPECT_EQ(gnb.guarantee.not_held_after, 2s);
}

TEST(config_gnb, every_key_is_read) {
  const auto read = parse_config(by_itself, "gnb.yaml");
  ASSERT_TRUE(read) << read.error().faults.front().where << read.error().faults.front().reason;
  const GnbConfig& gnb = *read->gnb;
  EXPECT_EQ(gnb.name, "east");
  EXPECT_EQ(model::to_text(gnb.n3.address), "fd00::2");
  EXPECT_EQ(gnb.n3.port, 2200);
  EXPECT_EQ(gnb.release, gtpu::Release::rel18);
  EXPECT_EQ(gnb.mtu, 1380);
  EXPECT_EQ(gnb.rate.count, 2'500'000'000U);
  EXPECT_EQ(gnb.cell.scheduler, dataplane::CellScheduler::plain);
  EXPECT_EQ(gnb.cell.policy, dataplane::Policy::evict);
  EXPECT_EQ(gnb.cell.queue_octets, 64'000U);
  EXPECT_EQ(gnb.cell.thresholds[9], 10);
  EXPECT_EQ(gnb.cell.delay_budget, 250ms);
  EXPECT_EQ(gnb.seed, 7U);
  ASSERT_EQ(gnb.ues.size(), 1U);
  EXPECT_EQ(gnb.ues[0].link.delay, 5ms) << "that of all UEs";
  EXPECT_EQ(gnb.ues[0].link.loss_ppm, 10'000U);
  const auto& session = gnb.ues[0].session.value();
  EXPECT_EQ(session.v4, model::Ipv4Address::parse("10.45.0.2"));
  EXPECT_EQ(session.teid, 17U);
  EXPECT_EQ(session.upf_teid, 18U);
  ASSERT_EQ(session.flows.size(), 2U);
  EXPECT_EQ(session.flows[1].promise.guaranteed.count, 8'000'000U);
  EXPECT_EQ(session.flows[1].promise.set_delay_budget, 100ms);
  EXPECT_FALSE(session.flows[1].whole_sets);
  EXPECT_EQ(gnb.guarantee.window, 2s);
  EXPECT_EQ(gnb.metrics.size(), 1U);
}

TEST(config_gnb, what_cannot_be_is_said) {
  EXPECT_NE(first_fault(replaced(smallest, "  control: \"http://10.100.3.1:7777\"\n", ""))
                .find("no UE has a session"),
            std::string::npos);
  for (const auto& [from, to] :
       {std::pair{"rate: 12 Mbps", "rate: 12 bps"}, std::pair{"rate: 12 Mbps", "policy: drop"},
        std::pair{"rate: 12 Mbps", "rate: 1 Mbps, trace: a.trace"},
        std::pair{"rate: 12 Mbps", "thresholds: [1, 2]"},
        std::pair{"rate: 12 Mbps", "queue_octets: 100"}, std::pair{"10.100.3.2", "gnb"},
        std::pair{"http://10.100.3.1:7777", "netsim"}, std::pair{"cell:", "cells:"}})
    EXPECT_NE(first_fault(replaced(smallest, from, to)), "accepted") << to;
  for (const auto& [from, to] :
       {std::pair{"pser: 0.01, ", ""}, std::pair{"qfi: 1,", "qfi: 9,"},
        std::pair{"qfi: 1,", "qfi: 64,"}, std::pair{"not_held_after: 3s", "not_held_after: 1s"},
        std::pair{"127.0.0.64", "10.0.0.1"}, std::pair{"teid: 17", "teid: 0"},
        std::pair{"name: east", "control: http://127.0.0.1:1"}})
    EXPECT_NE(first_fault(replaced(by_itself, from, to)), "accepted") << to;
}

TEST(config_gnb, the_preset_is_right) {
  const auto preset = load_config(LOBO_SOURCE_DIR "/config/gnb.yaml");
  ASSERT_TRUE(preset) << preset.error().faults.front().where
                      << preset.error().faults.front().reason;
  ASSERT_TRUE(preset->gnb);
  EXPECT_EQ(preset->gnb->name, "gnb1");
  EXPECT_EQ(preset->gnb->control, "http://10.100.3.1:7777");
  EXPECT_EQ(preset->gnb->link.delay, 4ms);
}

}  // namespace
}  // namespace lobo::app

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config.hpp"
#include "upf/upf_config.hpp"
#include "wire/gtpu/bits.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/metadata.hpp"
#include "wire/xrm/option.hpp"
#include "wire/xrm/receiver.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view smallest = R"(upf:
  pfcp: {server: {address: 127.0.0.62}}
  n3: {interface: a}
  n6: {interface: b}
)";

std::string with(std::string_view more) { return std::string(smallest) + std::string(more); }

std::string first_fault(const std::string& text) {
  const auto read = parse_config(text, "upf.yaml");
  return read ? "accepted" : read.error().faults.front().reason;
}

TEST(config_upf, two_interfaces_and_an_address_for_n4_are_enough) {
  const auto read = parse_config(smallest, "upf.yaml");
  ASSERT_TRUE(read) << read.error().faults.front().reason;
  const UpfConfig& upf = *read->upf;
  ASSERT_EQ(upf.pfcp.size(), 1U);
  EXPECT_EQ(upf.pfcp.front().port, 8805);
  EXPECT_EQ(upf.n4.node_id, "127.0.0.62");
  EXPECT_TRUE(upf.n4.control_planes.empty());
  EXPECT_EQ(upf.n4.heartbeat_every, 10s);
  EXPECT_EQ(upf.marks.receiver.accept, xrm::Accept::protected_only);
  EXPECT_EQ(upf.marks.kind, xrm::OptionKind());
  EXPECT_TRUE(upf.strip_options);
  EXPECT_TRUE(upf.metrics.empty());
}

TEST(config_upf, every_key_is_read) {
  const auto read = parse_config(R"(upf:
  pfcp:
    server:
      - {address: 127.0.0.62, port: 0}
      - {address: "::1"}
    node_id: upf1.example.org
    control_planes: [127.0.0.61]
    control_port: 0
    retransmit_after: 1s
    retransmissions: 2
    heartbeat: 5s
    peer_lost_after: 1min
    answers_kept: 20s
  n3: {interface: a, address: [10.0.3.1, "2001:db8:3::1"], gateway: 10.0.3.254}
  n6: {interface: b, address: 10.0.6.1}
  io: af_xdp
  queues: 2
  ue_networks: [10.45.0.0/16, "2001:db8:45::/48"]
  xrm: {option_kind: 127, exid: "0x1234", accept: clear_and_protected, reading: strict, key_file: k}
  strip_options: false
  gtpu: {set_container: "0x86", release: "18", zero_udp_checksum_over_ipv6: true}
  monitoring_interval: 1s
  clocks_agree: true
  metrics: {server: {address: 127.0.0.62, port: 0}}
)",
                                 "upf.yaml");
  ASSERT_TRUE(read) << read.error().faults.front().reason;
  const UpfConfig& upf = *read->upf;
  EXPECT_EQ(upf.pfcp.size(), 2U);
  EXPECT_EQ(upf.n4.node_id, "upf1.example.org");
  EXPECT_EQ(upf.n4.control_planes.size(), 1U);
  EXPECT_EQ(upf.n4.control_port, 0);
  EXPECT_EQ(upf.n4.retransmissions, 2U);
  EXPECT_EQ(upf.n4.peer_lost_after, 1min);
  EXPECT_TRUE(upf.n3.v4 && upf.n3.v6 && upf.n3.gateway_v4 && !upf.n3.gateway_v6);
  EXPECT_EQ(upf.io, UpfIo::af_xdp);
  ASSERT_EQ(upf.ue_networks.size(), 2U);
  EXPECT_EQ(upf.ue_networks[0].second, 16U);
  EXPECT_EQ(upf.marks.kind, xrm::OptionKind::experimental(0x1234));
  EXPECT_EQ(upf.marks.receiver.leniency, xrm::Leniency::strict);
  EXPECT_EQ(upf.set_container, 0x86);
  EXPECT_EQ(upf.release, gtpu::Release::rel18);
  EXPECT_FALSE(upf.strip_options);
}

TEST(config_upf, devices_of_dpdk_belong_to_a_side_each) {
  const auto text = [](std::string_view n3, std::string_view n6, std::string_view io) {
    return fmt::format(
        "upf:\n  pfcp: {{server: {{address: 127.0.0.62}}}}\n  n3: {{interface: a{}}}\n"
        "  n6: {{interface: b{}}}\n  io: {}\n",
        n3, n6, io);
  };
  constexpr std::string_view memif = ", device: \"net_memif0,role=server,socket=/run/n3\"";
  const auto read = parse_config(text(memif, "", "dpdk"), "upf.yaml");
  ASSERT_TRUE(read) << read.error().faults.front().reason;
  EXPECT_EQ(read->upf->io, UpfIo::dpdk);
  EXPECT_EQ(read->upf->n3.device, "net_memif0,role=server,socket=/run/n3");
  EXPECT_TRUE(read->upf->n6.device.empty());
  EXPECT_EQ(first_fault(with("  io: dpdk\n")), "accepted");
  EXPECT_NE(first_fault(text(memif, "", "af_packet")).find("io: dpdk alone"), std::string::npos);
  EXPECT_NE(first_fault(text(memif, ", device: net_memif0", "dpdk")).find("names of their own"),
            std::string::npos);
}

TEST(config_upf, what_cannot_be_is_told_with_the_reason) {
  EXPECT_NE(first_fault(with("  io: af_xdp\n")).find("name the networks"), std::string::npos);
  EXPECT_NE(first_fault(with("  metrics: {server: {address: 10.0.0.1}}\n")).find("loopback only"),
            std::string::npos);
  EXPECT_NE(first_fault(with("  xrm: {option_kind: 20, exid: 5}\n")).find("only option_kind 127"),
            std::string::npos);
  EXPECT_EQ(first_fault(with("  io: af_packet_plain\n")), "accepted");
  EXPECT_EQ(first_fault(with("  io: af_packet\n  workers: 8\n")), "accepted");
  EXPECT_NE(first_fault(with("  io: auto\n  workers: 2\n")).find("divides by UE"),
            std::string::npos);
  for (const std::string_view wrong :
       {"  io: pcap\n", "  queues: 0\n", "  workers: 0\n", "  workers: 9\n",
        "  ue_networks: [10.45.0.0/33]\n", "  n9: {}\n", "  xrm: {option_kind: 9}\n",
        "  xrm: {exid: 65536}\n", "  gtpu: {set_container: \"0x85\"}\n",
        "  metrics: {}\n  metrics: {}\n"})
    EXPECT_NE(first_fault(with(wrong)), "accepted") << wrong;
  const auto replaced = [](std::string_view from, std::string_view to) {
    std::string text(smallest);
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  EXPECT_NE(first_fault(replaced("interface: b", "interface: a")).find("interfaces of their own"),
            std::string::npos);
  for (const std::string_view wrong :
       {"{server: {address: upf1}}", "{server: [{address: 127.0.0.1}, {address: 127.0.0.2}]}",
        "{server: {address: 127.0.0.1}, node_id: a..b}",
        "{server: {address: 127.0.0.1}, control_planes: [smf]}",
        "{server: {address: 127.0.0.1}, retransmit_after: 10s, peer_lost_after: 5s}", "{}"})
    EXPECT_NE(first_fault(replaced("{server: {address: 127.0.0.62}}", wrong)), "accepted") << wrong;
}

std::string keys(std::string_view eas) {
  return with("  keys:\n    tls: {ca: a, cert: b, key: c}\n    eas:\n") + std::string(eas);
}

TEST(config_upf, application_servers_with_a_key_channel_have_what_no_other_has) {
  const auto read = parse_config(
      keys("      - {name: eas1.example, address: 10.0.0.1, senders: 1-64}\n"
           "      - {name: eas2.example, address: \"::1\", port: 99, senders: 100, key_ids: 10-12,"
           " algorithms: [aes-256-gcm], short_tags: true, lifetime_max: 1h}\n"),
      "upf.yaml");
  ASSERT_TRUE(read) << read.error().faults.front().reason;
  const auto& all = read->upf->keys;
  EXPECT_EQ(all.tls.certificate, "b");
  ASSERT_EQ(all.eas.size(), 2U);
  EXPECT_EQ(all.eas[0].port, 7788);
  EXPECT_EQ(all.eas[0].keys.key_ids, (xrm::KeyIdRange{xrm::KeyId{192}, xrm::KeyId{195}}));
  EXPECT_EQ(all.eas[0].keys.algorithms.size(), 3U);
  EXPECT_EQ(all.eas[0].keys.of_others, std::vector{all.eas[1].keys.senders});
  EXPECT_EQ(all.eas[1].keys.senders, (xrm::SenderRange{xrm::SenderId{100}, xrm::SenderId{100}}));
  EXPECT_EQ(all.eas[1].keys.key_ids, (xrm::KeyIdRange{xrm::KeyId{10}, xrm::KeyId{12}}));
  EXPECT_TRUE(all.eas[1].keys.short_tags && !all.eas[1].keys.bind_length);
  EXPECT_EQ(all.eas[1].keys.lifetime_max, 1h);
}

TEST(config_upf, what_two_application_servers_would_share_is_a_fault) {
  const std::string first = "      - {name: eas1.example, address: 10.0.0.1, senders: 1-64}\n";
  EXPECT_EQ(first_fault(keys(first)), "accepted");
  for (const std::string_view second :
       {"{name: eas1.example, address: 10.0.0.2, senders: 65-70}",
        "{name: eas2.example, address: 10.0.0.2, senders: 64-70}",
        "{name: eas2.example, address: 10.0.0.2}",
        "{name: eas2.example, address: 10.0.0.2, senders: 65, key_ids: 190-192}",
        "{name: eas2.example, address: 10.0.0.2, senders: 65, key_ids: 1-2}",
        "{name: eas2.example, address: 10.0.0.2, senders: 70-65}",
        "{name: eas2.example, address: eas2, senders: 65}",
        "{name: \"eas 2\", address: 10.0.0.2, senders: 65}",
        "{name: eas2.example, address: 10.0.0.2, senders: 65, algorithms: [rot13]}",
        "{address: 10.0.0.2, senders: 65}"})
    EXPECT_NE(first_fault(keys(first + "      - " + std::string(second) + "\n")), "accepted")
        << second;
  EXPECT_NE(first_fault(with("  keys: {eas: {name: a, address: 10.0.0.1}}\n")), "accepted");
  EXPECT_NE(first_fault(with("  keys: {tls: {ca: a, cert: b, key: c}}\n")), "accepted");
}

TEST(config_upf, the_preset_is_right) {
  const auto preset = load_config(LOBO_SOURCE_DIR "/config/upf.yaml");
  ASSERT_TRUE(preset) << preset.error().faults.front().where
                      << preset.error().faults.front().reason;
  ASSERT_TRUE(preset->upf);
  EXPECT_EQ(preset->upf->n3.interface, "upf-n3");
  EXPECT_EQ(preset->upf->metrics.size(), 1U);
}

}  // namespace
}  // namespace lobo::app

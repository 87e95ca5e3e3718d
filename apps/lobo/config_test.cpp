#include "config.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "nrm_wiring.hpp"
#include "services/seal_nrm/ports.hpp"

namespace lobo::app {
namespace {

constexpr std::string_view smallest = R"(nrm:
  server:
    - address: 127.0.0.60
      port: 7777
  store:
    path: lobo.sqlite
  auth:
    mode: "off"
  callback:
    base: http://127.0.0.60:7777
  nef:
    uri: http://127.0.0.61:7777
)";

std::string with(std::string_view more) { return std::string(smallest) + std::string(more); }

/// The fault of `text` at `line`, or what was wrong instead.
std::string reason_at(std::string_view text, int line) {
  const auto config = parse_config(text, "lobo.yaml");
  if (config) return "accepted";
  const std::string where = "lobo.yaml:" + std::to_string(line);
  const auto& faults = config.error().faults;
  const auto found = std::ranges::find(faults, where, &Fault::where);
  if (found != faults.end()) return found->reason;
  std::string others = "none at that line, but";
  for (const auto& fault : faults) others += " [" + fault.where + " " + fault.reason + "]";
  return others;
}

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

TEST(config, the_smallest_server_needs_only_addresses_store_auth_callback_and_nef) {
  const auto config = parse_config(smallest, "lobo.yaml");
  ASSERT_TRUE(config) << config.error().faults.front().reason;
  ASSERT_TRUE(config->nrm);
  EXPECT_EQ(config->nrm->servers.front().address, "127.0.0.60");
  EXPECT_EQ(config->nrm->servers.front().port, 7777);
  EXPECT_EQ(config->nrm->auth.mode, AuthMode::off);
  EXPECT_EQ(config->nrm->nef.uri, "http://127.0.0.61:7777");
  EXPECT_FALSE(config->netsim);
}

TEST(config, an_unknown_key_is_told_with_its_line_and_the_nearest_key) {
  const std::string reason = reason_at(with("  qotas:\n    burst: 5\n"), 13);
  EXPECT_TRUE(holds(reason, "unknown key 'qotas' in nrm")) << reason;
  EXPECT_TRUE(holds(reason, "did you mean 'quotas'?")) << reason;
}

TEST(config, an_unknown_key_deep_inside_is_told_with_its_own_line) {
  const std::string reason = reason_at(with("  quotas:\n    burst: 5\n    bursts: 6\n"), 15);
  EXPECT_TRUE(holds(reason, "did you mean 'burst'?")) << reason;
}

TEST(config, an_unknown_section_is_an_error) {
  const std::string reason = reason_at(with("nmr:\n  a: b\n"), 13);
  EXPECT_TRUE(holds(reason, "did you mean 'nrm'?")) << reason;
}

TEST(config, a_key_far_from_every_known_one_lists_the_known_ones) {
  const std::string reason = reason_at(with("  zebra_crossing: 1\n"), 13);
  EXPECT_TRUE(holds(reason, "known are: server")) << reason;
}

TEST(config, a_present_but_empty_value_is_an_error_of_its_own) {
  for (const auto* more : {"  ues:\n", "  quotas:\n    burst:\n", "  quotas:\n",
                           "  sinks:\n    allow:\n", "  ues: []\n", "  duration_max: \"\"\n"}) {
    const auto config = parse_config(with(more), "lobo.yaml");
    EXPECT_FALSE(config) << more;
  }
}

TEST(config, wrong_types_and_ranges_are_told_with_their_lines) {
  EXPECT_TRUE(holds(reason_at(with("  quotas:\n    burst: many\n"), 14), "no whole number"));
  EXPECT_TRUE(holds(reason_at(with("  quotas:\n    burst: \"5\"\n"), 14), "no whole number"));
  EXPECT_TRUE(holds(reason_at(with("  quotas:\n    burst: 0\n"), 14), "not within 1 to"));
  EXPECT_TRUE(holds(reason_at(with("  limits:\n    drain_time: 5\n"), 14), "no duration"));
  EXPECT_TRUE(holds(reason_at(with("  limits:\n    drain_time: 5d\n"), 14), "not within"));
  EXPECT_TRUE(
      holds(reason_at(with("  sinks:\n    https_only: maybe\n"), 14), "neither true nor false"));
  EXPECT_TRUE(holds(reason_at(with("  sinks: 7\n"), 13), "must hold keys and values"));
}

TEST(config, every_fault_of_a_file_is_told_at_once) {
  const auto config =
      parse_config("nrm:\n  a: 1\n  b: 2\n  server:\n    - address: here\n", "lobo.yaml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().faults.size(),
            3U + 2U + 2U);  // missing sections, unknown keys, address and port
}

TEST(config, authentication_off_is_refused_beyond_loopback) {
  std::string text(smallest);
  text.replace(text.find("127.0.0.60"), 10, "192.0.2.10");
  EXPECT_TRUE(holds(reason_at(text, 7), "authentication may be off only"));
  text.replace(text.find("192.0.2.10"), 10, "0.0.0.0");
  EXPECT_TRUE(holds(reason_at(text, 7), "authentication may be off only"));
}

TEST(config, loopback_is_the_whole_of_127_and_ipv6_one_only) {
  EXPECT_TRUE(is_loopback_address("127.255.0.9"));
  EXPECT_TRUE(is_loopback_address("::1"));
  EXPECT_FALSE(is_loopback_address("::ffff:127.0.0.1"));
  EXPECT_FALSE(is_loopback_address("0.0.0.0"));
  EXPECT_FALSE(is_loopback_address("::"));
  EXPECT_FALSE(is_loopback_address("localhost"));
}

TEST(config, tokens_need_keys_issuer_and_audience) {
  std::string text(smallest);
  text.replace(text.find("mode: \"off\""), 11, "mode: jwt");
  const auto config = parse_config(text, "lobo.yaml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().faults.size(), 3U);
}

TEST(config, the_algorithm_none_cannot_be_configured) {
  const auto reason = reason_at("nrm:\n  auth:\n    mode: jwt\n    algorithms: [ES256, none]\n", 4);
  EXPECT_TRUE(holds(reason, "'none' is none of")) << reason;
}

TEST(config, metrics_and_administration_stay_on_loopback) {
  const auto reason =
      reason_at(with("  metrics:\n    server:\n      - {address: 0.0.0.0, port: 9090}\n"), 13);
  EXPECT_TRUE(holds(reason, "is not loopback")) << reason;
}

TEST(config, audits_are_bounded_in_how_often_and_how_much) {
  const auto config =
      parse_config(with("  audit: {interval: 1min, page: 8, pause: 50ms}\n"), "lobo.yaml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->nrm->audit.interval, std::chrono::minutes(1));
  EXPECT_EQ(config->nrm->audit.page, 8U);
  EXPECT_EQ(config->nrm->audit.pause, std::chrono::milliseconds(50));
  EXPECT_TRUE(holds(reason_at(with("  audit:\n    interval: 1s\n"), 14), "not within"));
  EXPECT_TRUE(holds(reason_at(with("  audit:\n    page: 65\n"), 14), "not within 1 to"));
  EXPECT_TRUE(holds(reason_at(with("  audit:\n    every: 1min\n"), 14), "unknown key 'every'"));
}

TEST(config, a_default_must_name_what_exists) {
  const auto reason =
      reason_at(with("  qos_references: [gold]\n  defaults:\n    \"*\": silver\n"), 15);
  EXPECT_TRUE(holds(reason, "must name one of")) << reason;
}

TEST(config, a_service_must_be_a_requirement_of_the_documented_form) {
  const auto reason = reason_at(with("  val_services:\n    video: {qosReferenz: gold}\n"), 14);
  EXPECT_TRUE(holds(reason, "nrm.val_services.video")) << reason;
}

TEST(config, a_service_that_could_not_be_asked_for_is_told_with_the_line_of_the_member) {
  const std::string services = with("  qos_references: [gold]\n  val_services:\n    video:\n");
  EXPECT_TRUE(holds(reason_at(services + "      qosReference: platinum\n", 16),
                    "nrm.val_services.video/qosReference: no such QoS reference"));
  EXPECT_TRUE(
      holds(reason_at(services + "      qosReference: gold\n      gbrDl: 5 Mbps\n", 16), "either"));
  EXPECT_TRUE(holds(reason_at(services + "      dlBitRate: 5 Mbps\n      gbrDl: 6 Mbps\n", 17),
                    "must not be above the maximum"));
  EXPECT_TRUE(holds(reason_at(services + "      qosReference: gold\n      altQoSReferences:\n"
                                         "        - gold\n        - bronze\n",
                              19),
                    "no such QoS reference"));
  EXPECT_TRUE(holds(reason_at(services + "      qosReference: gold\n      flows:\n"
                                         "        - flowDescriptions:\n"
                                         "            - permit in\n",
                              19),
                    "IPFilterRule"));
  EXPECT_TRUE(parse_config(services + "      qosReference: gold\n", "lobo.yaml"));
}

TEST(config, what_the_simulated_network_refuses_is_told_with_its_line) {
  const auto reason = reason_at(
      "netsim:\n  server: {address: 127.0.0.61, port: 0}\n  cells:\n    - {name: c1}\n  ues:\n"
      "    - {name: a, gpsi: msisdn-1, ipv4: 10.0.0.1, cell: c1}\n"
      "    - {name: b, gpsi: msisdn-2, ipv4: 10.0.0.2, cell: c2}\n",
      7);
  EXPECT_TRUE(holds(reason, "netsim.ues/1/cell")) << reason;
}

TEST(config, a_ue_is_listed_once) {
  const auto reason = reason_at(
      with("  ues:\n    - {val_ue: a, gpsi: msisdn-1}\n    - {val_ue: a, gpsi: msisdn-2}\n"), 15);
  EXPECT_TRUE(holds(reason, "listed twice")) << reason;
}

TEST(config, a_group_has_members_that_are_configured_each_once_or_none_at_all) {
  const std::string ues = "  ues:\n    - {val_ue: a, val_user: anna, gpsi: msisdn-1}\n  groups:\n";
  const auto good = parse_config(
      with(ues + "    - {val_group: crew, val_ues: [a], val_users: anna, requesters: [app1]}\n"
                 "    - {val_group: nobody, val_ues: []}\n"),
      "lobo.yaml");
  ASSERT_TRUE(good);
  ASSERT_EQ(good->nrm->groups.size(), 2U);
  EXPECT_EQ(good->nrm->groups.front().val_users, std::vector<std::string>{"anna"});
  EXPECT_TRUE(good->nrm->groups.back().val_ues.empty());

  auto reason = reason_at(with(ues + "    - {val_group: crew, val_ues: [a, b]}\n"), 16);
  EXPECT_TRUE(holds(reason, "'b' is none of nrm.ues")) << reason;
  reason = reason_at(with(ues + "    - {val_group: crew, val_ues: [a, a]}\n"), 16);
  EXPECT_TRUE(holds(reason, "listed twice")) << reason;
  reason = reason_at(with(ues + "    - {val_group: crew}\n    - {val_group: crew}\n"), 15);
  EXPECT_TRUE(holds(reason, "stands twice")) << reason;
}

TEST(config, aliases_anchors_and_tags_are_refused) {
  EXPECT_TRUE(holds(reason_at("nrm: &a\n  server: *a\n", 1), "anchors"));
  EXPECT_TRUE(holds(reason_at("nrm: !!map\n  server: 1\n", 1), "tags"));
}

TEST(config, a_repeated_key_is_refused_with_the_line_of_the_second) {
  EXPECT_TRUE(holds(reason_at("nrm:\n  store: {path: a}\n  store: {path: b}\n", 3), "twice"));
}

TEST(config, what_is_no_yaml_is_told_with_its_line) {
  EXPECT_TRUE(holds(reason_at("nrm:\n  server: [1, 2\n", 3), "not YAML"));
  EXPECT_FALSE(parse_config("", "lobo.yaml"));
  EXPECT_FALSE(parse_config("just words", "lobo.yaml"));
  EXPECT_FALSE(parse_config("\xff\xfe", "lobo.yaml"));
  EXPECT_FALSE(parse_config("--- 1\n--- 2\n", "lobo.yaml"));
}

TEST(config, size_and_depth_are_bounded) {
  EXPECT_FALSE(parse_config(std::string(2 * 1024 * 1024, ' '), "lobo.yaml"));
  EXPECT_FALSE(parse_config("nrm: " + std::string(100'000, '['), "lobo.yaml"));
  EXPECT_FALSE(parse_config("nrm: " + std::string(17, '[') + std::string(17, ']'), "lobo.yaml"));
  std::string deep;
  for (int i = 0; i < 2000; ++i) deep += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  EXPECT_FALSE(parse_config(deep, "lobo.yaml"));
  std::string dashes;
  for (int i = 0; i < 100'000; ++i) dashes += "- ";
  EXPECT_FALSE(parse_config(dashes, "lobo.yaml"));
}

/// The smallest server with `core` in place of the NEF, and one UE with `ue` as further members.
std::string at_pcf(std::string_view core, std::string_view ue = ", address: 10.45.0.2") {
  std::string text(smallest);
  text.erase(text.find("  nef:"));
  text += "  core:\n    type: pcf\n" + std::string(core);
  return text + "  ues:\n    - {val_ue: ue1, gpsi: msisdn-49170" + std::string(ue) + "}\n";
}

TEST(config, a_pcf_is_named_itself_or_by_a_bsf_that_may_name_some) {
  const auto fixed = parse_config(at_pcf("    pcf: http://127.0.0.9:7777\n"), "lobo.yaml");
  ASSERT_TRUE(fixed) << fixed.error().faults.front().reason;
  EXPECT_EQ(fixed->nrm->core, CoreType::pcf);
  EXPECT_EQ(fixed->nrm->nef.uri, "http://127.0.0.9:7777");
  EXPECT_EQ(fixed->nrm->ues.front().address, "10.45.0.2");
  const std::string bsf = "    bsf: http://127.0.0.9:7777\n";
  const auto named = parse_config(at_pcf(bsf + "    pcf_hosts: [127.0.0.0/8]\n"), "lobo.yaml");
  ASSERT_TRUE(named) << named.error().faults.front().reason;
  EXPECT_EQ(named->nrm->pcf.bsf_uri, "http://127.0.0.9:7777");
  for (const auto& wrong :
       {at_pcf(""), at_pcf(bsf), at_pcf(bsf + "    pcf: http://127.0.0.9:7777\n"),
        at_pcf("    pcf: http://127.0.0.9:7777\n    pcf_hosts: [127.0.0.1]\n"),
        at_pcf(bsf + "    pcf_hosts: [http://x]\n"), at_pcf("    pcf: 127.0.0.9\n"),
        at_pcf("    pcf: http://127.0.0.9:7777\n", ""),
        at_pcf("    pcf: http://127.0.0.9:7777\n", ", address: here"),
        at_pcf("    pcf: http://127.0.0.9:7777\n") + "  nef:\n    uri: http://127.0.0.9:7777\n",
        at_pcf("    pcf: http://127.0.0.9:7777\n") +
            "    - {val_ue: ue2, gpsi: msisdn-49171, address: 10.45.0.2}\n",
        with("  ues:\n    - {val_ue: ue1, gpsi: msisdn-49170, address: 10.45.0.2}\n")})
    EXPECT_FALSE(parse_config(wrong, "lobo.yaml")) << wrong;
}

TEST(config, a_nef_beside_a_pcf_tells_where_ues_are_and_takes_no_reservations) {
  const std::string pcf = "    pcf: http://127.0.0.9:7777\n";
  const auto both = [&](std::string_view nef, std::string_view ue = "") {
    return at_pcf(pcf + "    nef: {" + std::string(nef) + "}\n", ue);
  };
  const std::string uri = "uri: \"http://127.0.0.8:7777\"";
  const auto read = parse_config(
      both(uri + ", scs_as_id: me, dnn: xr, deadline: 2s, callback_base: \"http://127.0.0.7\""),
      "lobo.yaml");
  ASSERT_TRUE(read) << read.error().faults.front().reason;
  ASSERT_TRUE(read->nrm->nef_beside);
  EXPECT_EQ(read->nrm->nef.uri, "http://127.0.0.9:7777");
  EXPECT_EQ(read->nrm->nef_beside->uri, "http://127.0.0.8:7777");
  EXPECT_EQ(read->nrm->nef_beside->callback_base, "http://127.0.0.7");
  const auto settings = nrm_settings(*read->nrm, "http://127.0.0.60:7777");
  ASSERT_TRUE(settings);
  EXPECT_TRUE(seal_nrm::has_nef(*settings));
  EXPECT_EQ(seal_nrm::nef_of(*settings).scs_as_id, "me");
  EXPECT_EQ(seal_nrm::nef_of(*settings).peer, "nef");
  EXPECT_EQ(seal_nrm::callback_base_of(*settings, "ue-watch"), "http://127.0.0.7");
  EXPECT_EQ(seal_nrm::callback_base_of(*settings, "unicast"), "http://127.0.0.60:7777");
  for (const auto& wrong : {both("scs_as_id: me"), both(uri, ", address: 10.45.0.2"),
                            both(uri + ", release: 18"), both(uri + ", allocation_events: always"),
                            both(uri + ", modify_by_put: true"), both(uri + ", pcf: x")})
    EXPECT_FALSE(parse_config(wrong, "lobo.yaml")) << wrong;
}

TEST(config, a_group_management_server_has_an_address_and_a_pace) {
  const auto read = parse_config(with("  group_management: {uri: \"http://127.0.0.8:7777\", "
                                      "refresh: 10s, requesters: [app]}\n"),
                                 "lobo.yaml");
  ASSERT_TRUE(read) << read.error().faults.front().reason;
  ASSERT_TRUE(read->nrm->group_management);
  EXPECT_EQ(read->nrm->group_management->refresh, std::chrono::seconds{10});
  EXPECT_EQ(read->nrm->group_management->door.deadline, std::chrono::seconds{2});
  for (const std::string_view wrong :
       {"  group_management: {refresh: 10s}\n",
        "  group_management: {uri: \"http://127.0.0.8\", refresh: 1ms}\n",
        "  group_management: {uri: elsewhere}\n",
        "  group_management: {uri: \"http://127.0.0.8\", groups: [crew]}\n"})
    EXPECT_FALSE(parse_config(with(wrong), "lobo.yaml")) << wrong;
}

constexpr std::string_view network_with_upf = R"(netsim:
  server: {address: 127.0.0.61, port: 0}
  cells: [{name: c1}]
  ues: [{name: a, gpsi: msisdn-1, cell: c1}]
  smf:
    address: 127.0.0.61
    upf:
      - {address: 127.0.0.62, dnn: [internet]}
      - {address: 127.0.0.63, port: 8806, name: edge}
    ue_pool: 10.45.0.0/16
    ran_networks: [10.100.0.0/24]
    t1: 500ms
)";

TEST(config, an_smf_has_upfs_a_pool_and_its_own_pace) {
  const auto config = parse_config(network_with_upf, "lobo.yaml");
  ASSERT_TRUE(config) << config.error().faults.front().reason;
  const auto& smf = config->netsim->core.smf;
  ASSERT_TRUE(smf);
  ASSERT_EQ(smf->upfs.size(), 2U);
  EXPECT_EQ(smf->upfs[0].name, "upf1");
  EXPECT_EQ(smf->upfs[0].port, 8805);
  EXPECT_EQ(smf->upfs[1].name, "edge");
  EXPECT_EQ(smf->t1, std::chrono::milliseconds(500));
  EXPECT_EQ(smf->n1, 3U);
}

TEST(config, what_is_wrong_with_an_smf_is_told_with_its_line) {
  const auto changed = [](std::string_view from, std::string_view to) {
    std::string text(network_with_upf);
    return text.replace(text.find(from), from.size(), to);
  };
  EXPECT_TRUE(holds(reason_at(changed("t1: 500ms", "t2: 500ms"), 12), "t1"));
  EXPECT_TRUE(holds(reason_at(changed("10.45.0.0/16", "10.45.0.1/16"), 10), "ue_pool"));
  EXPECT_TRUE(holds(reason_at(changed("127.0.0.62", "upf.example"), 8), "address"));
  EXPECT_TRUE(holds(reason_at(changed("name: edge", "name: upf1"), 9), "twice"));
}

TEST(config, the_presets_in_the_repository_are_right) {
  const auto pcf = load_config(LOBO_SOURCE_DIR "/config/pcf.yaml");
  ASSERT_TRUE(pcf) << pcf.error().faults.front().where << pcf.error().faults.front().reason;
  EXPECT_EQ(pcf->nrm->core, CoreType::pcf);
  EXPECT_TRUE(pcf->nrm->nef_beside);
  const auto standalone = load_config(LOBO_SOURCE_DIR "/config/standalone.yaml");
  ASSERT_TRUE(standalone) << standalone.error().faults.front().where
                          << standalone.error().faults.front().reason;
  EXPECT_TRUE(standalone->nrm);
  ASSERT_TRUE(standalone->netsim);
  EXPECT_EQ(standalone->netsim->core.ues.size(), 3U);
  EXPECT_EQ(standalone->nrm->trace.directory, "out/trace");
  const auto media = load_config(LOBO_SOURCE_DIR "/config/media.yaml");
  ASSERT_TRUE(media) << media.error().faults.front().where << media.error().faults.front().reason;
  ASSERT_TRUE(media->media_energy);
  EXPECT_EQ(media->media_energy->locations.at("SL2").pue, 1.15);
  const auto sealdd = load_config(LOBO_SOURCE_DIR "/config/sealdd.yaml");
  ASSERT_TRUE(sealdd) << sealdd.error().faults.front().where
                      << sealdd.error().faults.front().reason;
  ASSERT_TRUE(sealdd->sealdd);
  EXPECT_EQ(sealdd->sealdd->lease, std::chrono::seconds{3});
}

TEST(config, the_metaverse_preset_is_right_and_what_cannot_be_is_told) {
  const auto preset = load_config(LOBO_SOURCE_DIR "/config/metaverse.yaml");
  ASSERT_TRUE(preset) << preset.error().faults.front().where
                      << preset.error().faults.front().reason;
  ASSERT_TRUE(preset->metaverse);
  EXPECT_EQ(preset->metaverse->sealdd.uri, "http://127.0.0.66:7777");
  constexpr std::string_view wrong = R"(metaverse:
  server: {address: 127.0.0.67, port: 7777}
  store: {path: mm.sqlite}
  auth: {mode: "off"}
  sealdd: {uri: nowhere}
  sessions: {grace: 0s}
  web_origins: [page.example]
)";
  EXPECT_TRUE(holds(reason_at(wrong, 5), "uri"));
  EXPECT_TRUE(holds(reason_at(wrong, 6), "grace"));
  EXPECT_TRUE(holds(reason_at(wrong, 7), "page.example"));
}

constexpr std::string_view media = R"(media_energy:
  server: {address: 127.0.0.65, port: 7777}
  store: {path: media.sqlite}
  auth: {mode: "off"}
  service_locations:
    - {id: SL1, latency_ms: 10}
    - {id: SL2, pue: 0.5}
    - {id: SL1}
  plan: {every: 0s, utilisation: 1.1}
)";

TEST(config, a_media_section_is_told_what_cannot_be) {
  EXPECT_TRUE(holds(reason_at(media, 7), "pue"));
  EXPECT_TRUE(holds(reason_at(media, 8), "twice"));
  EXPECT_TRUE(holds(reason_at(media, 9), "every"));
  const auto open = std::string(media).replace(media.find("127.0.0.65"), 10, "192.0.2.5");
  EXPECT_TRUE(holds(reason_at(open, 4), "loopback"));
}

}  // namespace
}  // namespace lobo::app

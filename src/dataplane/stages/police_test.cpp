#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "base/rng.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/rules/session.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "dataplane/stages/path_test_support.hpp"
#include "model/pdu_set.hpp"
#include "wire/packet/parse.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane {
namespace {

using namespace std::chrono_literals;
using test::Octets;
using test::Upf;

constexpr std::size_t ip_and_udp = 28;

/// Frames of one source: from a port, of a size as an IP packet, at a rate, with intervals that
/// vary so that no two sources march in step.
struct Load {
  std::uint16_t port = 5004;
  std::uint64_t kbps = 0;
  std::size_t octets = 1200;  ///< of the IP packet, without RTP extension
  /// The marking of packet `n`; without one it is plain.
  std::function<std::optional<PduSetMark>(std::uint64_t n)> mark = nullptr;
  std::uint8_t extension_id = 3;  ///< another one than 3 is no marking to the UPF
  std::uint64_t sent = 0;

  Octets next_frame() {
    const std::uint64_t n = sent++;
    if (!mark) return test::down_frame(Octets(octets - ip_and_udp, std::byte{1}), port);
    return test::down_frame(test::rtp_packet(mark(n), static_cast<std::uint16_t>(n),
                                             octets - ip_and_udp - 12, extension_id),
                            port);
  }
};

/// Octets of user's IP packets that came through, by source port.
using Passed = std::map<std::uint16_t, std::uint64_t>;

Passed run(Upf& upf, std::vector<Load>& loads, Elapsed time) {
  SeededRng rng(1);
  std::vector<Elapsed> next(loads.size(), upf.now);
  const Elapsed end = upf.now + time;
  Passed passed;
  for (;;) {
    const auto first = std::ranges::min_element(next);
    if (*first >= end) break;
    upf.now = *first;
    Load& load = loads[static_cast<std::size_t>(first - next.begin())];
    const Octets frame = load.next_frame();
    const std::uint64_t size = frame.size() - packet::ethernet_header_bytes;
    if (!upf.downlink({frame}).n3.empty()) passed[load.port] += size;
    const std::uint64_t interval_ns = size * 8'000'000 / load.kbps;
    *first += Elapsed{static_cast<std::int64_t>(interval_ns / 2 + rng.below(interval_ns))};
  }
  upf.now = end;
  return passed;
}
Passed run(Upf& upf, std::vector<Load>&& loads, Elapsed time) { return run(upf, loads, time); }

std::uint64_t octets_in(std::uint64_t kbps, Elapsed time) {
  return kbps * 125 * static_cast<std::uint64_t>(time / 1ms) / 1000;
}
void expect_within(std::uint64_t got, std::uint64_t wanted, double percent) {
  EXPECT_NEAR(static_cast<double>(got), static_cast<double>(wanted),
              static_cast<double>(wanted) * percent / 100);
}

TEST(policer, an_mbr_holds_within_two_percent_in_each_second) {
  for (const std::uint64_t rate : {64U, 1000U, 50'000U}) {
    auto session = test::session();
    session.qers.at({1}).maximum_bit_rate = test::kbps(rate, rate);
    Upf upf;
    upf.serve({session});
    const std::size_t size = rate == 64 ? 100 : 1200;
    for (int second = 0; second < 4; ++second)
      expect_within(run(upf, {{.kbps = 3 * rate, .octets = size}}, 1s)[5004], octets_in(rate, 1s),
                    2);
  }
}

TEST(policer, uplink_has_its_own_rate) {
  auto session = test::session();
  session.qers.at({1}).maximum_bit_rate = test::kbps(800, 0);
  Upf upf;
  upf.serve({session});
  const Octets packet = test::up_packet(Octets(972, std::byte{1}));
  std::uint64_t passed = 0;
  for (int i = 0; i < 1000; ++i) {  // 1,000 octets each 2 ms for 2 s: 4 Mbit/s
    passed += upf.uplink({test::n3_frame(test::g_pdu(packet))}).n6.size() * packet.size();
    upf.now += 2ms;
  }
  expect_within(passed, octets_in(800, 2s), 2);
  EXPECT_GT(upf.dropped_uplink(PathDrop::rate_exceeded), 700U);
}

TEST(policer, a_burst_after_a_silence_is_bounded_by_the_averaging_window) {
  auto session = test::session();
  session.qers.at({1}).maximum_bit_rate = test::kbps(1000, 1000);
  session.qers.at({1}).averaging_window = pfcp::Milliseconds32{1000};
  Upf upf;
  upf.serve({session});
  (void)run(upf, {{.kbps = 10}}, 1s);
  upf.now += 10s;
  const auto burst = run(upf, {{.kbps = 1'000'000}}, 1ms)[5004];
  EXPECT_LE(burst, octets_in(1000, 50ms) + 2400 + octets_in(1000, 1ms));
  EXPECT_GE(burst, octets_in(1000, 50ms));
}

TEST(policer, tokens_live_on_in_the_rules_that_replace) {
  auto session = test::session();
  session.qers.at({1}).maximum_bit_rate = test::kbps(1000, 1000);
  Upf upf;
  upf.serve({session});
  std::uint64_t passed = 0;
  for (int i = 0; i < 100; ++i) {
    passed += run(upf, {{.kbps = 10'000}}, 10ms)[5004];
    upf.serve({session});
  }
  expect_within(passed, octets_in(1000, 1s), 2);
  session.qers.at({1}).maximum_bit_rate = test::kbps(2000, 2000);
  upf.serve({session});
  expect_within(run(upf, {{.kbps = 10'000}}, 1s)[5004], octets_in(2000, 1s), 2);
}

/// PDR 3 for port 5006 beside PDR 1; both under QER 2 without a QFI, the Session-AMBR.
Session with_aggregate(std::uint64_t kbps) {
  Session session = test::session();
  session.qers[{2}] = {.id = {2}, .maximum_bit_rate = test::kbps(kbps, kbps)};
  Pdr& rest = session.pdrs.at({1});
  EXPECT_TRUE(rest.qers.add({2}));
  session.qers[{3}] = {.id = {3}, .qfi = pfcp::Qfi{5}};
  Pdr game = rest;
  game.precedence = 10;
  game.filters = {test::from_port(5006)};
  game.qers.clear();
  EXPECT_TRUE(game.qers.add({3}) && game.qers.add({2}));
  session.pdrs[{3}] = game;
  return session;
}

TEST(policer, a_qer_that_several_pdrs_name_limits_their_sum) {
  Upf upf;
  upf.serve({with_aggregate(4000)});
  auto passed = run(upf, {{.kbps = 6000}, {.port = 5006, .kbps = 6000}}, 2s);
  expect_within(passed[5004] + passed[5006], octets_in(4000, 2s), 2);
  EXPECT_GT(upf.dropped(PathDrop::aggregate_rate_exceeded), 0U);
  EXPECT_EQ(upf.dropped(PathDrop::rate_exceeded), 0U);
}

TEST(policer, a_flow_with_a_gbr_keeps_its_rate_against_a_flood_in_the_aggregate) {
  auto session = with_aggregate(4000);
  session.qers.at({3}).guaranteed_bit_rate = test::kbps(2000, 2000);
  session.qers.at({3}).maximum_bit_rate = test::kbps(3000, 3000);
  Upf upf;
  upf.serve({session});
  auto passed = run(upf, {{.kbps = 100'000}, {.port = 5006, .kbps = 2000}}, 3s);
  expect_within(passed[5006], octets_in(2000, 3s), 1);
  expect_within(passed[5004], octets_in(4000, 3s), 2);
  (void)run(upf, {{.port = 5006, .kbps = 9000}}, 1s);  // takes what the bucket had saved
  expect_within(run(upf, {{.kbps = 1}, {.port = 5006, .kbps = 9000}}, 2s)[5006],
                octets_in(3000, 2s), 2);
}

// ---- PDU Sets: 60 pictures a second of ten PDUs, of which every fourth is important.

constexpr unsigned pdus_per_set = 10;
std::optional<PduSetMark> video(std::uint64_t n, std::optional<unsigned> spoofed = std::nullopt) {
  const std::uint64_t set = n / pdus_per_set;
  const auto psi = spoofed.value_or(set % 4 == 0 ? 1 : 8);
  return PduSetMark{.end_of_pdu_set = n % pdus_per_set == pdus_per_set - 1,
                    .psi = Psi::low_bits_of(psi),
                    .pssn = Pssn::wrapped(set),
                    .psn = Psn::wrapped(n % pdus_per_set),
                    .pdu_set_size = pdus_per_set * 1216,
                    .pdus_in_set = std::uint16_t{pdus_per_set}};
}

/// PDR 1 and PDR 3 (port 5006) share QER 1, which handles PDU Sets.
Session two_videos(std::uint64_t kbps) {
  Session session = test::marked_session(test::rtp_description());
  session.qers.at({1}).maximum_bit_rate = test::kbps(kbps, kbps);
  Pdr other = session.pdrs.at({1});
  other.precedence = 10;
  other.filters = {test::from_port(5006)};
  session.pdrs[{3}] = other;
  return session;
}
Session one_video(std::uint64_t kbps) {
  Session session = two_videos(kbps);
  session.pdrs.erase({3});
  return session;
}

TEST(pdu_set_policer, sets_pass_whole_or_not_at_all_and_the_important_ones_first) {
  Upf upf;
  upf.serve({one_video(6000)});
  std::map<std::uint64_t, unsigned> passed;
  for (std::uint64_t n = 0; n < 6000; ++n) {
    const Octets frame =
        test::down_frame(test::rtp_packet(video(n), static_cast<std::uint16_t>(n), 1160));
    if (!upf.downlink({frame}).n3.empty()) ++passed[n / pdus_per_set];
    upf.now += 1250us;  // 1,216 octets: 7.8 Mbit/s
  }
  unsigned important = 0;
  unsigned others = 0;
  for (const auto& [set, pdus] : passed) {
    EXPECT_EQ(pdus, pdus_per_set) << set;
    ++(set % 4 == 0 ? important : others);
  }
  EXPECT_EQ(important, 150U);
  EXPECT_LT(others, 330U);
  EXPECT_GT(others, 290U) << "what is left of the rate is used";
  EXPECT_GT(upf.dropped(PathDrop::set_not_admitted), 0U);
}

TEST(pdu_set_policer, the_rate_holds_within_two_percent) {
  Upf upf;
  upf.serve({one_video(6000)});
  std::vector<Load> loads{{.kbps = 12'000, .mark = [](std::uint64_t n) { return video(n, 8); }}};
  (void)run(upf, loads, 2s);
  for (int second = 0; second < 3; ++second)
    expect_within(run(upf, loads, 1s)[5004], octets_in(6000, 1s), 2);
}

TEST(pdu_set_policer, who_is_alone_on_the_flow_gets_all_of_its_rate) {
  Upf upf;
  upf.serve({two_videos(6000)});
  std::vector<Load> loads{{.kbps = 12'000, .mark = [](std::uint64_t n) { return video(n); }}};
  (void)run(upf, loads, 2s);
  expect_within(run(upf, loads, 4s)[5004], octets_in(6000, 4s), 2);
}

TEST(pdu_set_policer, who_marks_everything_most_important_takes_nothing_from_others) {
  const auto honest = [](std::uint64_t n) { return video(n); };
  const auto spoofed = [](std::uint64_t n) { return video(n, 1); };
  for (const std::uint64_t flood : {6000U, 12'000U, 60'000U}) {
    std::array<std::uint64_t, 2> of_honest{};
    for (const bool attack : {false, true}) {
      Upf upf;
      upf.serve({two_videos(6000)});
      const Load other{.port = 5006, .kbps = flood, .mark = attack ? spoofed : honest};
      of_honest[attack ? 1 : 0] = run(upf, {{.kbps = 4000, .mark = honest}, other}, 5s)[5004];
    }
    EXPECT_GE(of_honest[1] * 100, of_honest[0] * 99) << flood;
    EXPECT_GE(of_honest[1], octets_in(3000, 5s) * 98 / 100) << "its half of the rate";
  }
}

TEST(pdu_set_policer, a_set_that_never_ends_takes_no_more_than_the_rate) {
  Upf upf;
  upf.serve({one_video(6000)});
  const auto endless = [](std::uint64_t n) {
    return std::optional(PduSetMark{.psi = Psi::low_bits_of(1), .psn = Psn::wrapped(n)});
  };
  const auto passed = run(upf, {{.kbps = 60'000, .mark = endless}}, 10s)[5004];
  EXPECT_LE(passed, octets_in(6000, 10s) * 106 / 100);
  EXPECT_GT(upf.dropped(PathDrop::set_overran) + upf.dropped(PathDrop::set_not_admitted), 0U);
}

TEST(pdu_set_policer, packets_without_a_marking_are_not_held_back_by_what_sets_reserved) {
  Upf upf;
  upf.serve({one_video(6000)});
  const auto promised = [](std::uint64_t n) {
    return std::optional(PduSetMark{
        .psi = Psi::low_bits_of(1), .pssn = Pssn::wrapped(n), .pdu_set_size = pdu_set_size_max});
  };
  for (std::uint64_t n = 0; n < 8; ++n)
    (void)upf.downlink({test::down_frame(test::rtp_packet(promised(n)))});
  EXPECT_EQ(upf.downlink({test::down_frame(test::rtp_packet(std::nullopt))}).n3.size(), 1U);
}

TEST(pdu_set_policer, a_gbr_admits_sets_of_any_importance_up_to_its_rate) {
  auto session = one_video(6000);
  session.qers.at({1}).guaranteed_bit_rate = test::kbps(5000, 5000);
  Upf upf;
  upf.serve({session});
  const Load load{.kbps = 5000, .mark = [](std::uint64_t n) { return video(n, 15); }};
  const auto passed = run(upf, {load}, 5s)[5004];
  expect_within(passed, octets_in(5000, 5s), 1);
}

TEST(pdu_set_policer, an_aggregate_without_set_handling_sees_no_markings) {
  std::array<Passed, 2> passed;
  for (const bool marked : {false, true}) {
    auto session = with_aggregate(4000);
    session.qers.at({1}).indications = pfcp::QerIndications{pfcp::QerIndication::pdusm};
    session.qers.at({1}).maximum_bit_rate = test::kbps(50'000, 50'000);
    session.pdrs.at({1}).protocol = test::rtp_description();
    Upf upf;
    upf.serve({session});
    const Load other{.kbps = 20'000,
                     .mark = [](std::uint64_t n) { return video(n, 1); },
                     .extension_id = static_cast<std::uint8_t>(marked ? 3 : 4)};
    passed[marked ? 1 : 0] = run(upf, {{.port = 5006, .kbps = 4000}, other}, 5s);
    EXPECT_EQ(upf.pipeline->counters().marked.value() > 0, marked);
  }
  EXPECT_EQ(passed[0], passed[1]);
  EXPECT_GT(passed[0][5006], octets_in(4000, 5s) / 10);
}

}  // namespace
}  // namespace lobo::dataplane

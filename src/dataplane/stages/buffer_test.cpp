#include "dataplane/stages/buffer.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/rules/session.hpp"
#include "dataplane/rules/treatment.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "dataplane/stages/path_test_support.hpp"
#include "dataplane/stages/pipeline.hpp"
#include "wire/packet/parse.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane {
namespace {

using test::Octets;

class BufferTest : public ::testing::Test {
 protected:
  BufferTest() {
    waits.fars.at({1}).action = {pfcp::Action::buff};
    upf.serve({waits});
  }
  test::Sent down(std::size_t from, std::size_t to) {
    std::vector<Octets> frames;
    for (; from < to; ++from) frames.push_back(test::down_frame(test::numbered(from)));
    return upf.downlink(frames);
  }
  static std::vector<Octets> user_data(const test::Sent& sent) {
    std::vector<Octets> out;
    for (const Octets& frame : sent.n3) {
      const Octets packet = test::Tunnelled(frame).payload();
      const auto data = packet::parse_ip(packet).user_data();
      out.emplace_back(data.begin(), data.end());
    }
    return out;
  }
  static std::vector<Octets> numbers(std::size_t from, std::size_t to) {
    std::vector<Octets> out;
    for (; from < to; ++from) out.push_back(test::numbered(from));
    return out;
  }
  std::uint64_t buffered() const { return upf.pipeline->counters().downlink.buffered.value(); }
  std::uint64_t dropped() const { return upf.dropped(PathDrop::rule_buffers); }
  void add_up() const { EXPECT_TRUE(test::adds_up(upf.pipeline->counters())); }

  Session waits = test::session();
  Session passes = test::session();
  test::Upf upf;
};

TEST_F(BufferTest, what_waited_passes_in_its_order_once_its_far_forwards) {
  EXPECT_TRUE(down(0, 10).n3.empty());
  EXPECT_EQ(buffered(), 10U);
  EXPECT_TRUE(upf.resume().n3.empty()) << "its rules are the same";
  add_up();
  upf.serve({passes});
  EXPECT_EQ(user_data(upf.resume()), numbers(0, 10));
  EXPECT_EQ(buffered(), 0U);
  EXPECT_FALSE(upf.pipeline->anything_buffered());
  EXPECT_EQ(upf.pipeline->counters().downlink.received.packets.value(), 10U) << "counted once";
  EXPECT_EQ(upf.pipeline->counters().downlink.sent.packets.value(), 10U);
  add_up();
}

TEST_F(BufferTest, what_still_has_to_wait_goes_back_in_its_order) {
  waits.bar = pfcp::Bar{.id = {1}, .notification_delay = {}, .suggested_packets = {{200}}};
  waits.fars.at({1}).bar = pfcp::BarId{1};
  upf.serve({waits});
  (void)down(0, 150);
  waits.pdrs.at({1}).precedence = 7;  // Something else changes.
  upf.serve({waits});
  EXPECT_TRUE(upf.resume().n3.empty());
  EXPECT_EQ(buffered(), 150U);
  add_up();
  upf.serve({passes});
  EXPECT_EQ(user_data(upf.resume()), numbers(0, 150));
  add_up();
}

TEST_F(BufferTest, a_session_keeps_as_many_as_its_bar_suggests_and_the_newest_are_dropped) {
  (void)down(0, Treatment::buffered_packets_usual + 6);
  EXPECT_EQ(buffered(), Treatment::buffered_packets_usual);
  EXPECT_EQ(dropped(), 6U);
  waits.bar = pfcp::Bar{.id = {1}, .notification_delay = {}, .suggested_packets = {{3}}};
  waits.fars.at({1}).bar = pfcp::BarId{1};
  upf.serve({waits});
  (void)upf.resume();
  EXPECT_EQ(buffered(), 3U);
  upf.serve({passes});
  EXPECT_EQ(user_data(upf.resume()), numbers(0, 3));
  add_up();
}

TEST_F(BufferTest, what_the_control_plane_gives_up_is_dropped_even_where_the_far_forwards_now) {
  (void)down(0, 4);
  passes.buffers_given_up = 1;
  upf.serve({passes});
  EXPECT_TRUE(upf.resume().n3.empty());
  EXPECT_EQ(dropped(), 4U);
  EXPECT_EQ(down(4, 5).n3.size(), 1U);
  add_up();
}

TEST_F(BufferTest, nothing_outlives_its_session_or_its_time) {
  (void)down(0, 4);
  upf.serve({});
  (void)upf.resume();
  EXPECT_EQ(dropped(), 4U);
  auto other = test::session(2);  // The UE's address is another session's now.
  upf.serve({waits});
  (void)down(0, 2);
  upf.serve({other});
  EXPECT_TRUE(upf.resume().n3.empty());
  EXPECT_EQ(dropped(), 6U);
  waits.fars.at({1}).action = {pfcp::Action::buff};
  upf.serve({waits});
  (void)down(0, 2);
  upf.now += buffered_time_max;
  (void)upf.resume();
  EXPECT_EQ(dropped(), 8U);
  EXPECT_EQ(buffered(), 0U);
  add_up();
}

TEST_F(BufferTest, what_is_dropped_by_the_new_rules_is_counted_as_that) {
  (void)down(0, 3);
  passes.fars.at({1}).action = {pfcp::Action::drop};
  upf.serve({passes});
  EXPECT_TRUE(upf.resume().n3.empty());
  EXPECT_EQ(upf.dropped(PathDrop::rule_drops), 3U);
  add_up();
}

TEST_F(BufferTest, many_sessions_that_sleep_take_the_places_and_no_more) {
  std::vector<Session> sessions;
  std::vector<Octets> frames;
  constexpr std::size_t count = buffered_sessions_max + 20;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string ue = "10.46." + std::to_string(i / 200) + "." + std::to_string(1 + i % 200);
    sessions.push_back(test::session(i + 1, ue, static_cast<std::uint32_t>(i + 1)));
    sessions.back().fars.at({1}).action = {pfcp::Action::buff};
    frames.push_back(test::down_frame(test::numbered(i), 5004, ue));
  }
  test::Upf many;
  many.serve(sessions);
  (void)many.downlink(frames);
  EXPECT_EQ(many.pipeline->counters().downlink.buffered.value(), buffered_sessions_max);
  EXPECT_EQ(many.dropped(PathDrop::rule_buffers), 20U);
  for (Session& session : sessions) session.fars.at({1}).action = {pfcp::Action::forw};
  many.serve(sessions);
  EXPECT_EQ(many.resume().n3.size(), buffered_sessions_max);
  EXPECT_TRUE(test::adds_up(many.pipeline->counters()));
}

TEST_F(BufferTest, the_uplink_of_a_far_that_buffers_is_dropped) {
  waits.fars.at({2}).action = {pfcp::Action::buff};
  upf.serve({waits});
  (void)upf.uplink({test::n3_frame(test::g_pdu(test::up_packet(test::numbered(1))))});
  EXPECT_EQ(upf.dropped_uplink(PathDrop::rule_buffers), 1U);
  EXPECT_EQ(buffered(), 0U);
  add_up();
}

}  // namespace
}  // namespace lobo::dataplane

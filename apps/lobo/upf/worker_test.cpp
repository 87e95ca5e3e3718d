// Two workers with a mailbox between them, over memory rings: whose packet it is, and who counts
// it.

#include "upf/worker.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/packet_io/memory.hpp"
#include "dataplane/rules/rule_set.hpp"
#include "dataplane/rules/session.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "dataplane/stages/path_test_support.hpp"
#include "dataplane/stages/rule_board.hpp"
#include "dataplane/stages/wanted_addresses.hpp"
#include "upf/handover.hpp"
#include "upf/keys.hpp"
#include "upf/mailbox.hpp"
#include "wire/packet/split.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/xrm/receiver.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
using dataplane::PathSide;
namespace path = dataplane::test;

constexpr std::uint32_t workers = 2;
constexpr std::size_t frame_bytes_max = 1518;
constexpr auto patience = 10s;

std::size_t number(PathSide side) { return static_cast<std::size_t>(side); }

/// The first UE of the network whose sessions are that worker's.
std::string ue_of(std::uint32_t worker) {
  for (std::uint32_t last = 2;; ++last)
    if (packet::split_of(10U << 24U | 45U << 16U | last) % workers == worker)
      return "10.45.0." + std::to_string(last);
}

class UpfWorker : public ::testing::Test {
 protected:
  /// Monitored, so that containers of the gNB are read.
  void serve(const std::string& ue) {
    dataplane::Session session = path::session(1, ue);
    pfcp::Srr srr{.id = {1}};
    pfcp::QosMonitoringControl control;
    ASSERT_TRUE(control.qfis.add({path::video_qfi}) && srr.monitored.add(control));
    session.srrs[{1}] = srr;
    const std::vector<std::shared_ptr<const dataplane::SessionRules>> compiled{
        std::make_shared<const dataplane::SessionRules>(session, nullptr)};
    rules_.publish(std::make_shared<const dataplane::RuleSet>(compiled));
  }

  Worker& make(std::uint32_t at) {
    std::array<Worker::Ports, 2> ports;
    for (const PathSide side : {PathSide::n3, PathSide::n6}) {
      auto pair = adapters::packet_io::make_memory_pair({.frame_bytes_max = frame_bytes_max});
      ports[number(side)].push_back(std::move(pair->first));
      far_[at][number(side)] = std::move(pair->second);
    }
    neighbours_[at].give(std::make_unique<dataplane::Neighbours>(path::n3_side(), path::n6_side()));
    Worker::Given given{.rules = rules_,
                        .events = events_[at],
                        .neighbours = neighbours_[at],
                        .keys = keys_[at],
                        .at = at,
                        .workers = workers,
                        .from_others = {},
                        .to_others = {}};
    for (const PathSide side : {PathSide::n3, PathSide::n6}) {
      auto& to = given.to_others[number(side)];
      to.resize(workers);
      to[1 - at] = &mail_[number(side)][at];
      given.from_others[number(side)] = {&mail_[number(side)][1 - at]};
    }
    const xrm::ReceiverSettings marks{.accept = xrm::Accept::clear_and_protected};
    made_[at] = std::make_unique<Worker>(dataplane::PathSettings{}, marks, std::move(given),
                                         std::move(ports[0]), std::move(ports[1]), [] {});
    return *made_[at];
  }

  /// From the network beyond that side of that worker.
  void send(std::uint32_t at, PathSide side, const path::Octets& frame) {
    path::Octets room(packet_io::headroom_min + frame.size() + packet_io::tailroom_min);
    std::ranges::copy(frame, room.begin() + packet_io::headroom_min);
    const packet_io::Packet one(room, packet_io::headroom_min, frame.size(), {});
    ASSERT_EQ(far_[at][number(side)]->send({&one, 1}), 1U);
  }

  static bool becomes(const std::function<bool()>& holds) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!holds() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    return holds();
  }

 private:
  dataplane::RuleBoard rules_{workers};
  std::array<dataplane::WorkerEvents, workers> events_;
  std::array<Handover<dataplane::Neighbours>, workers> neighbours_;
  std::array<Handover<KeyChange>, workers> keys_;
  /// By side and by who writes.
  std::array<std::array<Mailbox, workers>, 2> mail_{
      {{Mailbox(frame_bytes_max), Mailbox(frame_bytes_max)},
       {Mailbox(frame_bytes_max), Mailbox(frame_bytes_max)}}};
  std::array<std::array<std::unique_ptr<packet_io::Port>, 2>, workers> far_;
  std::array<std::unique_ptr<Worker>, workers> made_;  // the threads end first
};

TEST_F(UpfWorker, what_finds_no_room_at_another_worker_is_dropped_and_counted_as_that) {
  const std::string ue = ue_of(1);
  serve(ue);
  Worker& other = make(0);
  Worker& its = make(1);
  constexpr std::size_t beyond = 88;
  const path::Octets frame = path::down_frame(path::Octets(80), 5004, ue);
  for (std::size_t i = 0; i < mailbox_packets_max + beyond; ++i) send(0, PathSide::n6, frame);
  other.start();
  ASSERT_TRUE(
      becomes([&other] { return other.figures(PathSide::n6).not_taken.value() >= beyond; }));
  EXPECT_EQ(other.handed_over().value(), mailbox_packets_max);
  its.start();
  const auto& passed = its.counters().downlink;
  ASSERT_TRUE(becomes([&passed] { return passed.sent.packets.value() >= mailbox_packets_max; }));
  EXPECT_EQ(passed.received.packets.value(), mailbox_packets_max);
  EXPECT_EQ(other.counters().downlink.received.packets.value(), 0U) << "counted once";
  EXPECT_EQ(other.figures(PathSide::n6).not_taken.value(), beyond);
  EXPECT_EQ(other.figures(PathSide::n6).unsent.value(), 0U) << "no port was full";
  EXPECT_EQ(its.figures(PathSide::n6).not_taken.value(), 0U);
}

TEST_F(UpfWorker, a_packet_that_is_handed_over_is_counted_by_its_own_worker_alone) {
  const std::string ue = ue_of(1);
  serve(ue);
  Worker& other = make(0);
  Worker& its = make(1);
  other.start();
  its.start();
  // Marked as a report of delays, and without the time stamps that it then has.
  const path::Octets whole = path::g_pdu(path::up_packet(path::Octets(80), ue), path::uplink_teid,
                                         {.qfi = path::video_qfi, .time_stamps = {{1, 2, 3}}});
  path::Octets cut = path::g_pdu(path::up_packet(path::Octets(80), ue), path::uplink_teid);
  constexpr std::size_t container_at = 12 + 1;
  cut[container_at] = whole[container_at];
  send(0, PathSide::n3, path::n3_frame(cut));
  send(0, PathSide::n3, path::n3_frame(path::g_pdu({}, path::uplink_teid)));
  const auto& handled = its.counters();
  ASSERT_TRUE(becomes([&] {
    return handled.uplink.received.packets.value() == 2 &&
           handled.uplink.sent.packets.value() == 1 && other.handed_over().value() == 2;
  }));
  EXPECT_EQ(handled.signals_seen[dataplane::Signal::empty_packet].value(), 1U);
  EXPECT_EQ(handled.containers_unread.value(), 1U);
  EXPECT_TRUE(path::adds_up(handled));
  EXPECT_EQ(other.counters().containers_unread.value(), 0U);
  EXPECT_EQ(other.counters().uplink.received.packets.value(), 0U);
  EXPECT_EQ(other.counters().signals_seen[dataplane::Signal::empty_packet].value(), 0U);
  EXPECT_TRUE(path::adds_up(other.counters()));
}

}  // namespace
}  // namespace lobo::app

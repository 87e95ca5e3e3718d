#include "dataplane/rules/usage_meter.hpp"

#include <gtest/gtest.h>

#include <cstdint>

#include "dataplane/rules/worker_event.hpp"
#include "wire/packet/flow_filter.hpp"

namespace lobo::dataplane {
namespace {

using packet::Travel;

TEST(UsageMeter, TellsOnceWhenAThresholdIsReachedUntilAnotherOneIsSet) {
  UsageMeter meter;
  meter.tell_at({.total = 1000});
  EXPECT_FALSE(meter.count(Travel::to_ue, 999, 5));
  EXPECT_TRUE(meter.count(Travel::from_ue, 1, 6));
  EXPECT_FALSE(meter.count(Travel::from_ue, 500, 7));
  meter.tell_at({.uplink = 601});
  EXPECT_FALSE(meter.count(Travel::from_ue, 99, 8));
  EXPECT_TRUE(meter.count(Travel::from_ue, 1, 9));
  const UsageMeter::Reading reading = meter.read();
  EXPECT_EQ(reading.uplink_octets, 601U);
  EXPECT_EQ(reading.downlink_octets, 999U);
  EXPECT_EQ(reading.uplink_packets, 4U);
  EXPECT_EQ(reading.first_packet_ns, 5U);
  EXPECT_EQ(reading.last_packet_ns, 9U);
}

TEST(UsageMeter, IsExhaustedByVolumeInOneDirectionOrWhenClosed) {
  UsageMeter meter;
  EXPECT_FALSE(meter.exhausted());
  meter.close_at({.downlink = 10});
  EXPECT_FALSE(meter.count(Travel::from_ue, 100, 1));
  EXPECT_FALSE(meter.exhausted());
  EXPECT_FALSE(meter.count(Travel::to_ue, 10, 1));
  EXPECT_TRUE(meter.exhausted());
  meter.close_at({});
  EXPECT_FALSE(meter.exhausted());
  meter.close(true);
  EXPECT_TRUE(meter.exhausted());
}

TEST(WorkerEvents, KeepOrderAndCountWhatFoundNoRoom) {
  WorkerEvents events(2);
  using Kind = WorkerEvent::Kind;
  for (std::uint32_t round = 0; round < 3; ++round) {
    EXPECT_TRUE(events.push({.kind = Kind::usage, .seid = 1, .id = round}));
    EXPECT_TRUE(events.push({.kind = Kind::usage, .seid = 2, .id = round}));
    EXPECT_FALSE(events.push({.kind = Kind::usage, .seid = 3, .id = round}));
    EXPECT_EQ(events.pop(), (WorkerEvent{.kind = Kind::usage, .seid = 1, .id = round}));
    EXPECT_EQ(events.pop(), (WorkerEvent{.kind = Kind::usage, .seid = 2, .id = round}));
    EXPECT_FALSE(events.pop());
  }
  EXPECT_EQ(events.lost(), 3U);
}

}  // namespace
}  // namespace lobo::dataplane

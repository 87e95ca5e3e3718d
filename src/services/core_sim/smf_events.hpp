#pragma once
// What the user plane tells of the flows that were asked of it, and to who observes a UE.

#include <chrono>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "services/core_sim/timers.hpp"
#include "services/core_sim/world.hpp"

namespace lobo::core_sim {

/// The UPF has the flow as it was last asked for.
struct FlowConfirmed {
  UeIndex ue{};
  Number flow{};
};
/// It will not have it: nothing of the flow is left there.
struct FlowRefused {
  UeIndex ue{};
  Number flow{};
  std::string_view cause;
};
/// It had it, and is gone or born again. FlowConfirmed or FlowRefused follows when it is back.
struct FlowLost {
  UeIndex ue{};
  Number flow{};
};
/// One report of QoS monitoring: a value for each QoS flow that was measured.
struct DelayMeasured {
  UeIndex ue{};
  Number flow{};
  std::vector<std::chrono::milliseconds> dl;
  std::vector<std::chrono::milliseconds> ul;
  std::vector<std::chrono::milliseconds> round_trip;
  bool failed = false;  ///< nothing could be measured
};
/// What a flow carried since the last report.
struct UsageMeasured {
  UeIndex ue{};
  Number flow{};
  std::uint64_t bytes_dl = 0;
  std::uint64_t bytes_ul = 0;
  std::chrono::seconds duration{0};
};

using SmfEvent = std::variant<FlowConfirmed, FlowRefused, FlowLost, DelayMeasured, UsageMeasured>;

}  // namespace lobo::core_sim

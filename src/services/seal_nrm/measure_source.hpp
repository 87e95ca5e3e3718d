#pragma once
// What brings the samples of one kind (delay, rate, usage, analytics) about one UE: kind
// "measure_source", id "delay:" and the UE's GPSI. Owns one subscription at the core, shared by all
// monitors that want it (TS 23.434 clause 14.3.3.4.1 step 2).
//
//   locating -> subscribing -> active        the core accepted it; whether it sends is another
//       ^            |           |           matter, which the hub sees (monitor_hub.hpp)
//       |            v           |
//       |         refused        |           looked at again each refused_again
//       +------------------------+           the UE moved, or the core ended it
//
//   cancelling -> (erased)                   nobody wants it any more
//
// Hears: Tell "wanted" {secret} and "released" of monitors, "address" of the ue_watch of its UE,
// "silent" of the hub. A sample is a callback that is answered and observed, and nothing else.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/state/nrm_monitor.hpp"
#include "services/seal_nrm/held.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/southbound_measure.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {

inline constexpr std::chrono::minutes refused_again{1};
/// A source that stays silent although the core still has it is made anew after so many questions
/// (monitor_hub.hpp, silent_asked_every), twice as many, and so on.
inline constexpr std::uint64_t silences_min = 2;

/// "delay:msisdn-491700000001"
std::string source_id(SourceKind kind, std::string_view gpsi);

class MeasureSourceMachine final : public resource::Machine {
 public:
  explicit MeasureSourceMachine(const Settings& settings) : settings_(settings) {}

  std::string_view kind() const override { return "measure_source"; }
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

 private:
  const Settings& settings_;
};

}  // namespace lobo::seal_nrm

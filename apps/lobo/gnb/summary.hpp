#pragma once
// What the gNB has to show: QoS flow by QoS flow, and the whole on one page. JSON; docs/gnb.md has
// the members.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gnb/gnb_config.hpp"
#include "gnb/radio_loop.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {

/// A UE as the gNB knows it, for people.
struct GnbUeSight {
  std::uint32_t number = 0;
  std::string name;
  std::string address;  ///< empty: none yet
  std::string session;  ///< "established", "waiting", "none"
  std::uint32_t teid = 0;
  std::string upf;
};

struct GnbSight {
  const GnbConfig& config;
  const RadioLoop& loop;
  std::vector<GnbUeSight> ues;
  std::string_view control;  ///< "registered", "trying", "none"
  std::uint64_t notices_told = 0;
};

/// An array: one object for each QoS flow that had packets.
json::Value flows_value(const GnbSight& sight);
json::Value cell_value(const dataplane::Radio& radio, dataplane::Elapsed now);
/// /status/gnb.
json::Value status_value(const GnbSight& sight);

}  // namespace lobo::app

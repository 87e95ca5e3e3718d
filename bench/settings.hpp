#pragma once
// What the servers under measurement have in common: services, sinks, UEs "ue-0000000" upwards.

#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "base/require.hpp"
#include "services/seal_nrm/ports.hpp"

namespace lobo::bench {

inline constexpr std::size_t ue_name_bytes = 10;

inline std::string ue_name(std::uint64_t number) { return fmt::format("ue-{:07}", number); }
inline std::string gpsi_of(std::uint64_t number) {
  return fmt::format("msisdn-49170{:07}", number);
}

inline seal_nrm::Settings nrm_settings() {
  seal_nrm::Settings settings;
  settings.api_root = "http://127.0.0.1:7777";
  settings.callback_base = settings.api_root;
  settings.core.allocation_events = seal_nrm::AllocationEvents::never;
  auto sinks = http::SinkPolicy::from({"127.0.0.0/8"}, false);
  require(sinks.has_value());
  settings.sinks = std::move(*sinks);
  settings.qos_references = {"xr-gold", "xr-silver"};
  return settings;
}

}  // namespace lobo::bench

// Packet filters: what is accepted has both addresses and is its own canonical text's meaning.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/require.hpp"
#include "model/flow_description.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto flow = lobo::model::FlowDescription::parse(text);
  if (!flow) return 0;
  const auto canonical = flow->text();
  lobo::require(canonical.find(" from ") != std::string::npos &&
                canonical.find(" to ") != std::string::npos);
  lobo::require(lobo::model::FlowDescription::parse(canonical) == *flow);
  return 0;
}

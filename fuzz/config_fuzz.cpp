// The configuration's reader: any bytes end in a Config or in faults that all name a line.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto config = lobo::app::parse_config(text, "f");
  if (config) return 0;
  if (config.error().faults.empty()) std::abort();
  for (const auto& fault : config.error().faults)
    if (!fault.where.starts_with("f:") || fault.reason.empty()) std::abort();
  return 0;
}

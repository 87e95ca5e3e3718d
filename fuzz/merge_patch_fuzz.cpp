// RFC 7396 over two arbitrary texts, divided at the first octet 0: the result parses, and applying
// the same patch again changes nothing.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/require.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view both(reinterpret_cast<const char*>(data), size);
  const auto middle = both.find('\0');
  if (middle == std::string_view::npos) return 0;
  const auto patch = both.substr(middle + 1);
  const auto once = lobo::json::merge_patch(both.substr(0, middle), patch);
  if (!once) return 0;
  lobo::require(lobo::json::parse(*once).has_value());
  const auto twice = lobo::json::merge_patch(*once, patch);
  lobo::require(twice.has_value() && *twice == *once);
  return 0;
}

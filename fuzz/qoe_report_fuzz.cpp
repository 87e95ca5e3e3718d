// QoE reports in XML. What is read is written as what reads the same.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/require.hpp"
#include "wire/qoe/report.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using lobo::require;
  // Octets are characters here, as in a body.
  const auto read =
      lobo::qoe::read_report(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!read) return 0;
  // The first writing rounds a rate to whole octets a second and gathers traces into one.
  const auto once = lobo::qoe::read_report(lobo::qoe::write_report(*read));
  require(once.has_value());
  const auto twice = lobo::qoe::read_report(lobo::qoe::write_report(*once));
  require(twice.has_value() && *twice == *once);
  return 0;
}

// QoE configurations of QMC jobs in XML. What is read is written as what reads the same.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/require.hpp"
#include "wire/qoe/configuration.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using lobo::require;
  // Octets are characters here, as in a body.
  const auto read =
      lobo::qoe::read_configuration(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!read) return 0;
  const auto again = lobo::qoe::read_configuration(lobo::qoe::write_configuration(*read));
  require(again.has_value() && *again == *read);
  return 0;
}

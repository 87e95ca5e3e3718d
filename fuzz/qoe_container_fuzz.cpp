// The gzip container of an application layer measurement report, and the report in it.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/require.hpp"
#include "wire/qoe/container.hpp"
#include "wire/qoe/report.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace qoe = lobo::qoe;
  const auto opened =
      qoe::open_container(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!opened) return 0;
  lobo::require(opened->size() <= qoe::report_bytes_max);
  static_cast<void>(qoe::read_report(*opened));
  const auto again = qoe::gunzip(qoe::gzip(*opened), qoe::report_bytes_max);
  lobo::require(again.has_value() && *again == *opened);
  return 0;
}

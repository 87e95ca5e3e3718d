// A header block of a browser's request, as octets: it is read or refused, within its bounds.
#include <cstddef>
#include <cstdint>
#include <span>

#include "adapters/webtransport/qpack.hpp"
#include "base/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace webtransport = lobo::adapters::webtransport;
  const auto fields = webtransport::decode_fields(std::as_bytes(std::span(data, size)));
  if (fields) lobo::require(fields->size() <= webtransport::fields_max);
  return 0;
}

// JSON against every schema of every document. The first two octets choose the schema, the rest is
// the text. What is accepted must be accepted again once written, with the same text.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "api/documents.hpp"
#include "base/require.hpp"

namespace {

using lobo::require;

std::vector<lobo::json::NamedSchema> all_schemas() {
  std::vector<lobo::json::NamedSchema> all;
  for (const auto& document : lobo::api::documents())
    all.insert(all.end(), document.schemas().begin(), document.schemas().end());
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto schemas = all_schemas();
  if (size < 2) return 0;
  const auto& schema = schemas[(std::size_t{data[0]} << 8U | data[1]) % schemas.size()];
  // Octets are characters here: a view of them is what the codec is given from a socket, too.
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto once = schema.round_trip(text);
  if (!once) {
    require(!once.error().faults.empty() && once.error().faults.size() <= lobo::json::faults_max);
    return 0;
  }
  const auto twice = schema.round_trip(*once);
  require(twice.has_value() && *twice == *once);
  return 0;
}

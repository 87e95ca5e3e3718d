#include "wire/rtp/registry.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/require.hpp"
#include "wire/rtp/pdu_set_marking.hpp"

namespace lobo::rtp {

ExtensionRegistry::ExtensionRegistry() { require(add(pdu_set_marking_urn, read_pdu_set_marking)); }

bool ExtensionRegistry::add(std::string_view urn, ReadExtension reader) {
  if (type_count_ == extension_types_max) return false;
  for (std::size_t i = 0; i < type_count_; ++i)
    if (types_[i].urn == urn) return false;
  types_[type_count_++] = {std::string(urn), reader};
  return true;
}

bool ExtensionRegistry::bind(std::uint8_t id, std::string_view urn) {
  if (id == 0) return false;
  for (std::size_t i = 0; i < type_count_; ++i) {
    if (types_[i].urn != urn) continue;
    if (type_of_[id] == 0) ++bound_count_;
    type_of_[id] = static_cast<std::uint8_t>(i + 1);
    return true;
  }
  return false;
}

std::optional<std::string_view> ExtensionRegistry::urn_of(std::uint8_t id) const {
  if (type_of_[id] == 0) return std::nullopt;
  return types_[type_of_[id] - std::size_t{1}].urn;
}

}  // namespace lobo::rtp

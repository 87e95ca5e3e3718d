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
    note_bindings();
    return true;
  }
  return false;
}

void ExtensionRegistry::unbind(std::uint8_t id) {
  if (type_of_[id] != 0) --bound_count_;
  type_of_[id] = 0;
  note_bindings();
}

void ExtensionRegistry::note_bindings() {
  usual_first_ = 0;
  if (bound_count_ != 1) return;
  // RFC 8285 clause 4.2: identifiers 1 to 14, and the length less one.
  for (std::size_t id = 1; id < 15; ++id)
    if (type_of_[id] != 0 && types_[type_of_[id] - std::size_t{1}].read == &read_pdu_set_marking)
      usual_first_ = static_cast<std::uint8_t>(id << 4U | (pdu_set_marking_bytes_max - 1));
}

std::optional<std::string_view> ExtensionRegistry::urn_of(std::uint8_t id) const {
  if (type_of_[id] == 0) return std::nullopt;
  return types_[type_of_[id] - std::size_t{1}].urn;
}

}  // namespace lobo::rtp

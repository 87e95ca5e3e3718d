#include "wire/xrm_keys/terms.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/require.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"

namespace lobo::xrm {

std::vector<std::byte> exporter_context(KeyId key_id, Direction direction, std::string_view eas) {
  std::vector<std::byte> context{static_cast<std::byte>(key_id), static_cast<std::byte>(direction)};
  for (const char c : eas) context.push_back(static_cast<std::byte>(c));
  return context;
}

ContextSettings settings_of(const KeyTerms& terms, Bytes exported) {
  require(exported.size() == exported_bytes(terms.algorithm));
  const std::size_t key_size = key_bytes(terms.algorithm);
  ContextSettings settings{.key_id = terms.key_id,
                           .algorithm = terms.algorithm,
                           .key = *Key::from(exported.first(key_size)),
                           .tag = terms.tag,
                           .bind = terms.bind,
                           .senders = terms.senders};
  std::ranges::copy(exported.subspan(key_size), settings.iv.begin());
  return settings;
}

}  // namespace lobo::xrm

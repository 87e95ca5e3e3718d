#include "wire/xrm/context.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/xrm/aead.hpp"

namespace lobo::xrm {

std::optional<Key> Key::from(Bytes bytes) {
  if (bytes.size() > bytes_max) return std::nullopt;
  Key key;
  std::copy(bytes.begin(), bytes.end(), key.bytes_.begin());
  key.size_ = bytes.size();
  return key;
}

Result<Context> Context::create(const ContextSettings& settings, const Crypto& crypto) {
  auto aead = crypto.aead(settings.algorithm, settings.key.bytes());
  if (!aead) return fail(std::move(aead.error()));
  return Context(settings, std::move(*aead));
}

Context::Context(const ContextSettings& settings, std::unique_ptr<Aead> aead)
    : key_id_(settings.key_id),
      tag_(settings.tag),
      bind_(settings.bind),
      senders_(settings.senders),
      iv_(settings.iv),
      aead_(std::move(aead)) {}

}  // namespace lobo::xrm

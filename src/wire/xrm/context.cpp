#include "wire/xrm/context.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
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

Nonce Context::nonce(SenderId sender, std::uint32_t counter) const {
  // The last six octets change; written out, as this is done for each packet.
  Nonce number = iv_;
  const std::uint64_t low = std::uint64_t{static_cast<std::uint16_t>(sender)} << 32U | counter;
  for (std::size_t i = 0; i < 6; ++i)
    number[11 - i] ^= static_cast<std::byte>(low >> (8 * i) & 0xFFU);
  return number;
}

Aad Context::aad(UdpHeader udp, ProtectedHeader header) const {
  // Where source port, destination port and checksum stand in a UDP header, length being 4 and 5.
  Aad aad{};
  std::copy(udp.begin(), udp.end(), aad.begin());
  if (bind_ == Bind::length) {
    std::fill_n(aad.begin(), 4, std::byte{});
    std::fill_n(aad.begin() + 6, 2, std::byte{});
  }
  std::copy(header.begin(), header.end(), aad.begin() + udp.size());
  return aad;
}

}  // namespace lobo::xrm

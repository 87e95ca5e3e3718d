#include "wire/rtp/packet.hpp"

#include <cstdint>
#include <optional>

#include "base/bytes.hpp"

namespace lobo::rtp {
std::optional<Bytes> find_element(const RtpView& view, std::uint8_t id) noexcept {
  Elements elements(view);
  while (const auto element = elements.next())
    if (element->id == id) return element->value;
  return std::nullopt;
}

}  // namespace lobo::rtp

#pragma once
// The AUTH option of a captured datagram, with what its MAC covers (docs/xrm.md).

#include <cstddef>

#include "base/bytes.hpp"
#include "wire/packet/parse.hpp"
#include "wire/udp_options/surplus.hpp"
#include "wire/xrm/auth.hpp"

namespace lobo::app {

/// `option` is one of `surplus`, which is that of `view`.
inline xrm::AuthInput auth_input(const packet::PacketView& view,
                                 const udp_options::Surplus& surplus,
                                 const udp_options::Option& option) {
  const bool v6 = view.flow.ip_version == 6;
  const std::size_t address = v6 ? 16 : 4;
  const std::size_t source_at = view.ip_at + (v6 ? 8U : 12U);
  constexpr std::size_t key_ids = 2;
  return {.source = view.frame.subspan(source_at, address),
          .destination = view.frame.subspan(source_at + address, address),
          .udp = view.udp_header().first<packet::udp_header_bytes>(),
          .user_data = view.user_data(),
          .surplus = surplus.area,
          .ocs_at = surplus.odd ? 1U : 0U,
          .mac_at = std::size_t{option.at} + option.header_length + key_ids};
}

}  // namespace lobo::app

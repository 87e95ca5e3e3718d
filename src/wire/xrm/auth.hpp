#pragma once
// AUTH as an option of its own: kind 9, KeyID, RNextKeyID, MAC(12). RFC 9868 reserves the kind and
// gives no form to it; this is the experimental framing of an Internet-Draft that has expired
// (draft-touch-tsvwg-udp-auth-opt), and off unless somebody asks for it. What protects the metadata
// is the tag of the protected option.
//
// MAC = first 12 octets of AES-128-CMAC over
//   UDP pseudo-header | UDP header | user data, with cover=all | surplus area, OCS and MAC as zeros

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"
#include "wire/udp_options/kinds.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"

namespace lobo::xrm {

using udp_options::kind_auth;
inline constexpr std::size_t auth_mac_bytes = 12;
inline constexpr std::size_t auth_option_bytes = 4 + auth_mac_bytes;

/// options: a pass over the surplus area only. all: over the user data too.
enum class AuthCover : std::uint8_t { options, all };
constexpr std::string_view to_string(AuthCover cover) {
  switch (cover) {
    case AuthCover::options: return "options";
    case AuthCover::all: return "all";
  }
  std::abort();
}

struct AuthOption {
  KeyId key_id{};
  KeyId next_key_id{};  ///< RNextKeyID: the key that the sender would like to be answered under
  std::array<std::byte, auth_mac_bytes> mac{};
  bool operator==(const AuthOption&) const = default;
};

void write_auth(ByteWriter& out, const AuthOption& option);
/// Of a value, all behind Kind and Length; nothing where it has another size.
std::optional<AuthOption> read_auth(Bytes value);

/// The datagram around the option; all is borrowed. Both offsets are of the surplus area.
struct AuthInput {
  Bytes source;  ///< 4 or 16 octets, as `destination`
  Bytes destination;
  UdpHeader udp;
  Bytes user_data;
  Bytes surplus;
  std::size_t ocs_at = 0;
  std::size_t mac_at = 0;
};

/// Nothing where the parts do not fit each other, or the library failed.
std::optional<std::array<std::byte, auth_mac_bytes>> auth_mac(Mac& mac, const AuthInput& input,
                                                              AuthCover cover);
/// Whether the MAC at `input.mac_at` is right.
bool auth_verifies(Mac& mac, const AuthInput& input, AuthCover cover);

}  // namespace lobo::xrm

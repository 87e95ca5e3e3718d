#pragma once
// An application server that protects its markings: frames towards the UE under one key and SID.

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "dataplane/stages/path_test_support.hpp"
#include "model/pdu_set.hpp"
#include "wire/packet/parse.hpp"
#include "wire/udp_options/edit.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/option.hpp"
#include "wire/xrm/protected.hpp"
#include "wire/xrm/sender.hpp"

namespace lobo::test {

using dataplane::test::Octets;

inline xrm::Context context(const xrm::Crypto& crypto, std::uint8_t key_id, std::uint8_t key = 1) {
  const std::array<std::byte, 16> octets{static_cast<std::byte>(key)};
  return xrm::Context::create({.key_id = xrm::KeyId{key_id}, .key = xrm::Key::from(octets).value()},
                              crypto)
      .value();
}

/// The frame with `body` in an option behind what it has.
inline Octets with_body(const Octets& frame, Bytes body) {
  std::array<std::byte, 128> option{};
  ByteWriter out(option);
  xrm::write_option(out, xrm::OptionKind(), body);
  Octets room = frame;
  room.resize(frame.size() + 160);
  const auto view = packet::parse_ethernet(Bytes(room).first(frame.size()));
  room.resize(udp_options::insert(room, view, out.written()).value());
  return room;
}

class ProtectedStream {
 public:
  ProtectedStream(const xrm::Crypto& crypto, std::uint8_t key_id, std::uint16_t sid,
                  std::uint8_t key = 1)
      : sender_(xrm::Sender::create(context(crypto, key_id, key), xrm::SenderId{sid}, 0).value()) {}

  Octets body(const PduSetMark& mark, const Octets& frame) {
    const auto view = packet::parse_ethernet(frame);
    Octets body(xrm::protected_sent_max);
    body.resize(sender_.seal(mark, xrm::UdpHeader(view.udp_header().first<8>()), body).value());
    return body;
  }
  Octets marked(const PduSetMark& mark, const Octets& frame) {
    return with_body(frame, body(mark, frame));
  }

 private:
  xrm::Sender sender_;
};

}  // namespace lobo::test

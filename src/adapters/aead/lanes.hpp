#pragma once
// AES-GCM of several texts at once, for what a packet path opens: sixteen octets with sixteen
// octets of AAD and a whole tag, many of them under one key. A library's call opens one such text
// after the other, and each of its rounds waits for the one before; here four or eight are in every
// round. All else (sealing, other sizes, short tags, other algorithms) is the library's.
//
// Golden vectors and OpenSSL are the judges: lanes_test.cpp, and every suite of the port.

#include <cstdint>
#include <memory>

#include "wire/xrm/aead.hpp"

namespace lobo::adapters::aead {

/// `aes_ni` is what a tool without newer instructions can follow.
enum class LanesPath : std::uint8_t { fastest, aes_ni };

/// `library` with lanes in front of it; `library` itself where the processor cannot.
std::unique_ptr<xrm::Crypto> with_lanes(std::unique_ptr<xrm::Crypto> library,
                                        LanesPath path = LanesPath::fastest);

}  // namespace lobo::adapters::aead

#pragma once
// AEAD and CMAC by Intel's ipsec-mb, whose one-call GCM costs a fifth of OpenSSL's on a block of 16
// octets. Built where the library is found (CMake option LOBO_IPSEC_MB).

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "wire/xrm/aead.hpp"

namespace lobo::adapters::aead {

/// Which code path the library takes. `sse` is what a tool without newer instructions can follow.
enum class IpsecMbPath : std::uint8_t { fastest, sse };

/// Fails where it was not built, or the processor lacks what the path needs.
Result<std::unique_ptr<xrm::Crypto>> make_ipsec_mb(IpsecMbPath path = IpsecMbPath::fastest);

/// What it is called with its version, or why it is not there.
std::string ipsec_mb_state();

}  // namespace lobo::adapters::aead

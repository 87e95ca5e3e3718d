#pragma once
// The key that stateless reset tokens are made with (RFC 9000 clause 10.3.2). It outlives the
// program: the next one answers packets of connections that died with the last one, and their
// clients come back within a round trip instead of an idle timeout.

#include <array>
#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace lobo::adapters::quic {

using ResetKey = std::array<std::uint8_t, 32>;

/// The key in `file`, which nobody else may read; made with mode 0600 where it is missing. An empty
/// name: a key for this run.
Result<ResetKey> reset_key(const std::string& file);

}  // namespace lobo::adapters::quic

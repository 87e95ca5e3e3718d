#include "adapters/crypto/system_rng.hpp"

#include <openssl/rand.h>

#include <cstdint>
#include <utility>

#include "base/require.hpp"

namespace lobo::adapters::crypto {

std::uint64_t SystemRng::next() {
  if (used_ == words_.size()) {
    // Without randomness no identifier is unguessable: better no service than that.
    require(RAND_bytes(reinterpret_cast<unsigned char*>(words_.data()),
                       static_cast<int>(sizeof words_)) == 1);
    used_ = 0;
  }
  // A word that was given away is not left in memory.
  return std::exchange(words_[used_++], 0);
}

}  // namespace lobo::adapters::crypto

#pragma once
// Seals marks into protected options under one SID. The counter is what keeps nonces apart: one SID
// of one key belongs to one Sender, which never gives a counter twice.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>
#include <tl/expected.hpp>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/pdu_set.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/protected.hpp"

namespace lobo::xrm {

/// How many packets go through the Aead by one call.
inline constexpr std::size_t batch_jobs_max = 32;

/// A sender seals this many packets under one key and SID, then needs a new key.
inline constexpr std::uint32_t counters_per_key = 1U << 31U;

enum class SealRefusal : std::uint8_t {
  counters_used_up,  ///< a new key is needed; what is sent until then is unmarked
  no_room,           ///< the place given is smaller than the body
  crypto_failed,     ///< the library said no
};
constexpr std::string_view to_string(SealRefusal refusal) {
  switch (refusal) {
    case SealRefusal::counters_used_up: return "counters_used_up";
    case SealRefusal::no_room: return "no_room";
    case SealRefusal::crypto_failed: return "crypto_failed";
  }
  std::abort();
}

/// One mark to seal. The UDP header is the one that is sent: its checksum is part of what the tag
/// covers. The body is written into `out`, which needs at most protected_sent_max octets.
struct SealRequest {
  PduSetMark mark;
  UdpHeader udp;
  MutableBytes out;
  tl::expected<std::size_t, SealRefusal> written{tl::unexpect, SealRefusal::no_room};
};

class Sender {
 public:
  /// Refuses a SID that the context does not allow. `first_counter` is 0 only where the key is new:
  /// who starts again under an old key goes on behind the last counter sent, or takes a SID that
  /// was never used. A nonce that is used twice gives GCM's authentication key away.
  static Result<Sender> create(Context context, SenderId sender, std::uint32_t first_counter);

  /// Writes the body of a protected option and returns its size. Where the library did
  /// not fail, what is refused uses no counter.
  tl::expected<std::size_t, SealRefusal> seal(const PduSetMark& mark, UdpHeader udp,
                                              MutableBytes out);
  void seal(std::span<SealRequest> requests);

  std::uint32_t next_counter() const { return next_; }
  KeyId key_id() const { return context_.key_id(); }

 private:
  struct Prepared {
    Nonce nonce;
    Aad aad;
  };
  Sender(Context context, SenderId sender, std::uint32_t first_counter);
  tl::expected<std::size_t, SealRefusal> prepare(const PduSetMark& mark, UdpHeader udp,
                                                 MutableBytes out, Prepared& prepared);
  SealJob job_of(const Prepared& prepared, MutableBytes body) const;
  void seal_batch(std::span<SealRequest> requests);

  Context context_;
  SenderId sender_;
  std::uint32_t next_;
};

}  // namespace lobo::xrm

#pragma once
// Reads the body of an XRM option, clear or protected: contexts by KeyID, replay windows by KeyID
// and SID, and for each packet either its marking or the one reason why it has none. For one
// thread: each worker has a receiver of its own and sees all packets of a SID.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/pdu_set.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/metadata.hpp"
#include "wire/xrm/protected.hpp"
#include "wire/xrm/replay_window.hpp"
#include "wire/xrm/sender.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::xrm {

/// Contexts that are live at once: two per peer while keys are rolled over.
inline constexpr std::size_t contexts_max = 64;
/// SIDs per context that replay windows are kept for, 256 octets each.
inline constexpr std::size_t senders_max = 256;

/// Which forms are believed. Where metadata are protected, a clear option is what an attacker would
/// put in the place of the one that was taken away.
enum class Accept : std::uint8_t { clear_and_protected, protected_only };

struct ReceiverSettings {
  Accept accept = Accept::protected_only;
  Leniency leniency = Leniency::lenient;
};

/// Who vouches for a marking that came protected.
struct Origin {
  KeyId key_id{};
  SenderId sender{};
  std::uint32_t counter = 0;  ///< gives the order of packets, also in sets of over 64 PDUs
  bool operator==(const Origin&) const = default;
};

struct Marking {
  PduSetMark mark;
  Warnings warnings;
  std::optional<Origin> origin;  ///< none: the option was clear
  bool operator==(const Marking&) const = default;
};

/// One option to read, with the UDP header that it came behind.
struct ReadRequest {
  Bytes body;
  UdpHeader udp;
  tl::expected<Marking, Unmarked> marking{tl::unexpect, Unmarked::no_option};
};

/// The same for who has a place for the mark: nothing is copied. `mark` may hold anything before.
struct MarkRequest {
  Bytes body;
  const std::byte* udp = nullptr;  ///< the eight octets of the UDP header
  PduSetMark* mark = nullptr;
  Warnings warnings;
  std::optional<Unmarked> refused;  ///< nothing: `mark` and `warnings` hold
  std::optional<Origin> origin;     ///< none: the option was clear
};

class Receiver {
 public:
  explicit Receiver(ReceiverSettings settings);

  /// Refuses a KeyID that is there already, and one context more than contexts_max.
  Result<void> add(Context context);
  /// Of a context that expired or was rolled over. Its replay windows go with it, so its key must
  /// not come back.
  bool remove(KeyId id);
  std::size_t contexts() const { return live_; }

  tl::expected<Marking, Unmarked> read(Bytes body, UdpHeader udp);
  /// The same, with one call of the Aead for neighbours that share a context.
  void read(std::span<ReadRequest> requests);
  void read(std::span<MarkRequest> requests);

 private:
  /// SIDs to replay windows: a hash table with linear probing, filled up to a half.
  class Windows {
   public:
    Windows();
    ReplayWindow* find(SenderId sender);
    /// For a SID that find() does not know. Null where senders_max SIDs are there already.
    ReplayWindow* add(SenderId sender);

   private:
    static constexpr std::size_t slots = 2 * senders_max;
    static constexpr std::uint16_t empty = 0xFFFF;
    std::size_t slot_of(SenderId sender) const;

    std::array<std::uint16_t, slots> index_;
    std::vector<std::pair<SenderId, ReplayWindow>> windows_;  ///< never grows beyond its reserve
  };
  struct Entry {
    explicit Entry(Context with) : context(std::move(with)) {}
    Context context;
    Windows windows;
  };
  /// A packet between its being asked for and its being opened. Members have no values at first:
  /// clearing them would cost more than a packet does.
  struct Opening {
    Entry* entry;
    ReplayWindow* window;  ///< null: a SID that nothing was taken from yet
    MarkRequest* request;
    SenderId sender;
    std::uint32_t counter;
    bool reserved_bits_set;
    Nonce nonce;
    Aad aad;
    std::array<std::byte, plaintext_sent_max> plain;  ///< what is longer is in long_plain_
  };

  std::optional<Unmarked> read_clear(MarkRequest& request) const;
  std::optional<Unmarked> prepare(MarkRequest& request, std::size_t at);
  std::optional<Unmarked> finish(const Opening& opening, const OpenJob& job) const;
  void flush();

  static constexpr std::size_t key_ids = 256;
  ReceiverSettings settings_;
  std::array<std::unique_ptr<Entry>, key_ids> entries_;
  std::size_t live_ = 0;
  // A batch under way.
  std::array<Opening, batch_jobs_max> openings_;
  std::array<OpenJob, batch_jobs_max> jobs_;
  std::array<std::array<std::byte, plaintext_read_max>, batch_jobs_max> long_plain_;
  std::size_t pending_ = 0;
};

}  // namespace lobo::xrm

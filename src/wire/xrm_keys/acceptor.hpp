#pragma once
// The UPF's end of a key channel to one application server, as a state machine: events and time go
// in, effects come out. It dials, takes keys that are offered within what was agreed, and forgets
// them when they expire. What it has outlives the connection: a connection that is lost costs no
// key, and its end is answered by another one, after a pause that grows up to redial_max.
//
// Invariants: at most keys_live_max keys are live; a key is accepted after it was installed, never
// before; no KeyID is given twice on one connection, because the same key would come of it.

#include <bitset>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm_keys/failure.hpp"
#include "wire/xrm_keys/message.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::xrm {

inline constexpr std::chrono::milliseconds redial_first{200};
inline constexpr std::chrono::milliseconds redial_max{10'000};
/// How long an end waits for an answer of the other.
inline constexpr std::chrono::milliseconds answer_patience{5000};
inline constexpr std::chrono::milliseconds ping_every{2000};

struct AcceptorConfig {
  std::string eas;  ///< what its certificate is for
  KeyIdRange key_ids;
  std::vector<Algorithm> algorithms{Algorithm::aes_128_gcm, Algorithm::aes_256_gcm,
                                    Algorithm::chacha20_poly1305};
  bool short_tags = false;
  bool bind_length = false;
  SenderRange senders;                 ///< SIDs that are its own
  std::vector<SenderRange> of_others;  ///< SIDs of other application servers
  std::chrono::milliseconds lifetime_max = std::chrono::hours{24};
  bool operator==(const AcceptorConfig&) const = default;
};

class KeyAcceptor {
 public:
  struct Dial {};
  struct Send {
    KeyMessage message;
  };
  struct Close {};  ///< once what was sent is written; nothing more is heard of that connection
  /// Ask this connection for the key, make it ready, and say so by installed().
  struct Install {
    KeyTerms terms;
  };
  struct Remove {
    KeyId key_id{};
    bool expired = false;  ///< else another one took its place
  };
  struct Accepted {
    KeyTerms terms;
  };
  struct Ended {
    KeyCause cause;
    ChannelTime redial_after{};
  };
  using Effect = std::variant<Dial, Send, Close, Install, Remove, Accepted, Ended>;
  using Effects = std::vector<Effect>;

  struct Live {
    KeyTerms terms;
    ChannelTime expires{};
  };

  /// Dials at the first tick().
  explicit KeyAcceptor(AcceptorConfig config) : config_(std::move(config)) {}

  Effects tick(ChannelTime now);
  /// A connection is there, and the certificate at its other end is the expected one.
  Effects connected(ChannelTime now);
  Effects received(const KeyMessage& message, ChannelTime now);
  /// What came is no message.
  Effects malformed(KeyFailure failure, ChannelTime now);
  Effects installed(bool done, ChannelTime now);
  /// The connection is gone, or never came to be.
  Effects closed(KeyCause cause, ChannelTime now);

  /// When tick() has something to do.
  ChannelTime deadline() const;
  const std::vector<Live>& live() const { return live_; }
  bool open() const { return phase_ == Phase::open; }
  const AcceptorConfig& config() const { return config_; }

 private:
  enum class Phase : std::uint8_t { waiting, dialling, greeting, open };

  void expire(ChannelTime now, Effects& effects);
  void take(const Welcome& welcome, ChannelTime now, Effects& effects);
  void take(const ContextOffer& offer, ChannelTime now, Effects& effects);
  std::optional<KeyFailure> refusal_of(const ContextOffer& offer) const;
  std::optional<KeyFailure> refusal_of(const SenderRange& senders) const;
  void refuse(KeyFailure failure, ChannelTime now, Effects& effects);
  void end(KeyCause cause, ChannelTime now, Effects& effects);
  Hello hello() const;

  AcceptorConfig config_;
  Phase phase_ = Phase::waiting;
  std::vector<Live> live_;  ///< oldest first
  std::bitset<256> given_;  ///< KeyIDs, on this connection
  std::optional<KeyTerms> installing_;
  unsigned failures_ = 0;  ///< since it last worked
  ChannelTime dial_at_ = ChannelTime::min();
  ChannelTime answer_by_ = ChannelTime::max();
  ChannelTime ping_at_ = ChannelTime::max();
};

}  // namespace lobo::xrm

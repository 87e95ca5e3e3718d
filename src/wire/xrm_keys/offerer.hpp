#pragma once
// The application server's end of a key channel to one UPF, as a state machine: events and time go
// in, effects come out. It offers the first key as soon as the UPF says hello, the next one when a
// good half of the lifetime of the present one is over, and seals with a key once the UPF has
// accepted it. The present key outlives the connection and holds until it expires: a UPF that comes
// back with it goes on with it, one that comes back without it is offered another at once.

#include <bitset>
#include <chrono>
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

struct OffererConfig {
  std::string eas;  ///< what our certificate is for
  /// The first one that the UPF takes.
  std::vector<Algorithm> algorithms{Algorithm::aes_128_gcm};
  TagLength tag = TagLength::full;
  Bind bind = Bind::full;
  SenderRange senders;
  std::chrono::milliseconds lifetime = std::chrono::hours{1};
};

class KeyOfferer {
 public:
  struct Send {
    KeyMessage message;
  };
  struct Close {};  ///< once what was sent is written; nothing more is heard of that connection
  /// The UPF opens it: ask this connection for the key, and seal with it and no other from now on.
  struct Use {
    KeyTerms terms;
    ChannelTime expires{};
  };
  struct Drop {};  ///< the present key expired, and there is no other
  struct Ended {
    KeyCause cause;
  };
  using Effect = std::variant<Send, Close, Use, Drop, Ended>;
  using Effects = std::vector<Effect>;

  explicit KeyOfferer(OffererConfig config) : config_(std::move(config)) {}

  Effects tick(ChannelTime now);
  /// A connection is there, the certificate at its other end is the expected one. It takes the
  /// place of one that was there before, of which the UPF does not know any more.
  Effects connected(ChannelTime now);
  Effects received(const KeyMessage& message, ChannelTime now);
  Effects malformed(KeyFailure failure, ChannelTime now);
  Effects closed(KeyCause cause, ChannelTime now);
  /// The present key has few counters left, or is not wanted any more.
  Effects renew(ChannelTime now);

  ChannelTime deadline() const;
  bool open() const { return hello_.has_value(); }
  const std::optional<Use>& current() const { return current_; }

 private:
  struct Known {
    KeyId id{};
    ChannelTime gone{};  ///< no later, whatever the UPF's clock says within reason
  };
  void take(const Hello& hello, ChannelTime now, Effects& effects);
  void take(const ContextAccept& accept, ChannelTime now, Effects& effects);
  void expire(ChannelTime now, Effects& effects);
  void offer_if_due(ChannelTime now, Effects& effects);
  std::optional<KeyId> next_key_id() const;
  void refuse(KeyFailure failure, Effects& effects);
  void forget_connection();

  OffererConfig config_;
  bool connected_ = false;
  std::optional<Hello> hello_;  ///< of this connection
  Algorithm algorithm_{};       ///< with `hello_`: the one of choice
  std::bitset<256> given_;      ///< KeyIDs, on this connection
  std::vector<Known> known_;    ///< that the UPF has of us, oldest first
  std::vector<KeyId> unknown_;  ///< that it has of somebody with our name: us, before a restart
  std::optional<KeyTerms> pending_;
  ChannelTime offered_{};  ///< with `pending_`
  std::optional<Use> current_;
  std::optional<KeyId> last_id_;
  ChannelTime rollover_ = ChannelTime::min();
  ChannelTime answer_by_ = ChannelTime::max();
};

}  // namespace lobo::xrm

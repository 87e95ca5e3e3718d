#pragma once
// One connection of a key channel: TLS records in, messages out, and back; and the key of it that
// both ends get and nobody else.

#include <string>
#include <string_view>

#include "adapters/http/session.hpp"
#include "adapters/http/tls.hpp"
#include "adapters/key_channel/owner.hpp"
#include "base/result.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm_keys/failure.hpp"
#include "wire/xrm_keys/message.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::adapters {

/// In the words of a key channel.
xrm::KeyCause cause_of(TlsFailure failure, xrm::KeyFailure otherwise);

class KeySession final : public Session {
 public:
  KeySession(Transport& transport, TlsEngine& tls, KeySessionOwner* owner)
      : transport_(&transport), tls_(&tls), owner_(owner) {}

  void send(const xrm::KeyMessage& message);
  /// Closes once what was sent is written; the owner hears no more.
  void finish();
  /// For packets that go to the UPF.
  Result<xrm::ContextSettings> context_of(const xrm::KeyTerms& terms, std::string_view eas) const;

  void receive(std::string_view bytes, SteadyTime now) override;
  void end_of_input(SteadyTime now) override;
  void produce(std::string& out, SteadyTime now) override;
  bool wants_input() const override { return true; }
  bool finished() const override { return finishing_ && unsent_.empty(); }
  SteadyTime deadline() const override { return never; }
  void expired(SteadyTime) override {}
  void drain(SteadyTime) override { finish(); }
  void closed(std::string_view why) override;

 private:
  Transport* transport_;
  TlsEngine* tls_;
  KeySessionOwner* owner_;  ///< null: nobody listens any more
  xrm::KeyLines lines_;
  std::string unsent_;
  bool finishing_ = false;
};

}  // namespace lobo::adapters

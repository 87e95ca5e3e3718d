#include "adapters/key_channel/session.hpp"

#include <array>
#include <cstddef>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/http/session.hpp"
#include "adapters/http/tls.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm_keys/failure.hpp"
#include "wire/xrm_keys/message.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::adapters {

xrm::KeyCause cause_of(TlsFailure failure, xrm::KeyFailure otherwise) {
  using xrm::KeyFailure;
  const auto named = [&] {
    switch (failure.fault) {
      case TlsFault::none: return otherwise;
      case TlsFault::authority_unknown: return KeyFailure::authority_unknown;
      case TlsFault::certificate_expired: return KeyFailure::certificate_expired;
      case TlsFault::certificate_not_yet_valid: return KeyFailure::certificate_not_yet_valid;
      case TlsFault::certificate_missing: return KeyFailure::certificate_missing;
      case TlsFault::certificate_refused: return KeyFailure::certificate_refused;
      case TlsFault::other: return KeyFailure::handshake_failed;
    }
    std::abort();
  };
  return {named(), failure.told_by_peer};
}

void KeySession::send(const xrm::KeyMessage& message) {
  if (finishing_) return;
  unsent_ += xrm::write_key_message(message);
  transport_->wake();
}

void KeySession::finish() {
  owner_ = nullptr;
  if (std::exchange(finishing_, true)) return;
  if (transport_ != nullptr) transport_->wake();
}

Result<xrm::ContextSettings> KeySession::context_of(const xrm::KeyTerms& terms,
                                                    std::string_view eas) const {
  std::array<std::byte, xrm::Key::bytes_max + xrm::nonce_bytes> room{};
  const auto exported = std::span(room).first(xrm::exported_bytes(terms.algorithm));
  if (tls_ == nullptr) return fail(Errc::unavailable, "the connection is gone");
  const auto done = tls_->export_secret(
      xrm::exporter_label, xrm::exporter_context(terms.key_id, xrm::Direction::to_upf, eas),
      exported);
  if (!done) return fail(done.error());
  auto settings = xrm::settings_of(terms, exported);
  xrm::wipe(room);
  return settings;
}

void KeySession::receive(std::string_view bytes, SteadyTime) {
  // Whoever is called may finish this session: then the rest is nobody's.
  while (!bytes.empty() && owner_ != nullptr) {
    if (!lines_.take(bytes)) return owner_->key_malformed(xrm::KeyFailure::message_malformed);
    if (!lines_.whole()) return;
    const auto message = xrm::read_key_message(lines_.line());
    if (message)
      owner_->key_message(*message);
    else
      owner_->key_malformed(message.error());
  }
}

void KeySession::end_of_input(SteadyTime) {
  KeySessionOwner* const owner = owner_;
  finish();
  if (owner != nullptr) owner->key_closed({xrm::KeyFailure::closed, true});
}

void KeySession::produce(std::string& out, SteadyTime) {
  out += unsent_;
  unsent_.clear();
}

void KeySession::closed(std::string_view) {
  const auto cause = cause_of(tls_->failure(), xrm::KeyFailure::closed);
  transport_ = nullptr;
  tls_ = nullptr;
  finishing_ = true;
  if (KeySessionOwner* const owner = std::exchange(owner_, nullptr)) owner->key_closed(cause);
}

}  // namespace lobo::adapters

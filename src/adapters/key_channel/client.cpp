#include "adapters/key_channel/client.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "adapters/http/dialer.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/http/session.hpp"
#include "adapters/http/tls.hpp"
#include "adapters/key_channel/owner.hpp"
#include "adapters/key_channel/session.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm_keys/acceptor.hpp"
#include "wire/xrm_keys/failure.hpp"
#include "wire/xrm_keys/message.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::adapters {

using xrm::ChannelTime;
using xrm::KeyAcceptor;
using xrm::KeyCause;
using xrm::KeyFailure;

KeyClient::KeyClient(EventLoop& loop, KeyClientConfig config, Hooks hooks)
    : loop_(loop), config_(std::move(config)), hooks_(std::move(hooks)), machine_(config_.keys) {}

KeyClient::~KeyClient() {
  *alive_ = false;
  if (timer_ != 0) loop_.cancel(timer_);
  if (session_) session_->finish();
}

ChannelTime KeyClient::now() const { return std::chrono::steady_clock::now().time_since_epoch(); }

void KeyClient::key_message(const xrm::KeyMessage& message) {
  turn(machine_.received(message, now()));
}
void KeyClient::key_malformed(KeyFailure failure) { turn(machine_.malformed(failure, now())); }
void KeyClient::key_closed(KeyCause cause) {
  session_.reset();
  turn(machine_.closed(cause, now()));
}

/// From outside: what follows, and then a timer for what comes next.
void KeyClient::turn(const Effects& effects) {
  act(effects);
  arm();
}

void KeyClient::act(const Effects& effects) {
  for (const auto& effect : effects) std::visit([this](const auto& one) { perform(one); }, effect);
}

void KeyClient::perform(const KeyAcceptor::Dial&) {
  ++counters_.dials;
  const auto fault = std::make_shared<TlsFailure>();
  dial(
      loop_,
      {.host = config_.host,
       .port = config_.port,
       .tls = config_.tls,
       .session_checks_name = true,
       .tls_failed = [fault](TlsFailure failure) { *fault = failure; },
       .timeout = key_dial_timeout,
       .write_timeout = key_dial_timeout,
       .admits = nullptr,
       .resolve = nullptr},
      [this, alive = alive_](Transport& transport, const Established& facts) {
        require(facts.tls != nullptr);
        return *alive ? open(transport, *facts.tls) : nullptr;
      },
      [this, alive = alive_, fault](const Error&) {
        if (!*alive) return;
        turn(machine_.closed(cause_of(*fault, KeyFailure::unreachable), now()));
      });
}

/// The authority is one that is believed; whether it is this application server is asked here.
std::shared_ptr<Session> KeyClient::open(Transport& transport, TlsEngine& tls) {
  const bool expected = tls.peer_is(config_.keys.eas);
  KeySessionOwner* const owner = expected ? this : nullptr;
  auto session = std::make_shared<KeySession>(transport, tls, owner);
  if (expected) {
    session_ = session;
    turn(machine_.connected(now()));
  } else {
    session->send(xrm::Refuse{KeyFailure::name_not_expected});
    session->finish();
    turn(machine_.closed({KeyFailure::name_not_expected, false}, now()));
  }
  return session;
}

void KeyClient::perform(const KeyAcceptor::Send& send) {
  if (session_) session_->send(send.message);
}

void KeyClient::perform(const KeyAcceptor::Close&) {
  if (const auto session = std::exchange(session_, nullptr)) session->finish();
}

void KeyClient::perform(const KeyAcceptor::Install& install) {
  act(machine_.installed(this->install(install.terms), now()));
}

bool KeyClient::install(const xrm::KeyTerms& terms) {
  if (!session_) return false;
  const auto context = session_->context_of(terms, config_.keys.eas);
  if (!context) return false;
  contexts_.push_back(*context);
  if (hooks_.publish(contexts_)) return true;
  contexts_.pop_back();
  return false;
}

void KeyClient::perform(const KeyAcceptor::Remove& remove) {
  std::erase_if(contexts_,
                [&](const xrm::ContextSettings& one) { return one.key_id == remove.key_id; });
  if (remove.expired) ++counters_.expired;
  (void)hooks_.publish(contexts_);  // taking away cannot fail for want of anything
  if (hooks_.removed) hooks_.removed(remove.key_id, remove.expired);
}

void KeyClient::perform(const KeyAcceptor::Accepted& accepted) {
  ++counters_.accepted;
  if (hooks_.accepted) hooks_.accepted(accepted.terms);
}

void KeyClient::perform(const KeyAcceptor::Ended& ended) {
  last_end_ = ended.cause;
  const auto which = static_cast<std::size_t>(ended.cause.failure);
  ++(ended.cause.by_peer ? counters_.ended_by_peer : counters_.ended)[which];
  if (hooks_.ended)
    hooks_.ended(ended.cause,
                 std::chrono::duration_cast<std::chrono::milliseconds>(ended.redial_after));
}

void KeyClient::arm() {
  if (timer_ != 0) loop_.cancel(std::exchange(timer_, 0));
  const ChannelTime at = machine_.deadline();
  if (at == ChannelTime::max()) return;
  const ChannelTime wait = std::max(at, now()) - now();
  timer_ = loop_.after(std::chrono::ceil<std::chrono::microseconds>(wait), [this] {
    timer_ = 0;
    turn(machine_.tick(now()));
  });
}

}  // namespace lobo::adapters

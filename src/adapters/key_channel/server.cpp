#include "adapters/key_channel/server.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "adapters/http/listener.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/http/session.hpp"
#include "adapters/http/tls.hpp"
#include "adapters/key_channel/owner.hpp"
#include "adapters/key_channel/session.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "wire/xrm_keys/failure.hpp"
#include "wire/xrm_keys/message.hpp"
#include "wire/xrm_keys/offerer.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::adapters {

using xrm::ChannelTime;
using xrm::KeyCause;
using xrm::KeyFailure;
using xrm::KeyOfferer;

namespace {

/// Far more than the messages of a channel that wait at any time.
constexpr std::size_t unsent_bytes_max = 16 * xrm::key_message_max;

}  // namespace

Result<std::unique_ptr<KeyServer>> KeyServer::open(EventLoop& loop, KeyServerConfig config,
                                                   Hooks hooks) {
  auto tls = make_exporting_server_tls(config.files, std::string(key_channel_alpn));
  if (!tls) return fail(tls.error());
  auto name = own_dns_name(**tls);
  if (!name)
    return fail(Errc::malformed, config.files.certificate +
                                     ": the certificate has no DNS name, by which the UPF would "
                                     "know it");
  config.keys.eas = std::move(*name);
  std::unique_ptr<KeyServer> server(new KeyServer(loop, std::move(config), std::move(hooks)));
  KeyServer* const self = server.get();
  auto listener =
      open_listener(loop,
                    {.address = server->config_.address,
                     .port = server->config_.port,
                     .connections_max = key_connections_max,
                     .unsent_bytes_max = unsent_bytes_max,
                     .handshake_timeout = key_handshake_timeout,
                     .write_timeout = key_handshake_timeout,
                     .handshake_failed =
                         [self](const std::string& address, TlsFailure failure, std::string_view) {
                           self->count(address, cause_of(failure, KeyFailure::closed));
                         }},
                    [self](Transport& transport, const Established& facts) {
                      return self->accept(transport, facts);
                    });
  if (!listener) return fail(listener.error());
  (*listener)->set_tls(std::move(*tls));
  server->listener_ = std::move(*listener);
  return server;
}

KeyServer::KeyServer(EventLoop& loop, KeyServerConfig config, Hooks hooks)
    : loop_(loop), config_(std::move(config)), hooks_(std::move(hooks)), machine_(config_.keys) {}

KeyServer::~KeyServer() {
  if (timer_ != 0) loop_.cancel(timer_);
  if (session_) session_->finish();
  hooks_ = {};  // connections that end now are nobody's news
}

ChannelTime KeyServer::now() const { return std::chrono::steady_clock::now().time_since_epoch(); }

std::uint16_t KeyServer::port() const { return listener_->port(); }

std::shared_ptr<Session> KeyServer::accept(Transport& transport, const Established& facts) {
  require(facts.tls != nullptr);
  const bool expected = facts.tls->peer_is(config_.upf);
  KeySessionOwner* const owner = expected ? this : nullptr;
  auto session = std::make_shared<KeySession>(transport, *facts.tls, owner);
  if (!expected) {
    session->send(xrm::Refuse{KeyFailure::name_not_expected});
    session->finish();
    count(facts.peer.address, {KeyFailure::name_not_expected, false});
    return session;
  }
  ++counters_.connections;
  peer_ = facts.peer.address;
  // The UPF has one connection: whatever was there before is of a UPF that is gone.
  if (const auto before = std::exchange(session_, session)) before->finish();
  turn(machine_.connected(now()));
  return session;
}

void KeyServer::key_message(const xrm::KeyMessage& message) {
  turn(machine_.received(message, now()));
}
void KeyServer::key_malformed(KeyFailure failure) { turn(machine_.malformed(failure, now())); }
void KeyServer::key_closed(KeyCause cause) {
  session_.reset();
  turn(machine_.closed(cause, now()));
}

void KeyServer::turn(const Effects& effects) {
  for (const auto& effect : effects) std::visit([this](const auto& one) { perform(one); }, effect);
  arm();
}

void KeyServer::perform(const KeyOfferer::Send& send) {
  if (session_) session_->send(send.message);
}

void KeyServer::perform(const KeyOfferer::Close&) {
  if (const auto session = std::exchange(session_, nullptr)) session->finish();
}

void KeyServer::perform(const KeyOfferer::Use& use) {
  const auto settings = session_->context_of(use.terms, config_.keys.eas);
  // The UPF has exported from this connection; so can we, or OpenSSL is broken here.
  if (!settings) return count(peer_, {KeyFailure::not_installed, false});
  ++counters_.used;
  hooks_.use(KeyInUse{*settings, std::chrono::steady_clock::time_point(use.expires)});
}

void KeyServer::perform(const KeyOfferer::Drop&) {
  ++counters_.expired;
  hooks_.use(std::nullopt);
}

void KeyServer::perform(const KeyOfferer::Ended& ended) { count(peer_, ended.cause); }

void KeyServer::count(std::string_view who, KeyCause cause) {
  const auto which = static_cast<std::size_t>(cause.failure);
  ++(cause.by_peer ? counters_.ended_by_peer : counters_.ended)[which];
  if (hooks_.ended) hooks_.ended(who, cause);
}

void KeyServer::arm() {
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

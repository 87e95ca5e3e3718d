#include "adapters/quic/ngtcp2/endpoint.hpp"

#include <fmt/format.h>
#include <gnutls/crypto.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/quic/links.hpp"
#include "adapters/quic/ngtcp2/connection.hpp"
#include "adapters/quic/ngtcp2/reset_key.hpp"
#include "adapters/quic/ngtcp2/socket.hpp"
#include "adapters/quic/ngtcp2/tls.hpp"
#include "adapters/quic/quic.hpp"
#include "adapters/udp/readiness.hpp"
#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/address.hpp"

namespace lobo::adapters::quic {
namespace {

constexpr Tick never = std::numeric_limits<Tick>::max();
// Of one connection before the others have their turn: two full messages of segments.
constexpr std::size_t packets_per_turn_max = 128;
// Batches taken from one socket before what they caused is sent.
constexpr std::size_t batches_per_turn_max = 64;
// A client that moves has its old address until the new one is proved.
constexpr std::size_t doors_max = 2;

Tick tick_now() {
  return static_cast<Tick>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                               std::chrono::steady_clock::now().time_since_epoch())
                               .count());
}

}  // namespace

std::size_t CidHash::operator()(const CidKey& key) const noexcept {
  std::array<std::uint64_t, 3> words{};
  std::memcpy(words.data(), key.octets.data(), key.octets.size());
  std::uint64_t mixed = seed ^ key.size;
  for (const std::uint64_t word : words) {
    mixed = (mixed ^ word) * 0x9E3779B97F4A7C15ULL;
    mixed ^= mixed >> 29U;
  }
  return static_cast<std::size_t>(mixed);
}

CidKey key_of(const std::uint8_t* octets, std::size_t size) {
  CidKey key;
  key.size = static_cast<std::uint8_t>(size);
  std::copy_n(octets, std::min(size, key.octets.size()), key.octets.begin());
  return key;
}

namespace {

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  (void)gnutls_rnd(GNUTLS_RND_RANDOM, &seed, sizeof seed);
  return seed;
}

}  // namespace

NgEndpoint::NgEndpoint(EventLoop& loop, Settings settings, LinkEvents& events, ResetKey key)
    : loop_(loop),
      settings_(std::move(settings)),
      events_(events),
      reset_key_(key),
      send_(settings_.segment_offload),
      by_cid_(0, CidHash{random_seed()}),
      handshakes_(settings_.limits.handshakes_per_second_max),
      answers_(settings_.limits.answers_per_second_max) {
  (void)gnutls_rnd(GNUTLS_RND_KEY, retry_secret_.data(), retry_secret_.size());
}

NgEndpoint::~NgEndpoint() {
  *here_ = false;
  if (timer_) loop_.cancel(*timer_);
}

Result<std::unique_ptr<NgEndpoint>> NgEndpoint::open(EventLoop& loop, const Settings& settings,
                                                     LinkEvents& events) {
  if (settings.protocols.empty()) return fail(Errc::missing, "QUIC needs a protocol name (ALPN)");
  if (settings.udp_payload_bytes < NGTCP2_MAX_UDP_PAYLOAD_SIZE ||
      settings.udp_payload_bytes > message_bytes_max / 2)
    return fail(Errc::out_of_range,
                fmt::format("QUIC packets have at least {} octets", NGTCP2_MAX_UDP_PAYLOAD_SIZE));
  auto key = reset_key(settings.reset_key_file);
  if (!key) return fail(key.error());
  std::unique_ptr<NgEndpoint> made(new NgEndpoint(loop, settings, events, *key));
  if (!settings.certificate_file.empty())
    if (auto listening = made->listen(); !listening) return fail(listening.error());
  return made;
}

Result<void> NgEndpoint::listen() {
  auto credentials = Credentials::server(settings_);
  if (!credentials) return fail(credentials.error());
  credentials_ = std::move(*credentials);
  auto socket = Socket::open(settings_.at);
  if (!socket) return fail(socket.error());
  socket_.emplace(std::move(*socket));
  ready_ = std::make_unique<Readiness>(loop_, socket_->descriptor(), [this] { take_all(); });
  return {};
}

UdpEndpoint NgEndpoint::local() const {
  if (!socket_) return settings_.at;
  return to_endpoint(reinterpret_cast<const sockaddr*>(&socket_->local().storage));
}

const Counters& NgEndpoint::counters() const {
  const auto& sent = send_.sent();
  counters_.packets_out = sent.packets;
  counters_.sends = sent.calls;
  counters_.packets_unsent = sent.unsent;
  return counters_;
}

// ---- identifiers
// ----------------------------------------------------------------------------------

bool NgEndpoint::new_cid(LinkId link, ngtcp2_cid& cid, std::uint8_t* reset_token) {
  std::array<std::uint8_t, cid_bytes> octets{};
  if (gnutls_rnd(GNUTLS_RND_RANDOM, octets.data(), octets.size()) != 0) return false;
  octets[0] = static_cast<std::uint8_t>(settings_.node >> 8U);
  octets[1] = static_cast<std::uint8_t>(settings_.node & 0xFFU);
  octets[2] = settings_.worker;
  ngtcp2_cid_init(&cid, octets.data(), octets.size());
  if (ngtcp2_crypto_generate_stateless_reset_token(reset_token, reset_key_.data(),
                                                   reset_key_.size(), &cid) != 0)
    return false;
  const CidKey key = key_of(cid.data, cid.datalen);
  if (!by_cid_.emplace(key, link).second) return false;
  if (Entry* entry = find(link)) entry->cids.push_back(key);
  return true;
}

void NgEndpoint::gone_cid(const ngtcp2_cid& cid) {
  const auto found = by_cid_.find(key_of(cid.data, cid.datalen));
  if (found == by_cid_.end()) return;
  if (Entry* entry = find(found->second)) std::erase(entry->cids, found->first);
  by_cid_.erase(found);
}

NgEndpoint::Entry* NgEndpoint::find(LinkId link) {
  const auto found = entries_.find(link);
  return found == entries_.end() ? nullptr : &found->second;
}

const Connection* NgEndpoint::alive(LinkId link) const {
  const auto found = entries_.find(link);
  if (found == entries_.end() || found->second.connection->closed()) return nullptr;
  return found->second.connection.get();
}

void NgEndpoint::forget(LinkId link) {
  const auto found = entries_.find(link);
  if (found == entries_.end()) return;
  for (const auto& cid : found->second.cids) by_cid_.erase(cid);
  if (found->second.due != 0) due_.erase({found->second.due, link});
  entries_.erase(found);
}

// ---- turns and time
// -------------------------------------------------------------------------------

void NgEndpoint::wake(LinkId link, Entry& entry) {
  if (entry.waits || entry.told) return;
  entry.waits = true;
  turn_.push_back(link);
  if (turn_posted_) return;
  turn_posted_ = true;
  loop_.post([this, here = here_] {
    if (*here) take_turns();
  });
}

void NgEndpoint::take_turns() {
  turn_posted_ = false;
  const Tick now = tick_now();
  const auto links = std::exchange(turn_, {});
  for (const LinkId link : links) {
    Entry* entry = find(link);
    if (entry == nullptr) continue;
    entry->waits = false;
    take_turn(link, *entry, now);
  }
  send_.flush();
  arm();
}

void NgEndpoint::take_turn(LinkId link, Entry& entry, Tick now) {
  if (entry.told) return;
  Connection& connection = *entry.connection;
  connection.begin_turn();
  std::size_t packets = 0;
  while (packets < packets_per_turn_max) {
    const auto out = connection.write(send_.next(), now);
    if (!out) break;
    send(entry, *out);
    ++packets;
  }
  if (connection.closed()) return conclude(link, entry, now);
  if (packets == packets_per_turn_max) wake(link, entry);
  schedule(link, entry, connection.expiry());
}

void NgEndpoint::send(const Entry& entry, const Outgoing& out) {
  int descriptor = socket_ ? socket_->descriptor() : -1;
  for (const auto& door : entry.doors) {
    descriptor = door->socket.descriptor();
    if (door->socket.local() == out.local) break;
  }
  send_.add(descriptor, out.remote, out.octets);
}

void NgEndpoint::conclude(LinkId link, Entry& entry, Tick now) {
  Connection& connection = *entry.connection;
  if (const auto out = connection.write_close(send_.next(), now)) send(entry, *out);
  entry.told = true;
  if (connection.was_open()) --open_count_;
  const Closed closed = *connection.closed();
  const bool silent = closed.cause == CloseCause::idle || closed.cause == CloseCause::reset;
  if (silent || (connection.last_words().empty() && closed.cause == CloseCause::refused))
    forget(link);
  else
    schedule(link, entry, now + connection.linger());
  events_.on_closed(link, closed);
}

/// A connection that wants to be called earlier than it is known for moves; one that may be called
/// later stays where it is, is looked at early and moves then: most timers are only ever put off.
void NgEndpoint::schedule(LinkId link, Entry& entry, Tick when) {
  if (when == never) return;
  when = std::max<Tick>(when, 1);
  if (entry.due != 0 && entry.due <= when && !entry.told) return;
  if (entry.due != 0) due_.erase({entry.due, link});
  entry.due = when;
  due_.emplace(when, link);
}

void NgEndpoint::arm() {
  if (due_.empty()) return;
  const Tick first = due_.begin()->first;
  if (timer_ && timer_at_ <= first) return;
  if (timer_) loop_.cancel(*timer_);
  const Tick now = tick_now();
  const Tick wait = first > now ? first - now : 0;
  timer_at_ = first;
  timer_ = loop_.after(std::chrono::microseconds{wait / 1000 + 1}, [this] { look_at_clock(); });
}

void NgEndpoint::look_at_clock() {
  timer_.reset();
  const Tick now = tick_now();
  while (!due_.empty() && due_.begin()->first <= now) {
    const LinkId link = due_.begin()->second;
    due_.erase(due_.begin());
    Entry& entry = entries_.at(link);
    entry.due = 0;
    if (entry.told) {
      forget(link);
      continue;
    }
    if (const Tick wanted = entry.connection->expiry(); wanted > now) {
      schedule(link, entry, wanted);
      continue;
    }
    entry.connection->expire(now);
    wake(link, entry);
  }
  take_turns();
}

// ---- what one may do with a link
// ------------------------------------------------------------------

Result<LinkId> NgEndpoint::connect(const Target& target) {
  if (shut_) return fail(Errc::unavailable, "the endpoint is shut");
  if (entries_.size() >= settings_.limits.connections_max)
    return fail(Errc::too_many, fmt::format("{} connections are open", entries_.size()));
  auto credentials = Credentials::client(target.trust, settings_.protocols);
  if (!credentials) return fail(credentials.error());
  UdpEndpoint any{target.to.address.index() == 0 ? model::IpAddress{model::Ipv4Address{}}
                                                 : model::IpAddress{model::Ipv6Address{}},
                  0};
  auto socket = Socket::open(target.from.value_or(any));
  if (!socket) return fail(socket.error());

  const LinkId link = ++last_link_;
  Entry& entry = entries_[link];
  entry.client = std::move(*credentials);
  entry.peer = to_address(target.to);
  entry.doors.push_back(
      std::make_unique<Door>(std::move(*socket), loop_, [this, link] { take_for(link); }));
  ngtcp2_cid scid{};
  ngtcp2_cid dcid{};
  std::array<std::uint8_t, NGTCP2_STATELESS_RESET_TOKENLEN> unused{};
  std::array<std::uint8_t, NGTCP2_MAX_CIDLEN> octets{};
  (void)gnutls_rnd(GNUTLS_RND_RANDOM, octets.data(), octets.size());
  ngtcp2_cid_init(&dcid, octets.data(), octets.size());
  const PathRef path{&entry.doors.back()->socket.local(),
                     reinterpret_cast<const sockaddr*>(&entry.peer.storage), entry.peer.size};
  if (!new_cid(link, scid, unused.data())) {
    forget(link);
    return fail(Errc::internal, "QUIC: no connection identifier");
  }
  auto made = Connection::connect(*this, link, *entry.client, settings_, target, dcid, scid, path,
                                  tick_now());
  if (!made) {
    forget(link);
    return fail(made.error());
  }
  entry.connection = std::move(*made);
  wake(link, entry);
  return link;
}

Result<void> NgEndpoint::migrate(LinkId link, const UdpEndpoint& from) {
  Entry* entry = find(link);
  if (entry == nullptr || entry->doors.empty() || !entry->connection->open())
    return fail(Errc::not_found, "no open connection of ours");
  auto socket = Socket::open(from);
  if (!socket) return fail(socket.error());
  auto door = std::make_unique<Door>(std::move(*socket), loop_, [this, link] { take_for(link); });
  const PathRef path{&door->socket.local(), reinterpret_cast<const sockaddr*>(&entry->peer.storage),
                     entry->peer.size};
  if (auto moved = entry->connection->migrate(path, tick_now()); !moved) return moved;
  if (entry->doors.size() == doors_max) entry->doors.erase(entry->doors.begin());
  entry->doors.push_back(std::move(door));
  wake(link, *entry);
  return {};
}

void NgEndpoint::shut(std::uint64_t code, std::string_view reason) {
  shut_ = true;
  for (auto& [link, entry] : entries_) {
    entry.connection->end({CloseCause::local, code, std::string(reason)});
    wake(link, entry);
  }
}

bool NgEndpoint::writable(LinkId link) const {
  const Connection* connection = alive(link);
  return connection != nullptr && connection->open() && connection->writable();
}

std::size_t NgEndpoint::datagram_max(LinkId link) const {
  const Connection* connection = alive(link);
  return connection == nullptr ? 0 : connection->datagram_max();
}

Result<void> NgEndpoint::send_datagram(LinkId link, Bytes datagram, std::uint64_t tag) {
  Entry* entry = find(link);
  if (entry == nullptr) return fail(Errc::not_found, "no such connection");
  auto sent = entry->connection->send_datagram(datagram, tag);
  if (sent) wake(link, *entry);
  return sent;
}

Result<StreamNo> NgEndpoint::open_stream(LinkId link, StreamKind kind) {
  Entry* entry = find(link);
  if (entry == nullptr) return fail(Errc::not_found, "no such connection");
  return entry->connection->open_stream(kind);
}

Result<void> NgEndpoint::write_stream(LinkId link, StreamNo stream, Bytes octets, bool end) {
  Entry* entry = find(link);
  if (entry == nullptr) return fail(Errc::not_found, "no such connection");
  auto written = entry->connection->write_stream(stream, octets, end);
  if (written) wake(link, *entry);
  return written;
}

void NgEndpoint::reset_stream(LinkId link, StreamNo stream, std::uint64_t code) {
  Entry* entry = find(link);
  if (entry == nullptr || entry->connection->closed()) return;
  entry->connection->reset_stream(stream, code);
  wake(link, *entry);
}

void NgEndpoint::close(LinkId link, std::uint64_t code, std::string_view reason) {
  Entry* entry = find(link);
  if (entry == nullptr) return;
  entry->connection->end({CloseCause::local, code, std::string(reason)});
  wake(link, *entry);
}

PathStats NgEndpoint::stats(LinkId link) const {
  const Connection* connection = alive(link);
  return connection == nullptr ? PathStats{} : connection->stats();
}

// ---- what arrives
// ---------------------------------------------------------------------------------

void NgEndpoint::take_all() {
  const Tick now = tick_now();
  for (std::size_t i = 0; i < batches_per_turn_max; ++i) {
    const auto taken = receive_.receive(socket_->descriptor(),
                                        [&](const sockaddr* from, socklen_t size, Bytes packet) {
                                          take({&socket_->local(), from, size}, packet, now);
                                        });
    if (taken < receive_batch_max) break;
  }
  take_turns();
}

void NgEndpoint::take_for(LinkId link) {
  const Tick now = tick_now();
  Entry* entry = find(link);
  for (std::size_t i = 0; entry != nullptr && i < entry->doors.size(); ++i) {
    const auto& socket = entry->doors[i]->socket;
    receive_.receive(socket.descriptor(), [&](const sockaddr* from, socklen_t size, Bytes packet) {
      ++counters_.packets_in;
      hear(*entry, socket.descriptor(), {&socket.local(), from, size}, packet, now);
    });
  }
  take_turns();
}

void NgEndpoint::hear(Entry& entry, int descriptor, const PathRef& path, Bytes packet, Tick now) {
  Connection& connection = *entry.connection;
  if (!entry.told) {
    if (connection.closed()) return;
    const bool was_open = connection.was_open();
    connection.read(path, packet, now);
    if (!was_open && connection.was_open()) ++open_count_;
    wake(connection.link(), entry);
    return;
  }
  // RFC 9000 clause 10.2.1: our last words again, ever more rarely.
  if (connection.last_words().empty() || !std::has_single_bit(++entry.heard_since)) return;
  const Bytes words = connection.last_words();
  std::ranges::copy(words, send_.next().begin());
  answer(descriptor, path, words.size());
}

}  // namespace lobo::adapters::quic

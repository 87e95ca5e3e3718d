// What an endpoint does with packets of connections that it does not know: welcomes, tests of an
// address, refusals and resets. Nothing is kept for who has not proved anything.
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "adapters/http/loop.hpp"
#include "adapters/quic/links.hpp"
#include "adapters/quic/ngtcp2/connection.hpp"
#include "adapters/quic/ngtcp2/endpoint.hpp"
#include "adapters/quic/ngtcp2/socket.hpp"
#include "adapters/quic/quic.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace lobo::adapters::quic {
namespace {

constexpr ngtcp2_duration retry_token_life = 10 * NGTCP2_SECONDS;
// RFC 9000 clause 10.3: a reset is shorter than what it answers, so that two endpoints cannot keep
// each other busy, and long enough to look like any packet.
constexpr std::size_t reset_trigger_bytes_min = 43;
constexpr std::size_t reset_random_bytes =
    reset_trigger_bytes_min - 1 - NGTCP2_STATELESS_RESET_TOKENLEN;
// RFC 9000 clause 14.1: whoever begins sends at least this much.
constexpr std::size_t initial_bytes_min = 1200;

std::uint8_t* octets_of(MutableBytes bytes) {
  return reinterpret_cast<std::uint8_t*>(bytes.data());
}

}  // namespace

void NgEndpoint::take(const PathRef& path, Bytes packet, Tick now) {
  ++counters_.packets_in;
  if (packet.empty()) return;
  const auto* data = reinterpret_cast<const std::uint8_t*>(packet.data());
  ngtcp2_version_cid ids{};
  const int decoded = ngtcp2_pkt_decode_version_cid(&ids, data, packet.size(), cid_bytes);
  if (decoded == NGTCP2_ERR_VERSION_NEGOTIATION) {
    if (packet.size() >= initial_bytes_min) answer_version(ids, path, now);
    return;
  }
  if (decoded != 0 || ids.dcidlen > NGTCP2_MAX_CIDLEN) {
    ++counters_.malformed;
    return;
  }
  if (const auto found = by_cid_.find(key_of(ids.dcid, ids.dcidlen)); found != by_cid_.end())
    return hear(entries_.at(found->second), socket_->descriptor(), path, packet, now);
  if (ids.version == 0) return answer_reset(ids, path, packet.size(), now);
  welcome(ids, path, packet, now);
}

void NgEndpoint::welcome(const ngtcp2_version_cid&, const PathRef& path, Bytes packet, Tick now) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(packet.data());
  Accepted accepted;
  const int good = ngtcp2_accept(&accepted.head, data, packet.size());
  if (good == NGTCP2_ERR_RETRY) return answer_retry(accepted.head, path, now);
  if (good != 0) {
    ++counters_.malformed;
    return;
  }
  const ngtcp2_vec& token = accepted.head.token;
  accepted.original = accepted.head.dcid;
  if (token.len != 0 && token.base[0] == NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY) {
    if (ngtcp2_crypto_verify_retry_token(&accepted.original, token.base, token.len,
                                         retry_secret_.data(), retry_secret_.size(),
                                         accepted.head.version, path.remote, path.remote_size,
                                         &accepted.head.dcid, retry_token_life, now) != 0)
      return refuse(accepted.head, NGTCP2_INVALID_TOKEN, path);
    accepted.after_retry = true;
  } else if (!handshakes_.more(now)) {
    return answer_retry(accepted.head, path, now);
  }
  if (shut_ || entries_.size() >= settings_.limits.connections_max) {
    ++counters_.refused;
    return refuse(accepted.head, NGTCP2_CONNECTION_REFUSED, path);
  }
  const LinkId link = ++last_link_;
  Entry& entry = entries_[link];
  auto made = Connection::accept(*this, link, *credentials_, settings_, accepted, path, now);
  if (!made) {
    forget(link);
    return refuse(accepted.head, NGTCP2_INTERNAL_ERROR, path);
  }
  entry.connection = std::move(*made);
  // The client's own choice names the connection until it has heard ours.
  const CidKey first = key_of(accepted.head.dcid.data, accepted.head.dcid.datalen);
  if (by_cid_.emplace(first, link).second) entry.cids.push_back(first);
  ++counters_.accepted;
  hear(entry, socket_->descriptor(), path, packet, now);
}

/// What was written to the front of send_.next() goes back to where a packet came from.
void NgEndpoint::answer(int descriptor, const PathRef& path, std::size_t octets) {
  Address to;
  to.size = path.remote_size;
  std::copy_n(reinterpret_cast<const std::byte*>(path.remote), path.remote_size,
              reinterpret_cast<std::byte*>(&to.storage));
  send_.add(descriptor, to, octets);
}

void NgEndpoint::answer_retry(const ngtcp2_pkt_hd& head, const PathRef& path, Tick now) {
  if (!answers_.more(now)) return;
  std::array<std::uint8_t, cid_bytes> octets{};
  (void)gnutls_rnd(GNUTLS_RND_RANDOM, octets.data(), octets.size());
  ngtcp2_cid scid{};
  ngtcp2_cid_init(&scid, octets.data(), octets.size());
  std::array<std::uint8_t, NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN> token{};
  const auto size = ngtcp2_crypto_generate_retry_token(
      token.data(), retry_secret_.data(), retry_secret_.size(), head.version, path.remote,
      path.remote_size, &scid, &head.dcid, now);
  if (size < 0) return;
  const auto room = send_.next().first(settings_.udp_payload_bytes);
  const auto wrote =
      ngtcp2_crypto_write_retry(octets_of(room), room.size(), head.version, &head.scid, &scid,
                                &head.dcid, token.data(), static_cast<std::size_t>(size));
  if (wrote <= 0) return;
  ++counters_.retries_asked;
  answer(socket_->descriptor(), path, static_cast<std::size_t>(wrote));
}

void NgEndpoint::refuse(const ngtcp2_pkt_hd& head, std::uint64_t code, const PathRef& path) {
  const auto room = send_.next().first(settings_.udp_payload_bytes);
  const auto wrote = ngtcp2_crypto_write_connection_close(
      octets_of(room), room.size(), head.version, &head.scid, &head.dcid, code, nullptr, 0);
  if (wrote > 0) answer(socket_->descriptor(), path, static_cast<std::size_t>(wrote));
}

void NgEndpoint::answer_version(const ngtcp2_version_cid& ids, const PathRef& path, Tick now) {
  if (!answers_.more(now)) return;
  constexpr std::array<std::uint32_t, 1> ours{NGTCP2_PROTO_VER_V1};
  std::uint8_t any = 0;
  (void)gnutls_rnd(GNUTLS_RND_NONCE, &any, 1);
  const auto room = send_.next().first(settings_.udp_payload_bytes);
  const auto wrote =
      ngtcp2_pkt_write_version_negotiation(octets_of(room), room.size(), any, ids.scid, ids.scidlen,
                                           ids.dcid, ids.dcidlen, ours.data(), ours.size());
  if (wrote > 0) answer(socket_->descriptor(), path, static_cast<std::size_t>(wrote));
}

void NgEndpoint::answer_reset(const ngtcp2_version_cid& ids, const PathRef& path, std::size_t size,
                              Tick now) {
  if (size < reset_trigger_bytes_min || ids.dcidlen != cid_bytes || !answers_.more(now)) return;
  ngtcp2_cid cid{};
  ngtcp2_cid_init(&cid, ids.dcid, ids.dcidlen);
  std::array<std::uint8_t, NGTCP2_STATELESS_RESET_TOKENLEN> token{};
  if (ngtcp2_crypto_generate_stateless_reset_token(token.data(), reset_key_.data(),
                                                   reset_key_.size(), &cid) != 0)
    return;
  std::array<std::uint8_t, reset_random_bytes> random{};
  (void)gnutls_rnd(GNUTLS_RND_NONCE, random.data(), random.size());
  const auto room = send_.next().first(settings_.udp_payload_bytes);
  const auto wrote = ngtcp2_pkt_write_stateless_reset(octets_of(room), room.size(), token.data(),
                                                      random.data(), random.size());
  if (wrote <= 0) return;
  ++counters_.resets_sent;
  answer(socket_->descriptor(), path, static_cast<std::size_t>(wrote));
}

Result<std::unique_ptr<Endpoint>> open(EventLoop& loop, const Settings& settings,
                                       LinkEvents& events) {
  return NgEndpoint::open(loop, settings, events);
}
bool built_in() { return true; }
std::string describe() {
  return std::string("on, ngtcp2 ") + ngtcp2_version(0)->version_str + " with GnuTLS " +
         gnutls_check_version(nullptr);
}

}  // namespace lobo::adapters::quic

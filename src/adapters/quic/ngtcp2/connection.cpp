#include "adapters/quic/ngtcp2/connection.hpp"

#include <fmt/format.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "adapters/quic/links.hpp"
#include "adapters/quic/ngtcp2/queues.hpp"
#include "adapters/quic/ngtcp2/socket.hpp"
#include "adapters/quic/ngtcp2/tls.hpp"
#include "adapters/quic/quic.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace lobo::adapters::quic {
namespace {

// A packet of ours around one datagram: first octet, identifier of at most 20 octets, packet number
// of at most 4, frame type and length of at most 3, tag of 16 (RFC 9000 clause 17.3.1, RFC 9221).
constexpr std::size_t datagram_overhead_bytes = 1 + 20 + 4 + 3 + 16;
constexpr std::uint64_t datagram_frame_bytes_max = 65'535;
constexpr std::size_t datagram_frame_head_bytes = 3;
// A datagram for which so many packets in a row had no room will never have one: the path has
// become smaller. A few are usual, where a path is proved: those carry nothing else.
constexpr unsigned datagram_refusals_max = 16;
constexpr std::size_t reason_bytes_max = 512;

std::span<const std::uint8_t> octets(Bytes bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}
std::uint8_t* octets(MutableBytes bytes) { return reinterpret_cast<std::uint8_t*>(bytes.data()); }
Bytes bytes_of(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}

ngtcp2_path path_of(const PathRef& path, sockaddr_storage& remote) {
  std::copy_n(reinterpret_cast<const std::byte*>(path.remote), path.remote_size,
              reinterpret_cast<std::byte*>(&remote));
  ngtcp2_path out{};
  auto* local = const_cast<sockaddr_storage*>(&path.local->storage);  // only ever read
  out.local = {reinterpret_cast<sockaddr*>(local), path.local->size};
  out.remote = {reinterpret_cast<sockaddr*>(&remote), path.remote_size};
  return out;
}

Address copy_of(const ngtcp2_addr& address) {
  Address out;
  out.size = address.addrlen;
  std::copy_n(reinterpret_cast<const std::byte*>(address.addr), address.addrlen,
              reinterpret_cast<std::byte*>(&out.storage));
  return out;
}

Outgoing outgoing(const ngtcp2_path& path, ngtcp2_ssize octets) {
  return {.local = copy_of(path.local),
          .remote = copy_of(path.remote),
          .octets = static_cast<std::size_t>(octets)};
}

std::chrono::microseconds microseconds(ngtcp2_duration nanoseconds) {
  // An RTT that was never measured is the largest number there is.
  if (nanoseconds == std::numeric_limits<ngtcp2_duration>::max()) return {};
  return std::chrono::microseconds{nanoseconds / 1000};
}

void random_octets(std::uint8_t* out, std::size_t count, const ngtcp2_rand_ctx*) {
  (void)gnutls_rnd(GNUTLS_RND_RANDOM, out, count);
}

}  // namespace

/// What ngtcp2 calls; `user` is the connection.
struct Connection::Calls {
  static Connection& of(void* user) { return *static_cast<Connection*>(user); }
  static ngtcp2_conn* library(ngtcp2_crypto_conn_ref* reference) {
    return of(reference->user_data).ngtcp2_.get();
  }

  static int completed(ngtcp2_conn*, void* user) {
    Connection& self = of(user);
    self.open_ = true;
    Opened opened{.protocol = protocol_of(self.session_.get()),
                  .peer = to_endpoint(ngtcp2_conn_get_path(self.ngtcp2_.get())->remote.addr),
                  .by_us = !self.server_};
    self.owner_.events().on_opened(self.link_, opened);
    return 0;
  }
  static int stream_data(ngtcp2_conn* library, std::uint32_t flags, std::int64_t stream,
                         std::uint64_t, const std::uint8_t* data, std::size_t size, void* user,
                         void*) {
    Connection& self = of(user);
    if (!self.closed_)
      self.owner_.events().on_stream(self.link_, static_cast<StreamNo>(stream),
                                     bytes_of(data, size),
                                     (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0);
    // What was told is not kept, so the window moves on at once.
    (void)ngtcp2_conn_extend_max_stream_offset(library, stream, size);
    ngtcp2_conn_extend_max_offset(library, size);
    return 0;
  }
  static int acknowledged(ngtcp2_conn*, std::int64_t stream, std::uint64_t, std::uint64_t count,
                          void* user, void*) {
    Connection& self = of(user);
    const auto found = self.streams_.find(static_cast<StreamNo>(stream));
    if (found == self.streams_.end()) return 0;
    // Never more than is held: a stream may have been given up and begun anew meanwhile.
    const auto gone = std::min(static_cast<std::size_t>(count), found->second.held());
    found->second.acknowledged(gone);
    self.stream_bytes_ -= gone;
    return 0;
  }
  static int stream_close(ngtcp2_conn* library, std::uint32_t, std::int64_t stream, std::uint64_t,
                          void* user, void*) {
    of(user).forget_stream(static_cast<StreamNo>(stream));
    if (ngtcp2_conn_is_local_stream(library, stream) != 0) return 0;
    if (ngtcp2_is_bidi_stream(stream) != 0)
      ngtcp2_conn_extend_max_streams_bidi(library, 1);
    else
      ngtcp2_conn_extend_max_streams_uni(library, 1);
    return 0;
  }
  static int stream_reset(ngtcp2_conn*, std::int64_t stream, std::uint64_t, std::uint64_t code,
                          void* user, void*) {
    Connection& self = of(user);
    if (!self.closed_)
      self.owner_.events().on_stream_reset(self.link_, static_cast<StreamNo>(stream), code);
    return 0;
  }
  static int stop_sending(ngtcp2_conn*, std::int64_t stream, std::uint64_t code, void* user,
                          void*) {
    Connection& self = of(user);
    self.forget_stream(static_cast<StreamNo>(stream));
    if (!self.closed_)
      self.owner_.events().on_stream_reset(self.link_, static_cast<StreamNo>(stream), code);
    return 0;
  }
  static int datagram(ngtcp2_conn*, std::uint32_t, const std::uint8_t* data, std::size_t size,
                      void* user) {
    Connection& self = of(user);
    if (self.open()) self.owner_.events().on_datagram(self.link_, bytes_of(data, size));
    return 0;
  }
  static int datagram_acked(ngtcp2_conn*, std::uint64_t tag, void* user) {
    Connection& self = of(user);
    if (!self.closed_) self.owner_.events().on_acked(self.link_, tag);
    return 0;
  }
  static int datagram_lost(ngtcp2_conn*, std::uint64_t tag, void* user) {
    Connection& self = of(user);
    if (!self.closed_) self.owner_.events().on_lost(self.link_, tag);
    return 0;
  }
  static int new_cid(ngtcp2_conn*, ngtcp2_cid* cid, std::uint8_t* token, std::size_t size,
                     void* user) {
    Connection& self = of(user);
    return size == cid_bytes && self.owner_.new_cid(self.link_, *cid, token)
               ? 0
               : NGTCP2_ERR_CALLBACK_FAILURE;
  }
  static int gone_cid(ngtcp2_conn*, const ngtcp2_cid* cid, void* user) {
    of(user).owner_.gone_cid(*cid);
    return 0;
  }
  static int path_validated(ngtcp2_conn*, std::uint32_t, const ngtcp2_path*,
                            ngtcp2_path_validation_result result, void* user) {
    Connection& self = of(user);
    if (result == NGTCP2_PATH_VALIDATION_RESULT_SUCCESS) self.owner_.path_validated(self.link_);
    return 0;
  }
  static int stateless_reset(ngtcp2_conn*, const ngtcp2_pkt_stateless_reset*, void* user) {
    Connection& self = of(user);
    if (!self.closed_)
      self.closed_ = Closed{CloseCause::reset, 0, "the other end has forgotten the connection"};
    return 0;
  }

  static ngtcp2_callbacks all(bool server) {
    ngtcp2_callbacks calls{};
    if (server) {
      calls.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
    } else {
      calls.client_initial = ngtcp2_crypto_client_initial_cb;
      calls.recv_retry = ngtcp2_crypto_recv_retry_cb;
    }
    calls.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb;
    calls.encrypt = ngtcp2_crypto_encrypt_cb;
    calls.decrypt = ngtcp2_crypto_decrypt_cb;
    calls.hp_mask = ngtcp2_crypto_hp_mask_cb;
    calls.update_key = ngtcp2_crypto_update_key_cb;
    calls.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb;
    calls.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
    calls.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb;
    calls.version_negotiation = ngtcp2_crypto_version_negotiation_cb;
    calls.rand = random_octets;
    calls.handshake_completed = completed;
    calls.recv_stream_data = stream_data;
    calls.acked_stream_data_offset = acknowledged;
    calls.stream_close = stream_close;
    calls.stream_reset = stream_reset;
    calls.stream_stop_sending = stop_sending;
    calls.recv_datagram = datagram;
    calls.ack_datagram = datagram_acked;
    calls.lost_datagram = datagram_lost;
    calls.get_new_connection_id = new_cid;
    calls.remove_connection_id = gone_cid;
    calls.path_validation = path_validated;
    calls.recv_stateless_reset = stateless_reset;
    return calls;
  }
};

Connection::Connection(Owner& owner, LinkId link, const Settings& settings)
    : owner_(owner), link_(link), settings_(settings) {
  session_owner_.reference = {.get_conn = &Calls::library, .user_data = this};
}
Connection::~Connection() = default;

ngtcp2_settings Connection::library_settings(Tick now) const {
  ngtcp2_settings out{};
  ngtcp2_settings_default(&out);
  out.initial_ts = now;
  // CUBIC takes each loss for a full queue (docs/quic.md, "Congestion").
  out.cc_algo = NGTCP2_CC_ALGO_BBR;
  out.handshake_timeout =
      static_cast<ngtcp2_duration>(std::chrono::nanoseconds(settings_.handshake_max).count());
  // The size is known to fit, so packets are as long from the first on and none is spent on probes.
  out.max_tx_udp_payload_size = settings_.udp_payload_bytes;
  out.no_tx_udp_payload_size_shaping = 1;
  out.no_pmtud = 1;
  return out;
}

ngtcp2_transport_params Connection::parameters() const {
  const Limits& limits = settings_.limits;
  ngtcp2_transport_params out{};
  ngtcp2_transport_params_default(&out);
  out.initial_max_stream_data_bidi_local = limits.stream_receive_bytes_max;
  out.initial_max_stream_data_bidi_remote = limits.stream_receive_bytes_max;
  out.initial_max_stream_data_uni = limits.stream_receive_bytes_max;
  out.initial_max_data = limits.connection_receive_bytes_max;
  out.initial_max_streams_bidi = limits.streams_both_max;
  out.initial_max_streams_uni = limits.streams_out_max;
  out.max_idle_timeout =
      static_cast<ngtcp2_duration>(std::chrono::nanoseconds(settings_.idle_max).count());
  out.max_datagram_frame_size = datagram_frame_bytes_max;
  out.active_connection_id_limit = 4;
  return out;
}

Result<std::unique_ptr<Connection>> Connection::accept(Owner& owner, LinkId link,
                                                       const Credentials& credentials,
                                                       const Settings& settings,
                                                       const Accepted& accepted,
                                                       const PathRef& path, Tick now) {
  std::unique_ptr<Connection> made(new Connection(owner, link, settings));
  made->server_ = true;
  auto session = credentials.accept(made->session_owner_);
  if (!session) return fail(session.error());
  made->session_ = std::move(*session);
  auto parameters = made->parameters();
  parameters.original_dcid = accepted.original;
  if (accepted.after_retry) {
    parameters.retry_scid = accepted.head.dcid;
    parameters.retry_scid_present = 1;
  }
  ngtcp2_cid scid{};
  // The token of the first identifier goes with the parameters (RFC 9000 clause 18.2).
  if (!owner.new_cid(link, scid, parameters.stateless_reset_token))
    return fail(Errc::internal, "QUIC: no connection identifier");
  parameters.stateless_reset_token_present = 1;
  auto library_settings = made->library_settings(now);
  library_settings.token = accepted.head.token;
  sockaddr_storage remote{};
  const ngtcp2_path there = path_of(path, remote);
  const auto calls = Calls::all(true);
  ngtcp2_conn* raw = nullptr;
  if (const int failed =
          ngtcp2_conn_server_new(&raw, &accepted.head.scid, &scid, &there, accepted.head.version,
                                 &calls, &library_settings, &parameters, nullptr, made.get());
      failed != 0) {
    owner.gone_cid(scid);
    return fail(Errc::internal, fmt::format("QUIC: {}", ngtcp2_strerror(failed)));
  }
  made->ngtcp2_.reset(raw);
  ngtcp2_conn_set_tls_native_handle(raw, made->session_.get());
  return made;
}

Result<std::unique_ptr<Connection>> Connection::connect(
    Owner& owner, LinkId link, const Credentials& credentials, const Settings& settings,
    const Target& target, const ngtcp2_cid& dcid, const ngtcp2_cid& scid, const PathRef& path,
    Tick now) {
  std::unique_ptr<Connection> made(new Connection(owner, link, settings));
  auto session = credentials.connect(made->session_owner_, target.name);
  if (!session) return fail(session.error());
  made->session_ = std::move(*session);
  const auto parameters = made->parameters();
  const auto library_settings = made->library_settings(now);
  sockaddr_storage remote{};
  const ngtcp2_path there = path_of(path, remote);
  const auto calls = Calls::all(false);
  ngtcp2_conn* raw = nullptr;
  if (const int failed =
          ngtcp2_conn_client_new(&raw, &dcid, &scid, &there, NGTCP2_PROTO_VER_V1, &calls,
                                 &library_settings, &parameters, nullptr, made.get());
      failed != 0)
    return fail(Errc::internal, fmt::format("QUIC: {}", ngtcp2_strerror(failed)));
  made->ngtcp2_.reset(raw);
  ngtcp2_conn_set_tls_native_handle(raw, made->session_.get());
  if (target.keep_alive.count() > 0)
    ngtcp2_conn_set_keep_alive_timeout(
        raw, static_cast<ngtcp2_duration>(std::chrono::nanoseconds(target.keep_alive).count()));
  return made;
}

// ---- packets and time ---------------------------------------------------------------------------

void Connection::fail_with(int code) {
  if (closed_) return;
  switch (code) {
    case NGTCP2_ERR_DRAINING: {
      ngtcp2_connection_close_error told{};
      ngtcp2_conn_get_connection_close_error(ngtcp2_.get(), &told);
      const auto* text = reinterpret_cast<const char*>(told.reason);
      closed_ = Closed{open_ ? CloseCause::peer : CloseCause::refused, told.error_code,
                       std::string(text, told.reasonlen)};
      return;
    }
    case NGTCP2_ERR_IDLE_CLOSE: closed_ = Closed{CloseCause::idle, 0, "nothing was heard"}; return;
    case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
      closed_ = Closed{CloseCause::refused, 0, "no answer in time"};
      return;
    case NGTCP2_ERR_DROP_CONN:
    case NGTCP2_ERR_RETRY: closed_ = Closed{CloseCause::refused, 0, "dropped"}; return;
    default: break;
  }
  std::string detail = ngtcp2_strerror(code);
  if (const auto alert = ngtcp2_conn_get_tls_alert(ngtcp2_.get()); alert != 0) {
    const char* name = gnutls_alert_get_name(static_cast<gnutls_alert_description_t>(alert));
    detail += fmt::format(": {}", name == nullptr ? "unknown alert" : name);
  }
  closed_ = Closed{open_ ? CloseCause::fault : CloseCause::refused, 0, std::move(detail)};
  close_by_liberr_ = true;
  liberr_ = code;
}

void Connection::read(const PathRef& path, Bytes packet, Tick now) {
  sockaddr_storage remote{};
  const ngtcp2_path there = path_of(path, remote);
  const ngtcp2_pkt_info info{};
  const auto data = octets(packet);
  const int failed =
      ngtcp2_conn_read_pkt(ngtcp2_.get(), &there, &info, data.data(), data.size(), now);
  if (failed != 0) fail_with(failed);
}

Tick Connection::expiry() const { return ngtcp2_conn_get_expiry(ngtcp2_.get()); }

void Connection::expire(Tick now) {
  if (const int failed = ngtcp2_conn_handle_expiry(ngtcp2_.get(), now); failed != 0)
    fail_with(failed);
}

Tick Connection::linger() const { return 3 * ngtcp2_conn_get_pto(ngtcp2_.get()); }

void Connection::begin_turn() {
  for (const StreamNo stream : blocked_) ready_.push_back(stream);
  blocked_.clear();
}

ngtcp2_ssize Connection::write_datagram(ngtcp2_path& path, MutableBytes room, Tick now) {
  const auto front = datagrams_.front();
  const ngtcp2_vec piece{octets(front), front.size()};
  int accepted = 0;
  const auto wrote = ngtcp2_conn_writev_datagram(
      ngtcp2_.get(), &path, nullptr, octets(room), room.size(), &accepted,
      NGTCP2_WRITE_DATAGRAM_FLAG_MORE, datagrams_.front_tag(), &piece, 1, now);
  if (accepted != 0) {
    datagrams_.pop();
    datagram_refusals_ = 0;
  } else if (wrote == NGTCP2_ERR_INVALID_STATE || wrote == NGTCP2_ERR_INVALID_ARGUMENT ||
             (wrote > 0 && ++datagram_refusals_ >= datagram_refusals_max)) {
    const std::uint64_t tag = datagrams_.front_tag();
    datagrams_.pop();
    datagram_refusals_ = 0;
    owner_.events().on_lost(link_, tag);
    if (wrote < 0) return NGTCP2_ERR_WRITE_MORE;
  }
  return wrote;
}

ngtcp2_ssize Connection::write_stream_frame(ngtcp2_path& path, MutableBytes room, Tick now) {
  const StreamNo stream = ready_.front();
  const auto found = streams_.find(stream);
  if (found == streams_.end() || !found->second.waits()) {
    ready_.pop_front();
    return NGTCP2_ERR_WRITE_MORE;
  }
  StreamQueue& queue = found->second;
  std::array<StreamQueue::Piece, StreamQueue::pieces_max> pieces{};
  bool all = false;
  const std::size_t count = queue.pieces(pieces, all);
  std::array<ngtcp2_vec, StreamQueue::pieces_max> vectors{};
  for (std::size_t i = 0; i < count; ++i)
    vectors[i] = {reinterpret_cast<std::uint8_t*>(pieces[i].data), pieces[i].size};
  std::uint32_t flags = NGTCP2_WRITE_STREAM_FLAG_MORE;
  if (all && queue.ended()) flags |= NGTCP2_WRITE_STREAM_FLAG_FIN;
  ngtcp2_ssize taken = -1;
  const auto wrote = ngtcp2_conn_writev_stream(
      ngtcp2_.get(), &path, nullptr, octets(room), room.size(), &taken, flags,
      static_cast<std::int64_t>(stream), vectors.data(), count, now);
  if (taken >= 0) {
    queue.sent(static_cast<std::size_t>(taken));
    // In turn with the other streams.
    ready_.pop_front();
    if (queue.waits()) ready_.push_back(stream);
  }
  if (wrote == NGTCP2_ERR_STREAM_DATA_BLOCKED) {
    ready_.pop_front();
    blocked_.push_back(stream);
    return NGTCP2_ERR_WRITE_MORE;
  }
  if (wrote == NGTCP2_ERR_STREAM_SHUT_WR || wrote == NGTCP2_ERR_STREAM_NOT_FOUND) {
    forget_stream(stream);
    return NGTCP2_ERR_WRITE_MORE;
  }
  return wrote;
}

std::optional<Outgoing> Connection::write(MutableBytes room, Tick now) {
  if (closed_) return std::nullopt;
  const MutableBytes packet = room.first(std::min(room.size(), settings_.udp_payload_bytes));
  ngtcp2_path_storage path;
  ngtcp2_path_storage_zero(&path);
  // Each round takes something out of a queue, so it ends.
  for (;;) {
    ngtcp2_ssize wrote = 0;
    if (open_ && !datagrams_.empty())
      wrote = write_datagram(path.path, packet, now);
    else if (open_ && !ready_.empty())
      wrote = write_stream_frame(path.path, packet, now);
    else
      wrote = ngtcp2_conn_writev_stream(ngtcp2_.get(), &path.path, nullptr, octets(packet),
                                        packet.size(), nullptr, NGTCP2_WRITE_STREAM_FLAG_NONE, -1,
                                        nullptr, 0, now);
    if (wrote == NGTCP2_ERR_WRITE_MORE) continue;
    if (wrote < 0) {
      fail_with(static_cast<int>(wrote));
      return std::nullopt;
    }
    if (wrote == 0) return std::nullopt;
    return outgoing(path.path, wrote);
  }
}

void Connection::end(Closed closed) {
  if (!closed_) closed_ = std::move(closed);
}

std::optional<Outgoing> Connection::write_close(MutableBytes room, Tick now) {
  const bool silent = !closed_ || closed_->cause == CloseCause::idle ||
                      closed_->cause == CloseCause::reset || closed_->cause == CloseCause::peer ||
                      ngtcp2_conn_is_in_draining_period(ngtcp2_.get()) != 0;
  if (silent || (closed_->cause == CloseCause::refused && !close_by_liberr_)) return std::nullopt;
  ngtcp2_connection_close_error error{};
  ngtcp2_connection_close_error_default(&error);
  if (close_by_liberr_ && liberr_ == NGTCP2_ERR_CRYPTO) {
    ngtcp2_connection_close_error_set_transport_error_tls_alert(
        &error, ngtcp2_conn_get_tls_alert(ngtcp2_.get()), nullptr, 0);
  } else if (close_by_liberr_) {
    ngtcp2_connection_close_error_set_transport_error_liberr(&error, liberr_, nullptr, 0);
  } else {
    const auto text = std::as_bytes(std::span(closed_->detail));
    const auto reason = octets(text.first(std::min(text.size(), reason_bytes_max)));
    ngtcp2_connection_close_error_set_application_error(&error, closed_->code, reason.data(),
                                                        reason.size());
  }
  ngtcp2_path_storage path;
  ngtcp2_path_storage_zero(&path);
  const MutableBytes packet = room.first(std::min(room.size(), settings_.udp_payload_bytes));
  const auto wrote = ngtcp2_conn_write_connection_close(ngtcp2_.get(), &path.path, nullptr,
                                                        octets(packet), packet.size(), &error, now);
  if (wrote <= 0) return std::nullopt;
  last_words_.assign(packet.begin(), packet.begin() + wrote);
  return outgoing(path.path, wrote);
}

// ---- the link

std::size_t Connection::datagram_max() const {
  if (!open()) return 0;
  const auto* remote = ngtcp2_conn_get_remote_transport_params(ngtcp2_.get());
  if (remote == nullptr || remote->max_datagram_frame_size <= datagram_frame_head_bytes) return 0;
  const std::size_t path = ngtcp2_conn_get_path_max_tx_udp_payload_size(ngtcp2_.get());
  if (path <= datagram_overhead_bytes) return 0;
  return static_cast<std::size_t>(std::min<std::uint64_t>(
      remote->max_datagram_frame_size - datagram_frame_head_bytes, path - datagram_overhead_bytes));
}

Result<void> Connection::send_datagram(Bytes datagram, std::uint64_t tag) {
  if (!open()) return fail(Errc::not_found, "the connection is not open");
  if (datagram.size() > datagram_max())
    return fail(Errc::too_large,
                fmt::format("a datagram of {} octets; {} fit", datagram.size(), datagram_max()));
  const Limits& limits = settings_.limits;
  if (datagrams_.size() >= limits.datagrams_queued_max ||
      datagrams_.bytes() + datagram.size() > limits.datagram_bytes_queued_max)
    return fail(Errc::too_many, "the queue of datagrams is full");
  datagrams_.push(datagram, tag);
  return {};
}

Result<StreamNo> Connection::open_stream(StreamKind kind) {
  if (!open()) return fail(Errc::not_found, "the connection is not open");
  std::int64_t stream = 0;
  const int failed = kind == StreamKind::both
                         ? ngtcp2_conn_open_bidi_stream(ngtcp2_.get(), &stream, nullptr)
                         : ngtcp2_conn_open_uni_stream(ngtcp2_.get(), &stream, nullptr);
  if (failed == NGTCP2_ERR_STREAM_ID_BLOCKED)
    return fail(Errc::too_many, "the other end takes no more streams now");
  if (failed != 0) return fail(Errc::internal, fmt::format("QUIC: {}", ngtcp2_strerror(failed)));
  streams_.try_emplace(static_cast<StreamNo>(stream));
  return static_cast<StreamNo>(stream);
}

Result<void> Connection::write_stream(StreamNo stream, Bytes written, bool end) {
  if (!open()) return fail(Errc::not_found, "the connection is not open");
  const auto number = static_cast<std::int64_t>(stream);
  const bool ours = ngtcp2_conn_is_local_stream(ngtcp2_.get(), number) != 0;
  auto found = streams_.find(stream);
  if (found == streams_.end()) {
    // Our half of a stream that the other end opened.
    if (ours || ngtcp2_is_bidi_stream(number) == 0)
      return fail(Errc::not_found, fmt::format("no stream {} to write to", stream));
    found = streams_.try_emplace(stream).first;
  }
  if (found->second.ended()) return fail(Errc::conflict, "the stream was ended");
  if (stream_bytes_ + written.size() > settings_.limits.stream_send_bytes_max)
    return fail(Errc::too_many, "too much waits to be acknowledged");
  const bool waited = found->second.waits();
  found->second.write(written, end);
  stream_bytes_ += written.size();
  if (!waited && found->second.waits()) ready_.push_back(stream);
  return {};
}

void Connection::forget_stream(StreamNo stream) {
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  stream_bytes_ -= found->second.held();
  streams_.erase(found);
  std::erase(ready_, stream);
  std::erase(blocked_, stream);
}

void Connection::reset_stream(StreamNo stream, std::uint64_t code) {
  if (closed_) return;
  // The library forgets what it would have to send again before its octets go.
  (void)ngtcp2_conn_shutdown_stream(ngtcp2_.get(), static_cast<std::int64_t>(stream), code);
  forget_stream(stream);
}

Result<void> Connection::migrate(const PathRef& path, Tick now) {
  sockaddr_storage remote{};
  const ngtcp2_path there = path_of(path, remote);
  const int failed = ngtcp2_conn_initiate_migration(ngtcp2_.get(), &there, now);
  if (failed != 0)
    return fail(Errc::conflict, fmt::format("cannot move: {}", ngtcp2_strerror(failed)));
  return {};
}

PathStats Connection::stats() const {
  ngtcp2_conn_stat held{};
  ngtcp2_conn_get_conn_stat(ngtcp2_.get(), &held);
  return {.latest_rtt = microseconds(held.latest_rtt),
          .min_rtt = microseconds(held.min_rtt),
          .smoothed_rtt = microseconds(held.smoothed_rtt),
          .rtt_variation = microseconds(held.rttvar),
          .window_bytes = held.cwnd,
          .in_flight_bytes = held.bytes_in_flight,
          .stream_bytes_held = stream_bytes_};
}

}  // namespace lobo::adapters::quic

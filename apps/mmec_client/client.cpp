#include "mmec_client/client.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "adapters/http/client.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/http/tls_files.hpp"
#include "adapters/quic/links.hpp"
#include "adapters/quic/quic.hpp"
#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "mmec/ports.hpp"
#include "mmec/session.hpp"
#include "mmec/types.hpp"
#include "model/address.hpp"
#include "relay/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::app {
namespace {

namespace quic = adapters::quic;

mmec::Closed::Cause cause_of(quic::CloseCause cause) {
  switch (cause) {
    case quic::CloseCause::local: return mmec::Closed::Cause::local;
    case quic::CloseCause::peer: return mmec::Closed::Cause::peer;
    case quic::CloseCause::idle: return mmec::Closed::Cause::idle;
    case quic::CloseCause::reset: return mmec::Closed::Cause::reset;
    case quic::CloseCause::refused: return mmec::Closed::Cause::refused;
    case quic::CloseCause::fault: return mmec::Closed::Cause::fault;
  }
  return mmec::Closed::Cause::fault;
}

}  // namespace

Result<mmec::Place> mmec_place(std::string_view text) {
  constexpr std::string_view scheme = "quic://";
  if (text.starts_with(scheme)) text.remove_prefix(scheme.size());
  const auto at = http::parse_authority(text);
  if (!at || !at->port || *at->port == 0 || !model::parse_ip_address(at->host))
    return fail(Errc::pattern, "a node is an address and a port: 127.0.0.1:4433, [::1]:4433",
                {{Errc::pattern, "/node", std::string(text)}});
  return mmec::Place{at->host, *at->port, {}};
}

Result<mmec::Place> mmec_way(std::string_view text) {
  const auto sign = text.find('@');
  mmec::Place out;
  if (sign != std::string_view::npos) {
    auto at = mmec_place(text.substr(sign + 1));
    if (!at) return fail(at.error());
    out = std::move(*at);
  }
  out.from = text.substr(0, sign);
  if ((out.from.empty() && out.host.empty()) ||
      (!out.from.empty() && !model::parse_ip_address(out.from)))
    return fail(Errc::pattern, "a way is an address of this machine, @ and where to go, or both",
                {{Errc::pattern, "/second", std::string(text)}});
  return out;
}

Result<std::array<std::uint8_t, mmec::certificate_bytes>> mmec_certificate(std::string_view text) {
  constexpr std::string_view scheme = "sha256:";
  if (text.starts_with(scheme)) text.remove_prefix(scheme.size());
  std::array<std::uint8_t, mmec::certificate_bytes> out{};
  bool good = text.size() == out.size() * 2;
  for (std::size_t i = 0; good && i < out.size(); ++i) {
    const auto digits = text.substr(i * 2, 2);
    const auto [end, wrong] =
        std::from_chars(digits.data(), digits.data() + digits.size(), out[i], 16);
    good = wrong == std::errc{} && end == digits.data() + digits.size();
  }
  if (!good)
    return fail(Errc::pattern, "a certificate's hash has 64 hexadecimal digits",
                {{Errc::pattern, "/certificate_sha256", std::string(text)}});
  return out;
}

namespace {

adapters::ClientConfig http_config(const std::string& ca_file) {
  adapters::ClientConfig out;
  if (!ca_file.empty())
    out.tls = adapters::ClientTlsFiles{.ca = ca_file, .certificate = {}, .key = {}};
  return out;
}

}  // namespace

MmecClient::MmecClient(mmec::Settings settings, const Ports& ports)
    : ports_(ports),
      http_(ports.loop, http_config(ports.ca_file)),
      session_(std::move(settings), *this, ports.application, ports.rng) {}

Result<std::unique_ptr<MmecClient>> MmecClient::open(mmec::Settings settings, const Ports& ports) {
  std::unique_ptr<MmecClient> made(new MmecClient(std::move(settings), ports));
  quic::Settings ends;
  ends.protocols = {"sdd/1"};
  ends.handshake_max = mmec::connect_within;
  auto endpoint = quic::open(ports.loop, ends, *made);
  if (!endpoint) return fail(endpoint.error());
  made->endpoint_ = std::move(*endpoint);
  return made;
}

MmecClient::~MmecClient() {
  *here_ = false;
  if (timer_) ports_.loop.cancel(*timer_);
}

Result<void> MmecClient::start() {
  auto begun = session_.start(clock_.now());
  look_ahead();
  return begun;
}

Result<std::optional<sdd::Sequence>> MmecClient::publish(sdd::FlowId flow, sdd::Component component,
                                                         Bytes payload,
                                                         std::optional<sdd::Sequence> base) {
  auto done = session_.publish(flow, component, payload, base, clock_.now());
  look_ahead();
  return done;
}

Result<void> MmecClient::want(const sdd::Update& update) {
  auto done = session_.want(update, clock_.now());
  look_ahead();
  return done;
}

void MmecClient::soon(std::function<void(Instant)> what) {
  ports_.loop.post([this, here = here_, what = std::move(what)] {
    if (!*here) return;
    what(clock_.now());
    look_ahead();
  });
}

void MmecClient::use(mmec::Grant grant) {
  soon([this, grant = std::move(grant)](Instant now) { session_.use(grant, now); });
}
void MmecClient::path_changed() {
  soon([this](Instant now) { session_.path_changed(now); });
}
void MmecClient::leave(bool end_session) {
  soon([this, end_session](Instant now) { session_.leave(end_session, now); });
}

void MmecClient::look_ahead() {
  const auto due = session_.next_due();
  if (!due || (timer_ && timer_at_ <= *due)) return;
  if (timer_) ports_.loop.cancel(*timer_);
  timer_at_ = *due;
  timer_ = ports_.loop.after(std::max(*due - clock_.now(), std::chrono::microseconds{0}), [this] {
    timer_.reset();
    session_.advance(clock_.now());
    look_ahead();
  });
}

// ---- what the session wants

Result<mmec::ConnectionNo> MmecClient::connect(const mmec::Place& to) {
  const auto address = model::parse_ip_address(to.host);
  if (!address) return fail(Errc::pattern, to.host + " is no address");
  if (!to.certificate && ports_.ca_file.empty())
    return fail(Errc::missing, "nothing says which certificate the node has",
                {{Errc::missing, "/certificate_sha256", "its hash, or the file of a CA"}});
  quic::Target target;
  target.to = {*address, to.port};
  if (!to.from.empty()) {
    const auto from = model::parse_ip_address(to.from);
    if (!from) return fail(Errc::pattern, to.from + " is no address");
    target.from = adapters::UdpEndpoint{*from, 0};
  }
  target.name = to.host;
  if (to.certificate)
    target.trust.certificate_sha256 = *to.certificate;
  else
    target.trust.ca_file = ports_.ca_file;
  return endpoint_->connect(target);
}

bool MmecClient::writable(mmec::ConnectionNo connection) { return endpoint_->writable(connection); }

bool MmecClient::send_datagram(mmec::ConnectionNo connection, Bytes datagram, std::uint64_t tag) {
  return endpoint_->send_datagram(connection, datagram, tag).has_value();
}

Result<mmec::StreamNo> MmecClient::open_stream(mmec::ConnectionNo connection) {
  return endpoint_->open_stream(connection, quic::StreamKind::both);
}

Result<void> MmecClient::write_stream(mmec::ConnectionNo connection, mmec::StreamNo stream,
                                      Bytes bytes, bool end) {
  return endpoint_->write_stream(connection, stream, bytes, end);
}

void MmecClient::reset_stream(mmec::ConnectionNo connection, mmec::StreamNo stream) {
  endpoint_->reset_stream(connection, stream, 0);
}

void MmecClient::close(mmec::ConnectionNo connection, sdd::Cause cause, std::string_view reason) {
  endpoint_->close(connection, static_cast<std::uint64_t>(cause), reason);
}

relay::PathStats MmecClient::stats(mmec::ConnectionNo connection) {
  const auto told = endpoint_->stats(connection);
  return {.smoothed_rtt = told.smoothed_rtt,
          .min_rtt = told.min_rtt,
          .latest_rtt = told.latest_rtt,
          .congestion_window = told.window_bytes,
          .in_flight = told.in_flight_bytes,
          .streams_unsent = told.stream_bytes_held};
}

void MmecClient::ask(std::uint64_t number, http::Request request,
                     std::chrono::milliseconds patience) {
  http_.send(std::move(request), patience,
             [this, here = here_, number](const Result<http::Response>& answer) {
               if (!*here) return;
               session_.answered(number, answer, clock_.now());
               look_ahead();
             });
}

// ---- what comes

void MmecClient::on_opened(quic::LinkId link, const quic::Opened&) {
  session_.opened(link, clock_.now());
  look_ahead();
}
void MmecClient::on_datagram(quic::LinkId link, Bytes datagram) {
  session_.datagram(link, datagram, clock_.now());
  look_ahead();
}
void MmecClient::on_stream(quic::LinkId link, quic::StreamNo stream, Bytes octets, bool end) {
  session_.stream(link, stream, octets, end, clock_.now());
  look_ahead();
}
void MmecClient::on_stream_reset(quic::LinkId link, quic::StreamNo stream, std::uint64_t) {
  session_.stream_reset(link, stream);
}
void MmecClient::on_acked(quic::LinkId link, std::uint64_t tag) { session_.acked(link, tag); }
void MmecClient::on_lost(quic::LinkId link, std::uint64_t tag) {
  session_.lost(link, tag);
  look_ahead();
}
void MmecClient::on_closed(quic::LinkId link, const quic::Closed& closed) {
  session_.closed(link, {cause_of(closed.cause), closed.code, closed.detail}, clock_.now());
  look_ahead();
}

}  // namespace lobo::app

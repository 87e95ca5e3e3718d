#include "adapters/websocket/session.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/verb.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/option.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream_base.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/asio_loop.hpp"
#include "adapters/quic/links.hpp"
#include "adapters/udp/socket.hpp"
#include "adapters/websocket/websocket.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/address.hpp"
#include "wire/sdd/varint.hpp"

namespace lobo::adapters::websocket {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ws = boost::beast::websocket;

constexpr std::byte kind_datagram{0};
constexpr std::byte kind_stream{1};
constexpr std::byte kind_reset{2};
constexpr std::uint32_t request_bytes_max = 8192;
// RFC 6455 clause 7.4.2: codes of applications.
constexpr std::uint16_t close_code_first = 4000;
constexpr std::uint64_t close_codes = 1000;
constexpr int not_sent_bytes_max = 16 << 10;

bool by_peer(quic::StreamNo stream) { return stream % 4 == 0; }

void append_varint(std::vector<std::byte>& out, std::uint64_t value) {
  std::array<std::byte, 8> room{};
  ByteWriter writer(room);
  sdd::write_varint(writer, value);
  const auto written = writer.written();
  out.insert(out.end(), written.begin(), written.end());
}

}  // namespace

Session::Session(Socket socket, quic::LinkId link, const Settings& settings,
                 quic::LinkEvents& events, Gone gone)
    : stream_(std::move(socket)),
      link_(link),
      settings_(settings),
      events_(&events),
      gone_(std::move(gone)) {
  boost::system::error_code ignored;
  auto& tcp = stream_.next_layer();
  tcp.set_option(asio::ip::tcp::no_delay(true), ignored);
  tcp.set_option(asio::socket_base::send_buffer_size(kernel_bytes_max), ignored);
  (void)::setsockopt(tcp.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &not_sent_bytes_max,
                     sizeof not_sent_bytes_max);
  auto timeouts = ws::stream_base::timeout::suggested(beast::role_type::server);
  timeouts.idle_timeout = settings_.idle_max;
  timeouts.keep_alive_pings = true;
  stream_.set_option(timeouts);
  stream_.read_message_max(message_bytes_max);
  stream_.binary(true);
  request_.header_limit(request_bytes_max);
}

void Session::start() {
  http::async_read(stream_.next_layer(), buffer_, request_,
                   [self = shared_from_this()](const Error& error, std::size_t) {
                     if (self->ended_) return;
                     if (error) return self->end(quic::CloseCause::refused, 0, error.message());
                     self->judge();
                   });
}

void Session::judge() {
  const auto& request = request_.get();
  const std::string target(request.target());
  const std::string origin(request[http::field::origin]);
  const auto listed = [&](std::string_view one) {
    return std::ranges::find(settings_.origins, one) != settings_.origins.end();
  };
  if (!ws::is_upgrade(request)) return refuse(426, "this is a WebSocket");
  if (!settings_.path.empty() && target.substr(0, target.find('?')) != settings_.path)
    return refuse(404, "there is nothing here");
  if (!origin.empty() && !listed("*") && !listed(origin))
    return refuse(403, "pages of this origin do not come in");
  stream_.async_accept(request, [self = shared_from_this(), target, origin](const Error& error) {
    if (self->ended_) return;
    if (error) return self->end(quic::CloseCause::refused, 0, error.message());
    self->open_ = self->told_ = true;
    self->events_->on_opened(self->link_, {.protocol = "websocket",
                                           .peer = self->peer(),
                                           .by_us = false,
                                           .authority = {},
                                           .path = target,
                                           .origin = origin});
    self->buffer_.clear();
    if (!self->ended_) self->read_next();
  });
}

void Session::refuse(unsigned status, std::string_view why) {
  refusal_.result(status);
  refusal_.set(http::field::connection, "close");
  refusal_.body() = why;
  refusal_.prepare_payload();
  http::async_write(stream_.next_layer(), refusal_,
                    [self = shared_from_this()](const Error&, std::size_t) {
                      if (!self->ended_) self->end(quic::CloseCause::refused, 0, "");
                    });
}

UdpEndpoint Session::peer() {
  Error error;
  const auto there = stream_.next_layer().remote_endpoint(error);
  if (error) return {model::Ipv4Address{}, 0};
  if (there.address().is_v4())
    return {model::Ipv4Address{there.address().to_v4().to_bytes()}, there.port()};
  return {model::Ipv6Address{there.address().to_v6().to_bytes()}, there.port()};
}

void Session::read_next() {
  stream_.async_read(buffer_, [self = shared_from_this()](const Error& error, std::size_t) {
    if (self->ended_) return;
    if (error == ws::error::closed) {
      const auto& why = self->stream_.reason();
      const std::uint64_t code =
          why.code >= close_code_first ? why.code - std::uint64_t{close_code_first} : 0;
      if (self->closing_) return self->end(quic::CloseCause::local, self->closing_->code, "");
      return self->end(quic::CloseCause::peer, code,
                       std::string(why.reason.data(), why.reason.size()));
    }
    if (error == beast::error::timeout)
      return self->end(quic::CloseCause::idle, 0, "nothing was heard");
    if (error) {
      const auto cause = error.category() == make_error_code(ws::error::closed).category()
                             ? quic::CloseCause::fault
                             : quic::CloseCause::peer;
      return self->end(cause, 0, error.message());
    }
    const auto data = self->buffer_.cdata();
    self->take(Bytes(static_cast<const std::byte*>(data.data()), data.size()));
    self->buffer_.consume(self->buffer_.size());
    if (!self->ended_) self->read_next();
  });
}

void Session::take(Bytes message) {
  if (closing_) return;
  const auto broken = [this](const char* why) { close(1, why); };
  if (message.empty()) return broken("an empty message");
  const std::byte kind = message[0];
  if (kind == kind_datagram) return events_->on_datagram(link_, message.subspan(1));
  ByteReader in(message.subspan(1));
  const quic::StreamNo number = sdd::read_varint(in);
  if (!in.ok() || (kind != kind_stream && kind != kind_reset))
    return broken("a message that cannot be read");
  if (kind == kind_reset) {
    const std::uint64_t code = sdd::read_varint(in);
    if (streams_.erase(number) != 0) events_->on_stream_reset(link_, number, code);
    return;
  }
  const bool last = in.u8() != 0;
  if (!in.ok()) return broken("a piece of a stream that says not whether it is the last");
  if (!streams_.contains(number)) {
    // Of ours: what is told of one that is over has come too late.
    if (!by_peer(number)) return;
    if (streams_.size() >= streams_max) return broken("too many streams");
    streams_.insert(number);
  }
  events_->on_stream(link_, number, in.rest(), last);
}

// ---- what is written
// ----------------------------------------------------------------------------------

void Session::queue(std::vector<std::byte> message) {
  bytes_waiting_ += message.size();
  waiting_.push_back(std::move(message));
  if (waiting_.size() == 1) write_next();
}

void Session::write_next() {
  const auto& message = waiting_.front();
  stream_.async_write(asio::buffer(message.data(), message.size()),
                      [self = shared_from_this()](const Error& error, std::size_t) {
                        if (self->ended_) return;
                        if (error) return;  // the reader hears of it, with its cause
                        self->bytes_waiting_ -= self->waiting_.front().size();
                        self->waiting_.pop_front();
                        if (!self->waiting_.empty()) return self->write_next();
                        if (self->closing_) self->say_goodbye();
                      });
}

Result<void> Session::send_datagram(Bytes datagram) {
  if (!open_ || closing_) return fail(Errc::not_found, "the link is not open");
  if (datagram.size() > datagram_bytes_max)
    return fail(Errc::too_large, "the datagram is too long");
  if (waiting_.size() >= datagrams_queued_max) return fail(Errc::too_many, "too much waits");
  std::vector<std::byte> message{kind_datagram};
  message.insert(message.end(), datagram.begin(), datagram.end());
  queue(std::move(message));
  return {};
}

Result<quic::StreamNo> Session::open_stream() {
  if (!open_ || closing_) return fail(Errc::not_found, "the link is not open");
  if (streams_.size() >= streams_max) return fail(Errc::too_many, "too many streams are open");
  const quic::StreamNo stream = next_stream_;
  next_stream_ += 4;
  streams_.insert(stream);
  return stream;
}

Result<void> Session::write_stream(quic::StreamNo stream, Bytes octets, bool last) {
  if (!open_ || closing_ || !streams_.contains(stream))
    return fail(Errc::not_found, "no such stream");
  if (bytes_waiting_ + octets.size() > queued_bytes_max)
    return fail(Errc::too_many, "too much waits to be read");
  constexpr std::size_t piece_bytes = 32'768;
  do {
    const Bytes piece = octets.first(std::min(piece_bytes, octets.size()));
    octets = octets.subspan(piece.size());
    std::vector<std::byte> message{kind_stream};
    append_varint(message, stream);
    message.push_back(last && octets.empty() ? std::byte{1} : std::byte{0});
    message.insert(message.end(), piece.begin(), piece.end());
    queue(std::move(message));
  } while (!octets.empty());
  // There are no halves here: what we end is over.
  if (last) streams_.erase(stream);
  return {};
}

void Session::reset_stream(quic::StreamNo stream, std::uint64_t code) {
  if (!open_ || closing_ || streams_.erase(stream) == 0) return;
  std::vector<std::byte> message{kind_reset};
  append_varint(message, stream);
  append_varint(message, code);
  queue(std::move(message));
}

// ---- the end
// ------------------------------------------------------------------------------------------

void Session::close(std::uint64_t code, std::string_view reason) {
  if (ended_ || closing_) return;
  closing_ = quic::Closed{quic::CloseCause::local, code, std::string(reason)};
  if (waiting_.empty()) say_goodbye();
}

void Session::say_goodbye() {
  ws::close_reason why;
  why.code = static_cast<std::uint16_t>(close_code_first + closing_->code % close_codes);
  const std::string_view text = closing_->detail;
  why.reason.assign(text.data(), std::min(text.size(), why.reason.max_size()));
  stream_.async_close(why, [self = shared_from_this()](const Error&) {
    if (!self->ended_)
      self->end(quic::CloseCause::local, self->closing_->code, self->closing_->detail);
  });
}

void Session::end(quic::CloseCause cause, std::uint64_t code, std::string detail) {
  ended_ = true;
  open_ = false;
  boost::system::error_code ignored;
  stream_.next_layer().close(ignored);
  if (told_ && events_ != nullptr) events_->on_closed(link_, {cause, code, std::move(detail)});
  if (gone_) gone_(link_);
}

void Session::forget() {
  ended_ = true;
  events_ = nullptr;
  gone_ = nullptr;
  boost::system::error_code ignored;
  stream_.next_layer().close(ignored);
}

}  // namespace lobo::adapters::websocket

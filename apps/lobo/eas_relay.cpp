#include "eas_relay.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "adapters/capture/file.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "live/leased_marks.hpp"
#include "live/live_sender.hpp"
#include "model/address.hpp"
#include "signal_file.hpp"
#include "toolbox/progress.hpp"

namespace lobo::app {
namespace {

using adapters::UniqueFile;
using Clock = std::chrono::steady_clock;

constexpr std::size_t datagram_bytes_max = 65536;
constexpr int receive_buffer_bytes = 4 << 20;
constexpr std::chrono::milliseconds look_interval{200};  ///< at the progress line and the signals

/// Puts the address into `out`; its length.
socklen_t write_address(sockaddr_storage& out, const model::IpAddress& address,
                        std::uint16_t port) {
  if (const auto* four = std::get_if<model::Ipv4Address>(&address)) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, four->octets.data(), four->octets.size());
    std::memcpy(&out, &in, sizeof in);
    return sizeof in;
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  const auto& octets = std::get<model::Ipv6Address>(address).octets;
  std::memcpy(&in.sin6_addr, octets.data(), octets.size());
  std::memcpy(&out, &in, sizeof in);
  return sizeof in;
}

}  // namespace

/// Each stream seals under a SID of its own: two senders of one SID would use counters twice.
Result<std::unique_ptr<EasStream>> EasStream::open(const EasSettings& settings, const EasEnds& ends,
                                                   std::size_t number) {
  std::unique_ptr<EasStream> stream(new EasStream);
  stream->room_.resize(datagram_bytes_max);
  if (auto bound = stream->bind(ends); !bound) return fail(bound.error());
  auto writing = settings.writing;
  writing.sid = static_cast<std::uint16_t>(writing.sid + number);
  auto sender = LiveSender::open({.outlet = {.to = ends.to,
                                             .port = ends.to_port,
                                             .interface = settings.interface,
                                             .by_socket = settings.by_socket,
                                             .tell = settings.tell},
                                  .writing = writing,
                                  .live = settings.live,
                                  .counters = settings.counters});
  if (!sender) return fail(sender.error());
  stream->sender_ = std::move(*sender);
  return stream;
}

Result<void> EasStream::bind(const EasEnds& ends) {
  sockaddr_storage own{};
  const socklen_t size = write_address(own, ends.in, ends.in_port);
  in_ = UniqueFile(::socket(own.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), true);
  if (in_.get() < 0 || ::bind(in_.get(), reinterpret_cast<const sockaddr*>(&own), size) != 0)
    return fail(Errc::refused, fmt::format("{} port {}: {}", model::to_text(ends.in), ends.in_port,
                                           std::strerror(errno)));
  (void)::setsockopt(in_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                     sizeof receive_buffer_bytes);
  return {};
}

std::string EasStream::in_text() const {
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (::getsockname(in_.get(), reinterpret_cast<sockaddr*>(&own), &size) != 0) return {};
  if (own.ss_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, &own, sizeof four);
    ::inet_ntop(AF_INET, &four.sin_addr, text.data(), text.size());
    return fmt::format("{}:{}", text.data(), ntohs(four.sin_port));
  }
  sockaddr_in6 six{};
  std::memcpy(&six, &own, sizeof six);
  ::inet_ntop(AF_INET6, &six.sin6_addr, text.data(), text.size());
  return fmt::format("[{}]:{}", text.data(), ntohs(six.sin6_port));
}

void EasStream::take(Time now) {
  for (std::size_t i = 0; i < eas_datagrams_max; ++i) {
    socklen_t size = sizeof application_;
    const auto got = ::recvfrom(in_.get(), room_.data(), room_.size(), 0,
                                reinterpret_cast<sockaddr*>(&application_), &size);
    if (got < 0) break;
    application_size_ = size;
    ++taken_;
    sender_->push(Bytes(room_).first(static_cast<std::size_t>(got)), now);
  }
  sender_->flush(now);
}

void EasStream::take_back() {
  for (std::size_t i = 0; i < eas_datagrams_max; ++i) {
    const auto got = ::recv(sender_->socket(), room_.data(), room_.size(), 0);
    if (got < 0 && errno == EAGAIN) break;
    if (got < 0 || application_size_ == 0) continue;  // a refusal that ICMP told, or nobody to tell
    const auto sent = ::sendto(in_.get(), room_.data(), static_cast<std::size_t>(got), 0,
                               reinterpret_cast<const sockaddr*>(&application_), application_size_);
    if (sent >= 0) ++taken_back_;
  }
}

Result<EasRelay> EasRelay::open(const EasSettings& settings) {
  EasRelay relay;
  relay.keys_ = EasKeyWatch(settings.keys, settings.tell);
  for (std::size_t i = 0; i < settings.streams.size(); ++i) {
    auto stream = EasStream::open(settings, settings.streams[i], i);
    if (!stream) return fail(stream.error());
    relay.streams_.push_back(std::move(*stream));
  }
  return relay;
}

Result<void> EasRelay::run(std::chrono::seconds at_most) {
  auto signals = SignalFile::open();
  if (!signals) return fail(signals.error());
  std::vector<pollfd> waited{{.fd = signals->get(), .events = POLLIN}};
  for (const auto& stream : streams_) {
    waited.push_back({.fd = stream->socket_in(), .events = POLLIN});
    waited.push_back({.fd = stream->sender().socket(), .events = POLLIN});
  }
  std::vector<LeasedMarks*> leased;
  for (const auto& stream : streams_) leased.push_back(&stream->sender().leased());
  Progress progress("eas");
  const auto begin = Clock::now();
  auto now = begin;
  while (at_most.count() == 0 || now - begin < at_most) {
    auto until = now + look_interval;
    for (const auto& stream : streams_)
      if (const auto due = stream->sender().due()) until = std::min(until, *due);
    if (const auto expiry = keys_.expires()) until = std::min(until, *expiry);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now);
    (void)::poll(waited.data(), waited.size(),
                 static_cast<int>(std::max<std::int64_t>(0, left.count())));
    now = Clock::now();
    if (waited[0].revents != 0) break;
    keys_.look(now, leased);
    std::uint64_t taken = 0;
    std::uint64_t marked = 0;
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      auto& stream = *streams_[i];
      if (waited[1 + 2 * i].revents != 0) stream.take(now);
      if (waited[2 + 2 * i].revents != 0) stream.take_back();
      stream.sender().tick(now);
      taken += stream.taken();
      marked += stream.sender().marks().marked;
    }
    progress.say([&] { return fmt::format("{} datagrams, {} marked", taken, marked); });
  }
  for (const auto& stream : streams_) {
    stream->take(now);
    stream->sender().finish(now);
  }
  return {};
}

}  // namespace lobo::app

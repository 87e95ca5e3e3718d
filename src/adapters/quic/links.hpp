#pragma once
// What one may do with a connection to somebody else, whatever carries it: QUIC, WebTransport above
// it, or a WebSocket. A link has unreliable datagrams and reliable streams; who uses it hears of it
// by LinkEvents. All of it happens on one event loop.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace lobo::adapters::quic {

/// Never 0, and never used twice while a program runs.
using LinkId = std::uint32_t;
/// A stream of a link; what the number looks like is the carrier's affair.
using StreamNo = std::uint64_t;

/// `both` can be written by both ends, and lives until both have ended it. `out` is for what lasts
/// as long as the link, as HTTP/3's own streams do: ngtcp2 0.12 never gives back the one-way
/// streams that the other end opened, so a stream for each message is of the first kind, and who
/// read it to its end ends it too.
enum class StreamKind : std::uint8_t { both, out };

/// The protocol that browsers speak, as a link tells it: what a WebTransport session or a WebSocket
/// carries has no name of its own.
struct Opened {
  std::string protocol;  ///< the one chosen by ALPN, or "webtransport", or "websocket"
  UdpEndpoint peer;
  bool by_us = false;
  std::string authority;  ///< of a browser's request, with its path and its origin
  std::string path;
  std::string origin;
};

enum class CloseCause : std::uint8_t {
  local,    ///< we wanted it
  peer,     ///< the other end wanted it
  idle,     ///< nothing was heard for as long as was agreed
  reset,    ///< the other end has forgotten the connection
  refused,  ///< it was never open: no answer, no common protocol, a certificate that is not good
  fault,    ///< somebody broke the protocol
};
constexpr std::string_view to_string(CloseCause cause) {
  switch (cause) {
    case CloseCause::local: return "local";
    case CloseCause::peer: return "peer";
    case CloseCause::idle: return "idle";
    case CloseCause::reset: return "reset";
    case CloseCause::refused: return "refused";
    case CloseCause::fault: return "fault";
  }
  return "unknown";
}
struct Closed {
  CloseCause cause{};
  std::uint64_t code = 0;
  std::string detail;  ///< a sentence for people, or the other end's reason
};

struct PathStats {
  std::chrono::microseconds latest_rtt{};
  std::chrono::microseconds min_rtt{};
  std::chrono::microseconds smoothed_rtt{};
  std::chrono::microseconds rtt_variation{};
  std::uint64_t window_bytes = 0;
  std::uint64_t in_flight_bytes = 0;
  std::uint64_t stream_bytes_held = 0;  ///< written, and not acknowledged yet
};

struct LinkEvents {
  LinkEvents() = default;
  LinkEvents(const LinkEvents&) = delete;
  LinkEvents& operator=(const LinkEvents&) = delete;
  virtual ~LinkEvents() = default;

  virtual void on_opened(LinkId link, const Opened& opened) = 0;
  virtual void on_datagram(LinkId link, Bytes datagram) = 0;
  /// In order, each octet once. `end`: nothing follows.
  virtual void on_stream(LinkId link, StreamNo stream, Bytes octets, bool end) = 0;
  /// The other end gave the stream up, in what it sends or in what it would hear.
  virtual void on_stream_reset(LinkId link, StreamNo stream, std::uint64_t code) = 0;
  /// A datagram sent with this tag arrived, or is held to be lost; a late acknowledgement may
  /// follow a loss. Carriers that cannot know say neither.
  virtual void on_acked(LinkId link, std::uint64_t tag) = 0;
  virtual void on_lost(LinkId link, std::uint64_t tag) = 0;
  /// The last that is heard of it; also for a link of ours that never opened.
  virtual void on_closed(LinkId link, const Closed& closed) = 0;
};

/// Functions with a link that is not there (any more) do nothing, or refuse with not_found.
struct Links {
  Links() = default;
  Links(const Links&) = delete;
  Links& operator=(const Links&) = delete;
  virtual ~Links() = default;

  /// No datagram waits to be sent.
  virtual bool writable(LinkId link) const = 0;
  /// The longest datagram that fits; 0 where the other end takes none.
  virtual std::size_t datagram_max(LinkId link) const = 0;
  /// Refused: too long, or the queue is full (too_many).
  virtual Result<void> send_datagram(LinkId link, Bytes datagram, std::uint64_t tag) = 0;
  /// Refused with too_many while the other end grants no more streams.
  virtual Result<StreamNo> open_stream(LinkId link, StreamKind kind) = 0;
  /// All of it or nothing: too_many, while too much waits to be acknowledged.
  virtual Result<void> write_stream(LinkId link, StreamNo stream, Bytes octets, bool end) = 0;
  /// Nothing more is sent or heard of it.
  virtual void reset_stream(LinkId link, StreamNo stream, std::uint64_t code) = 0;
  /// on_closed() follows, not before this returns.
  virtual void close(LinkId link, std::uint64_t code, std::string_view reason) = 0;
  virtual PathStats stats(LinkId link) const = 0;
};

}  // namespace lobo::adapters::quic

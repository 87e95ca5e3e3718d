#pragma once
// What the relay needs of its connections, whatever carries them: QUIC, WebTransport, WebSocket.
// The relay has one thread, no clock and no socket; bytes and time go in, calls come out.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/sdd/control.hpp"

namespace lobo::relay {

using LinkId = std::uint32_t;    ///< of a connection; never used again
using StreamNo = std::uint64_t;  ///< of a stream of a connection

struct PathStats {
  std::chrono::microseconds smoothed_rtt{};
  std::chrono::microseconds min_rtt{};
  std::chrono::microseconds latest_rtt{};
  std::uint64_t congestion_window = 0;  ///< bytes; 0: not known
  std::uint64_t in_flight = 0;          ///< bytes
  /// Bytes of control and streams that the far end has not let us send yet.
  std::uint64_t streams_unsent = 0;
};

/// No call calls back: what follows from one is told to the relay later.
struct Links {
  Links() = default;
  Links(const Links&) = delete;
  Links& operator=(const Links&) = delete;
  virtual ~Links() = default;

  /// Its queue is empty: a datagram handed over now leaves at once.
  virtual bool writable(LinkId link) = 0;
  /// The longest datagram that it takes now.
  virtual std::size_t datagram_max(LinkId link) = 0;
  /// Borrowed for the call. Relay::on_acked() or on_lost() tell what became of `tag`, or neither
  /// where the transport cannot say.
  virtual void send_datagram(LinkId link, Bytes datagram, std::uint64_t tag) = 0;
  virtual void send_control(LinkId link, Bytes bytes) = 0;
  /// Of one direction, from here; refused where the far end allows no more of them.
  virtual Result<StreamNo> open_stream(LinkId link) = 0;
  virtual void write_stream(LinkId link, StreamNo stream, Bytes bytes, bool fin) = 0;
  /// Gives up what was not sent; nothing where the stream is over.
  virtual void reset_stream(LinkId link, StreamNo stream) = 0;
  /// After what send_control() was given, as far as that goes. Relay::on_closed() follows.
  virtual void close(LinkId link, sdd::Cause cause, std::string_view reason) = 0;
  virtual PathStats stats(LinkId link) = 0;
};

}  // namespace lobo::relay

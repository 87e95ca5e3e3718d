#pragma once
// What a session needs of the world. It has one thread, no clock and no socket; bytes and time go
// in, calls come out, and no call of the network calls back.

#include <chrono>
#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "mmec/types.hpp"
#include "relay/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/sdd/control.hpp"

namespace lobo::mmec {

/// Of a connection that was asked for; never 0, and never used again.
using ConnectionNo = std::uint32_t;
using StreamNo = relay::StreamNo;

struct Network {
  Network() = default;
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  virtual ~Network() = default;

  /// Session::opened() or closed() follows.
  virtual Result<ConnectionNo> connect(const Place& to) = 0;
  /// A datagram handed over now leaves at once.
  virtual bool writable(ConnectionNo connection) = 0;
  /// False where it could not even be queued. Session::acked() or lost() tell what became of it.
  virtual bool send_datagram(ConnectionNo connection, Bytes datagram, std::uint64_t tag) = 0;
  /// Of both directions.
  virtual Result<StreamNo> open_stream(ConnectionNo connection) = 0;
  virtual Result<void> write_stream(ConnectionNo connection, StreamNo stream, Bytes bytes,
                                    bool end) = 0;
  virtual void reset_stream(ConnectionNo connection, StreamNo stream) = 0;
  /// Session::closed() follows.
  virtual void close(ConnectionNo connection, sdd::Cause cause, std::string_view reason) = 0;
  virtual relay::PathStats stats(ConnectionNo connection) = 0;

  /// Session::answered() follows with this number.
  virtual void ask(std::uint64_t number, http::Request request,
                   std::chrono::milliseconds patience) = 0;
};

/// The application may publish while it is told something; all else it asks for afterwards.
struct Application {
  Application() = default;
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;
  virtual ~Application() = default;
  virtual void received(const State& state) = 0;
  virtual void told(const Event& event) = 0;
};

}  // namespace lobo::mmec

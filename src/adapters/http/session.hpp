#pragma once
// The seam between protocol and socket. A session is a protocol engine: bytes and time go in, bytes
// and a deadline come out. A transport moves the bytes. Neither knows the other's kind, so a
// session runs in a test or a fuzzer without a socket.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "wire/http/message.hpp"

namespace lobo::adapters {

class TlsEngine;

using SteadyTime = std::chrono::steady_clock::time_point;
inline constexpr SteadyTime never = SteadyTime::max();

/// A session hands out at most about this much at a time; the rest follows when it was written.
inline constexpr std::size_t output_chunk_bytes = 65536;

struct Transport {
  Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  virtual ~Transport() = default;
  /// Outside of receive(), expired() and the like: there is output, room for input, a new deadline
  /// or an end. Cheap; many calls make one flush.
  virtual void wake() = 0;
  /// Closes at once, without sending what is left.
  virtual void abort() = 0;
};

struct Session {
  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session() = default;

  virtual void receive(std::string_view bytes, SteadyTime now) = 0;
  /// The peer sends no more.
  virtual void end_of_input(SteadyTime now) = 0;
  /// Appends what shall be written, until about output_chunk_bytes.
  virtual void produce(std::string& out, SteadyTime now) = 0;
  /// False while there is enough to do: back-pressure.
  virtual bool wants_input() const = 0;
  /// True when the transport may close once everything produced is written.
  virtual bool finished() const = 0;
  virtual SteadyTime deadline() const = 0;
  virtual void expired(SteadyTime now) = 0;
  /// No new work; what was begun is finished.
  virtual void drain(SteadyTime now) = 0;
  /// The transport is gone. The last call that it makes.
  virtual void closed(std::string_view why) = 0;
};

/// What is known once a connection is up.
struct Established {
  std::string alpn;  ///< "h2", "http/1.1" or empty
  http::Peer peer;
  bool secure = false;
  TlsEngine* tls = nullptr;  ///< until closed() returned; null: plain TCP
};

/// Makes the session of a connection that is up.
using SessionFactory = std::function<std::shared_ptr<Session>(Transport&, const Established&)>;

}  // namespace lobo::adapters

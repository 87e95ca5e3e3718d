#pragma once
// What the echoes of bench/quic_echo.py have in common: a server sends each message back, and a
// client keeps so many under way on each of its connections, and says how many came back and when.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lobo::bench {

struct EchoLoad {
  std::uint16_t port = 0;
  std::size_t octets = 200;
  std::size_t connections = 16;
  std::size_t in_flight = 16;
  std::chrono::milliseconds time{3000};
};

struct EchoResult {
  std::uint64_t messages = 0;
  std::chrono::nanoseconds took{};
  std::vector<std::uint32_t> micros;  ///< of each, there and back
};

using EchoServer = int (*)();
using EchoClient = EchoResult (*)(const EchoLoad&);

struct EchoKind {
  const char* name;
  EchoServer serve;  ///< prints its port, and serves until it is killed
  EchoClient load;
};

int serve_quic();
EchoResult load_quic(const EchoLoad& load);
int serve_udp();
EchoResult load_udp(const EchoLoad& load);
int serve_websocket();
EchoResult load_websocket(const EchoLoad& load);
#ifdef LOBO_ENET
int serve_enet();
EchoResult load_enet(const EchoLoad& load);
#endif

/// The time now, written into a message's first octets and read from one that came back.
std::uint64_t now_ns();

}  // namespace lobo::bench

#pragma once
// What the section `relay:` says, as plain values; docs/relay.md lists the keys.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace lobo::app {

struct RelayConfig {
  std::string node = "relay1";  ///< tokens name it
  std::uint16_t number = 0;     ///< of the node, in the identifiers of its connections
  std::string address;          ///< UDP
  std::uint16_t port = 4433;
  std::string websocket_address;  ///< TCP; empty: no WebSocket
  std::uint16_t websocket_port = 4480;
  std::string certificate;
  std::string key;
  std::string reset_key;  ///< a file; empty: connections do not end when the program does
  std::vector<std::string> token_keys;
  /// Of pages that may come in; "*": any.
  std::vector<std::string> origins;
  std::string path = "/sdd";
  std::size_t connections_max = 1024;
  std::size_t handshakes_per_second_max = 200;
  std::chrono::milliseconds window{4};
  std::chrono::milliseconds idle_max{30'000};
  std::uint64_t udp_payload = 1310;
};

}  // namespace lobo::app

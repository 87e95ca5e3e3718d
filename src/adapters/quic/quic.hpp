#pragma once
// QUIC (RFC 9000, RFC 9001, RFC 9002, RFC 9221) on the event loop. One endpoint listens, asks
// others, or does both; each connection is a link. Which library stands behind it is not seen here.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/quic/links.hpp"
#include "adapters/udp/socket.hpp"
#include "base/result.hpp"

namespace lobo::adapters::quic {

/// A UE's link takes packets of 1358 octets as a rule; this leaves room for IPv6 and UDP below it.
inline constexpr std::size_t udp_payload_bytes_default = 1310;

/// What one end may cost the other.
struct Limits {
  std::size_t connections_max = 1024;
  /// Above this each new peer proves its address first, by a Retry packet (RFC 9000 clause 8.1.2).
  std::size_t handshakes_per_second_max = 200;
  /// Answers to packets of connections that are not known (stateless resets, refusals).
  std::size_t answers_per_second_max = 1000;
  /// Those that one peer may have open at the same time, each way round.
  std::size_t streams_both_max = 128;
  std::size_t streams_out_max = 8;
  std::size_t stream_receive_bytes_max = 256U << 10U;
  std::size_t connection_receive_bytes_max = 1U << 20U;
  /// Written and not acknowledged yet, all streams of a connection together.
  std::size_t stream_send_bytes_max = 1U << 20U;
  std::size_t datagrams_queued_max = 1024;
  std::size_t datagram_bytes_queued_max = 1U << 20U;
};

struct Settings {
  UdpEndpoint at;
  std::vector<std::string> protocols;  ///< ALPN, the dearest first
  std::string certificate_file;        ///< PEM, chain, leaf first; a client has none
  std::string key_file;
  /// Where the key that makes stateless reset tokens is kept, so that connections of a program that
  /// died are ended by the next one at once. Made where it is missing. Empty: not kept.
  std::string reset_key_file;
  std::chrono::milliseconds idle_max{30'000};
  std::chrono::milliseconds handshake_max{10'000};
  std::size_t udp_payload_bytes = udp_payload_bytes_default;
  /// A connection's identifier says which node and worker has it.
  std::uint16_t node = 0;
  std::uint8_t worker = 0;
  bool segment_offload = true;  ///< several packets with one system call, where the kernel can
  Limits limits{};
};

/// How a client knows that it speaks with the right server: one of the two.
struct Trust {
  std::string ca_file;
  std::optional<std::array<std::uint8_t, 32>> certificate_sha256;  ///< of the leaf, in DER
};

struct Target {
  UdpEndpoint to;
  std::string name;                 ///< what the certificate must be for, where a CA is asked
  std::optional<UdpEndpoint> from;  ///< any address, any port where it is not said
  Trust trust;
  std::chrono::milliseconds keep_alive{0};  ///< 0: none
};

struct Counters {
  std::uint64_t accepted = 0;
  std::uint64_t retries_asked = 0;  ///< Retry packets sent
  std::uint64_t refused = 0;        ///< connections that there was no room for
  std::uint64_t resets_sent = 0;
  std::uint64_t packets_in = 0;
  std::uint64_t packets_out = 0;
  std::uint64_t sends = 0;            ///< system calls that sent them
  std::uint64_t packets_unsent = 0;   ///< the kernel had no room
  std::uint64_t malformed = 0;        ///< datagrams that are no QUIC packet, or fit no connection
  std::uint64_t paths_validated = 0;  ///< peers that moved to another address and proved it
};

class Endpoint : public Links {
 public:
  /// The address that it listens on.
  virtual UdpEndpoint local() const = 0;
  /// on_opened() or on_closed() follows.
  virtual Result<LinkId> connect(const Target& target) = 0;
  /// A connection of ours goes on from another local address (RFC 9000 clause 9.2).
  virtual Result<void> migrate(LinkId link, const UdpEndpoint& from) = 0;
  /// Closes all, and takes no more.
  virtual void shut(std::uint64_t code, std::string_view reason) = 0;
  virtual std::size_t size() const = 0;
  virtual const Counters& counters() const = 0;
};

/// Listens where `settings` has a certificate. `loop` and `events` outlive it.
Result<std::unique_ptr<Endpoint>> open(EventLoop& loop, const Settings& settings,
                                       LinkEvents& events);

/// SHA-256 of the leaf in a PEM file: what browsers and nodes are told to expect.
Result<std::array<std::uint8_t, 32>> certificate_sha256(const std::string& pem_file);

bool built_in();
/// For `lobo version`.
std::string describe();

}  // namespace lobo::adapters::quic

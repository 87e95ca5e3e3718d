#pragma once
// One QUIC connection: packets and time go in, packets come out. It reads no socket and no clock;
// its endpoint does. Octets of streams and datagrams are told to the endpoint's listener at once
// and never kept.

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "adapters/quic/links.hpp"
#include "adapters/quic/ngtcp2/queues.hpp"
#include "adapters/quic/ngtcp2/socket.hpp"
#include "adapters/quic/ngtcp2/tls.hpp"
#include "adapters/quic/quic.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace lobo::adapters::quic {

/// Nanoseconds of a clock that never goes back.
using Tick = ngtcp2_tstamp;

/// Ours: node, worker and nine octets that nobody guesses.
inline constexpr std::size_t cid_bytes = 12;

/// What a connection needs of its endpoint.
struct Owner {
  Owner() = default;
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;
  virtual ~Owner() = default;
  /// A new identifier of this connection, and the token that ends it statelessly.
  virtual bool new_cid(LinkId link, ngtcp2_cid& cid, std::uint8_t* reset_token) = 0;
  virtual void gone_cid(const ngtcp2_cid& cid) = 0;
  virtual void path_validated(LinkId link) = 0;
  virtual LinkEvents& events() = 0;
};

struct PathRef {
  const Address* local = nullptr;
  const sockaddr* remote = nullptr;
  socklen_t remote_size = 0;
};

/// A first packet that was found good, and what was made of it.
struct Accepted {
  ngtcp2_pkt_hd head{};
  ngtcp2_cid original{};  ///< the client's first choice of our identifier
  bool after_retry = false;
};

/// Where the next packet goes to.
struct Outgoing {
  Address local;
  Address remote;
  std::size_t octets = 0;
};

class Connection {
 public:
  static Result<std::unique_ptr<Connection>> accept(Owner& owner, LinkId link,
                                                    const Credentials& credentials,
                                                    const Settings& settings,
                                                    const Accepted& accepted, const PathRef& path,
                                                    Tick now);
  static Result<std::unique_ptr<Connection>> connect(Owner& owner, LinkId link,
                                                     const Credentials& credentials,
                                                     const Settings& settings, const Target& target,
                                                     const ngtcp2_cid& dcid, const ngtcp2_cid& scid,
                                                     const PathRef& path, Tick now);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  LinkId link() const { return link_; }
  const std::optional<Closed>& closed() const { return closed_; }
  bool open() const { return open_ && !closed_; }
  /// It has been, though it may be closed now.
  bool was_open() const { return open_; }

  // ---- packets and time
  // -----------------------------------------------------------------------------
  void read(const PathRef& path, Bytes packet, Tick now);
  /// The next packet, written into `room`; nothing where there is none to send now.
  std::optional<Outgoing> write(MutableBytes room, Tick now);
  /// When expire() wants to be called; the largest number where never.
  Tick expiry() const;
  void expire(Tick now);
  /// Streams that the other end's window held up are tried again.
  void begin_turn();
  /// The packet that says goodbye, and again to whoever goes on talking.
  Bytes last_words() const { return last_words_; }
  /// How long the identifiers stay after the end (RFC 9000 clause 10.2: three times the PTO).
  Tick linger() const;
  /// The packet that ends it is written by the next write_close().
  void end(Closed closed);
  std::optional<Outgoing> write_close(MutableBytes room, Tick now);

  // ---- the link
  // -----------------------------------------------------------------------------------
  bool writable() const { return datagrams_.empty(); }
  std::size_t datagram_max() const;
  Result<void> send_datagram(Bytes datagram, std::uint64_t tag);
  Result<StreamNo> open_stream(StreamKind kind);
  Result<void> write_stream(StreamNo stream, Bytes octets, bool end);
  void reset_stream(StreamNo stream, std::uint64_t code);
  Result<void> migrate(const PathRef& path, Tick now);
  PathStats stats() const;

 private:
  Connection(Owner& owner, LinkId link, const Settings& settings);
  struct Calls;
  friend struct Calls;

  struct Freed {
    void operator()(ngtcp2_conn* connection) const { ngtcp2_conn_del(connection); }
  };

  ngtcp2_settings library_settings(Tick now) const;
  ngtcp2_transport_params parameters() const;
  void fail_with(int code);
  ngtcp2_ssize write_datagram(ngtcp2_path& path, MutableBytes room, Tick now);
  ngtcp2_ssize write_stream_frame(ngtcp2_path& path, MutableBytes room, Tick now);
  void forget_stream(StreamNo stream);

  Owner& owner_;
  LinkId link_;
  const Settings& settings_;
  SessionOwner session_owner_;
  TlsSession session_;
  std::unique_ptr<ngtcp2_conn, Freed> ngtcp2_;
  bool server_ = false;
  bool open_ = false;
  std::optional<Closed> closed_;
  bool close_by_liberr_ = false;
  int liberr_ = 0;
  std::vector<std::byte> last_words_;

  DatagramQueue datagrams_;
  unsigned datagram_refusals_ = 0;  ///< packets that had no room for the first datagram, in a row
  std::unordered_map<StreamNo, StreamQueue> streams_;
  std::deque<StreamNo> ready_;     ///< have something to send, each once
  std::vector<StreamNo> blocked_;  ///< by flow control, until the next turn
  std::size_t stream_bytes_ = 0;   ///< held by all streams
};

}  // namespace lobo::adapters::quic

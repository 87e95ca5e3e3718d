#pragma once
// Sockets, timers and the table of connections.

#include <ngtcp2/ngtcp2.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/quic/links.hpp"
#include "adapters/quic/ngtcp2/connection.hpp"
#include "adapters/quic/ngtcp2/reset_key.hpp"
#include "adapters/quic/ngtcp2/socket.hpp"
#include "adapters/quic/ngtcp2/tls.hpp"
#include "adapters/quic/quic.hpp"
#include "adapters/udp/readiness.hpp"
#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace lobo::adapters::quic {

/// A connection identifier as a key of a table. Peers choose some of them, so the hash is seeded.
struct CidKey {
  std::uint8_t size = 0;
  std::array<std::uint8_t, NGTCP2_MAX_CIDLEN> octets{};
  bool operator==(const CidKey&) const = default;
};
struct CidHash {
  std::uint64_t seed = 0;
  std::size_t operator()(const CidKey& key) const noexcept;
};

CidKey key_of(const std::uint8_t* octets, std::size_t size);

/// How often something may be done in a second.
class PerSecond {
 public:
  explicit PerSecond(std::size_t most) : most_(most) {}
  bool more(Tick now) {
    if (now - began_ >= NGTCP2_SECONDS) {
      began_ = now;
      count_ = 0;
    }
    return ++count_ <= most_;
  }

 private:
  std::size_t most_;
  std::size_t count_ = 0;
  Tick began_ = 0;
};

class NgEndpoint final : public Endpoint, private Owner {
 public:
  static Result<std::unique_ptr<NgEndpoint>> open(EventLoop& loop, const Settings& settings,
                                                  LinkEvents& events);
  ~NgEndpoint() override;

  UdpEndpoint local() const override;
  Result<LinkId> connect(const Target& target) override;
  Result<void> migrate(LinkId link, const UdpEndpoint& from) override;
  void shut(std::uint64_t code, std::string_view reason) override;
  std::size_t size() const override { return open_count_; }
  const Counters& counters() const override;

  bool writable(LinkId link) const override;
  std::size_t datagram_max(LinkId link) const override;
  Result<void> send_datagram(LinkId link, Bytes datagram, std::uint64_t tag) override;
  Result<StreamNo> open_stream(LinkId link, StreamKind kind) override;
  Result<void> write_stream(LinkId link, StreamNo stream, Bytes octets, bool end) override;
  void reset_stream(LinkId link, StreamNo stream, std::uint64_t code) override;
  void close(LinkId link, std::uint64_t code, std::string_view reason) override;
  PathStats stats(LinkId link) const override;

 private:
  struct Door {
    Door(Socket opened, EventLoop& loop, std::function<void()> work)
        : socket(std::move(opened)), ready(loop, socket.descriptor(), std::move(work)) {}
    Socket socket;
    Readiness ready;
  };
  struct Entry {
    std::unique_ptr<Connection> connection;
    std::shared_ptr<Credentials> client;       ///< whom it trusts, where it is ours
    Address peer;                              ///< where it was sent to, where it is ours
    std::vector<std::unique_ptr<Door>> doors;  ///< a client's own, the newest last
    std::vector<CidKey> cids;
    Tick due = 0;        ///< its place in due_; 0: none
    bool waits = false;  ///< is in turn_
    bool told = false;   ///< on_closed() was called; it lingers
    std::uint32_t heard_since = 0;
  };

  NgEndpoint(EventLoop& loop, Settings settings, LinkEvents& events, ResetKey key);
  Result<void> listen();

  // Owner
  bool new_cid(LinkId link, ngtcp2_cid& cid, std::uint8_t* reset_token) override;
  void gone_cid(const ngtcp2_cid& cid) override;
  void path_validated(LinkId) override { ++counters_.paths_validated; }
  LinkEvents& events() override { return events_; }

  void take_all();
  void take_for(LinkId link);
  void take(const PathRef& path, Bytes packet, Tick now);
  void hear(Entry& entry, int descriptor, const PathRef& path, Bytes packet, Tick now);
  void welcome(const ngtcp2_version_cid& ids, const PathRef& path, Bytes packet, Tick now);
  void answer_retry(const ngtcp2_pkt_hd& head, const PathRef& path, Tick now);
  void refuse(const ngtcp2_pkt_hd& head, std::uint64_t code, const PathRef& path);
  void answer_version(const ngtcp2_version_cid& ids, const PathRef& path, Tick now);
  void answer_reset(const ngtcp2_version_cid& ids, const PathRef& path, std::size_t size, Tick now);
  void answer(int descriptor, const PathRef& path, std::size_t octets);
  void send(const Entry& entry, const Outgoing& out);

  Entry* find(LinkId link);
  const Connection* alive(LinkId link) const;
  /// It may have something to send: its turn comes before the loop waits again.
  void wake(LinkId link, Entry& entry);
  void take_turns();
  void take_turn(LinkId link, Entry& entry, Tick now);
  void conclude(LinkId link, Entry& entry, Tick now);
  void schedule(LinkId link, Entry& entry, Tick when);
  void arm();
  void look_at_clock();
  void forget(LinkId link);

  EventLoop& loop_;
  Settings settings_;
  LinkEvents& events_;
  ResetKey reset_key_;
  std::array<std::uint8_t, 32> retry_secret_{};
  std::shared_ptr<Credentials> credentials_;
  std::optional<Socket> socket_;
  ReceiveRoom receive_;
  SendRoom send_;
  std::unordered_map<LinkId, Entry> entries_;
  std::unordered_map<CidKey, LinkId, CidHash> by_cid_;
  std::set<std::pair<Tick, LinkId>> due_;
  std::vector<LinkId> turn_;
  bool turn_posted_ = false;
  bool shut_ = false;
  std::optional<EventLoop::TimerId> timer_;
  Tick timer_at_ = 0;
  LinkId last_link_ = 0;
  std::size_t open_count_ = 0;
  PerSecond handshakes_;
  PerSecond answers_;
  mutable Counters counters_;
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);  ///< for work that was posted
  std::unique_ptr<Readiness> ready_;  ///< of socket_; the last, so that it goes first
};

}  // namespace lobo::adapters::quic

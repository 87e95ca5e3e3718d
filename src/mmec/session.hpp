#pragma once
// A session of one UE, from the first request to the last word: it asks the enabler, goes to the
// node, shows its token, publishes and receives, renews, comes back when a connection is lost,
// moves when it is told to, and leaves. Nothing here knows a socket, a clock or a thread.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "mmec/enabler.hpp"
#include "mmec/link.hpp"
#include "mmec/meter.hpp"
#include "mmec/ports.hpp"
#include "mmec/types.hpp"
#include "relay/client.hpp"
#include "relay/measure/loss.hpp"
#include "relay/measure/stream_meter.hpp"
#include "wire/http/message.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/sequence_window.hpp"
#include "wire/sdd/stream_header.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::mmec {

inline constexpr std::chrono::milliseconds connect_within{5'000};
inline constexpr std::chrono::milliseconds establish_within{5'000};
/// A node answers a ping each second; who hears nothing for so long is not connected any more.
inline constexpr std::chrono::milliseconds silence_max{3'000};
inline constexpr std::chrono::milliseconds pause_first{250};
inline constexpr std::chrono::milliseconds pause_max{10'000};
/// Before the first attempt, so that those whom one node lost do not all come in one instant.
inline constexpr std::chrono::milliseconds spread{50};
inline constexpr std::uint64_t attempts_max = 100;  ///< in a row; about a quarter of an hour
inline constexpr std::chrono::milliseconds steady_after{5'000};  ///< then they are counted anew
/// Assets that a node does not name again within this are gone.
inline constexpr std::chrono::milliseconds confirm_within{2'000};
inline constexpr std::chrono::milliseconds goodbye{50};
inline constexpr std::chrono::milliseconds leave_within{2'000};
inline constexpr std::chrono::milliseconds flush_interval{5};
inline constexpr std::size_t assets_max = 4096;
inline constexpr std::size_t parts_max = 16'384;
inline constexpr std::size_t own_states_max = 1024;
inline constexpr std::size_t early_max = 256;  ///< states and messages of assets without a name yet

/// Why a connection ended, as far as it is known.
struct Closed {
  enum class Cause : std::uint8_t { local, peer, idle, reset, refused, fault };
  Cause cause{};
  std::uint64_t code = 0;  ///< of the peer: sdd::Cause
  std::string detail;
};

class Session final : public Link::Owner {
 public:
  /// All but the settings outlive it.
  Session(Settings settings, Network& network, Application& application, Rng& rng);
  ~Session() override;

  /// Refused where the settings contradict themselves; `error.faults` name the members.
  Result<void> start(Instant now);

  // ---- the application
  /// The next state of a component of an asset; flow 0 is the first that publishes. Where the path
  /// is full or not there the newest state waits, and has no sequence yet; everything but newest
  /// states (R0) is refused then.
  Result<std::optional<sdd::Sequence>> publish(sdd::FlowId flow, sdd::Component component,
                                               Bytes payload, std::optional<sdd::Sequence> base,
                                               Instant now);
  /// What this UE wants of what it may have; told again after a reconnection.
  Result<void> want(const sdd::Update& update, Instant now);
  /// A later token, or one for another node, from whoever hands them out.
  void use(Grant grant, Instant now);
  /// The address of this machine changed: the path is made anew at once.
  void path_changed(Instant now);
  void leave(bool end_session, Instant now);

  // ---- the network
  void opened(ConnectionNo connection, Instant now);
  void datagram(ConnectionNo connection, Bytes bytes, Instant now);
  void stream(ConnectionNo connection, StreamNo stream, Bytes bytes, bool end, Instant now);
  void stream_reset(ConnectionNo connection, StreamNo stream);
  void acked(ConnectionNo connection, std::uint64_t tag);
  void lost(ConnectionNo connection, std::uint64_t tag);
  void closed(ConnectionNo connection, const Closed& why, Instant now);
  void answered(std::uint64_t number, const Result<http::Response>& answer, Instant now);

  std::optional<Instant> next_due() const;
  void advance(Instant now);

  Phase phase() const { return phase_; }
  /// Of the enabler; empty where there is none, or none yet.
  const std::string& id() const { return enabler_.session(); }
  /// As the token has them; none before there is one.
  std::vector<sdd::TokenFlow> flows() const;
  /// The node of the grant that holds; nothing in it before there is one.
  Place place() const { return grant_ ? grant_->at : Place{}; }
  std::size_t assets() const { return assets_.size(); }
  Stats stats() const;

 private:
  enum class Then : std::uint8_t { retry, fresh_grant, wait_for_token, over };
  struct Loss {
    Error why;
    Then then{};
  };
  struct Slot {
    Slot(ConnectionNo number, Grant grant, Link::Way way, Network& network, Link::Owner& owner)
        : link(number, std::move(grant), way, network, owner) {}
    Link link;
    std::optional<Loss> loss;
  };
  struct Asset {
    std::string name;
    std::string ue;
    bool confirmed = true;
  };
  using Part = std::pair<sdd::Alias, sdd::Component>;
  /// What came by one way, and so is known when it comes by the other.
  struct Known {
    ConnectionNo by = 0;
    std::unique_ptr<sdd::SequenceWindow> window;
  };
  struct Seen {
    ConnectionNo by = 0;
    sdd::Sequence newest = 0;
    std::uint64_t content = 0;  ///< a digest: what is said again is told from what is new
    Known known;                ///< of a flow that goes twice
  };
  /// The newest state of a component of ours: a node that is new has none, and one may be lost.
  struct Own {
    std::string asset;
    std::vector<std::byte> payload;
    bool waits = false;
    bool was_sent = false;
    ConnectionNo by = 0;
    sdd::Sequence seq = 0;
    std::uint64_t tag_first = 0;
    std::uint64_t tag_last = 0;
    bool was_lost = false;
    // By the second way; 0: not sent there.
    ConnectionNo second_by = 0;
    std::uint64_t second_first = 0;
    std::uint64_t second_last = 0;
    bool second_lost = false;
  };
  using OwnPart = std::pair<sdd::FlowId, sdd::Component>;
  /// By asset, because flows and aliases may have other numbers elsewhere.
  using Numbers = std::map<std::pair<std::string, sdd::Component>, sdd::Sequence>;
  /// What came before the name of its asset did.
  struct Early {
    sdd::FlowId flow = 0;
    sdd::Alias alias = 0;
    sdd::Component component = 0;
    sdd::FlowClass reliability{};
    sdd::Sequence seq = 0;
    std::optional<sdd::Sequence> base;
    std::optional<std::chrono::microseconds> age;
    std::vector<std::byte> payload;
  };

  // Link::Owner
  void received(Link& link, const relay::Received& state) override;
  void message(Link& link, const sdd::StreamHeader& header, Bytes payload) override;
  void told(Link& link, const sdd::ControlMessage& message) override;
  void measured(Link& link, sdd::FlowId flow, const relay::Window& window) override;
  void left_out(Link& link, sdd::FlowId flow, std::uint64_t states) override;

  void hear(Link& link, const sdd::EstablishRsp& answer);
  void hear(Link& link, const sdd::Event& event);
  void hear(Link& link, const sdd::Tier& tier);
  void hear(Link& link, const sdd::Release& release);

  void begin(Instant now);
  void connect(Grant grant, Instant now);
  void move_to(Grant grant, Instant now);
  /// Where the flows of the token go twice and there is a second way, it is taken.
  void take_second_way(Instant now);
  /// The other way goes on alone. False where there is none.
  bool goes_on_by_the_other(Instant now);
  void lose_second(Instant now);
  /// By the way that did not take it, where that carries the flow, too.
  bool send_second(const Link& by, const sdd::TokenFlow& flow, sdd::Component component,
                   Bytes payload, std::optional<sdd::Sequence> base, sdd::Sequence seq,
                   Instant now);
  bool is_known_twice(const Link& link, const sdd::TokenFlow& flow, Known& known,
                      sdd::Sequence seq) const;
  Place place_of(const Grant& grant, Link::Way way) const;
  void came_up(Instant now);
  void carry_over();
  void lose(Loss loss, Instant now);
  void retry(Instant now);
  void take(const Enabler::News& news, Instant now);
  void renew(Slot& slot, Instant now);
  /// What followed from what was heard; no link goes away inside its own call.
  void settle(Instant now);
  void look_after(Slot& slot, Instant now);
  void end(std::optional<Error> why);
  void drop(std::unique_ptr<Slot>& slot, sdd::Cause cause, std::string_view reason);

  Slot* find(ConnectionNo connection);
  Slot* slot_of(const Link& link);
  bool is_up() const { return phase_ == Phase::up && current_; }
  /// What takes states and messages of the flow: the first way, else the second; nothing while it
  /// is not there.
  Link* carrier(const sdd::TokenFlow& flow) const;
  /// Told to the other way, too, of the flow that is there what this one is here.
  void want_second(sdd::Update update);
  const sdd::TokenFlow* publishing(sdd::FlowId flow) const;
  Result<void> may_publish(const sdd::TokenFlow& flow, sdd::Component component,
                           std::size_t bytes) const;
  Result<sdd::Sequence> send_own(const sdd::TokenFlow& flow, sdd::Component component, Own& own,
                                 Instant now);
  void flush(Instant now);
  void asset_here(const sdd::Event& event);
  void asset_gone(sdd::Alias alias);
  void forget_unconfirmed();
  void deliver(const State& state);
  bool name_of(State& state, const Link& link) const;
  void keep_early(const State& state);
  void refuse(sdd::FlowId flow, sdd::Alias alias, Error error);

  Settings settings_;
  Network& network_;
  Application& application_;
  Rng& rng_;
  Enabler enabler_;
  Phase phase_ = Phase::idle;
  std::optional<Grant> grant_;
  bool grant_stale_ = false;  ///< the enabler is asked before the next connection
  std::unique_ptr<Slot> current_;
  std::unique_ptr<Slot> moving_;  ///< to another node, until that lets our flows in
  std::unique_ptr<Slot> second_;  ///< the other way to the same node (+D)
  std::optional<Instant> second_at_;
  std::uint64_t second_attempts_ = 0;
  std::optional<Instant> retry_at_;
  std::optional<Instant> flush_at_;
  std::optional<Instant> confirm_by_;
  std::optional<Instant> leave_at_;
  std::optional<Instant> gone_by_;
  Instant up_since_{};
  std::map<sdd::Alias, Asset> assets_;
  std::map<Part, Seen> seen_;
  std::map<std::pair<Part, sdd::FlowClass>, Known> messages_;  ///< of flows that go twice
  std::map<OwnPart, Own> own_;
  Numbers numbers_;  ///< of the connection before this one
  std::vector<Early> early_;
  std::vector<sdd::Update> wants_;  ///< the last one of each flow
  std::vector<sdd::FlowId> released_;
  Meter meter_;
  relay::DatagramLoss datagrams_;
  Stats counts_;  ///< only its counters
};

}  // namespace lobo::mmec

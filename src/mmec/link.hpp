#pragma once
// One connection to a node: the control stream, datagrams, and messages that have streams of their
// own. A node that moves a UE has two of them for a moment, each with clocks and sequences of its
// own. Flows that go twice (+D) have two on end, with the same sequences.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "mmec/ports.hpp"
#include "mmec/types.hpp"
#include "relay/client.hpp"
#include "relay/measure/clock_offset.hpp"
#include "relay/measure/stream_meter.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/stream_header.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::mmec {

inline constexpr std::size_t streams_in_max = 128;  ///< of a node, unfinished
inline constexpr std::size_t stream_in_bytes_max = std::size_t{1} << 20U;
inline constexpr std::size_t streams_ordered_max = 64;  ///< of ours, for R4

/// Whether the token has flows that go twice, by datagrams: streams repeat what is lost themselves.
bool has_copies(const Grant& grant);

class Link final : private relay::ClientSink {
 public:
  /// Who has the link.
  struct Owner {
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    virtual ~Owner() = default;
    virtual void received(Link& link, const relay::Received& state) = 0;
    virtual void message(Link& link, const sdd::StreamHeader& header, Bytes payload) = 0;
    virtual void told(Link& link, const sdd::ControlMessage& message) = 0;
    virtual void measured(Link& link, sdd::FlowId flow, const relay::Window& window) = 0;
    virtual void left_out(Link& link, sdd::FlowId flow, std::uint64_t states) = 0;
  };

  /// Of two flows that carry the same twice, one way takes the first, the other the second.
  enum class Way : std::uint8_t { first, second };

  Link(ConnectionNo number, Grant grant, Way way, Network& network, Owner& owner)
      : number_(number),
        lineage_(number),
        way_(way),
        grant_(std::move(grant)),
        network_(network),
        owner_(owner),
        core_(*this) {}

  ConnectionNo number() const { return number_; }
  Way way() const { return way_; }
  /// Links that carry the same numbers have the number of the first of them.
  ConnectionNo lineage() const { return lineage_; }
  void join(const Link& first) { lineage_ = first.lineage_; }
  /// The flow that carries here what `flow` carries; nothing where this way has none.
  const sdd::TokenFlow* carries(const sdd::TokenFlow& flow) const;
  const Grant& grant() const { return grant_; }
  /// Refused where the control stream cannot be opened.
  Result<void> open(const std::string& name, bool poses, Instant now);
  bool is_open() const { return control_.has_value(); }
  /// Shows the token, or a later one.
  void establish(Grant grant);
  void establish();
  /// Of the token, those that were asked for.
  const std::vector<sdd::FlowId>& flows() const { return flows_; }
  bool established = false;
  Instant since{};       ///< asked for, opened, or established: what came last
  Instant heard_last{};  ///< anything
  Instant renew_at{};    ///< when a later token is wanted
  bool renewing = false;
  /// What was said cannot be said: the far end does not read its control stream.
  bool stuck() const { return stuck_; }

  // What came. False: the control stream cannot be read.
  void datagram(Bytes bytes, Instant now);
  bool stream(StreamNo stream, Bytes bytes, bool end, Instant now);
  void stream_reset(StreamNo stream);

  void say(const sdd::ControlMessage& message) { core_.say(message); }
  Result<sdd::Sequence> publish(const sdd::TokenFlow& flow, sdd::Component component, Bytes payload,
                                std::optional<sdd::Sequence> base, Instant now);
  /// As those of relay::ClientCore.
  const std::map<relay::ClientCore::Part, sdd::Sequence>& numbers() const {
    return core_.numbers();
  }
  void number_from(relay::ClientCore::Part part, sdd::Sequence next) {
    core_.number_from(part, next);
  }
  /// Of the datagram that was sent last.
  std::uint64_t tag() const { return tags_; }
  /// A message of R2 to R4.
  Result<sdd::Sequence> send_message(const sdd::TokenFlow& flow, sdd::Component component,
                                     Bytes payload);

  std::optional<Instant> next_due() const { return core_.next_due(); }
  void advance(Instant now) { core_.advance(now); }
  std::optional<relay::ClockOffset::Estimate> clock() const { return core_.clock(); }
  bool writable() const { return network_.writable(number_); }
  std::uint64_t unsent() const { return unsent_; }
  std::uint64_t streams_refused() const { return streams_refused_; }

 private:
  using Part = std::pair<sdd::FlowId, sdd::Component>;
  struct StreamIn {
    std::optional<sdd::StreamHeader> header;
    std::vector<std::byte> bytes;
  };

  void send_datagram(Bytes datagram) override;
  void send_control(Bytes bytes) override;
  void received(const relay::Received& state) override { owner_.received(*this, state); }
  void told(const sdd::ControlMessage& message) override { owner_.told(*this, message); }
  void measured(sdd::FlowId flow, const relay::Window& window) override {
    owner_.measured(*this, flow, window);
  }
  void left_out(sdd::FlowId flow, std::uint64_t states) override {
    owner_.left_out(*this, flow, states);
  }

  /// False where the stream cannot be read.
  bool carry(StreamIn& stream, bool end);
  void drop_front(StreamIn& stream, std::size_t count);
  Result<StreamNo> ordered_stream(const Part& part, const sdd::StreamHeader& header);

  ConnectionNo number_;
  ConnectionNo lineage_;
  Way way_;
  Grant grant_;
  Network& network_;
  Owner& owner_;
  relay::ClientCore core_;
  std::optional<StreamNo> control_;
  bool stuck_ = false;
  bool poses_ = false;
  std::vector<sdd::FlowId> flows_;
  std::uint32_t requests_ = 0;
  std::uint64_t tags_ = 0;
  std::uint64_t unsent_ = 0;
  std::uint64_t streams_refused_ = 0;
  std::map<StreamNo, StreamIn> streams_;
  std::size_t stream_bytes_ = 0;
  std::map<Part, sdd::Sequence> next_message_;
  std::map<Part, StreamNo> ordered_;
};

}  // namespace lobo::mmec

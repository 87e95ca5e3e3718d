#pragma once
// An emulated radio, as a value that time moves: packets of N3 and of UEs go in, what arrives when
// and what is dropped for which reason comes out. A cell (cell.hpp), then the link of each UE: loss
// by a seeded generator, and delay. Beside it: what the UPF conveyed, what became of PDU Sets, and
// whether guarantees are held.
//
// Not known here: sockets, clocks, where the bytes are (a handle names them).

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <queue>
#include <span>
#include <vector>

#include "base/quantity.hpp"
#include "base/rng.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/radio/cell.hpp"
#include "dataplane/radio/conveyed.hpp"
#include "dataplane/radio/guarantee.hpp"
#include "dataplane/radio/rate_trace.hpp"
#include "dataplane/radio/set_ledger.hpp"
#include "dataplane/set_queue.hpp"

namespace lobo::dataplane {

inline constexpr std::size_t radio_ues_max = 64;
inline constexpr std::uint8_t radio_qfis = 64;
/// Waiting in queues or on their way to a UE or from it.
inline constexpr std::size_t radio_packets_max = 32'768;

/// Between a UE and the gNB, the same both ways.
struct RadioLink {
  Elapsed delay{};
  std::uint32_t loss_ppm = 0;
  BitsPerSecond rate_dl;  ///< beside the cell's; 0: no limit
  bool operator==(const RadioLink&) const = default;
};

/// A QoS flow as the network wants it.
struct RadioFlow {
  std::uint8_t qfi = 0;
  Promise promise;
  bool whole_sets = true;  ///< PSIHI
  bool operator==(const RadioFlow&) const = default;
};

struct RadioConfig {
  CellConfig cell;
  RateTrace rate = RateTrace::constant({10'000'000});
  GuaranteeConfig guarantee;
  std::uint64_t seed = 1;
};

struct RadioFate {
  std::uint64_t handle = 0;
  std::uint32_t ue = 0;
  bool downlink = true;
  std::uint8_t qfi = 0;
  std::optional<RadioDrop> dropped;  ///< none: it is there now
};
using RadioFates = std::vector<RadioFate>;

struct FlowTallies {
  std::uint64_t received = 0;
  std::uint64_t received_octets = 0;
  std::uint64_t delivered = 0;
  std::uint64_t delivered_octets = 0;
  std::array<std::uint64_t, radio_drops_count> dropped{};  ///< `radio` among them
  Elapsed delay_sum{};
  Elapsed delay_max{};
  std::uint64_t queue_octets_max = 0;
  std::uint64_t notices = 0;
  std::uint64_t uplink = 0;
  std::uint64_t uplink_octets = 0;
  std::uint64_t uplink_lost = 0;
};

/// News of a guarantee, with whose it is.
struct RadioNotice {
  std::uint32_t ue = 0;
  std::uint8_t qfi = 0;
  GuaranteeNews news;
};

class Radio {
 public:
  explicit Radio(const RadioConfig& config);

  /// The UE of that number (below radio_ues_max) with these flows, the first of which is the
  /// default one. Again: other flows; what they carried stays counted. False where the cell has no
  /// bearers left, and then the flows that found none use the default one.
  bool set_flows(std::uint32_t ue, std::span<const RadioFlow> flows, Elapsed now, RadioFates& out);
  void set_link(std::uint32_t ue, const RadioLink& link);
  /// It is gone, and what waits for it is dropped.
  void remove(std::uint32_t ue, Elapsed now, RadioFates& out);

  void set_rate(RateTrace rate, Elapsed now, RadioFates& out);
  void reconfigure(const CellConfig& config, Elapsed now, RadioFates& out);

  /// A packet of N3, of so many octets; dropped where the UE has no flows.
  void downlink(std::uint32_t ue, const Conveyed& conveyed, std::uint64_t handle,
                std::uint32_t octets, Elapsed now, RadioFates& out);
  /// A packet of a UE; `qfi` is one of its flows'.
  void uplink(std::uint32_t ue, std::uint8_t qfi, std::uint64_t handle, std::uint32_t octets,
              Elapsed now, RadioFates& out);
  /// All that happens until `now`.
  void advance(Elapsed now, RadioFates& out);
  /// When something happens next.
  std::optional<Elapsed> next_at() const;
  std::optional<RadioNotice> next_notice();

  const Cell& cell() const { return cell_; }
  std::size_t packets() const { return packets_.size() - free_.size(); }

  struct Flow {
    explicit Flow(const GuaranteeConfig& config) : watch(config) {}
    std::optional<BearerId> bearer;
    BearerTerms terms;
    FlowTallies tallies;
    SetLedger ledger;
    GuaranteeWatch watch;
    Elapsed delay_last{};  ///< of the packet that was delivered last
    bool active = false;
  };
  using Flows = std::map<std::uint8_t, Flow>;
  /// Of a UE, those that are no more included.
  const Flows& flows(std::uint32_t ue) const { return ues_.at(ue).flows; }
  const RadioLink& link(std::uint32_t ue) const { return ues_.at(ue).link; }
  std::uint8_t default_qfi(std::uint32_t ue) const { return ues_.at(ue).default_qfi; }

 private:
  struct Ue {
    bool present = false;
    RadioLink link;
    std::uint8_t default_qfi = 0;
    Flows flows;
  };
  struct Packet {
    std::uint64_t handle = 0;
    std::uint32_t octets = 0;
    std::uint32_t ue = 0;
    std::uint8_t qfi = 0;
    bool downlink = true;
    Elapsed came{};
    std::optional<SetLedger::Ticket> ticket;
  };
  struct Due {
    Elapsed at{};
    std::uint64_t order = 0;
    std::uint32_t packet = 0;
    bool operator>(const Due& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  bool open_bearer(std::uint32_t ue, Flow& flow, const RadioFlow& wanted, Elapsed now,
                   RadioFates& out);
  Flow& flow_of(const Packet& packet) { return ues_[packet.ue].flows.at(packet.qfi); }
  std::optional<std::uint32_t> take_slot(const Packet& packet);
  bool lost_by_chance(const RadioLink& link);
  void follow(Elapsed now, RadioFates& out);
  void leave(std::uint32_t packet, Elapsed at);
  void finish(std::uint32_t packet, std::optional<RadioDrop> dropped, Elapsed at, RadioFates& out);
  void settle(Flow& flow, const Packet& packet, std::optional<RadioDrop> dropped, Elapsed at);
  void arrive_due(Elapsed now, RadioFates& out);
  void watch(Elapsed now);

  RadioConfig config_;
  SeededRng rng_;
  Cell cell_;
  std::vector<Ue> ues_;
  std::vector<Packet> packets_;
  std::vector<std::uint32_t> free_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> under_way_;
  std::uint64_t order_ = 0;
  CellFates fates_;  ///< scratch
  std::vector<RadioNotice> notices_;
  Elapsed watch_at_{};
};

}  // namespace lobo::dataplane

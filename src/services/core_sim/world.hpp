#pragma once
// Who is in the network now: UEs with their addresses, place and link. No requests, no time.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/quantity.hpp"
#include "base/text.hpp"
#include "services/core_sim/admission.hpp"
#include "services/core_sim/config.hpp"

namespace lobo::core_sim {

using UeIndex = std::size_t;

/// What is wrong with a UE's radio link; the default is nothing.
struct Link {
  std::uint32_t loss_ppm = 0;
  std::chrono::milliseconds delay{0};  ///< added each way
  std::optional<BitsPerSecond> rate_dl;
  std::optional<BitsPerSecond> rate_ul;
  bool measurement_fails = false;
  bool operator==(const Link&) const = default;
};

/// What a gNB counted of a UE's downlink packets, or since an earlier moment.
struct RanCounters {
  std::uint64_t delivered = 0;
  std::uint64_t lost = 0;
  std::uint64_t octets = 0;  ///< delivered
  std::uint64_t delay_us = 0;
  bool operator==(const RanCounters&) const = default;

  bool reaches(const RanCounters& other) const {
    return delivered >= other.delivered && lost >= other.lost && octets >= other.octets &&
           delay_us >= other.delay_us;
  }
  /// It reaches `earlier`.
  RanCounters since(const RanCounters& earlier) const {
    return {delivered - earlier.delivered, lost - earlier.lost, octets - earlier.octets,
            delay_us - earlier.delay_us};
  }
  void add(const RanCounters& other) {
    delivered += other.delivered;
    lost += other.lost;
    octets += other.octets;
    delay_us += other.delay_us;
  }
};

/// What gNBs counted of the downlink in one cell, since the network began.
struct CellCarried {
  std::uint64_t octets = 0;
  std::uint64_t reports = 0;  ///< how often one told
};

struct Ue {
  UeConfig config;  ///< with the addresses and the cell of now
  CellIndex cell = 0;
  bool session_up = true;
  Link link;
  RanCounters carried;  ///< by all gNBs, since the network began
};

/// Addresses in the one form in which they are compared: MAC and IPv6 texts have several.
std::optional<std::string> canonical_mac(std::string_view mac);
std::optional<std::string> canonical_ipv6(std::string_view address);

class World {
 public:
  /// `config` passed check().
  explicit World(const CoreConfig& config);

  std::size_t size() const { return ues_.size(); }
  const Ue& ue(UeIndex index) const { return ues_[index]; }
  Ue& ue(UeIndex index) { return ues_[index]; }

  std::optional<UeIndex> by_name(std::string_view name) const;
  /// "msisdn-…" or "extid-…" (TS 29.571 Gpsi).
  std::optional<UeIndex> by_gpsi(std::string_view gpsi) const;
  std::optional<UeIndex> by_external_id(std::string_view id) const;
  std::optional<UeIndex> by_msisdn(std::string_view msisdn) const;
  /// Addresses belong to PDU sessions: a UE without one is not found by them.
  std::optional<UeIndex> by_ipv4(std::string_view address, std::string_view domain) const;
  /// Whether the address is some UE's, in a PDU session or not.
  bool has_ipv4(std::string_view address, std::string_view domain) const;
  std::optional<UeIndex> by_ipv6(std::string_view address) const;
  std::optional<UeIndex> by_mac(std::string_view mac) const;

  void attach(UeIndex index);
  void detach(UeIndex index);
  /// False, and nothing changed, where another UE has one of the addresses.
  bool change_address(UeIndex index, std::optional<std::string> ipv4,
                      std::optional<std::string> ipv6);

  std::optional<CellIndex> cell_by_name(std::string_view name) const;
  const CellConfig& cell(CellIndex index) const { return cells_[index]; }
  /// A gNB delivered so much more to the UE, in the cell where it is.
  void carried(UeIndex index, const RanCounters& more);
  const CellCarried& carried_in(CellIndex index) const { return carried_[index]; }
  std::size_t cell_count() const { return cells_.size(); }

  const QosProfile* profile(std::string_view reference) const;
  const std::vector<QosProfile>& profiles() const { return profiles_; }

 private:
  using Index = std::unordered_map<std::string, UeIndex, TextHash, std::equal_to<>>;
  void index_addresses(UeIndex index);
  void unindex_addresses(UeIndex index);

  std::vector<Ue> ues_;
  std::vector<CellConfig> cells_;
  std::vector<CellCarried> carried_;  ///< by cell
  std::vector<QosProfile> profiles_;
  Index names_, external_ids_, msisdns_, ipv4s_, ipv6s_, macs_, cell_names_;
};

}  // namespace lobo::core_sim

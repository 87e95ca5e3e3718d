#pragma once
// Who is reached by which Ethernet address on N3 and N6: an immutable snapshot that the
// application makes from what the kernel resolved. The kernel owns our addresses there and answers
// ARP and neighbour solicitations; nothing here does.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "model/address.hpp"

namespace lobo::dataplane {

/// Entries of one side; what is beyond is left out.
inline constexpr std::size_t neighbours_max = 4096;
inline constexpr std::size_t on_link_prefixes_max = 32;

/// An address as flows have it: IPv4 in the low 32 bits of `low`; version 0: none.
struct HopAddress {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::uint8_t version = 0;
  bool operator==(const HopAddress&) const = default;

  static HopAddress of(const model::IpAddress& address);
  model::IpAddress address() const;  ///< of one that has a version
};

/// One side as it is configured and resolved.
struct SideNeighbours {
  struct Prefix {
    model::IpAddress network;
    unsigned length = 0;
  };
  struct Entry {
    model::IpAddress address;
    model::MacAddress mac;
  };
  model::MacAddress mac;  ///< ours: frames to another one are not taken
  std::optional<model::Ipv4Address> v4;
  std::optional<model::Ipv6Address> v6;
  std::optional<model::Ipv4Address> gateway_v4;
  std::optional<model::Ipv6Address> gateway_v6;
  std::vector<Prefix> on_link;
  std::vector<Entry> known;
};

class Side {
 public:
  explicit Side(const SideNeighbours& from);

  /// A MAC address is the number that its six octets are when they are read as one.
  struct Hop {
    std::optional<std::uint64_t> mac;  ///< nothing: not known
    HopAddress via;                    ///< whose address that is; version 0: no route
  };
  /// Cost: a search through the prefixes and one in a table half full.
  Hop hop_to(const HopAddress& destination) const noexcept;

  std::uint64_t mac() const { return mac_; }  ///< ours
  const HopAddress& own_v4() const { return own_v4_; }
  const HopAddress& own_v6() const { return own_v6_; }
  const HopAddress& own(std::uint8_t version) const { return version == 6 ? own_v6_ : own_v4_; }

 private:
  struct Prefix {
    HopAddress network;
    std::uint64_t high_mask = 0;
    std::uint64_t low_mask = 0;
  };
  struct Slot {
    HopAddress address;
    std::uint64_t mac = 0;
  };
  std::size_t place(const HopAddress& address) const noexcept;
  void add(const SideNeighbours::Entry& entry);
  std::optional<std::uint64_t> find(const HopAddress& address) const noexcept;
  bool is_on_link(const HopAddress& address) const noexcept;

  std::uint64_t mac_;
  HopAddress own_v4_, own_v6_, gateway_v4_, gateway_v6_;
  std::vector<Prefix> on_link_;
  std::vector<Slot> slots_;  ///< a power of two of them, at most half full
};

struct Neighbours {
  Neighbours(const SideNeighbours& on_n3, const SideNeighbours& on_n6) : n3(on_n3), n6(on_n6) {}
  Side n3;
  Side n6;
};

}  // namespace lobo::dataplane

#pragma once
// Where this machine would send a packet, and the MAC address that stands in front of it: the
// kernel's routing and neighbour tables. The kernel alone asks and answers ARP and neighbour
// discovery; frames that are sent past it do not make it do so, therefore it is provoked here by an
// empty datagram to the discard port, which goes no further than the next hop.

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "adapters/capture/file.hpp"
#include "adapters/packet_io/link.hpp"
#include "adapters/packet_io/netlink.hpp"
#include "base/result.hpp"
#include "model/address.hpp"

namespace lobo::adapters::packet_io {

struct Route {
  Link link;
  model::IpAddress source;    ///< which of our addresses the kernel would send from
  model::IpAddress next_hop;  ///< a gateway, or the destination itself
};

/// As the kernel routes now, through `interface` if one is named.
Result<Route> find_route(const model::IpAddress& destination, const std::string& interface = {});

inline constexpr std::size_t neighbours_max = 4096;  ///< next hops of one interface
/// What is known is looked at again after this: a router that moved is found by then, if the kernel
/// has noticed.
inline constexpr std::chrono::milliseconds neighbour_look_interval{500};
/// What is not yet known is looked at as often as this.
inline constexpr std::chrono::milliseconds neighbour_wait_interval{5};
/// The kernel is provoked at most as often as this for one next hop.
inline constexpr std::chrono::milliseconds neighbour_provoke_interval{1000};
/// What the kernel has forgotten, and does not call unreachable, is used for so long on: it is made
/// to ask anew within a second, and the answer is there before this is over.
inline constexpr std::chrono::milliseconds neighbour_kept_max{2000};

/// The neighbours of one interface, in the network namespace in which they were opened.
class Neighbours {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static Result<Neighbours> open(Link link);

  /// Where frames to `next_hop` go. Nothing where the kernel does not know, or has not known for
  /// neighbour_kept_max; it has been made to ask, so who asks again a moment later may hear more.
  /// Looks into the kernel's table at intervals, and otherwise costs a look into a map.
  std::optional<model::MacAddress> resolve(const model::IpAddress& next_hop, Time now);

  const Link& link() const { return link_; }

 private:
  struct Entry {
    std::optional<model::MacAddress> address;
    Time looked_at{};
    Time known_at{};  ///< when the kernel last knew it
    Time provoked_at{};
    bool provoked = false;
  };
  Neighbours(Link link, Netlink netlink, UniqueFile provoker4, UniqueFile provoker6)
      : link_(std::move(link)),
        netlink_(std::make_unique<Netlink>(std::move(netlink))),
        provoker4_(std::move(provoker4)),
        provoker6_(std::move(provoker6)) {}

  void look(const model::IpAddress& next_hop, Entry& entry, Time now);
  void provoke(const model::IpAddress& next_hop, Entry& entry, Time now);

  Link link_;
  std::unique_ptr<Netlink> netlink_;
  UniqueFile provoker4_;
  UniqueFile provoker6_;
  std::map<model::IpAddress, Entry> entries_;
};

}  // namespace lobo::adapters::packet_io

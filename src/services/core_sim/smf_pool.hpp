#pragma once
// IPv4 addresses for UEs that have none of their own.

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string_view>

#include "model/address.hpp"

namespace lobo::core_sim {

struct Ipv4Network {
  std::uint32_t first = 0;
  unsigned prefix_length = 32;

  /// "10.45.0.0/16", without a bit behind the prefix.
  static std::optional<Ipv4Network> parse(std::string_view text);
  std::uint32_t last() const;
};

/// The first address of the network is the network's, the second the data network's gateway, and
/// the last is for all: none of them is given.
class AddressPool {
 public:
  explicit AddressPool(Ipv4Network network) : network_(network), next_(network.first) {}

  /// The next free one that `taken` does not claim either; an address that was given back comes
  /// last. Cost: linear in the addresses that are taken.
  std::optional<model::Ipv4Address> allocate(
      const std::function<bool(const model::Ipv4Address&)>& taken);
  void give_back(const model::Ipv4Address& address);
  std::size_t in_use() const { return used_.size(); }

 private:
  Ipv4Network network_;
  std::uint32_t next_;
  std::set<std::uint32_t> used_;
};

}  // namespace lobo::core_sim

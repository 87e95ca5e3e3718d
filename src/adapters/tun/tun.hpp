#pragma once
// A TUN device: what the kernel routes into it is read as IP packets, and what is written to it
// arrives at the kernel. It goes with the process.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "adapters/capture/file.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/address.hpp"

namespace lobo::adapters {

inline constexpr std::size_t tun_name_bytes_max = 15;

struct TunAddresses {
  std::optional<model::Ipv4Address> v4;
  std::optional<model::Ipv6Address> v6;
  /// Who is at the other end: reached through the device, whatever the routes.
  std::optional<model::Ipv4Address> peer_v4;
  unsigned mtu = 1400;
  /// A default route through the device, less preferred than any other.
  bool default_route = true;
  bool operator==(const TunAddresses&) const = default;
};

class Tun {
 public:
  /// `forbidden` without CAP_NET_ADMIN.
  static Result<Tun> open(const std::string& name);

  int descriptor() const { return file_.get(); }
  const std::string& name() const { return name_; }
  /// Addresses, MTU and route, and up.
  Result<void> configure(const TunAddresses& addresses);
  /// The next packet's length in `room`; 0 where there is none.
  std::size_t read(MutableBytes room);
  /// False where the kernel does not take it.
  bool write(Bytes packet);

 private:
  Tun(UniqueFile file, std::string name) : file_(std::move(file)), name_(std::move(name)) {}

  UniqueFile file_;
  std::string name_;
};

}  // namespace lobo::adapters

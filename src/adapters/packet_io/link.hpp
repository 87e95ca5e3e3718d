#pragma once
// A network interface by name, what it carries, and whether it is still there.

#include <cstddef>
#include <string>

#include "adapters/capture/file.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/address.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::adapters::packet_io {

inline constexpr std::size_t ethernet_bytes = 14;

struct Link {
  std::string name;
  int index = 0;
  std::size_t mtu = 0;
  model::MacAddress address;  ///< its own
  bool loopback = false;      ///< frames on it have no addresses

  /// Whether the interface carries the frame: a tag of IEEE 802.1Q comes on top of the MTU, another
  /// does not.
  bool carries(Bytes frame) const;
};

/// By its name in the network namespace that the calling thread is in.
Result<Link> find_link(const std::string& name);

/// `socket` tells the namespace. Open, down, or gone.
lobo::packet_io::PortState link_state(const Link& link, int socket);
std::string link_trouble(const Link& link, lobo::packet_io::PortState state);
/// What to do against frames that are several packets in one.
std::string aggregated_advice(const Link& link);

/// A socket, made non-blocking and closed on exec. What the operating system refuses is explained
/// with the capability that is missing.
Result<UniqueFile> open_socket(const Link& link, int family, int type, const char* purpose);

/// The fault for `error` (errno) of something that needs `capability`.
tl::unexpected<Error> os_fault(const Link& link, const char* what, int error,
                               const char* capability);

}  // namespace lobo::adapters::packet_io

#include "adapters/packet_io/wait.hpp"

#include <poll.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <span>

#include "base/require.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::adapters::packet_io {

bool wait_for_packets(std::span<lobo::packet_io::Port* const> ports,
                      std::chrono::milliseconds at_most) {
  require(ports.size() <= ports_waited_max);
  std::array<pollfd, ports_waited_max> waited{};
  for (std::size_t i = 0; i < ports.size(); ++i) {
    waited[i] = {.fd = ports[i]->descriptor(), .events = POLLIN};
    if (waited[i].fd < 0 || ports[i]->about_to_wait()) return true;
  }
  return ::poll(waited.data(), ports.size(), static_cast<int>(at_most.count())) != 0;
}

}  // namespace lobo::adapters::packet_io

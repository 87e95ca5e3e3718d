#pragma once
// An address and a port as users write them.

#include <string_view>

#include "adapters/udp/socket.hpp"
#include "base/result.hpp"

namespace lobo::app {

/// "127.0.0.1:5004", "[::1]:5004"; the fault names the option.
Result<adapters::UdpEndpoint> endpoint_option(std::string_view option, std::string_view text);

}  // namespace lobo::app

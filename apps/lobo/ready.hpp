#pragma once
// How a server process says that it can be asked: one line, and a file for who cannot read the
// line.

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace lobo::app {

/// "http://127.0.0.61:7777", "https://[::1]:7777".
std::string url_of(const std::string& address, std::uint16_t port, bool tls);

/// Prints "ready: URL [URL …]" and writes the same line to `file` (if any) in one step, so that a
/// reader sees all of it or nothing.
Result<void> announce_ready(const std::vector<std::string>& urls, const std::string& file,
                            std::ostream& out);

}  // namespace lobo::app

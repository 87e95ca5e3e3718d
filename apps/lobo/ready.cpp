#include "ready.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <ios>
#include <ostream>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace lobo::app {

std::string url_of(const std::string& address, std::uint16_t port, bool tls) {
  const bool v6 = address.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", tls ? "https" : "http", v6 ? "[" : "", address,
                     v6 ? "]" : "", port);
}

Result<void> announce_ready(const std::vector<std::string>& urls, const std::string& file,
                            std::ostream& out) {
  const std::string line = fmt::format("ready: {}\n", fmt::join(urls, " "));
  if (!file.empty()) {
    const std::string unfinished = file + ".new";
    std::ofstream stream(unfinished, std::ios::trunc);
    stream << line;
    stream.close();
    if (!stream || std::rename(unfinished.c_str(), file.c_str()) != 0)
      return fail(Errc::unavailable, fmt::format("cannot write {}", file));
  }
  out << line << std::flush;
  return {};
}

}  // namespace lobo::app

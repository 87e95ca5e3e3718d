// What an energy agent reads of its machine: access log, /proc/stat, stub_status. The first octet
// chooses how the rest is cut into pieces; lines must not depend on it, and sums stay sums.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/require.hpp"
#include "energy/meter/access_log.hpp"
#include "energy/meter/cpu_time.hpp"

namespace {

namespace meter = lobo::energy::meter;
using lobo::require;

struct Read {
  meter::Traffic traffic;
  std::uint64_t lines = 0;
};

Read read_in_pieces(std::string_view text, std::size_t piece, const meter::LocationMap& map) {
  Read read{.traffic = {.of = std::vector<meter::Use>(2)}};
  meter::LineSplitter splitter;
  for (std::size_t at = 0; at < text.size(); at += piece)
    splitter.feed(text.substr(at, piece), [&](std::string_view line) {
      require(line.size() <= meter::log_line_bytes_max);
      require(line.find('\n') == std::string_view::npos);
      ++read.lines;
      read.traffic.count(map, line);
    });
  return read;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const meter::LocationMap map = [] {
    meter::LocationMap made;
    made.add({"sl1.example", 8080, "/"}, 0);
    made.add({"127.0.1.1", 8080, "/a/"}, 1);
    return made;
  }();
  if (size == 0) return 0;
  // Octets are characters here, as in a file.
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = read_in_pieces(text, std::max<std::size_t>(1, text.size()), map);
  const auto cut = read_in_pieces(text, std::size_t{data[0]} + 1, map);
  require(whole.lines == cut.lines);
  require(whole.traffic.of == cut.traffic.of && whole.traffic.other == cut.traffic.other);
  std::uint64_t requests = whole.traffic.lines_unreadable + whole.traffic.other.requests;
  for (const auto& use : whole.traffic.of) requests += use.requests;
  require(requests == whole.lines);
  if (const auto times = meter::parse_proc_stat(text)) {
    const double u = meter::utilisation({}, *times);
    require(u >= 0 && u <= 1);
  }
  (void)meter::parse_stub_status(text);
  return 0;
}

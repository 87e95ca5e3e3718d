#pragma once
// Who was served what: lines of the media server's access log. The format is
//   log_format lobo '$msec $server_addr $server_port $status $bytes_sent $request_length $host
//   $request_uri "$http_cmcd_session"';
// of which the last word may be left out, and a line that does not have it is counted and passed
// over.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lobo::energy::meter {

inline constexpr std::size_t log_line_bytes_max = 8192;
inline constexpr std::uint64_t log_bytes_max = std::uint64_t{1} << 50U;  ///< of one answer

/// Views into the line.
struct LogEntry {
  std::uint64_t at_ms = 0;
  std::string_view server_address;
  std::uint16_t server_port = 0;
  unsigned status = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::string_view host;  ///< lower case as nginx writes it, without a port
  std::string_view path;  ///< without the query; "-" where there was no request to speak of
  std::string_view query;
  std::string cmcd_session;  ///< the header field, as it was sent; empty where there is none
};

std::optional<LogEntry> parse_log_line(std::string_view line);

/// Cuts a stream of bytes into lines, whatever its pieces. A line that is too long is dropped
/// whole.
class LineSplitter {
 public:
  /// Calls `line` for each whole line, without its end.
  template <class Line>
  void feed(std::string_view bytes, Line&& line) {
    while (!bytes.empty()) {
      const auto end = bytes.find('\n');
      const auto piece = bytes.substr(0, end);
      if (!dropping_ && partial_.size() + piece.size() > log_line_bytes_max) {
        dropping_ = true;
        partial_.clear();
        ++dropped_;
      }
      if (end == std::string_view::npos) {
        if (!dropping_) partial_ += piece;
        return;
      }
      if (!dropping_ && partial_.empty()) {
        line(piece);
      } else if (!dropping_) {
        partial_ += piece;
        line(std::string_view(partial_));
      }
      partial_.clear();
      dropping_ = false;
      bytes.remove_prefix(end + 1);
    }
  }
  /// The file ends here; what has no end of line is not one.
  void restart() {
    partial_.clear();
    dropping_ = false;
  }
  std::uint64_t dropped() const { return dropped_; }

 private:
  std::string partial_;
  bool dropping_ = false;
  std::uint64_t dropped_ = 0;
};

/// Where a service location is reached: one of its base URLs.
struct Reach {
  std::string host;  ///< name or address, lower case, IPv6 without brackets
  std::uint16_t port = 0;
  std::string path;  ///< begins with '/'
  bool operator==(const Reach&) const = default;
};

inline constexpr std::size_t locations_of_host_max = 64;
inline constexpr std::size_t reaches_max = 8;  ///< of one location

/// Finds the location of a request: the host that was asked for, else the address that answered,
/// and of its paths the longest that is a prefix in whole segments.
class LocationMap {
 public:
  void add(const Reach& reach, std::size_t location);
  std::optional<std::size_t> find(const LogEntry& entry) const;

 private:
  struct Prefix {
    std::string path;
    std::size_t location;
  };
  const Prefix* among(std::string_view host, std::uint16_t port, std::string_view path) const;
  std::map<std::string, std::vector<Prefix>, std::less<>> by_host_;  ///< "host port"
};

/// What one location sent since the last report.
struct Use {
  std::uint64_t bytes_tx = 0;
  std::uint64_t bytes_rx = 0;
  std::uint64_t requests = 0;
  std::uint64_t errors_5xx = 0;
  bool operator==(const Use&) const = default;
  Use& operator+=(const Use& more);
};

/// The uses of a location that are told apart, by the host that was asked for.
using FlowUses = std::map<std::string, Use, std::less<>>;

/// Sums of the log, for each location and for what is of none.
struct Served {
  LogEntry entry;
  std::size_t location = 0;
};

struct Traffic {
  std::vector<Use> of;  ///< by location
  Use other;
  std::vector<FlowUses> flows;  ///< by location, in `of` as well; only keys that are there count
  std::uint64_t lines_unreadable = 0;

  /// What was served, where it is of a location.
  std::optional<Served> count(const LocationMap& map, std::string_view line);
};

/// Requests that are being answered, from nginx's stub_status: readings and writings, without the
/// one that asks. Connections that only wait are none: keep-alive would hold up a drain for ever.
std::optional<std::uint64_t> parse_stub_status(std::string_view text);

}  // namespace lobo::energy::meter

#pragma once
// Stands between two ends of TLS and changes one octet of one record.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <thread>

namespace lobo::testing {

enum class Way : std::uint8_t { to_server, to_client };

/// Which octet: of which record of that way, counted from 0 on each connection, and where behind
/// its header, in hundredths of its length.
struct Alteration {
  Way way{};
  std::size_t record = 0;
  unsigned place = 0;
};

class RecordProxy {
 public:
  /// One connection at a time, on a port of loopback that was free; `server` is one as well.
  RecordProxy(std::uint16_t server, std::optional<Alteration> alteration);
  ~RecordProxy();
  RecordProxy(const RecordProxy&) = delete;
  RecordProxy& operator=(const RecordProxy&) = delete;

  std::uint16_t port() const { return port_; }
  /// Of the first connection so far.
  std::size_t records(Way way) const { return records_[static_cast<std::size_t>(way)]; }
  bool altered() const { return altered_; }

 private:
  void run();
  void join(int client);

  std::uint16_t server_;
  std::optional<Alteration> alteration_;
  int listener_ = -1;
  int stop_ = -1;
  std::uint16_t port_ = 0;
  std::array<std::atomic<std::size_t>, 2> records_{};
  std::atomic<bool> altered_{false};
  bool first_ = true;
  std::thread thread_;
};

}  // namespace lobo::testing

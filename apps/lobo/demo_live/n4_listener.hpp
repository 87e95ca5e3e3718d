#pragma once
// The PFCP messages of a capture, as they pass: for the drawing of who said what.

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace lobo::app {

inline constexpr std::size_t n4_messages_max = 10'000;  ///< later ones are not drawn

struct N4Message {
  std::chrono::nanoseconds at;  ///< since 1970
  std::string from;             ///< IP address
  std::string text;             ///< "PFCP session_establishment_request"
  bool request = true;
};

class N4Listener {
 public:
  /// Whether the frame is PFCP; from the thread of a recorder.
  bool take(Bytes frame, std::chrono::nanoseconds since_1970);
  /// Heartbeats left out. For any thread.
  std::vector<N4Message> messages() const;

 private:
  mutable std::mutex lock_;
  std::vector<N4Message> messages_;
};

}  // namespace lobo::app

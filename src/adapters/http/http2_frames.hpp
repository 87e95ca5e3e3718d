#pragma once
// What the HTTP/2 server and client share: nghttp2 handles, options, and the flood budget.

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <memory>
#include <string_view>

#include "adapters/http/session.hpp"

namespace lobo::adapters {

struct SessionFree {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};
using SessionPtr = std::unique_ptr<nghttp2_session, SessionFree>;
struct CallbacksFree {
  void operator()(nghttp2_session_callbacks* callbacks) const {
    nghttp2_session_callbacks_del(callbacks);
  }
};
using CallbacksPtr = std::unique_ptr<nghttp2_session_callbacks, CallbacksFree>;
struct OptionFree {
  void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
};
using OptionPtr = std::unique_ptr<nghttp2_option, OptionFree>;

/// A header field for nghttp2. It keeps no copy: name and value must live until the frame is
/// written.
inline nghttp2_nv borrowed_field(std::string_view name, std::string_view value) {
  // nghttp2 takes pointers to non-const but does not write through them.
  const auto octets = [](std::string_view text) {
    return const_cast<std::uint8_t*>(
        reinterpret_cast<const std::uint8_t*>(text.data()));  // NOLINT: said above
  };
  return {octets(name), octets(value), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

/// A number in decimal, without the heap.
class Decimal {
 public:
  explicit Decimal(std::uint64_t value)
      : size_(static_cast<std::size_t>(
            std::to_chars(digits_.data(), digits_.data() + digits_.size(), value).ptr -
            digits_.data())) {}
  std::string_view view() const { return {digits_.data(), size_}; }

 private:
  std::array<char, 20> digits_{};
  std::size_t size_;
};

/// A token bucket over steady time.
class Budget {
 public:
  Budget(std::size_t burst, std::size_t per_second, SteadyTime now)
      : burst_(static_cast<double>(burst)),
        per_second_(static_cast<double>(per_second)),
        left_(burst_),
        at_(now) {}
  /// False when nothing was left.
  bool spend(SteadyTime now) {
    left_ =
        std::min(burst_, left_ + std::chrono::duration<double>(now - at_).count() * per_second_);
    at_ = now;
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }
  /// Work that was really done earns the frames that belong to it.
  void earn(double tokens) { left_ = std::min(burst_, left_ + tokens); }

 private:
  double burst_;
  double per_second_;
  double left_;
  SteadyTime at_;
};

/// Moves what nghttp2 has to say into `out`; false where the session is broken.
inline bool drain_output(nghttp2_session* session, std::string& out) {
  while (out.size() < output_chunk_bytes) {
    const std::uint8_t* data = nullptr;
    const auto size = nghttp2_session_mem_send(session, &data);
    if (size < 0) return false;
    if (size == 0) return true;
    out.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
  }
  return true;
}

/// Outbound frames that may wait in nghttp2 before input is paused.
inline constexpr std::size_t outbound_frames_max = 2048;

}  // namespace lobo::adapters

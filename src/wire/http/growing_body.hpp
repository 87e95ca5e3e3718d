#pragma once
// A body that grows after its head was sent: events as they happen (text/event-stream). Whoever
// makes the answer keeps the body and appends; the connection's session takes from it as the reader
// does. What the reader has not taken is bounded: one that is too slow is cut off and comes back
// with the last event that it has.
//
// A response is a plain value that is copied and compared, so it carries a ticket for the body, in
// a field that never leaves the process; the session claims the body by it.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "wire/http/message.hpp"

namespace lobo::http {

/// What one reader may have before it that it did not take, unless its maker says otherwise.
inline constexpr std::size_t growing_unsent_bytes_max = 131072;
/// Bodies that no session has claimed yet; the oldest ends when there are more.
inline constexpr std::size_t growing_unclaimed_max = 512;
/// Field of a response that names its body. Not for the wire.
inline constexpr std::string_view growing_ticket_field = "lobo-growing-body";

class GrowingBody {
 public:
  enum class State : std::uint8_t {
    open,
    ended,  ///< whole once what is pending was taken
    cut,    ///< the reader was too slow: ends without being whole
    left,   ///< the reader is gone
  };

  explicit GrowingBody(std::size_t unsent_bytes_max = growing_unsent_bytes_max)
      : unsent_bytes_max_(unsent_bytes_max) {}
  GrowingBody(const GrowingBody&) = delete;
  GrowingBody& operator=(const GrowingBody&) = delete;
  ~GrowingBody() = default;

  // ---- whoever makes the answer ----------------------------------------------------------------

  /// False where nobody will read it; then, and when it cuts the reader off, nothing is kept.
  bool append(std::string_view bytes) {
    if (state_ != State::open) return false;
    if (pending_.size() + bytes.size() > unsent_bytes_max_) {
      pending_.clear();
      change(State::cut);
      return false;
    }
    pending_ += bytes;
    if (grown_) grown_();
    return true;
  }
  /// What is pending is still sent.
  void end() {
    if (state_ == State::open) change(State::ended);
  }
  State state() const { return state_; }

  // ---- the session that sends it ---------------------------------------------------------------

  /// `grown` is called at each change that asks for something to be sent.
  void attach(std::function<void()> grown) { grown_ = std::move(grown); }
  std::string_view pending() const { return pending_; }
  void taken(std::size_t bytes) { pending_.erase(0, bytes); }
  /// There will be no reader any more.
  void leave() {
    grown_ = nullptr;
    pending_.clear();
    state_ = State::left;
  }

 private:
  void change(State to) {
    state_ = to;
    if (grown_) grown_();
  }

  std::size_t unsent_bytes_max_;
  std::string pending_;
  std::function<void()> grown_;
  State state_ = State::open;
};

using GrowingBodyPtr = std::shared_ptr<GrowingBody>;

/// Where makers leave bodies for sessions. On one loop; no thread may share it.
class GrowingBodies {
 public:
  /// The response whose body grows.
  void offer(Response& response, GrowingBodyPtr body) {
    if (offered_.size() >= growing_unclaimed_max) {
      offered_.front().second->leave();
      offered_.pop_front();
    }
    auto ticket = std::to_string(++last_);
    response.headers.set(std::string(growing_ticket_field), ticket);
    offered_.emplace_back(std::move(ticket), std::move(body));
  }
  /// Null for an answer that is whole. The field is taken off either way.
  GrowingBodyPtr claim(Response& response) {
    const auto ticket = response.headers.find(growing_ticket_field);
    if (!ticket) return nullptr;
    GrowingBodyPtr body;
    for (auto at = offered_.begin(); at != offered_.end(); ++at)
      if (at->first == *ticket) {
        body = std::move(at->second);
        offered_.erase(at);
        break;
      }
    response.headers.erase(growing_ticket_field);
    return body;
  }

 private:
  std::deque<std::pair<std::string, GrowingBodyPtr>> offered_;  ///< oldest first
  std::uint64_t last_ = 0;
};

using GrowingBodiesPtr = std::shared_ptr<GrowingBodies>;

}  // namespace lobo::http

#pragma once
// The HTTP messages of the session for the page's diagram, out of the trace that the servers write:
// polls and renewals that say nothing new are left out, and parties are named.

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "adapters/trace/trace_view.hpp"

namespace lobo::app {

class TraceReader {
 public:
  explicit TraceReader(std::string folder) : folder_(std::move(folder)) {}
  /// What has come since the last call, in order.
  std::vector<adapters::trace::SeenMessage> take();
  /// What messages there were that are not drawn: renewals and polls.
  std::size_t left_out() const { return left_out_; }

 private:
  std::string folder_;
  std::size_t taken_ = 0;
  std::size_t left_out_ = 0;
  std::set<std::string> drawn_once_;
  std::map<std::string, adapters::trace::SeenMessage> asked_;  ///< by span
};

}  // namespace lobo::app

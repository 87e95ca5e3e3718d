#pragma once
// Players as the steering endpoint saw them since somebody last asked: where each was sent, and
// what failed it. Bounded: what does not fit is counted, and told when the player asks again.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace lobo::app {

inline constexpr std::size_t sightings_max = 65'536;

struct Sighting {
  std::uint64_t session = 0;
  std::string group;
  std::string sent_to;
  std::vector<std::string> failed;
  bool operator==(const Sighting&) const = default;
};

class Sightings {
 public:
  void add(Sighting one) {
    if (waiting_.size() < sightings_max)
      waiting_.push_back(std::move(one));
    else
      ++dropped_;
  }
  std::vector<Sighting> take() { return std::exchange(waiting_, {}); }
  std::uint64_t take_dropped() { return std::exchange(dropped_, 0); }

 private:
  std::vector<Sighting> waiting_;
  std::uint64_t dropped_ = 0;
};

}  // namespace lobo::app

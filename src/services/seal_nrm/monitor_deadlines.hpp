#pragma once
// Which subscription is due next: a heap of four children a node, each entry with its time in the
// heap itself, so that a step down reads one cache line.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "services/seal_nrm/monitor_window.hpp"

namespace lobo::seal_nrm::monitor {

class Deadlines {
 public:
  bool empty() const { return heap_.empty(); }
  Micros first() const { return heap_.front().at; }
  std::uint32_t first_index() const { return heap_.front().index; }

  /// Makes room, so that nothing allocates later.
  void reserve_index(std::uint32_t index) {
    if (index < place_.size()) return;
    place_.resize(index + 1, absent);
    heap_.reserve(place_.capacity());
  }

  /// `at` == never takes it out.
  void set(std::uint32_t index, Micros at) {
    const std::uint32_t place = place_[index];
    if (at == never) {
      if (place != absent) remove(place);
    } else if (place == absent) {
      heap_.push_back({at, index});
      up(heap_.size() - 1);
    } else {
      const Micros before = heap_[place].at;
      heap_[place].at = at;
      if (at < before)
        up(place);
      else
        down(place);
    }
  }

 private:
  static constexpr std::uint32_t absent = UINT32_MAX;
  static constexpr std::size_t children = 4;
  struct Entry {
    Micros at;
    std::uint32_t index;
  };

  void put(std::size_t place, Entry entry) {
    heap_[place] = entry;
    place_[entry.index] = static_cast<std::uint32_t>(place);
  }

  void remove(std::size_t place) {
    place_[heap_[place].index] = absent;
    const Entry last = heap_.back();
    heap_.pop_back();
    if (place == heap_.size()) return;
    const Micros before = heap_[place].at;
    heap_[place] = last;
    if (last.at < before)
      up(place);
    else
      down(place);
  }

  void up(std::size_t place) {
    const Entry moved = heap_[place];
    while (place > 0) {
      const std::size_t parent = (place - 1) / children;
      if (heap_[parent].at <= moved.at) break;
      put(place, heap_[parent]);
      place = parent;
    }
    put(place, moved);
  }

  void down(std::size_t place) {
    const Entry moved = heap_[place];
    for (;;) {
      const std::size_t first = place * children + 1;
      if (first >= heap_.size()) break;
      std::size_t least = first;
      for (std::size_t child = first + 1; child < first + children && child < heap_.size(); ++child)
        if (heap_[child].at < heap_[least].at) least = child;
      if (heap_[least].at >= moved.at) break;
      put(place, heap_[least]);
      place = least;
    }
    put(place, moved);
  }

  std::vector<Entry> heap_;
  std::vector<std::uint32_t> place_;  ///< of each index in heap_, or absent
};

}  // namespace lobo::seal_nrm::monitor

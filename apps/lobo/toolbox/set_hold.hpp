#pragma once
// Packets that wait until their PDU Set is whole, in the order in which they came: what a set adds
// up to is known only at its end.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "model/pdu_set.hpp"
#include "toolbox/stream_key.hpp"
#include "wire/capture/capture.hpp"

namespace lobo::app {

inline constexpr std::size_t held_items_max = 16384;
inline constexpr std::size_t held_bytes_max = std::size_t{128} << 20U;

class SetHold {
 public:
  struct Group {
    std::uint32_t pdus = 0;
    std::uint64_t bytes = 0;
    std::uint32_t expected = 0;  ///< 0: not known yet
    bool decided = false;
    bool whole() const { return expected != 0 && pdus == expected; }
  };
  struct Held {
    std::vector<std::byte> raw;
    capture::Item item;
    PduSetMark mark;
    std::shared_ptr<Group> group;  ///< none: nothing to wait for
  };

  /// `out(const Held&)` is called for all that is decided, in order.
  template <class Out>
  void pass(const capture::Item& item, Out&& out) {
    hold(item);
    release(out);
  }
  /// A marked packet that will be `bytes` long.
  template <class Out>
  void marked(const capture::Item& item, const StreamKey& stream, const PduSetMark& mark,
              std::uint32_t bytes, Out&& out) {
    Held& held = hold(item);
    held.mark = mark;
    held.group = join(stream, mark, bytes);
    release(out);
  }
  template <class Out>
  void finish(Out&& out) {
    for (auto& held : held_)
      if (held.group) held.group->decided = true;
    release(out);
  }

 private:
  struct Open {
    Pssn pssn;
    std::shared_ptr<Group> group;
  };

  Held& hold(const capture::Item& item) {
    Held& held = held_.emplace_back();
    held.raw.assign(item.raw.begin(), item.raw.end());
    held_bytes_ += held.raw.size();
    held.item = item;
    held.item.raw = held.raw;
    if (item.kind == capture::Item::Kind::packet)
      held.item.packet.bytes = Bytes(held.raw).subspan(
          static_cast<std::size_t>(item.packet.bytes.data() - item.raw.data()),
          item.packet.bytes.size());
    return held;
  }

  /// Two sets of a flow are open at a time: the newest and the one before it, which may be
  /// overtaken.
  std::shared_ptr<Group> join(const StreamKey& stream, const PduSetMark& mark,
                              std::uint32_t bytes) {
    auto& [older, newer] = open_[stream];
    std::shared_ptr<Group> group;
    if (newer.group && newer.pssn == mark.pssn) {
      group = newer.group;
    } else if (older.group && older.pssn == mark.pssn) {
      group = older.group;
    } else {
      if (older.group) older.group->decided = true;
      older = std::move(newer);
      newer = {.pssn = mark.pssn, .group = std::make_shared<Group>()};
      group = newer.group;
    }
    ++group->pdus;
    group->bytes += bytes;
    if (mark.pdus_in_set && *mark.pdus_in_set != 0)
      group->expected = *mark.pdus_in_set;
    else if (mark.end_of_pdu_set)
      group->expected = last_number(*group, mark) + 1;
    if (group->whole()) group->decided = true;
    return group;
  }
  /// PSN of the last PDU in full: its turns follow from how many came before.
  static std::uint32_t last_number(const Group& group, const PduSetMark& mark) {
    if (mark.psn16) return *mark.psn16;
    const std::uint32_t seen = group.pdus - 1;
    const std::uint32_t turns =
        (seen + Psn::count_of_values - 1 - mark.psn.value()) / Psn::count_of_values;
    return turns * Psn::count_of_values + mark.psn.value();
  }

  template <class Out>
  void release(Out&& out) {
    while (!held_.empty()) {
      Held& front = held_.front();
      if (front.group && !front.group->decided) {
        if (held_.size() <= held_items_max && held_bytes_ <= held_bytes_max) return;
        front.group->decided = true;
      }
      out(static_cast<const Held&>(front));
      held_bytes_ -= front.raw.size();
      held_.pop_front();
    }
    if (open_.size() > flows_open_max) open_.clear();  // nothing waits for them
  }

  static constexpr std::size_t flows_open_max = 4096;
  std::deque<Held> held_;
  std::size_t held_bytes_ = 0;
  std::unordered_map<StreamKey, std::pair<Open, Open>, StreamHash> open_;
};

}  // namespace lobo::app

#include "dataplane/n4/answer_cache.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "dataplane/n4/limits.hpp"
#include "dataplane/n4/types.hpp"
#include "model/address.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {
namespace {

std::uint64_t hash_of(Bytes bytes) { return std::hash<std::string_view>{}(pfcp::text_of(bytes)); }

}  // namespace

std::size_t AnswerCache::KeyHash::operator()(const Key& key) const noexcept {
  const std::uint64_t address =
      std::visit([](const auto& one) { return hash_of(std::as_bytes(std::span(one.octets))); },
                 key.from.address);
  const std::uint64_t rest = std::uint64_t{key.from.port} << 40U |
                             std::uint64_t{static_cast<std::uint8_t>(key.type)} << 32U |
                             key.sequence_number;
  const std::uint64_t mixed = (address ^ rest) * 0x9E3779B97F4A7C15;
  return static_cast<std::size_t>(mixed ^ (mixed >> 32U));
}

MessageBytes AnswerCache::find(const Key& key, Bytes request) const {
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second.request != hash_of(request)) return nullptr;
  const auto peer = peers_.find(key.from.address);
  const bool is_of_now = peer != peers_.end() && peer->second.epoch == found->second.epoch;
  return is_of_now ? found->second.answer : nullptr;
}

bool AnswerCache::has_room(const model::IpAddress& from) const {
  if (order_.size() >= answers_max || bytes_ >= answer_bytes_max) return false;
  const auto held = peers_.find(from);
  return held == peers_.end() || held->second.count < answers_per_peer_max;
}

void AnswerCache::put(const Key& key, Bytes request, MessageBytes answer, Instant now) {
  const std::size_t size = answer->size();
  order_.push_back({key, now, ++numbers_, size});
  bytes_ += size;
  Held& peer = peers_[key.from.address];
  ++peer.count;
  entries_.insert_or_assign(key, Entry{hash_of(request), numbers_, peer.epoch, std::move(answer)});
}

void AnswerCache::begin_anew(const model::IpAddress& from) {
  // Where nothing is held there is nothing to tell apart.
  const auto peer = peers_.find(from);
  if (peer != peers_.end()) ++peer->second.epoch;
}

void AnswerCache::forget_old(Instant now) {
  while (!order_.empty() && order_.front().at + kept_ <= now) {
    const Place& oldest = order_.front();
    const auto entry = entries_.find(oldest.key);
    // Another request may have taken its key since.
    if (entry != entries_.end() && entry->second.number == oldest.number) entries_.erase(entry);
    const auto peer = peers_.find(oldest.key.from.address);
    if (peer != peers_.end() && --peer->second.count == 0) peers_.erase(peer);
    bytes_ -= oldest.bytes;
    order_.pop_front();
  }
}

}  // namespace lobo::dataplane::n4

#include "wire/xrm/receiver.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/metadata.hpp"
#include "wire/xrm/option.hpp"
#include "wire/xrm/protected.hpp"
#include "wire/xrm/replay_window.hpp"
#include "wire/xrm/sender.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::xrm {

Receiver::Windows::Windows() {
  index_.fill(empty);
  windows_.reserve(senders_max);
}

/// Where the sender stands, or the empty slot where it would. There is always an empty one.
std::size_t Receiver::Windows::slot_of(SenderId sender) const {
  std::size_t slot = static_cast<std::size_t>(sender) % slots;
  while (index_[slot] != empty && windows_[index_[slot]].first != sender) slot = (slot + 1) % slots;
  return slot;
}

ReplayWindow* Receiver::Windows::find(SenderId sender) {
  const std::uint16_t at = index_[slot_of(sender)];
  return at == empty ? nullptr : &windows_[at].second;
}

ReplayWindow* Receiver::Windows::add(SenderId sender) {
  if (windows_.size() == senders_max) return nullptr;
  index_[slot_of(sender)] = static_cast<std::uint16_t>(windows_.size());
  return &windows_.emplace_back(sender, ReplayWindow{}).second;
}

Receiver::Receiver(ReceiverSettings settings) : settings_(settings) {}

Result<void> Receiver::add(Context context) {
  auto& entry = entries_[static_cast<std::size_t>(context.key_id())];
  if (entry) return fail(Errc::duplicate, "there is a context with this KeyID already");
  if (live_ == contexts_max) return fail(Errc::too_many, "more contexts than are kept at once");
  entry = std::make_unique<Entry>(std::move(context));
  ++live_;
  return {};
}

bool Receiver::remove(KeyId id) {
  auto& entry = entries_[static_cast<std::size_t>(id)];
  if (!entry) return false;
  entry.reset();
  --live_;
  return true;
}

tl::expected<Marking, Unmarked> Receiver::read_clear(Bytes body) const {
  if (settings_.accept == Accept::protected_only)
    return tl::unexpected(Unmarked::clear_not_accepted);
  const auto metadata = read_body(body, Padding::none, settings_.leniency);
  if (!metadata) return tl::unexpected(metadata.error());
  return Marking{metadata->mark, metadata->warnings, std::nullopt};
}

namespace {

std::optional<Unmarked> refusal_of(ReplayWindow::Verdict verdict) {
  switch (verdict) {
    case ReplayWindow::Verdict::fresh: return std::nullopt;
    case ReplayWindow::Verdict::replayed: return Unmarked::replayed;
    case ReplayWindow::Verdict::too_old: return Unmarked::too_old;
  }
  std::abort();
}

}  // namespace

/// All that can be refused without the key; nothing is remembered of it.
std::optional<Unmarked> Receiver::prepare(Bytes body, UdpHeader udp, Opening& opening) {
  const auto parts = split_protected(body);
  if (!parts) return parts.error();
  Entry* entry = entries_[static_cast<std::size_t>(parts->key_id)].get();
  if (entry == nullptr) return Unmarked::key_unknown;
  const Context& context = entry->context;
  if (parts->tag_length == TagLength::short_ && context.tag() != TagLength::short_)
    return Unmarked::short_tag_refused;
  if (!context.senders().contains(parts->sender)) return Unmarked::sid_refused;
  if (const ReplayWindow* window = entry->windows.find(parts->sender))
    if (const auto refused = refusal_of(window->check(parts->counter))) return refused;
  opening.entry = entry;
  opening.parts = *parts;
  opening.nonce = context.nonce(parts->sender, parts->counter);
  opening.aad = context.aad(udp, ProtectedHeader(parts->header.first<protected_header_bytes>()));
  return std::nullopt;
}

OpenJob Receiver::job_of(Opening& opening) {
  return {.nonce = &opening.nonce,
          .aad = opening.aad,
          .sealed = opening.parts.sealed,
          .tag = opening.parts.tag,
          .plain = MutableBytes(opening.plain).first(opening.parts.sealed.size())};
}

/// What may change the replay window: only here, behind the tag. The window is asked once more, as
/// the same counter may stand twice in one batch; so that a batch is answered as its packets one by
/// one, this comes before the tag.
tl::expected<Marking, Unmarked> Receiver::finish(Opening& opening, const OpenJob& job) const {
  const ProtectedParts& parts = opening.parts;
  Windows& windows = opening.entry->windows;
  ReplayWindow* window = windows.find(parts.sender);
  if (window != nullptr)
    if (const auto refused = refusal_of(window->check(parts.counter)))
      return tl::unexpected(*refused);
  if (!job.authentic) return tl::unexpected(Unmarked::not_authentic);
  if (window == nullptr) window = windows.add(parts.sender);
  if (window == nullptr) return tl::unexpected(Unmarked::senders_exhausted);
  window->take(parts.counter);
  const auto metadata = read_body(job.plain, Padding::zeros, settings_.leniency);
  if (!metadata) return tl::unexpected(metadata.error());
  Marking marking{metadata->mark, metadata->warnings,
                  Origin{parts.key_id, parts.sender, parts.counter}};
  if (parts.reserved_bits_set) marking.warnings.add(Warning::reserved_bits_set);
  return marking;
}

tl::expected<Marking, Unmarked> Receiver::read(Bytes body, UdpHeader udp) {
  if (body.empty()) return tl::unexpected(Unmarked::truncated);
  if (form_of(body.front()) == Form::clear) return read_clear(body);
  Opening& opening = openings_.front();
  if (const auto refused = prepare(body, udp, opening)) return tl::unexpected(*refused);
  OpenJob job = job_of(opening);
  opening.entry->context.aead().open(std::span(&job, 1));
  return finish(opening, job);
}

void Receiver::read(std::span<ReadRequest> requests) {
  for (ReadRequest& request : requests) {
    if (request.body.empty() || form_of(request.body.front()) == Form::clear) {
      request.marking = read(request.body, request.udp);
      continue;
    }
    Opening& opening = openings_[pending_];
    if (const auto refused = prepare(request.body, request.udp, opening)) {
      request.marking = tl::unexpected(*refused);
      continue;
    }
    jobs_[pending_] = job_of(opening);
    waiting_[pending_] = &request;
    ++pending_;
    if (pending_ == batch_jobs_max) flush();
  }
  flush();
}

/// Opens what is pending, one call for each run of one context.
void Receiver::flush() {
  for (std::size_t begin = 0; begin < pending_;) {
    Entry* const entry = openings_[begin].entry;
    std::size_t end = begin + 1;
    while (end < pending_ && openings_[end].entry == entry) ++end;
    entry->context.aead().open(std::span(jobs_).subspan(begin, end - begin));
    for (; begin < end; ++begin) waiting_[begin]->marking = finish(openings_[begin], jobs_[begin]);
  }
  pending_ = 0;
}

}  // namespace lobo::xrm

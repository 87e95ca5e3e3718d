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

std::optional<Unmarked> Receiver::read_clear(Bytes body, Marking& marking) const {
  if (settings_.accept == Accept::protected_only) return Unmarked::clear_not_accepted;
  return read_body(body, Padding::none, settings_.leniency, marking.mark, marking.warnings);
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

Marking& begun_in(ReadRequest& request) {
  request.marking.emplace();
  return *request.marking;
}
/// The marking that was begun counts, unless it is refused.
void settle(ReadRequest& request, std::optional<Unmarked> refused) {
  if (refused) request.marking = tl::unexpected(*refused);
}

}  // namespace

/// All that can be refused without the key; nothing is remembered of it.
std::optional<Unmarked> Receiver::prepare(Bytes body, UdpHeader udp, Opening& opening) {
  ProtectedParts& parts = opening.parts;
  if (const auto refused = split_protected(body, parts)) return refused;
  Entry* entry = entries_[static_cast<std::size_t>(parts.key_id)].get();
  if (entry == nullptr) return Unmarked::key_unknown;
  const Context& context = entry->context;
  if (parts.tag_length == TagLength::short_ && context.tag() != TagLength::short_)
    return Unmarked::short_tag_refused;
  if (!context.senders().contains(parts.sender)) return Unmarked::sid_refused;
  opening.entry = entry;
  opening.window = entry->windows.find(parts.sender);
  if (opening.window != nullptr)
    if (const auto refused = refusal_of(opening.window->check(parts.counter))) return refused;
  opening.nonce = context.nonce(parts.sender, parts.counter);
  opening.aad = context.aad(udp, ProtectedHeader(parts.header.first<protected_header_bytes>()));
  return std::nullopt;
}

void Receiver::make_job(Opening& opening, OpenJob& job) {
  job.nonce = &opening.nonce;
  job.aad = opening.aad;
  job.sealed = opening.parts.sealed;
  job.tag = opening.parts.tag;
  job.plain = MutableBytes(opening.plain).first(opening.parts.sealed.size());
  job.authentic = false;
}

/// What may change the replay window: only here, behind the tag. The window is asked once more, as
/// the same counter may stand twice in one batch; so that a batch is answered as its packets one by
/// one, this comes before the tag.
std::optional<Unmarked> Receiver::finish(Opening& opening, const OpenJob& job,
                                         Marking& marking) const {
  const ProtectedParts& parts = opening.parts;
  Windows& windows = opening.entry->windows;
  // A SID that was new may have been added since, by another packet of this batch.
  ReplayWindow* window = opening.window != nullptr ? opening.window : windows.find(parts.sender);
  if (window != nullptr)
    if (const auto refused = refusal_of(window->check(parts.counter))) return refused;
  if (!job.authentic) return Unmarked::not_authentic;
  if (window == nullptr) window = windows.add(parts.sender);
  if (window == nullptr) return Unmarked::senders_exhausted;
  window->take(parts.counter);
  if (parts.reserved_bits_set) marking.warnings.add(Warning::reserved_bits_set);
  marking.origin = Origin{parts.key_id, parts.sender, parts.counter};
  return read_body(job.plain, Padding::zeros, settings_.leniency, marking.mark, marking.warnings);
}

tl::expected<Marking, Unmarked> Receiver::read(Bytes body, UdpHeader udp) {
  ReadRequest request{body, udp};
  read(std::span(&request, 1));
  return request.marking;
}

void Receiver::read(std::span<ReadRequest> requests) {
  for (ReadRequest& request : requests) {
    if (request.body.empty()) {
      request.marking = tl::unexpected(Unmarked::truncated);
      continue;
    }
    if (form_of(request.body.front()) == Form::clear) {
      settle(request, read_clear(request.body, begun_in(request)));
      continue;
    }
    Opening& opening = openings_[pending_];
    if (const auto refused = prepare(request.body, request.udp, opening)) {
      request.marking = tl::unexpected(*refused);
      continue;
    }
    make_job(opening, jobs_[pending_]);
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
    for (; begin < end; ++begin) {
      ReadRequest& request = *waiting_[begin];
      settle(request, finish(openings_[begin], jobs_[begin], begun_in(request)));
    }
  }
  pending_ = 0;
}

}  // namespace lobo::xrm

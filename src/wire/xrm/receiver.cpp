#include "wire/xrm/receiver.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/pdu_set.hpp"
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

std::optional<Unmarked> Receiver::read_clear(MarkRequest& request) const {
  if (settings_.accept == Accept::protected_only) return Unmarked::clear_not_accepted;
  return read_body(request.body, Padding::none, settings_.leniency, *request.mark,
                   request.warnings);
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
std::optional<Unmarked> Receiver::prepare(MarkRequest& request, std::size_t at) {
  ProtectedParts parts;
  if (const auto refused = split_protected(request.body, parts)) return refused;
  Entry* entry = entries_[static_cast<std::size_t>(parts.key_id)].get();
  if (entry == nullptr) return Unmarked::key_unknown;
  const Context& context = entry->context;
  if (parts.tag_length == TagLength::short_ && context.tag() != TagLength::short_)
    return Unmarked::short_tag_refused;
  if (!context.senders().contains(parts.sender)) return Unmarked::sid_refused;
  Opening& opening = openings_[at];
  opening.window = entry->windows.find(parts.sender);
  if (opening.window != nullptr)
    if (const auto refused = refusal_of(opening.window->check(parts.counter))) return refused;
  opening.entry = entry;
  opening.request = &request;
  opening.sender = parts.sender;
  opening.counter = parts.counter;
  opening.reserved_bits_set = parts.reserved_bits_set;
  opening.nonce = context.nonce(parts.sender, parts.counter);
  opening.aad = context.aad(UdpHeader(request.udp, UdpHeader::extent),
                            ProtectedHeader(parts.header.first<protected_header_bytes>()));
  OpenJob& job = jobs_[at];
  job.nonce = &opening.nonce;
  job.aad = opening.aad;
  job.sealed = parts.sealed;
  job.tag = parts.tag;
  job.plain = {
      parts.sealed.size() <= opening.plain.size() ? opening.plain.data() : long_plain_[at].data(),
      parts.sealed.size()};
  job.authentic = false;
  return std::nullopt;
}

/// What may change the replay window: only here, behind the tag. The window is asked once more, as
/// the same counter may stand twice in one batch; so that a batch is answered as its packets one by
/// one, this comes before the tag.
std::optional<Unmarked> Receiver::finish(const Opening& opening, const OpenJob& job) const {
  Windows& windows = opening.entry->windows;
  // A SID that was new may have been added since, by another packet of this batch.
  ReplayWindow* window = opening.window != nullptr ? opening.window : windows.find(opening.sender);
  if (window != nullptr)
    if (const auto refused = refusal_of(window->check(opening.counter))) return refused;
  if (!job.authentic) return Unmarked::not_authentic;
  if (window == nullptr) window = windows.add(opening.sender);
  if (window == nullptr) return Unmarked::senders_exhausted;
  window->take(opening.counter);
  MarkRequest& request = *opening.request;
  if (opening.reserved_bits_set) request.warnings.add(Warning::reserved_bits_set);
  request.origin = Origin{opening.entry->context.key_id(), opening.sender, opening.counter};
  return read_body(job.plain, Padding::zeros, settings_.leniency, *request.mark, request.warnings);
}

tl::expected<Marking, Unmarked> Receiver::read(Bytes body, UdpHeader udp) {
  ReadRequest request{body, udp};
  read(std::span(&request, 1));
  return request.marking;
}

void Receiver::read(std::span<ReadRequest> requests) {
  while (!requests.empty()) {
    const std::size_t count = std::min(requests.size(), batch_jobs_max);
    std::array<PduSetMark, batch_jobs_max> marks;
    std::array<MarkRequest, batch_jobs_max> asked;
    for (std::size_t i = 0; i < count; ++i)
      asked[i] = {.body = requests[i].body, .udp = requests[i].udp.data(), .mark = &marks[i]};
    read(std::span(asked).first(count));
    for (std::size_t i = 0; i < count; ++i) {
      if (asked[i].refused)
        requests[i].marking = tl::unexpected(*asked[i].refused);
      else
        requests[i].marking = Marking{marks[i], asked[i].warnings, asked[i].origin};
    }
    requests = requests.subspan(count);
  }
}

void Receiver::read(std::span<MarkRequest> requests) {
  for (MarkRequest& request : requests) {
    request.warnings = {};
    request.refused.reset();
    request.origin.reset();
    *request.mark = PduSetMark{};
    if (request.body.empty()) {
      request.refused = Unmarked::truncated;
    } else if (form_of(request.body.front()) == Form::clear) {
      request.refused = read_clear(request);
    } else if (const auto refused = prepare(request, pending_)) {
      request.refused = refused;
    } else if (++pending_ == batch_jobs_max) {
      flush();
    }
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
    for (; begin < end; ++begin)
      openings_[begin].request->refused = finish(openings_[begin], jobs_[begin]);
  }
  pending_ = 0;
}

}  // namespace lobo::xrm

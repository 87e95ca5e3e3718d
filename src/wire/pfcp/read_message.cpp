#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <tl/expected.hpp>

#include "base/bytes.hpp"
#include "base/few.hpp"
#include "base/require.hpp"
#include "wire/pfcp/codec.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/ie.hpp"
#include "wire/pfcp/members.hpp"
#include "wire/pfcp/message_members.hpp"  // NOLINT(misc-include-cleaner): specialisations
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/repeated.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::pfcp {
namespace {

constexpr std::size_t members_max = 32;
using Seen = std::bitset<members_max>;

void count(std::uint16_t& counter) {
  if (counter < 0xFFFF) ++counter;
}

void pass_over(const Ie& ie, Remarks& remarks) {
  count(remarks.unknown);
  if (ie.is_vendors() || !is_unserved(ie.type)) return;
  count(remarks.unserved);
  if (!remarks.first_unserved) remarks.first_unserved = ie.type;
}

template <Grouped G>
std::optional<Refusal> read_group(Bytes ies, G& out, Remarks& remarks);

template <class T>
std::optional<Refusal> read_one(const Ie& ie, T& out, Remarks& remarks) {
  if constexpr (Grouped<T>) {
    auto refusal = read_group(ie.value, out, remarks);
    if (refusal && !refusal->within) refusal->within = ie.type;
    return refusal;
  } else {
    (void)remarks;
    switch (read_value(ie.value, out)) {
      case Reading::good: return std::nullopt;
      case Reading::length: return Refusal{Cause::invalid_length, ie.type, std::nullopt};
      case Reading::incorrect: return Refusal{Cause::mandatory_ie_incorrect, ie.type, std::nullopt};
    }
    return std::nullopt;
  }
}

// Gives one information element to the member that has its type. `refusal` and `taken` say what
// became of it.
class Taker {
 public:
  Taker(const Ie& ie, Bytes group, Seen& seen, Remarks& remarks)
      : ie_(ie), group_(group), seen_(seen), remarks_(remarks) {}

  template <class T>
  void operator()(Presence presence, IeType type, T& member) {
    const std::size_t place = place_++;
    if (taken_ || type != ie_.type) return;
    taken_ = true;
    auto fault = take(member, place);
    if (fault && presence == Presence::optional) {
      count(remarks_.malformed);
      forget(member);
    } else if (fault) {
      refusal_ = fault;
    }
  }

  bool taken() const { return taken_; }
  const std::optional<Refusal>& refusal() const { return refusal_; }

 private:
  // The first of a type holds (clause 7.6): a later one does not even have to be readable.
  bool is_repetition(std::size_t place) {
    if (!seen_.test(place)) {
      seen_.set(place);
      return false;
    }
    count(remarks_.repeated);
    return true;
  }

  template <class T>
  std::optional<Refusal> take(T& member, std::size_t place) {
    if (is_repetition(place)) return std::nullopt;
    return read_one(ie_, member, remarks_);
  }
  template <class T>
  std::optional<Refusal> take(std::optional<T>& member, std::size_t place) {
    if (is_repetition(place)) return std::nullopt;
    return read_one(ie_, member.emplace(), remarks_);
  }
  template <class T, std::size_t most>
  std::optional<Refusal> take(Few<T, most>& member, std::size_t place) {
    seen_.set(place);
    T value{};
    if (auto fault = read_one(ie_, value, remarks_)) return fault;
    if (member.add(value)) return std::nullopt;
    return Refusal{Cause::no_resources_available, ie_.type, std::nullopt};
  }
  template <class T>
  std::optional<Refusal> take(Repeated<T>& member, std::size_t place) {
    seen_.set(place);
    T value{};
    member = Repeated<T>::within(group_, ie_.type);
    return read_one(ie_, value, remarks_);
  }

  template <class T>
  static void forget(std::optional<T>& member) {
    member.reset();
  }
  template <class T, std::size_t most>
  static void forget(Few<T, most>& /*it keeps what was good*/) {}
  // Tables of ours alone say which members are optional, and no such list is: it is gone through
  // again later, and then has to be good throughout.
  template <class T>
  static void forget(Repeated<T>& /*member*/) {
    require(false);
  }
  template <class T>
  static void forget(T& /*one that is there always is not optional*/) {
    require(false);
  }

  const Ie& ie_;
  Bytes group_;
  Seen& seen_;
  Remarks& remarks_;
  std::optional<Refusal> refusal_;
  std::size_t place_ = 0;
  bool taken_ = false;
};

// The first mandatory member that was not seen.
class Missing {
 public:
  explicit Missing(const Seen& seen) : seen_(seen) {}
  template <class T>
  void operator()(Presence presence, IeType type, const T& /*member*/) {
    const std::size_t place = place_++;
    if (presence == Presence::mandatory && !seen_.test(place) && !refusal_)
      refusal_ = Refusal{Cause::mandatory_ie_missing, type, std::nullopt};
  }
  const std::optional<Refusal>& refusal() const { return refusal_; }

 private:
  const Seen& seen_;
  std::optional<Refusal> refusal_;
  std::size_t place_ = 0;
};

// Groups lie in each other as deep as their types do, whatever a peer sends.
template <Grouped G>
std::optional<Refusal> read_group(Bytes ies, G& out, Remarks& remarks) {
  Seen seen;
  Ies walk(ies);
  while (const auto ie = walk.next()) {
    if (ie->is_vendors()) {
      pass_over(*ie, remarks);
      continue;
    }
    Taker taker(*ie, ies, seen, remarks);
    Members<G>::visit(out, taker);
    if (taker.refusal()) return taker.refusal();
    if (!taker.taken()) pass_over(*ie, remarks);
  }
  if (walk.cut()) return Refusal{Cause::invalid_length, walk.cut_type(), std::nullopt};
  Missing missing(seen);
  Members<G>::visit(out, missing);
  if (missing.refusal()) return missing.refusal();
  if constexpr (requires { Members<G>::check(out); }) return Members<G>::check(out);
  return std::nullopt;
}

}  // namespace

template <class T>
T read_again(Bytes value) {
  T group{};
  Remarks unheeded;
  require(!read_group(value, group, unheeded));
  return group;
}

template <class Message>
tl::expected<Message, Refusal> read_message(const MessageView& view, Remarks& remarks) {
  require(view.ok() && view.type == Message::type);
  tl::expected<Message, Refusal> message;
  if (auto refusal = read_group(view.ies, *message, remarks))
    return tl::unexpected<Refusal>(*refusal);
  return message;
}

std::optional<FSeid> find_f_seid(const MessageView& view) {
  Ies walk(view.ies);
  while (const auto ie = walk.next()) {
    if (ie->type != IeType::f_seid) continue;
    FSeid found;
    return read_value(ie->value, found) == Reading::good ? std::optional(found) : std::nullopt;
  }
  return std::nullopt;
}

template CreatePdr read_again(Bytes);
template CreateFar read_again(Bytes);
template CreateUrr read_again(Bytes);
template CreateQer read_again(Bytes);
template UpdatePdr read_again(Bytes);
template UpdateFar read_again(Bytes);
template UpdateUrr read_again(Bytes);
template UpdateQer read_again(Bytes);
template RemovePdr read_again(Bytes);
template RemoveFar read_again(Bytes);
template RemoveUrr read_again(Bytes);
template RemoveQer read_again(Bytes);
template RemoveSrr read_again(Bytes);
template Srr read_again(Bytes);
template QueryUrr read_again(Bytes);
template CreatedPdr read_again(Bytes);
template UsageReport read_again(Bytes);
template SessionReport read_again(Bytes);

template tl::expected<HeartbeatRequest, Refusal> read_message(const MessageView&, Remarks&);
template tl::expected<HeartbeatResponse, Refusal> read_message(const MessageView&, Remarks&);
template tl::expected<AssociationSetupRequest, Refusal> read_message(const MessageView&, Remarks&);
template tl::expected<AssociationSetupResponse, Refusal> read_message(const MessageView&, Remarks&);
template tl::expected<AssociationUpdateRequest, Refusal> read_message(const MessageView&, Remarks&);
template tl::expected<AssociationUpdateResponse, Refusal> read_message(const MessageView&,
                                                                       Remarks&);
template tl::expected<AssociationReleaseRequest, Refusal> read_message(const MessageView&,
                                                                       Remarks&);
template tl::expected<AssociationReleaseResponse, Refusal> read_message(const MessageView&,
                                                                        Remarks&);
template tl::expected<PfdManagementResponse, Refusal> read_message(const MessageView&, Remarks&);
template tl::expected<SessionSetDeletionResponse, Refusal> read_message(const MessageView&,
                                                                        Remarks&);
template tl::expected<SessionSetModificationResponse, Refusal> read_message(const MessageView&,
                                                                            Remarks&);
template tl::expected<SessionEstablishmentRequest, Refusal> read_message(const MessageView&,
                                                                         Remarks&);
template tl::expected<SessionEstablishmentResponse, Refusal> read_message(const MessageView&,
                                                                          Remarks&);
template tl::expected<SessionModificationRequest, Refusal> read_message(const MessageView&,
                                                                        Remarks&);
template tl::expected<SessionModificationResponse, Refusal> read_message(const MessageView&,
                                                                         Remarks&);
template tl::expected<SessionDeletionRequest, Refusal> read_message(const MessageView&, Remarks&);
template tl::expected<SessionDeletionResponse, Refusal> read_message(const MessageView&, Remarks&);
template tl::expected<SessionReportRequest, Refusal> read_message(const MessageView&, Remarks&);
template tl::expected<SessionReportResponse, Refusal> read_message(const MessageView&, Remarks&);

}  // namespace lobo::pfcp

#include "wire/xrm_keys/message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <variant>
#include <vector>

#include "wire/json/json.hpp"
#include "wire/json/value.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm_keys/failure.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::xrm {
namespace {

constexpr std::int64_t key_id_max = 0xFF;
constexpr std::int64_t sender_max = 0xFFFF;

/// Members of one message: each is asked for by name, and none may be left over.
class Members {
 public:
  explicit Members(const json::Value& value) : object_(value) {}

  const json::Value* take(std::string_view name) {
    const json::Value* const found = object_.find(name);
    if (found != nullptr) ++taken_;
    return found;
  }
  std::optional<std::string> text(std::string_view name) {
    const auto* const found = take(name);
    if (found == nullptr || found->text() == nullptr) return std::nullopt;
    return *found->text();
  }
  std::optional<std::int64_t> number(std::string_view name, std::int64_t low, std::int64_t high) {
    const auto* const found = take(name);
    return found == nullptr ? std::nullopt : number(*found, low, high);
  }
  /// Two numbers, the second no less than the first.
  std::optional<std::pair<std::int64_t, std::int64_t>> range(std::string_view name,
                                                             std::int64_t high) {
    const auto* const found = take(name);
    if (found == nullptr || found->array() == nullptr || found->array()->size() != 2)
      return std::nullopt;
    const auto first = number(found->array()->front(), 0, high);
    const auto last = number(found->array()->back(), 0, high);
    if (!first || !last || *last < *first) return std::nullopt;
    return std::pair{*first, *last};
  }
  /// At most `most` of them, each once; `read` says what an item means.
  template <class T, class Read>
  std::optional<std::vector<T>> list(std::string_view name, std::size_t most, const Read& read) {
    const auto* const found = take(name);
    if (found == nullptr || found->array() == nullptr || found->array()->size() > most)
      return std::nullopt;
    std::vector<T> items;
    for (const json::Value& value : *found->array()) {
      const std::optional<T> item = read(value);
      if (!item || std::ranges::find(items, *item) != items.end()) return std::nullopt;
      items.push_back(*item);
    }
    return items;
  }
  bool all_taken() const { return taken_ == object_.object()->size(); }

  static std::optional<std::int64_t> number(const json::Value& value, std::int64_t low,
                                            std::int64_t high) {
    const auto read = value.integer();
    return read && low <= *read && *read <= high ? read : std::nullopt;
  }

 private:
  const json::Value& object_;
  std::size_t taken_ = 0;
};

std::optional<KeyId> key_id_of(const json::Value& value) {
  const auto number = Members::number(value, 0, key_id_max);
  return number ? std::optional(KeyId{static_cast<std::uint8_t>(*number)}) : std::nullopt;
}
std::optional<KeyId> key_id_of(Members& members) {
  const auto* const value = members.take("keyId");
  return value == nullptr ? std::nullopt : key_id_of(*value);
}

/// A name that cannot be taken for another one when it is shown or compared.
bool is_eas_name(std::string_view name) {
  return !name.empty() && name.size() <= eas_name_max &&
         std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7F; });
}

using Read = tl::expected<KeyMessage, KeyFailure>;
constexpr auto malformed = KeyFailure::message_malformed;

Read read_welcome(Members& members) {
  const auto version = members.number("version", 0, INT64_MAX);
  if (!version) return tl::unexpected(malformed);
  // What else another version has is not for us to judge.
  if (*version != key_channel_version) return tl::unexpected(KeyFailure::version_unknown);
  auto eas = members.text("eas");
  if (!eas || !is_eas_name(*eas) || !members.all_taken()) return tl::unexpected(malformed);
  return Welcome{std::move(*eas)};
}

Read read_hello(Members& members) {
  auto names =
      members.list<Algorithm>("algorithms", key_algorithms_max, [](const json::Value& value) {
        return value.text() == nullptr ? std::nullopt : algorithm_of(*value.text());
      });
  const auto ids = members.range("keyIds", key_id_max);
  const auto lifetime = members.number("lifetimeMaxMs", 1, key_lifetime_max.count());
  auto live = members.list<KeyId>("live", keys_live_max,
                                  [](const json::Value& value) { return key_id_of(value); });
  if (!names || names->empty() || !ids || !lifetime || !live || !members.all_taken())
    return tl::unexpected(malformed);
  const KeyIdRange range{KeyId{static_cast<std::uint8_t>(ids->first)},
                         KeyId{static_cast<std::uint8_t>(ids->second)}};
  return Hello{std::move(*names), range, std::chrono::milliseconds{*lifetime}, std::move(*live)};
}

Read read_offer(Members& members) {
  const auto id = key_id_of(members);
  const auto name = members.text("algorithm");
  const auto algorithm = name ? algorithm_of(*name) : std::nullopt;
  const auto tag = members.number("tag", tag_bytes_short, tag_bytes_full);
  const auto bind = members.text("bind");
  const auto senders = members.range("senders", sender_max);
  const auto lifetime = members.number("lifetimeMs", 1, key_lifetime_max.count());
  auto replaces = members.list<KeyId>("replaces", keys_live_max,
                                      [](const json::Value& value) { return key_id_of(value); });
  const bool right = id && algorithm && tag &&
                     (*tag == tag_bytes_short || *tag == tag_bytes_full) && bind &&
                     (*bind == "full" || *bind == "length") && senders && lifetime && replaces &&
                     members.all_taken();
  if (!right) return tl::unexpected(malformed);
  const KeyTerms terms{.key_id = *id,
                       .algorithm = *algorithm,
                       .tag = *tag == tag_bytes_full ? TagLength::full : TagLength::short_,
                       .bind = *bind == "full" ? Bind::full : Bind::length,
                       .senders = {SenderId{static_cast<std::uint16_t>(senders->first)},
                                   SenderId{static_cast<std::uint16_t>(senders->second)}},
                       .lifetime = std::chrono::milliseconds{*lifetime}};
  return ContextOffer{terms, std::move(*replaces)};
}

Read read_accept(Members& members) {
  const auto id = key_id_of(members);
  if (!id || !members.all_taken()) return tl::unexpected(malformed);
  return ContextAccept{*id};
}

Read read_refuse(Members& members) {
  const auto name = members.text("reason");
  const auto reason = name ? key_failure_of(*name) : std::nullopt;
  const bool told = reason && (is_refusal(*reason) || *reason == KeyFailure::silent);
  if (!told || !members.all_taken()) return tl::unexpected(malformed);
  return Refuse{*reason};
}

template <class Empty>
Read read_empty(Members& members) {
  if (!members.all_taken()) return tl::unexpected(malformed);
  return Empty{};
}

std::string numbers(const std::vector<KeyId>& ids) {
  std::string text;
  for (const KeyId id : ids)
    fmt::format_to(std::back_inserter(text), "{}{}", text.empty() ? "" : ",",
                   static_cast<unsigned>(id));
  return text;
}

struct Write {
  std::string operator()(const Welcome& say) const {
    return fmt::format(R"({{"type":"Welcome","version":{},"eas":{}}})", key_channel_version,
                       json::quoted(say.eas));
  }
  std::string operator()(const Hello& say) const {
    std::string names;
    for (const Algorithm one : say.algorithms)
      fmt::format_to(std::back_inserter(names), R"({}"{}")", names.empty() ? "" : ",",
                     to_string(one));
    return fmt::format(
        R"({{"type":"Hello","algorithms":[{}],"keyIds":[{},{}],"lifetimeMaxMs":{},"live":[{}]}})",
        names, static_cast<unsigned>(say.key_ids.first), static_cast<unsigned>(say.key_ids.last),
        say.lifetime_max.count(), numbers(say.live));
  }
  std::string operator()(const ContextOffer& say) const {
    const KeyTerms& terms = say.terms;
    return fmt::format(
        R"({{"type":"ContextOffer","keyId":{},"algorithm":"{}","tag":{},"bind":"{}",)"
        R"("senders":[{},{}],"lifetimeMs":{},"replaces":[{}]}})",
        static_cast<unsigned>(terms.key_id), to_string(terms.algorithm), tag_bytes(terms.tag),
        terms.bind == Bind::full ? "full" : "length", static_cast<unsigned>(terms.senders.first),
        static_cast<unsigned>(terms.senders.last), terms.lifetime.count(), numbers(say.replaces));
  }
  std::string operator()(const ContextAccept& say) const {
    return fmt::format(R"({{"type":"ContextAccept","keyId":{}}})",
                       static_cast<unsigned>(say.key_id));
  }
  std::string operator()(const Refuse& say) const {
    return fmt::format(R"({{"type":"Refuse","reason":"{}"}})", to_string(say.reason));
  }
  std::string operator()(const Ping&) const { return R"({"type":"Ping"})"; }
  std::string operator()(const Pong&) const { return R"({"type":"Pong"})"; }
};

}  // namespace

std::string write_key_message(const KeyMessage& message) {
  return std::visit(Write{}, message) + '\n';
}

tl::expected<KeyMessage, KeyFailure> read_key_message(std::string_view line) {
  if (line.size() > key_message_max) return tl::unexpected(malformed);
  const auto value = json::parse(line);
  if (!value || value->object() == nullptr) return tl::unexpected(malformed);
  Members members(*value);
  const auto type = members.text("type");
  if (!type) return tl::unexpected(malformed);
  if (*type == "Welcome") return read_welcome(members);
  if (*type == "Hello") return read_hello(members);
  if (*type == "ContextOffer") return read_offer(members);
  if (*type == "ContextAccept") return read_accept(members);
  if (*type == "Refuse") return read_refuse(members);
  if (*type == "Ping") return read_empty<Ping>(members);
  if (*type == "Pong") return read_empty<Pong>(members);
  return tl::unexpected(malformed);
}

bool KeyLines::take(std::string_view& bytes) {
  if (std::exchange(whole_, false)) line_.clear();
  const std::size_t end = bytes.find('\n');
  const std::size_t count = std::min(end, bytes.size());
  if (line_.size() + count > key_message_max) return false;
  line_.append(bytes.substr(0, count));
  whole_ = end != std::string_view::npos;
  bytes.remove_prefix(whole_ ? count + 1 : count);
  return true;
}

}  // namespace lobo::xrm

#include "wire/xrm/key_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/auth.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/receiver.hpp"

namespace lobo::xrm {
namespace {

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;
inline constexpr std::size_t fields_max = 8;

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return std::nullopt;
}

/// Exactly as many octets as `out` has room for.
bool read_hex(std::string_view text, MutableBytes out) {
  if (text.size() != 2 * out.size()) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto high = hex_digit(text[2 * i]);
    const auto low = hex_digit(text[2 * i + 1]);
    if (!high || !low) return false;
    out[i] = static_cast<std::byte>(*high << 4U | *low);
  }
  return true;
}

std::string hex(Bytes bytes) {
  std::string text;
  for (const std::byte b : bytes) fmt::format_to(std::back_inserter(text), "{:02x}", b);
  return text;
}

/// A number of one or two octets, in decimal.
template <class Number>
std::optional<Number> read_number(std::string_view text, std::uint64_t max) {
  const auto value = parse_decimal(text);
  if (!value || *value > max) return std::nullopt;
  return Number{static_cast<std::underlying_type_t<Number>>(*value)};
}

std::optional<SenderRange> read_range(std::string_view text) {
  const auto parts = split(text, '-');
  if (parts.empty() || parts.size() > 2) return std::nullopt;
  const auto first = read_number<SenderId>(parts.front(), 0xFFFF);
  const auto last = read_number<SenderId>(parts.back(), 0xFFFF);
  if (!first || !last || *last < *first) return std::nullopt;
  return SenderRange{*first, *last};
}

class Parser {
 public:
  Result<KeyFile> parse(std::string_view text) {
    if (text.size() > key_file_bytes_max)
      return fail(Errc::too_large,
                  fmt::format("a key file has at most {} octets", key_file_bytes_max));
    // Bound: each line takes an octet of at most key_file_bytes_max.
    while (!text.empty() && faults_.size() < key_file_faults_max && !foreign_) {
      const auto end = std::min(text.find('\n'), text.size());
      ++number_;
      line(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (!head_seen_ && faults_.empty()) fault(Errc::missing, "the file is empty");
    if (faults_.empty()) return std::move(file_);
    const Fault& first = faults_.front();
    auto detail = fmt::format("key file, {}: {}", first.where, first.reason);
    const Errc code = first.code;
    return fail(code, std::move(detail), std::move(faults_));
  }

 private:
  void fault(Errc code, std::string reason) {
    if (faults_.size() == key_file_faults_max) return;
    faults_.push_back({code, fmt::format("line {}", std::max(number_, 1UL)), std::move(reason)});
  }

  void line(std::string_view text) {
    if (text.size() > key_file_line_max)
      return fault(Errc::too_large, fmt::format("a line has at most {} octets", key_file_line_max));
    const auto printable = [](char c) { return (c >= ' ' && c <= '~') || c == '\t'; };
    if (!std::all_of(text.begin(), text.end(), printable))
      return fault(Errc::malformed, "only printable ASCII, blanks and tabs may stand here");
    if (!head_seen_) {
      head_seen_ = true;
      foreign_ = text != key_file_head;  // then no line of it is meant for us
      if (foreign_)
        fault(Errc::malformed, fmt::format("the first line must be \"{}\"", key_file_head));
      return;
    }
    const auto words = words_of(text);
    if (words.empty() || words.front().front() == '#') return;
    Fields fields;
    if (!split_fields(words, fields)) return;
    if (words.front() == "context") return context(fields);
    if (words.front() == "auth") return auth(fields);
    fault(Errc::not_allowed, "a line begins with context, auth or #");
  }

  static std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    for (std::size_t at = text.find_first_not_of(" \t"); at != std::string_view::npos;) {
      const auto end = std::min(text.find_first_of(" \t", at), text.size());
      words.push_back(text.substr(at, end - at));
      at = text.find_first_not_of(" \t", end);
    }
    return words;
  }

  bool split_fields(const std::vector<std::string_view>& words, Fields& fields) {
    if (words.size() > fields_max + 1) {
      fault(Errc::too_many, "more fields than any line has");
      return false;
    }
    for (std::size_t i = 1; i < words.size(); ++i) {
      const auto equals = words[i].find('=');
      if (equals == std::string_view::npos || equals == 0 || equals + 1 == words[i].size()) {
        fault(Errc::malformed, fmt::format("field {} is not name=value", i));
        return false;
      }
      const auto name = words[i].substr(0, equals);
      const auto same = [&](const auto& field) { return field.first == name; };
      if (std::any_of(fields.begin(), fields.end(), same)) {
        fault(Errc::duplicate, fmt::format("field {} gives a name again", i));
        return false;
      }
      fields.emplace_back(name, words[i].substr(equals + 1));
    }
    return true;
  }

  /// Takes a field out; reports what is wrong with it. `read` returns false for a bad value.
  template <class Read>
  bool take(Fields& fields, std::string_view name, bool required, std::string_view form,
            const Read& read) {
    const auto at = std::find_if(fields.begin(), fields.end(),
                                 [&](const auto& field) { return field.first == name; });
    if (at == fields.end()) {
      if (required) fault(Errc::missing, fmt::format("{} is missing: {}", name, form));
      return !required;
    }
    const auto value = at->second;
    fields.erase(at);
    if (read(value)) return true;
    fault(Errc::out_of_range, fmt::format("{} must be {}", name, form));
    return false;
  }

  template <class Value>
  static auto into(Value& target, std::optional<Value> (*read)(std::string_view)) {
    return [&target, read](std::string_view text) {
      const auto value = read(text);
      if (value) target = *value;
      return value.has_value();
    };
  }

  bool key(Fields& fields, std::size_t bytes, Key& key) {
    return take(fields, "key", true, fmt::format("{} hexadecimal digits", 2 * bytes),
                [&](std::string_view text) {
                  std::array<std::byte, Key::bytes_max> octets{};
                  const auto part = MutableBytes(octets).first(bytes);
                  const bool good = read_hex(text, part);
                  if (good) key = *Key::from(part);
                  wipe(octets);
                  return good;
                });
  }

  bool key_id(Fields& fields, KeyId& id) {
    return take(fields, "id", true, "0 to 255", into<KeyId>(id, [](std::string_view text) {
                  return read_number<KeyId>(text, 0xFF);
                }));
  }

  bool all_taken(const Fields& fields) {
    if (fields.empty()) return true;
    fault(Errc::not_allowed, "a field has a name that is not known on such a line");
    return false;
  }

  void context(Fields fields) {
    ContextSettings settings;
    bool good = key_id(fields, settings.key_id);
    good &= take(fields, "alg", true, "aes-128-gcm, aes-256-gcm or chacha20-poly1305",
                 into<Algorithm>(settings.algorithm, algorithm_of));
    good &= key(fields, key_bytes(settings.algorithm), settings.key);
    good &= take(fields, "iv", true, fmt::format("{} hexadecimal digits", 2 * nonce_bytes),
                 [&](std::string_view text) { return read_hex(text, settings.iv); });
    good &= take(fields, "tag", false, "16 or 8",
                 into<TagLength>(settings.tag, [](std::string_view text) {
                   if (text == "16") return std::optional(TagLength::full);
                   return text == "8" ? std::optional(TagLength::short_) : std::nullopt;
                 }));
    good &= take(fields, "bind", false, "full or length",
                 into<Bind>(settings.bind, [](std::string_view text) {
                   if (text == "full") return std::optional(Bind::full);
                   return text == "length" ? std::optional(Bind::length) : std::nullopt;
                 }));
    good &= take(fields, "sid", false, "FIRST-LAST, of 0 to 65535",
                 into<SenderRange>(settings.senders, read_range));
    if (!all_taken(fields) || !good) return;
    if (!context_ids_.insert(settings.key_id).second)
      return fault(Errc::duplicate, "another context has this id");
    if (file_.contexts.size() == contexts_max)
      return fault(Errc::too_many, fmt::format("a key file has at most {} contexts", contexts_max));
    file_.contexts.push_back(settings);
  }

  void auth(Fields fields) {
    AuthKey one;
    bool good = key_id(fields, one.id);
    good &= key(fields, mac_key_bytes, one.key);
    good &= take(fields, "cover", false, "options or all",
                 into<AuthCover>(one.cover, [](std::string_view text) {
                   if (text == "options") return std::optional(AuthCover::options);
                   return text == "all" ? std::optional(AuthCover::all) : std::nullopt;
                 }));
    if (!all_taken(fields) || !good) return;
    if (!auth_ids_.insert(one.id).second)
      return fault(Errc::duplicate, "another auth key has this id");
    if (file_.auth.size() == auth_keys_max)
      return fault(Errc::too_many,
                   fmt::format("a key file has at most {} auth keys", auth_keys_max));
    file_.auth.push_back(one);
  }

  KeyFile file_;
  std::set<KeyId> context_ids_;
  std::set<KeyId> auth_ids_;
  std::vector<Fault> faults_;
  std::size_t number_ = 0;
  bool head_seen_ = false;
  bool foreign_ = false;
};

}  // namespace

Result<KeyFile> read_key_file(std::string_view text) { return Parser().parse(text); }

std::string write_key_file(const KeyFile& file) {
  std::string text = std::string(key_file_head) + '\n';
  for (const ContextSettings& context : file.contexts)
    fmt::format_to(
        std::back_inserter(text), "context id={} alg={} key={} iv={} tag={} bind={} sid={}-{}\n",
        static_cast<unsigned>(context.key_id), to_string(context.algorithm),
        hex(context.key.bytes()), hex(context.iv), tag_bytes(context.tag),
        context.bind == Bind::full ? "full" : "length",
        static_cast<unsigned>(context.senders.first), static_cast<unsigned>(context.senders.last));
  for (const AuthKey& one : file.auth)
    fmt::format_to(std::back_inserter(text), "auth id={} key={} cover={}\n",
                   static_cast<unsigned>(one.id), hex(one.key.bytes()), to_string(one.cover));
  return text;
}

}  // namespace lobo::xrm

#include "wire/json/writer.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

#include "base/octets.hpp"
#include "base/require.hpp"
#include "base/text.hpp"
#include "model/date_time.hpp"
#include "wire/json/formats.hpp"
#include "wire/json/json.hpp"
#include "wire/json/type.hpp"

namespace lobo::json {
namespace {

constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

template <class N>
void write_number(std::string& out, N value) {
  std::array<char, 32> digits;
  const auto done = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  require(done.ec == std::errc{});
  out.append(digits.data(), done.ptr);
}

/// A quote, a backslash or a control character.
void write_escaped(std::string& out, char c) {
  static constexpr std::string_view hex = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  const auto code = static_cast<unsigned char>(c);
  out += "\\u00";
  out += hex[code >> 4U];
  out += hex[code & 15U];
}

/// The length of the well-formed UTF-8 sequence at the start of `text`, 0 where there is none.
std::size_t sequence_length(std::string_view text) {
  for (std::size_t length = 1; length <= 4 && length <= text.size(); ++length)
    if (is_utf8(text.substr(0, length))) return length;
  return 0;
}

std::string repaired(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    out += length > 0 ? text.substr(0, length) : replacement_character;
    text.remove_prefix(length > 0 ? length : 1);
  }
  return out;
}

struct MapWriting {
  std::string& out;
  const Type& inner;
  bool first = true;
};

/// The value that an optional member holds; null where it is to be left out.
bool left_out(const Type& type, const void* from) {
  if (type.holder == nullptr) return false;
  if (type.holder->is_null != nullptr && type.holder->is_null(from)) return false;
  return type.holder->held(from) == nullptr;
}

void write_object(std::string& out, const ObjectType& object, const void* from) {
  out += '{';
  bool first = true;
  for (const Field& field : object.fields) {
    const void* member = static_cast<const char*>(from) + field.offset;
    if (left_out(*field.type, member)) continue;
    if (!first) out += ',';
    first = false;
    out += '"';
    out += field.name;  // the generator refuses names that need escaping
    out += "\":";
    write_onto(out, *field.type, member);
  }
  out += '}';
}

}  // namespace

void write_text(std::string& out, std::string_view text) {
  constexpr auto beyond_ascii = [](auto c) { return c >= 0x80; };
  constexpr auto escaped = [](auto c) { return (c < ' ') | (c == '"') | (c == '\\'); };
  std::string sound;
  if (has_octet(text, beyond_ascii) && !is_utf8(text)) text = sound = repaired(text);
  out.reserve(out.size() + text.size() + 2);
  out += '"';
  while (true) {
    const std::size_t run = find_octet(text, escaped);
    out += text.substr(0, run);
    if (run == text.size()) break;
    write_escaped(out, text[run]);
    text.remove_prefix(run + 1);
  }
  out += '"';
}

std::string quoted(std::string_view text) {
  std::string out;
  write_text(out, text);
  return out;
}

void write_onto(std::string& out, const Type& type, const void* from) {
  switch (type.kind) {
    case Kind::boolean: out += *static_cast<const bool*>(from) ? "true" : "false"; return;
    case Kind::integer: write_number(out, *static_cast<const std::int64_t*>(from)); return;
    case Kind::unsigned_integer:
      write_number(out, *static_cast<const std::uint64_t*>(from));
      return;
    case Kind::number:
      require(std::isfinite(*static_cast<const double*>(from)));
      write_number(out, *static_cast<const double*>(from));
      return;
    case Kind::text: write_text(out, *static_cast<const std::string*>(from)); return;
    case Kind::date_time:
      write_text(out, model::format_date_time(*static_cast<const Instant*>(from)));
      return;
    case Kind::bytes:
      write_text(out, base64_encode(static_cast<const Bytes*>(from)->octets));
      return;
    case Kind::raw: out += static_cast<const Raw*>(from)->text; return;
    case Kind::enumeration:
      write_text(out, type.enumeration->names[type.enumeration->index(from)]);
      return;
    case Kind::open_enumeration: write_text(out, type.open_text(from)); return;
    case Kind::array: {
      out += '[';
      const std::size_t size = type.array->size(from);
      for (std::size_t i = 0; i < size; ++i) {
        if (i > 0) out += ',';
        write_onto(out, *type.inner, type.array->at(from, i));
      }
      out += ']';
      return;
    }
    case Kind::map: {
      out += '{';
      MapWriting writing{out, *type.inner};
      type.map->each(from, &writing, [](void* context, std::string_view key, const void* value) {
        auto& w = *static_cast<MapWriting*>(context);
        if (!w.first) w.out += ',';
        w.first = false;
        write_text(w.out, key);
        w.out += ':';
        write_onto(w.out, w.inner, value);
      });
      out += '}';
      return;
    }
    case Kind::object: write_object(out, type.object(), from); return;
    case Kind::optional:
    case Kind::patch:
    case Kind::box: {
      const void* held = type.holder->held(from);
      if (held == nullptr) {
        out += "null";
      } else {
        write_onto(out, *type.inner, held);
      }
      return;
    }
  }
}

}  // namespace lobo::json

#include "wire/json/writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/require.hpp"
#include "base/text.hpp"
#include "model/date_time.hpp"
#include "wire/json/formats.hpp"
#include "wire/json/json.hpp"

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

/// How many characters an octet needs beyond itself: 0, 1 (\n) or 5 (\u0001).
constexpr auto escape_extra = [] {
  std::array<std::uint8_t, 256> table{};
  for (unsigned c = 0; c < 0x20U; ++c) table[c] = 5;
  for (const char c : std::string_view("\"\\\b\f\n\r\t")) table[static_cast<unsigned char>(c)] = 1;
  return table;
}();

/// True where `text` is ASCII that needs no escape: nearly always, so it is found out eight octets
/// at a time.
bool is_plain(std::string_view text) {
  constexpr std::uint64_t ones = 0x0101010101010101U;
  constexpr std::uint64_t highs = ones << 7U;
  // The high bit of each octet that is 0; exact as long as no octet has its own high bit set.
  const auto zeros = [](std::uint64_t word) { return (word - ones) & ~word & highs; };
  std::size_t at = 0;
  for (; text.size() - at >= sizeof(std::uint64_t); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    const std::uint64_t controls = (word - ones * 0x20U) & ~word & highs;
    if ((word & highs) != 0 || controls != 0 || zeros(word ^ ones * '"') != 0 ||
        zeros(word ^ ones * '\\') != 0)
      return false;
  }
  return std::ranges::all_of(text.substr(at), [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return octet < 0x80U && escape_extra[octet] == 0;
  });
}

char* write_escaped(char* to, unsigned char c) {
  static constexpr std::string_view hex = "0123456789abcdef";
  *to++ = '\\';
  switch (c) {
    case '\b': *to++ = 'b'; return to;
    case '\f': *to++ = 'f'; return to;
    case '\n': *to++ = 'n'; return to;
    case '\r': *to++ = 'r'; return to;
    case '\t': *to++ = 't'; return to;
    case '"':
    case '\\': *to++ = static_cast<char>(c); return to;
    default: break;
  }
  for (const char digit : {'u', '0', '0', hex[c >> 4U], hex[c & 15U]}) *to++ = digit;
  return to;
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
  if (is_plain(text)) {
    out.reserve(out.size() + text.size() + 2);
    out += '"';
    out += text;
    out += '"';
    return;
  }
  // One pass finds how long the result is and whether anything is beyond ASCII, so that the second
  // writes into room that is there instead of appending piece by piece.
  std::size_t extra = 0;
  unsigned seen = 0;
  for (const char c : text) {
    extra += escape_extra[static_cast<unsigned char>(c)];
    seen |= static_cast<unsigned char>(c);
  }
  std::string sound;  // what replaces broken UTF-8 needs no escape, so `extra` holds for it too
  if (seen >= 0x80U && !is_utf8(text)) text = sound = repaired(text);
  const std::size_t start = out.size();
  out.resize(start + text.size() + extra + 2);
  char* to = out.data() + start;
  *to++ = '"';
  if (extra == 0) {
    to = std::copy(text.begin(), text.end(), to);
  } else {
    for (const char c : text) {
      const auto octet = static_cast<unsigned char>(c);
      if (escape_extra[octet] == 0) {
        *to++ = c;
      } else {
        to = write_escaped(to, octet);
      }
    }
  }
  *to = '"';
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

#include "adapters/log/line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "runtime/ports.hpp"

namespace lobo::adapters::log {
namespace {

std::string_view level_name(runtime::Level level, Format format) {
  switch (level) {
    case runtime::Level::debug: return format == Format::text ? "DEBUG" : "debug";
    case runtime::Level::info: return format == Format::text ? "INFO" : "info";
    case runtime::Level::warn: return format == Format::text ? "WARNING" : "warning";
    case runtime::Level::error: return format == Format::text ? "ERROR" : "error";
  }
  std::abort();
}

/// Bytes of the UTF-8 character at the front of `text`; 0 where it is none, or one that a terminal
/// obeys (C1 controls, U+0080–U+009F).
std::size_t printable_bytes(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80U) return first >= 0x20U && first != 0x7FU ? 1 : 0;
  const std::size_t length = first < 0xE0U ? 2 : first < 0xF0U ? 3 : 4;
  if (text.size() < length || !is_utf8(text.substr(0, length))) return 0;
  const bool c1 = first == 0xC2U && static_cast<unsigned char>(text[1]) < 0xA0U;
  return c1 ? 0 : length;
}

/// Characters that need no quotes in the text format: the common case, decided by one table.
constexpr auto plain = [] {
  std::array<bool, 256> table{};
  for (unsigned c = 0x21; c < 0x7F; ++c) table[c] = c != '"' && c != '\\' && c != '=';
  return table;
}();
bool is_plain(char c) { return plain[static_cast<unsigned char>(c)]; }

std::string_view cut(std::string_view value) {
  if (value.size() <= value_bytes_max) return value;
  std::size_t size = value_bytes_max;
  while (size > 0 && (static_cast<unsigned char>(value[size]) & 0xC0U) == 0x80U) --size;
  return value.substr(0, size);
}

void escape_byte(std::string& out, Format format, unsigned char byte) {
  switch (byte) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  // JSON has no bytes, only characters: one above 0x7F can only be part of broken UTF-8 or of a C1
  // control here.
  if (format == Format::json && byte >= 0x80U)
    out += "\\ufffd";
  else if (format == Format::json)
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
  else
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
}

void write_quoted(std::string& out, Format format, std::string_view value) {
  const std::string_view kept = cut(value);
  out += '"';
  for (std::size_t i = 0; i < kept.size();) {
    const char c = kept[i];
    if (is_plain(c) || c == ' ' || c == '=') {
      out += c;
      ++i;
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
      ++i;
    } else if (const std::size_t bytes = printable_bytes(kept.substr(i)); bytes > 0) {
      out += kept.substr(i, bytes);
      i += bytes;
    } else {
      escape_byte(out, format, static_cast<unsigned char>(c));
      ++i;
    }
  }
  if (kept.size() < value.size()) out += "…";
  out += '"';
}

void write_number(std::string& out, std::int64_t number) {
  std::array<char, 24> digits{};
  const auto [end, fault] = std::to_chars(digits.begin(), digits.end(), number);
  out.append(digits.begin(), end);
}

void write_value(std::string& out, Format format, std::string_view value) {
  const bool bare = format == Format::text && !value.empty() && value.size() <= value_bytes_max &&
                    std::ranges::all_of(value, is_plain);
  if (bare)
    out += value;
  else
    write_quoted(out, format, value);
}

}  // namespace

void Stamp::write(std::string& out, Instant at, Format format) {
  const auto second = std::chrono::floor<std::chrono::seconds>(at);
  if (text_.empty() || second != second_ || format != format_) {
    const auto day = std::chrono::floor<std::chrono::days>(second);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(second - day);
    const auto clock = fmt::format("{:02}:{:02}:{:02}.", time.hours().count(),
                                   time.minutes().count(), time.seconds().count());
    const auto month = static_cast<unsigned>(date.month());
    const auto day_of_month = static_cast<unsigned>(date.day());
    text_ = format == Format::text
                ? fmt::format("{:02}/{:02} {}", month, day_of_month, clock)
                : fmt::format("{{\"time\":\"{:04}-{:02}-{:02}T{}", static_cast<int>(date.year()),
                              month, day_of_month, clock);
    second_ = second;
    format_ = format;
  }
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(at - second).count();
  out += text_;
  for (const std::int64_t unit : {100, 10, 1})
    out += static_cast<char>('0' + milliseconds / unit % 10);
  out += format == Format::text ? ": " : "Z\",";
}

void write_line(std::string& out, Format format, std::string_view domain, runtime::Level level,
                std::string_view name, std::initializer_list<runtime::Field> fields) {
  const bool text = format == Format::text;
  out += text ? "[" : "\"level\":\"";
  out += text ? domain : level_name(level, format);
  out += text ? "] " : "\",\"domain\":\"";
  out += text ? level_name(level, format) : domain;
  out += text ? ": " : "\",\"event\":\"";
  out += name;
  if (!text) out += '"';
  for (const auto& field : fields) {
    out += text ? " " : ",\"";
    out += field.name;
    out += text ? "=" : "\":";
    if (const auto* number = std::get_if<std::int64_t>(&field.value))
      write_number(out, *number);
    else
      write_value(out, format, std::get<std::string_view>(field.value));
  }
  out += text ? "\n" : "}\n";
}

}  // namespace lobo::adapters::log

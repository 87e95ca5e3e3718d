#include "model/date_time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace lobo::model {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The years 1970 to 9999: what four digits and a count from the epoch upwards can both say.
constexpr Instant first_instant{};
constexpr Instant last_instant =
    Instant{std::chrono::sys_days{std::chrono::year{10000} / std::chrono::January / 1}} -
    std::chrono::microseconds{1};

/// Takes things from the front of a text; once something does not fit, `sound` stays false.
struct Scanner {
  std::string_view rest;
  bool sound = true;

  int digits(std::size_t count) {
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (i >= rest.size() || !is_digit(rest[i])) {
        sound = false;
        return 0;
      }
      value = value * 10 + (rest[i] - '0');
    }
    rest.remove_prefix(count);
    return value;
  }
  bool take(std::string_view any_of) {
    if (rest.empty() || any_of.find(rest.front()) == std::string_view::npos) return false;
    rest.remove_prefix(1);
    return true;
  }
  void expect(std::string_view any_of) { sound = take(any_of) && sound; }
};

std::chrono::microseconds fraction(Scanner& scan) {
  std::int64_t micros = 0;
  std::size_t taken = 0;
  for (; !scan.rest.empty() && is_digit(scan.rest.front()); scan.rest.remove_prefix(1), ++taken)
    if (taken < 6) micros = micros * 10 + (scan.rest.front() - '0');
  scan.sound = scan.sound && taken > 0;
  for (; taken < 6; ++taken) micros *= 10;
  return std::chrono::microseconds{micros};
}

/// `value` in `count` digits: written by hand, because every document with a duration is.
void append_digits(std::string& text, std::int64_t value, std::size_t count) {
  text.append(count, '0');
  for (std::size_t i = text.size(); count > 0; --count, value /= 10)
    text[--i] = static_cast<char>('0' + value % 10);
}

}  // namespace

// RFC 3339 clause 5.6: full-date "T" full-time. A leap second (clause 5.7) counts as the first
// instant of the next minute, since UTC as we count it has none.
std::optional<Instant> parse_date_time(std::string_view text) {
  using std::chrono::hours, std::chrono::microseconds, std::chrono::minutes, std::chrono::seconds;
  Scanner scan{text};
  const int year_number = scan.digits(4);
  scan.expect("-");
  const int month_number = scan.digits(2);
  scan.expect("-");
  const int day_number = scan.digits(2);
  scan.expect("Tt");
  const int hour = scan.digits(2);
  scan.expect(":");
  const int minute = scan.digits(2);
  scan.expect(":");
  const int second = scan.digits(2);
  if (!scan.sound) return std::nullopt;
  const microseconds part = scan.take(".") ? fraction(scan) : microseconds{0};

  minutes offset{0};
  if (!scan.take("Zz")) {
    const bool east = scan.rest.starts_with('+');
    scan.expect("+-");
    const int hours_off = scan.digits(2);
    scan.expect(":");
    const int minutes_off = scan.digits(2);
    scan.sound = scan.sound && hours_off <= 23 && minutes_off <= 59;
    offset = minutes{(hours_off * 60 + minutes_off) * (east ? 1 : -1)};
  }
  const std::chrono::year_month_day date{std::chrono::year{year_number},
                                         std::chrono::month{static_cast<unsigned>(month_number)},
                                         std::chrono::day{static_cast<unsigned>(day_number)}};
  if (!scan.sound || !scan.rest.empty() || !date.ok() || hour > 23 || minute > 59 || second > 60)
    return std::nullopt;
  // Only the last second of a UTC day can be a leap second.
  const Instant at = Instant{std::chrono::sys_days{date}} + hours{hour} + minutes{minute} +
                     seconds{second} + (second == 60 ? microseconds{0} : part) - offset;
  if (second == 60 && std::chrono::floor<std::chrono::days>(at) != at) return std::nullopt;
  if (at < first_instant || at > last_instant) return std::nullopt;
  return at;
}

std::string format_date_time(Instant at) {
  const auto midnight = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{midnight};
  const std::chrono::hh_mm_ss time{at - midnight};
  std::string text;
  text.reserve(std::string_view("2026-11-22T12:00:00.000000Z").size());
  append_digits(text, static_cast<int>(date.year()), 4);
  text += '-';
  append_digits(text, static_cast<unsigned>(date.month()), 2);
  text += '-';
  append_digits(text, static_cast<unsigned>(date.day()), 2);
  char before = 'T';
  for (const std::int64_t part :
       {time.hours().count(), time.minutes().count(), time.seconds().count()}) {
    text += before;
    append_digits(text, part, 2);
    before = ':';
  }
  if (time.subseconds().count() != 0) {
    text += '.';
    append_digits(text, time.subseconds().count(), 6);
  }
  text += 'Z';
  return text;
}

}  // namespace lobo::model

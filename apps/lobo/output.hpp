#pragma once
// What a verb shows: rows in the form that -o asked for, and errors that say what, where and what
// to do.

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "cli.hpp"

namespace lobo::app {

using Cell = std::variant<std::string, std::int64_t, double, bool>;

struct Rows {
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;  ///< each as long as `columns`
};

/// `-o,--output`, for the verbs that print rows.
Option output_option();

/// Prints in the form "json" (an array of objects), "csv" (RFC 4180) or "table".
void print_rows(std::ostream& out, const Rows& rows, std::string_view form);

/// `text` as a JSON string, quotes included; bytes that are no UTF-8 become U+FFFD.
std::string json_quoted(std::string_view text);

/// Tells an error on stderr: what was not done, why, each fault on a line, and what to do.
Exit tell(std::string_view what, const Error& error, std::string_view advice = {});

}  // namespace lobo::app

#include "output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/text.hpp"
#include "cli.hpp"
#include "exit_code.hpp"

namespace lobo::app {
namespace {

std::string plain(const Cell& cell) {
  struct Text {
    std::string operator()(const std::string& text) const { return text; }
    std::string operator()(std::int64_t number) const { return fmt::format("{}", number); }
    std::string operator()(double number) const { return fmt::format("{}", number); }
    std::string operator()(bool truth) const { return truth ? "yes" : "no"; }
  };
  return std::visit(Text{}, cell);
}

std::string as_json(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return json_quoted(*text);
  if (const auto* truth = std::get_if<bool>(&cell)) return *truth ? "true" : "false";
  return plain(cell);
}

std::string as_csv(const Cell& cell) {
  std::string text = plain(cell);
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

/// Columns that people see, which is code points for what we print.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

void print_table(std::ostream& out, const Rows& rows) {
  std::vector<std::size_t> widths;
  for (const auto& column : rows.columns) widths.push_back(width(column));
  for (const auto& row : rows.rows)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], width(plain(row[i])));
  const auto line = [&](const auto& cells, const auto& text_of) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string cell = text_of(cells[i]);
      text += cell;
      if (i + 1 < cells.size()) text += std::string(widths[i] - width(cell) + 2, ' ');
    }
    out << text << '\n';
  };
  line(rows.columns, [](const std::string& column) { return column; });
  for (const auto& row : rows.rows) line(row, plain);
}

void print_json(std::ostream& out, const Rows& rows) {
  out << '[';
  for (std::size_t r = 0; r < rows.rows.size(); ++r) {
    out << (r == 0 ? "\n  {" : ",\n  {");
    for (std::size_t i = 0; i < rows.columns.size(); ++i)
      out << (i == 0 ? "" : ", ") << json_quoted(rows.columns[i]) << ": "
          << as_json(rows.rows[r][i]);
    out << '}';
  }
  out << (rows.rows.empty() ? "]\n" : "\n]\n");
}

void print_csv(std::ostream& out, const Rows& rows) {
  for (std::size_t i = 0; i < rows.columns.size(); ++i)
    out << (i == 0 ? "" : ",") << as_csv(rows.columns[i]);
  out << "\r\n";
  for (const auto& row : rows.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) out << (i == 0 ? "" : ",") << as_csv(row[i]);
    out << "\r\n";
  }
}

}  // namespace

Option output_option() {
  return {.name = "-o,--output",
          .help = "form of the answer",
          .fallback = "table",
          .choices = {"table", "json", "csv"}};
}

void print_rows(std::ostream& out, const Rows& rows, std::string_view form) {
  if (form == "json") return print_json(out, rows);
  if (form == "csv") return print_csv(out, rows);
  print_table(out, rows);
}

std::string json_quoted(std::string_view text) {
  std::string quoted = "\"";
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80U) {
      if (c == '"' || c == '\\')
        (quoted += '\\') += c;
      else if (byte < 0x20U || byte == 0x7FU)
        quoted += fmt::format("\\u{:04x}", byte);
      else
        quoted += c;
      ++i;
      continue;
    }
    std::size_t length = 2;
    while (length <= 4 && !is_utf8(text.substr(i, length))) ++length;
    if (length > 4 || i + length > text.size()) {
      quoted += "\xEF\xBF\xBD";
      ++i;
    } else {
      quoted += text.substr(i, length);
      i += length;
    }
  }
  return quoted + '"';
}

Exit tell(std::string_view what, const Error& error, std::string_view advice) {
  std::cerr << fmt::format(
      "lobo: {}: {}\n", what,
      error.detail.empty() ? std::string(to_string(error.code)) : error.detail);
  for (const auto& fault : error.faults)
    std::cerr << fmt::format("  {}: {}\n", fault.where, fault.reason);
  if (!advice.empty()) std::cerr << fmt::format("  do: {}\n", advice);
  return exit_for(error.code);
}

}  // namespace lobo::app

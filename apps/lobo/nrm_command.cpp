#include "nrm_command.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/loop.hpp"
#include "api_client.hpp"
#include "base/result.hpp"
#include "cli.hpp"
#include "config_section.hpp"
#include "exit_code.hpp"
#include "model/date_time.hpp"
#include "output.hpp"
#include "wire/http/url.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

constexpr std::string_view default_server = "http://127.0.0.60:7777";

}  // namespace

Exit tell_nrm(std::string_view what, const Error& error, std::string_view collection) {
  switch (exit_for(error.code)) {
    case Exit::unreachable:
      return tell(what, error, "is `lobo serve` running there? --server names its root URL");
    case Exit::not_found:
      return tell(what, error, fmt::format("`lobo nrm {} list` shows what there is", collection));
    case Exit::denied:
      return tell(what, error,
                  "give a token with --token-file, or a certificate with --cert and --key");
    case Exit::ok:
    case Exit::failed:
    case Exit::usage:
    case Exit::configuration:
    case Exit::interrupted: break;
  }
  return tell(what, error);
}

Result<std::string> end_of(std::string_view text) {
  const auto from_now = parse_duration(text);
  if (from_now) return model::format_date_time(adapters::SystemClock{}.now() + *from_now);
  if (model::parse_date_time(text)) return std::string(text);
  return fail(Errc::pattern, fmt::format("'{}' is neither a duration (1h) nor a date-time", text));
}

void add_member(std::string& body, std::string_view name, std::string_view raw) {
  body += fmt::format("{}\"{}\":{}", body.size() > 1 ? "," : "", name, raw);
}

Result<json::Value> all_of(ApiClient& api, const std::string& path) {
  constexpr std::size_t list_pages_max = 1000;
  const char joint = path.find('?') == std::string::npos ? '?' : '&';
  json::Value::Array all;
  std::string cursor;
  for (std::size_t page = 0; page < list_pages_max; ++page) {
    const auto answer = api.ask("GET", cursor.empty() ? path
                                                      : fmt::format("{}{}cursor={}", path, joint,
                                                                    http::percent_encode(cursor)));
    if (!answer) return fail(answer.error());
    if (const auto* items = answer->find("items"); items != nullptr && items->array() != nullptr)
      all.insert(all.end(), items->array()->begin(), items->array()->end());
    const auto* next = answer->find("next");
    if (next == nullptr || next->text() == nullptr) break;
    cursor = *next->text();
  }
  return json::Value{std::move(all)};
}

std::vector<Option> with_server(std::vector<Option> own) {
  for (auto& option : server_options(default_server)) own.push_back(std::move(option));
  own.push_back(output_option());
  return own;
}

}  // namespace lobo::app

#pragma once
// What the verbs of `lobo nrm` have in common.

#include <string>
#include <string_view>
#include <vector>

#include "api_client.hpp"
#include "base/result.hpp"
#include "cli.hpp"
#include "exit_code.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {

/// Says what went wrong, and what to do about it. `collection` is the noun, as in `lobo nrm NOUN`.
Exit tell_nrm(std::string_view what, const Error& error, std::string_view collection = "unicast");

/// "1h" from now, or a date and time as it stands.
Result<std::string> end_of(std::string_view text);

/// Adds a member to an object in the making; `raw` is its value in JSON.
void add_member(std::string& body, std::string_view name, std::string_view raw);

/// All items of a list operation, page by page, a thousand pages at most. `path` may have a query.
Result<json::Value> all_of(ApiClient& api, const std::string& path);

/// `own`, and the options by which a server is named and an answer is shown.
std::vector<Option> with_server(std::vector<Option> own);

}  // namespace lobo::app

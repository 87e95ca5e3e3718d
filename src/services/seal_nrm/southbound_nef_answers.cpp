// Answers of AsSessionWithQoS, and what all answers of the NEF have in common.

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/text.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/value.hpp"

namespace lobo::seal_nrm {
namespace {

bool is_name_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= core_id_bytes_max && text != "." && text != ".." &&
         std::ranges::all_of(text, is_name_character);
}

std::string_view path_of(std::string_view link) {
  if (const auto scheme = link.find("://"); scheme != std::string_view::npos) {
    link.remove_prefix(scheme + 3);
    const auto slash = link.find('/');
    link = slash == std::string_view::npos ? std::string_view() : link.substr(slash);
  }
  return link.substr(0, link.find_first_of("?#"));
}

/// The name below `collection`, as ".../{collection}/{name}".
std::optional<std::string> name_below(std::string_view link, std::string_view collection) {
  const auto path = path_of(link);
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos || !is_name(path.substr(slash + 1))) return std::nullopt;
  const auto parent = path.substr(0, slash);
  const auto before = parent.rfind('/');
  const auto last = before == std::string_view::npos ? parent : parent.substr(before + 1);
  if (last != collection) return std::nullopt;
  return std::string(path.substr(slash + 1));
}

/// AnalyticsExposure calls it otherwise than the APIs of TS 29.122.
const json::Value* destination_of(const json::Value& item) {
  const auto* to = item.find("notificationDestination");
  return to != nullptr ? to : item.find("notifUri");
}

bool never_sent(const Error& error) {
  // Any other failure, a refused connection among them, may have come after the request had left.
  return error.code == Errc::too_many || error.code == Errc::unauthenticated ||
         error.code == Errc::forbidden;
}

std::string cause_of(const http::Response& response) {
  const auto body = json::parse(response.body);
  const auto* cause = body ? body->find("cause") : nullptr;
  return cause != nullptr && cause->text() != nullptr ? *cause->text() : std::string();
}

/// Whether a status says for certain that nothing was done.
bool says_no(const http::Response& response) {
  if (response.status >= 400 && response.status < 500) return response.status != 408;
  if (response.status == 501 || response.status == 503) return true;
  return is_about_one_ue(response);
}

}  // namespace

bool is_about_one_ue(const http::Response& response) {
  return response.status == 500 && cause_of(response) == "PDU_SESSION_NOT_AVAILABLE";
}

std::string callback_path(std::string_view kind, std::string_view id, std::string_view secret) {
  std::string path = "/nrm-callbacks/v1/";
  path += kind;
  path += '/';
  path += http::percent_encode(id);
  path += '/';
  path += secret;
  return path;
}

std::string callback_uri(const Settings& settings, std::string_view kind, std::string_view id,
                         std::string_view secret) {
  return callback_base_of(settings, kind) + callback_path(kind, id, secret);
}

std::optional<std::string> last_segment(std::string_view link) {
  const auto path = path_of(link);
  const auto name = path.substr(path.rfind('/') + 1);
  if (!is_name(name)) return std::nullopt;
  return std::string(name);
}

bool says_enforced(const http::Request& request) {
  const auto said = request.headers.find(header_simulated);
  if (!said) return false;
  const auto parts = split(*said, ';');
  return std::ranges::any_of(parts, [](std::string_view part) {
    return lower_ascii(trim(part)) == "user-plane=enforced";
  });
}

Created read_created(const Result<http::Response>& response, std::string_view collection) {
  Created out;
  if (!response) {
    out.verdict = never_sent(response.error()) ? Verdict::not_sent : Verdict::unknown;
    return out;
  }
  out.simulated = response->headers.find(header_simulated).has_value();
  if (response->status == 201) {
    out.verdict = Verdict::done;
    if (const auto location = response->headers.find("location"))
      out.id = name_below(*location, collection);
    if (!out.id)
      if (const auto body = json::parse(response->body))
        if (const auto* self = body->find("self"); self != nullptr && self->text() != nullptr)
          out.id = name_below(*self->text(), collection);
    return out;
  }
  // A success that is none of those agreed on says nothing certain either.
  out.verdict = says_no(*response) ? Verdict::refused : Verdict::unknown;
  return out;
}

Verdict read_modified(const Result<http::Response>& response) {
  if (!response) return never_sent(response.error()) ? Verdict::not_sent : Verdict::unknown;
  if (response->status == 200 || response->status == 204) return Verdict::done;
  return says_no(*response) ? Verdict::refused : Verdict::unknown;
}

Verdict read_released(const Result<http::Response>& response) {
  if (!response) return never_sent(response.error()) ? Verdict::not_sent : Verdict::unknown;
  if (response->status == 200 || response->status == 204) return Verdict::done;
  if (response->status == 404 || response->status == 410) return Verdict::refused;
  return Verdict::unknown;
}

std::optional<std::vector<std::string>> read_list(const Result<http::Response>& response,
                                                  std::string_view callback) {
  if (!response) return std::nullopt;
  // No list, or (501) no such API at all: it holds nothing of ours.
  if (response->status == 204 || response->status == 404 || response->status == 501)
    return std::vector<std::string>{};
  if (response->status != 200) return std::nullopt;
  const auto list = json::parse(response->body);
  if (!list || list->array() == nullptr) return std::nullopt;
  std::vector<std::string> ours;
  for (const auto& item : *list->array()) {
    const auto* to = destination_of(item);
    // By its path: a core may write scheme or host in another way, the secret in it is ours alone.
    if (to == nullptr || to->text() == nullptr || !to->text()->ends_with(callback)) continue;
    const auto* self = item.find("self");
    const auto id = self != nullptr && self->text() != nullptr
                        ? name_below(*self->text(), "subscriptions")
                        : std::nullopt;
    if (!id) return std::nullopt;  // It is ours and cannot be released: not to be passed over.
    if (ours.size() < listed_ours_max) ours.push_back(*id);
  }
  return ours;
}

std::optional<KeptSession> read_session(const Result<http::Response>& response) {
  if (!response) return std::nullopt;
  if (response->status == 404 || response->status == 410)
    return KeptSession{.gone = true, .body = {}};
  if (response->status != 200 || !json::parse(response->body)) return std::nullopt;
  return KeptSession{.gone = false, .body = response->body};
}

bool cannot_be_read(const Result<http::Response>& response) {
  return response && (response->status == 405 || response->status == 501);
}

bool says_gone(const Result<http::Response>& response, std::string_view callback) {
  const auto kept = read_session(response);
  if (!kept || kept->gone) return kept.has_value();
  const auto body = json::parse(kept->body);
  const auto* to = body ? destination_of(*body) : nullptr;
  return to != nullptr && to->text() != nullptr && !to->text()->ends_with(callback);
}

namespace {

/// The resource and the secret that a notification URI of ours names, as callback_path writes it.
std::optional<ListedOurs> ours_of(std::string_view uri, const Settings& settings,
                                  std::string_view kind) {
  const std::string form = "/nrm-callbacks/v1/" + std::string(kind) + "/";
  const auto at = uri.find(form);
  if (at == std::string_view::npos) return std::nullopt;
  const auto rest = uri.substr(at + form.size());
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos || rest.find('/', slash + 1) != std::string_view::npos)
    return std::nullopt;
  auto of = http::percent_decode(rest.substr(0, slash));
  if (!of || of->empty() || slash + 1 == rest.size()) return std::nullopt;
  return ListedOurs{.of = std::move(*of),
                    .secret = std::string(rest.substr(slash + 1)),
                    .id = {},
                    .at_our_base = uri.starts_with(callback_base_of(settings, kind) + form)};
}

}  // namespace

ListedAll read_all(const Result<http::Response>& response, const Settings& settings,
                   std::string_view kind) {
  if (!response)
    return {response.error().code == Errc::too_large ? ListVerdict::too_large : ListVerdict::failed,
            {}};
  switch (response->status) {
    case 200: break;
    case 204: return {ListVerdict::listed, {}};
    case 404:
    case 405:
    case 501: return {ListVerdict::unsupported, {}};
    default: return {ListVerdict::failed, {}};
  }
  const auto list = json::parse(response->body);
  if (!list || list->array() == nullptr) return {ListVerdict::failed, {}};
  ListedAll all{ListVerdict::listed, {}};
  for (const auto& item : *list->array()) {
    const auto* to = destination_of(item);
    const auto* self = item.find("self");
    if (to == nullptr || to->text() == nullptr) continue;
    auto ours = ours_of(*to->text(), settings, kind);
    auto id = self != nullptr && self->text() != nullptr
                  ? name_below(*self->text(), "subscriptions")
                  : std::nullopt;
    // Without a name it can neither be released nor be told from the one that we know: a list
    // that holds such a one is none to judge by.
    if (ours && !id) return {ListVerdict::failed, {}};
    if (!ours) continue;
    ours->id = std::move(*id);
    all.ours.push_back(std::move(*ours));
  }
  std::ranges::stable_sort(all.ours, {}, &ListedOurs::of);
  return all;
}

}  // namespace lobo::seal_nrm

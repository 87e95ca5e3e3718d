// The stored form of effects. It is read by the next release too, therefore: a version in each
// text, members are only ever added, and what is absent has the meaning that it had when it was not
// known.

#include "wire/resource/effect.hpp"

#include <simdjson.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/require.hpp"
#include "base/result.hpp"
#include "base/text.hpp"

namespace lobo::resource {
namespace {

constexpr std::uint64_t version = 1;

// ---- writing ----------------------------------------------------------------------------------

/// JSON text of a string. Bodies are JSON and therefore UTF-8; should one not be, each byte beyond
/// ASCII becomes '?', because an outbox that cannot be read back would be worse.
void append_string(std::string& out, std::string_view text) {
  static constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  std::optional<bool> sound;  // Looked at once there is a byte beyond ASCII.
  std::size_t copied = 0;     // Runs without anything special are appended whole.
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\') continue;
    if (byte >= 0x80) {
      if (!sound) sound = is_utf8(text);
      if (*sound) continue;
    }
    out += text.substr(copied, at - copied);
    copied = at + 1;
    if (byte >= 0x80) {
      out += '?';
    } else if (byte < 0x20) {
      out += "\\u00";
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    } else {
      out += '\\';
      out += text[at];
    }
  }
  out += text.substr(copied);
  out += '"';
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out += ",\"";
  out += name;
  out += "\":";
  append_string(out, value);
}

void append_member(std::string& out, std::string_view name, std::int64_t value) {
  out += ",\"";
  out += name;
  out += "\":";
  std::array<char, 24> digits{};
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
}

std::string opened(std::string_view type) {
  std::string out = "{\"v\":1";
  append_member(out, "type", type);
  return out;
}

struct Writer {
  std::string operator()(const Reply&) const {
    // A reply belongs to a connection; there is none after a restart.
    contract_failed(std::source_location::current());
  }
  std::string operator()(const CallNetwork& call) const {
    std::string out = opened("call");
    append_member(out, "name", call.name);
    append_member(out, "peer", call.peer);
    append_member(out, "deadlineMs", static_cast<std::int64_t>(call.deadline.count()));
    out += ",\"request\":{\"method\":";
    append_string(out, call.request.method);
    append_member(out, "target", call.request.target);
    out += ",\"headers\":[";
    bool first = true;
    for (const auto& header : call.request.headers) {
      out += first ? "[" : ",[";
      first = false;
      append_string(out, header.name);
      out += ',';
      append_string(out, header.value);
      out += ']';
    }
    out += ']';
    append_member(out, "body", call.request.body);
    out += "}}";
    return out;
  }
  std::string operator()(const Notify& notify) const {
    std::string out = opened("notify");
    append_member(out, "to", notify.to);
    append_member(out, "sequence", static_cast<std::int64_t>(notify.sequence));
    append_member(out, "clause", notify.clause);
    append_member(out, "body", notify.body);
    return out + "}";
  }
  std::string operator()(const StartTimer& timer) const {
    std::string out = opened("start_timer");
    append_member(out, "name", timer.name);
    append_member(out, "dueUs", static_cast<std::int64_t>(timer.due.time_since_epoch().count()));
    return out + "}";
  }
  std::string operator()(const StopTimer& timer) const {
    std::string out = opened("stop_timer");
    append_member(out, "name", timer.name);
    return out + "}";
  }
  std::string operator()(const Tell& tell) const {
    std::string out = opened("tell");
    append_member(out, "kind", tell.to.kind);
    append_member(out, "id", tell.to.id);
    append_member(out, "what", tell.what);
    append_member(out, "body", tell.body);
    return out + "}";
  }
  std::string operator()(const Observe&) const {
    // Those that it is for are gone with the process.
    contract_failed(std::source_location::current());
  }
};

// ---- reading ----------------------------------------------------------------------------------

using simdjson::dom::element;

/// Reads members and remembers the first that was not there or of another type.
class Reader {
 public:
  explicit Reader(element object) : object_(object) {}

  std::string text(std::string_view name) {
    std::string_view value;
    if (object_[name].get(value) != simdjson::SUCCESS) blame(name);
    return std::string(value);
  }
  std::int64_t number(std::string_view name) {
    std::int64_t value = 0;
    if (object_[name].get(value) != simdjson::SUCCESS) blame(name);
    return value;
  }
  http::Request request(std::string_view name) {
    http::Request out;
    element inner;
    simdjson::dom::array headers;
    if (object_[name].get(inner) != simdjson::SUCCESS ||
        inner["headers"].get(headers) != simdjson::SUCCESS) {
      blame(name);
      return out;
    }
    Reader members(inner);
    out.method = members.text("method");
    out.target = members.text("target");
    out.body = members.text("body");
    for (const element pair : headers) {
      std::string_view key, value;
      if (pair.at(0).get(key) != simdjson::SUCCESS || pair.at(1).get(value) != simdjson::SUCCESS)
        blame(name);
      out.headers.add(std::string(key), std::string(value));
    }
    if (members.blamed()) blame(name);
    return out;
  }

  bool blamed() const { return !blamed_.empty(); }
  template <class E>
  Result<Effect> finish(E effect) const {
    if (blamed())
      return fail(Errc::malformed,
                  "stored effect: member '" + blamed_ + "' is absent or of another type",
                  {{Errc::malformed, "/" + blamed_, "absent or of another type"}});
    return Effect(std::move(effect));
  }

 private:
  void blame(std::string_view name) {
    if (blamed_.empty()) blamed_ = name;
  }
  element object_;
  std::string blamed_;
};

}  // namespace

std::string to_json(const Effect& effect) { return std::visit(Writer{}, effect); }

Result<Effect> effect_from_json(std::string_view text) {
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS || !root.is_object())
    return fail(Errc::malformed, "stored effect: not a JSON object");
  std::uint64_t found = 0;
  if (root["v"].get(found) != simdjson::SUCCESS || found != version)
    return fail(Errc::malformed, "stored effect: of a version that this release does not read",
                {{Errc::malformed, "/v", "only 1 is known"}});
  Reader in(root);
  const std::string type = in.text("type");
  if (type == "call") {
    CallNetwork call;
    call.name = in.text("name");
    call.peer = in.text("peer");
    call.deadline = std::chrono::milliseconds(in.number("deadlineMs"));
    call.request = in.request("request");
    return in.finish(std::move(call));
  }
  if (type == "notify") {
    Notify notify;
    notify.to = in.text("to");
    notify.sequence = static_cast<std::uint64_t>(in.number("sequence"));
    notify.clause = in.text("clause");
    notify.body = in.text("body");
    return in.finish(std::move(notify));
  }
  if (type == "start_timer") {
    StartTimer timer;
    timer.name = in.text("name");
    timer.due = Instant(std::chrono::microseconds(in.number("dueUs")));
    return in.finish(std::move(timer));
  }
  if (type == "stop_timer") {
    StopTimer timer{in.text("name")};
    return in.finish(std::move(timer));
  }
  if (type == "tell") {
    Tell tell;
    tell.to = {in.text("kind"), in.text("id")};
    tell.what = in.text("what");
    tell.body = in.text("body");
    return in.finish(std::move(tell));
  }
  return fail(Errc::malformed, "stored effect: unknown type",
              {{Errc::malformed, "/type", "one of call, notify, start_timer, stop_timer, tell"}});
}

}  // namespace lobo::resource

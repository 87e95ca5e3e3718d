// The one file that includes yaml-cpp.
#include "config_tree.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/text.hpp"
#include "output.hpp"

namespace lobo::app {
namespace {

/// Leaves the parser of yaml-cpp, whose only way out is an exception; caught in parse_yaml.
struct Refused {
  std::size_t line;
  Errc code;
  std::string reason;
};

std::size_t line_of(const YAML::Mark& mark) {
  return mark.line < 0 ? 1 : static_cast<std::size_t>(mark.line) + 1;
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node;
    node.line = line_of(mark);
    leaf(mark, anchor, "", std::move(node));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{line_of(mark), Errc::not_allowed,
                  "aliases (*name) are not allowed; write the value out"};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (value.find('\0') != std::string::npos || !is_utf8(value))
      throw Refused{line_of(mark), Errc::malformed, "the text is not valid UTF-8"};
    YamlNode node;
    node.kind = YamlNode::Kind::scalar;
    node.line = line_of(mark);
    node.quoted = tag == "!";
    node.text = value;
    leaf(mark, anchor, tag, std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::map);
  }
  void OnMapEnd() override { close(); }

  YamlNode take() { return std::move(root_); }

 private:
  struct Open {
    YamlNode node;
    std::optional<YamlEntry> entry;        // a map's key that waits for its value
    std::unordered_set<std::string> keys;  // of a map, to find repeated ones
  };

  void check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0)
      throw Refused{line_of(mark), Errc::not_allowed,
                    "anchors (&name) are not allowed; write the value out"};
    if (!tag.empty() && tag != "?" && tag != "!")
      throw Refused{line_of(mark), Errc::not_allowed, "tags (!name) are not allowed"};
    if (++nodes_ > config_nodes_max)
      throw Refused{line_of(mark), Errc::too_large,
                    fmt::format("more than {} values", config_nodes_max)};
  }
  void leaf(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& tag, YamlNode node) {
    check(mark, tag, anchor);
    place(std::move(node));
  }
  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YamlNode::Kind kind) {
    check(mark, tag, anchor);
    if (open_.size() >= config_depth_max)
      throw Refused{line_of(mark), Errc::too_large,
                    fmt::format("nested deeper than {}", config_depth_max)};
    if (!open_.empty() && open_.back().node.kind == YamlNode::Kind::map && !open_.back().entry)
      throw Refused{line_of(mark), Errc::wrong_type, "a key must be plain text"};
    Open& opened = open_.emplace_back();
    opened.node.kind = kind;
    opened.node.line = line_of(mark);
  }
  void close() {
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    place(std::move(node));
  }
  void place(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::list) {
      parent.node.items.push_back(std::move(node));
      return;
    }
    if (parent.entry) {
      parent.entry->value = std::move(node);
      parent.node.entries.push_back(std::move(*parent.entry));
      parent.entry.reset();
      return;
    }
    if (node.kind != YamlNode::Kind::scalar || node.text.empty())
      throw Refused{node.line, Errc::wrong_type, "a key must be plain text"};
    if (!parent.keys.insert(node.text).second)
      throw Refused{node.line, Errc::duplicate,
                    fmt::format("the key '{}' stands here twice", node.text)};
    parent.entry = YamlEntry{node.text, node.line, {}};
  }

  YamlNode root_;
  std::vector<Open> open_;
  std::size_t nodes_ = 0;
};

tl::unexpected<Error> refuse(std::string_view name, std::size_t line, Errc code,
                             std::string reason) {
  return fail(code, fmt::format("{} is not usable", name),
              {{code, fmt::format("{}:{}", name, line), std::move(reason)}});
}

/// Bytes that open a nesting level in flow style. yaml-cpp recurses for each before our handler
/// hears of it, so a document with absurdly many is refused unread.
std::size_t deepest_flow(std::string_view text) {
  std::size_t depth = 0;
  std::size_t deepest = 0;
  for (const char c : text) {
    if (c == '[' || c == '{') deepest = std::max(deepest, ++depth);
    if ((c == ']' || c == '}') && depth > 0) --depth;
    if (c == '\n' && depth > 4 * config_depth_max) break;
  }
  return deepest;
}

bool is_json_number(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789+-.eE") != std::string_view::npos)
    return false;
  const std::string_view digits = text.front() == '-' ? text.substr(1) : text;
  if (digits.empty() || digits.front() < '0' || digits.front() > '9') return false;
  if (digits.size() > 1 && digits.front() == '0' && digits[1] >= '0' && digits[1] <= '9')
    return false;
  if (digits.back() < '0' || digits.back() > '9') return false;
  if (const auto dot = digits.find('.');
      dot != std::string_view::npos &&
      (dot + 1 == digits.size() || digits[dot + 1] < '0' || digits[dot + 1] > '9'))
    return false;
  double value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  return wrong == std::errc{} && end == text.data() + text.size() && std::isfinite(value);
}

}  // namespace

Result<YamlNode> parse_yaml(std::string_view text, std::string_view name) {
  if (text.size() > config_bytes_max)
    return refuse(name, 1, Errc::too_large, fmt::format("larger than {} bytes", config_bytes_max));
  if (!is_utf8(text) || text.find('\0') != std::string_view::npos)
    return refuse(name, 1, Errc::malformed, "the file is not valid UTF-8 text");
  if (deepest_flow(text) > 4 * config_depth_max)
    return refuse(name, 1, Errc::too_large, fmt::format("nested deeper than {}", config_depth_max));
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    TreeBuilder builder;
    if (!parser.HandleNextDocument(builder)) return YamlNode{};
    YamlNode root = builder.take();
    TreeBuilder second;
    if (parser.HandleNextDocument(second))
      return refuse(name, 1, Errc::not_allowed, "more than one document (---) in the file");
    return root;
  } catch (const Refused& refused) {
    return refuse(name, refused.line, refused.code, refused.reason);
  } catch (const YAML::Exception& wrong) {
    return refuse(name, line_of(wrong.mark), Errc::malformed, "not YAML: " + wrong.msg);
  } catch (const std::exception& wrong) {
    return refuse(name, 1, Errc::malformed, std::string("not YAML: ") + wrong.what());
  }
}

std::string to_json(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::nothing: return "null";
    case YamlNode::Kind::scalar:
      if (!node.quoted &&
          (node.text == "true" || node.text == "false" || is_json_number(node.text)))
        return node.text;
      return json_quoted(node.text);
    case YamlNode::Kind::list: {
      std::string out = "[";
      for (const auto& item : node.items) out += (out.size() > 1 ? "," : "") + to_json(item);
      return out + "]";
    }
    case YamlNode::Kind::map: {
      std::string out = "{";
      for (const auto& entry : node.entries)
        out += (out.size() > 1 ? "," : "") + json_quoted(entry.key) + ":" + to_json(entry.value);
      return out + "}";
    }
  }
  std::abort();
}

}  // namespace lobo::app

#include "wire/qoe/survey.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "wire/qoe/report.hpp"

namespace lobo::qoe {
namespace {

/// Pugixml walks without recursion, and reads so as well.
class Survey final : public pugi::xml_tree_walker {
 public:
  bool for_each(pugi::xml_node& node) override {
    if (node.type() == pugi::node_doctype)
      return refuse(Errc::not_allowed, "a document type has no place in it");
    if (static_cast<std::size_t>(depth()) > depth_max)
      return refuse(Errc::too_large, "its elements are nested too deeply");
    if (node.type() == pugi::node_element && ++elements_ > elements_max)
      return refuse(Errc::too_large, "it has too many elements");
    return true;
  }
  std::optional<Error> fault;

 private:
  bool refuse(Errc code, std::string_view why) {
    fault = Error{code, std::string(why), {{code, "/", std::string(why)}}};
    return false;
  }
  std::size_t elements_ = 0;
};

}  // namespace

std::string_view local_name(std::string_view name) {
  return name.substr(name.find(':') + 1);  // npos + 1 is 0
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

Result<void> load_surveyed(pugi::xml_document& document, std::string_view xml) {
  const auto read = document.load_buffer(
      xml.data(), xml.size(), pugi::parse_default | pugi::parse_doctype, pugi::encoding_utf8);
  if (!read)
    return fail(Errc::malformed, "this is no XML",
                {{Errc::malformed, "/",
                  std::string(read.description()) + " at octet " + std::to_string(read.offset)}});
  Survey survey;
  document.traverse(survey);
  if (survey.fault) return fail(std::move(*survey.fault));
  return {};
}

}  // namespace lobo::qoe

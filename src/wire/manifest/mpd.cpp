#include <array>
#include <cstddef>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "base/text.hpp"
#include "wire/manifest/steering_tags.hpp"

namespace lobo::manifest {
namespace {

std::string_view local_name(std::string_view name) {
  return name.substr(name.find(':') + 1);  // npos + 1 is 0
}

bool is_absolute(std::string_view url) {
  return url.find("://") != std::string_view::npos || url.starts_with("//");
}

/// Looks for what steering could not reach. Pugixml walks without recursion.
class Survey final : public pugi::xml_tree_walker {
 public:
  bool for_each(pugi::xml_node& node) override {
    if (static_cast<std::size_t>(depth()) > manifest_depth_max)
      return refuse(Errc::too_large, "its elements are nested too deeply");
    if (node.type() == pugi::node_doctype)
      return refuse(Errc::not_allowed, "a document type has no place in an MPD");
    if (node.type() != pugi::node_element) return true;
    const auto name = local_name(node.name());
    if (name == "ContentSteering") return refuse(Errc::conflict, "it has ContentSteering already");
    if (name == "BaseURL" && node.attribute("serviceLocation"))
      return refuse(Errc::conflict, "it has service locations already");
    if (name == "BaseURL" && is_absolute(trim(node.child_value())))
      return refuse(Errc::conflict, "an absolute BaseURL goes past steering: " +
                                        std::string(trim(node.child_value())));
    static constexpr std::array<const char*, 5> urls{"media", "initialization", "index",
                                                     "sourceURL", "bitstreamSwitching"};
    for (const char* attribute : urls)
      if (is_absolute(node.attribute(attribute).value()))
        return refuse(Errc::conflict, std::string("an absolute URL goes past steering: ") +
                                          node.attribute(attribute).value());
    return true;
  }
  const Error* fault() const { return refused_ ? &error_ : nullptr; }

 private:
  bool refuse(Errc code, std::string why) {
    error_ = {code, std::move(why), {}};
    refused_ = true;
    return false;
  }
  Error error_;
  bool refused_ = false;
};

struct ToString final : pugi::xml_writer {
  void write(const void* data, std::size_t size) override {
    text.append(static_cast<const char*>(data), size);
  }
  std::string text;
};

}  // namespace

Result<std::string> mpd_with_steering(std::string_view text, const SteeringTags& tags) {
  pugi::xml_document document;
  const auto read = document.load_buffer(
      text.data(), text.size(), pugi::parse_full | pugi::parse_ws_pcdata, pugi::encoding_utf8);
  if (!read)
    return fail(Errc::malformed, std::string("this is no XML: ") + read.description() +
                                     " at byte " + std::to_string(read.offset));
  Survey survey;
  document.traverse(survey);
  if (survey.fault() != nullptr) return fail(*survey.fault());
  pugi::xml_node mpd = document.document_element();
  if (local_name(mpd.name()) != "MPD")
    return fail(Errc::malformed, std::string("the root element is ") + mpd.name() + ", not MPD");
  const std::string_view root = mpd.name();
  const std::string prefix(root.substr(0, root.size() - local_name(root).size()));

  // A relative BaseURL of the whole presentation goes on to hold, at each location.
  std::string relative;
  for (pugi::xml_node child = mpd.first_child(); child;) {
    const pugi::xml_node next = child.next_sibling();
    if (local_name(child.name()) == "BaseURL") {
      if (!relative.empty()) return fail(Errc::conflict, "it has more than one BaseURL at its top");
      relative = trim(child.child_value());
      mpd.remove_child(child);
    }
    child = next;
  }
  pugi::xml_node after;
  for (const pugi::xml_node child : mpd.children())
    if (local_name(child.name()) == "ProgramInformation") after = child;
  const auto insert = [&](const std::string& name) {
    const pugi::xml_node space = after ? mpd.insert_child_after(pugi::node_pcdata, after)
                                       : mpd.prepend_child(pugi::node_pcdata);
    pugi::xml_node(space).set_value("\n  ");
    after = mpd.insert_child_after((prefix + name).c_str(), space);
    return after;
  };
  for (const auto& location : tags.locations) {
    pugi::xml_node base = insert("BaseURL");
    base.append_attribute("serviceLocation") = location.id.c_str();
    base.append_child(pugi::node_pcdata).set_value((location.base_url + relative).c_str());
  }
  pugi::xml_node steering = insert("ContentSteering");
  const auto& first =
      tags.default_location.empty() ? tags.locations.front().id : tags.default_location;
  steering.append_attribute("defaultServiceLocation") = first.c_str();
  steering.append_attribute("queryBeforeStart") = tags.query_before_start ? "true" : "false";
  steering.append_child(pugi::node_pcdata).set_value(tags.server_url.c_str());

  ToString out;
  document.save(out, "", pugi::format_raw | pugi::format_no_declaration, pugi::encoding_utf8);
  return std::move(out.text);
}

}  // namespace lobo::manifest

#include "stream_caps.hpp"

#include <gst/gst.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/text.hpp"
#include "dataplane/marker.hpp"
#include "wire/rtp/nal_unit.hpp"
#include "wire/rtp/pdu_set_marking.hpp"

namespace lobo::gst {
namespace {

constexpr std::string_view extmap = "extmap-";
constexpr std::uint64_t id_max = 255;

bool is_marking(const GValue* value) {
  if (G_VALUE_HOLDS_STRING(value))
    return g_value_get_string(value) != nullptr &&
           rtp::pdu_set_marking_urn == g_value_get_string(value);
  if (!GST_VALUE_HOLDS_ARRAY(value)) return false;
  // Direction, URI, attributes.
  for (guint i = 0; i < gst_value_array_get_size(value); ++i)
    if (is_marking(gst_value_array_get_value(value, i))) return true;
  return false;
}

}  // namespace

std::optional<rtp::VideoCodec> codec_of(const GstCaps* caps) {
  if (caps == nullptr || gst_caps_is_empty(caps) || gst_caps_is_any(caps)) return std::nullopt;
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  const gchar* encoding = gst_structure_get_string(structure, "encoding-name");
  const std::string_view name = encoding != nullptr ? encoding : gst_structure_get_name(structure);
  if (name == "H264" || name == "video/x-h264") return rtp::VideoCodec::h264;
  if (name == "H265" || name == "video/x-h265") return rtp::VideoCodec::h265;
  return std::nullopt;
}

std::uint8_t extension_id_of(const GstCaps* caps) {
  if (caps == nullptr || gst_caps_is_empty(caps) || gst_caps_is_any(caps)) return 0;
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  for (gint i = 0; i < gst_structure_n_fields(structure); ++i) {
    const gchar* name = gst_structure_nth_field_name(structure, static_cast<guint>(i));
    const std::string_view text(name);
    if (!text.starts_with(extmap) || !is_marking(gst_structure_get_value(structure, name)))
      continue;
    const auto id = parse_decimal(text.substr(extmap.size()));
    if (id && *id >= 1 && *id <= id_max) return static_cast<std::uint8_t>(*id);
  }
  return 0;
}

dataplane::MarkerConfig::SetIs set_is_of(const gchar* text) {
  using SetIs = dataplane::MarkerConfig::SetIs;
  return text != nullptr && std::string_view(text) == "slice" ? SetIs::slice : SetIs::frame;
}

}  // namespace lobo::gst

#pragma once
// What the caps of a stream say that its marks depend on.

#include <gst/gst.h>

#include <cstdint>
#include <optional>

#include "dataplane/marker.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::gst {

/// Of application/x-rtp or of what is payloaded; nothing where it is no video that is known.
std::optional<rtp::VideoCodec> codec_of(const GstCaps* caps);

/// The identifier that an extmap-N field binds to the PDU Set marking; 0 where none does.
std::uint8_t extension_id_of(const GstCaps* caps);

/// "frame" or "slice", as the properties have it.
dataplane::MarkerConfig::SetIs set_is_of(const gchar* text);

}  // namespace lobo::gst

// rtphdrextpduset: the header extension urn:3gpp:pdu-set-marking:rel-18 (TS 26.522 clause 4.2),
// which a payloader writes into each packet when it is made. What follows of the PDU Set is not
// known then, so PSSize and NPDS are written as unknown; lobopdusetsizer behind the payloader fills
// them in.
#include <gst/gst.h>
#include <gst/rtp/gstrtpbuffer.h>
#include <gst/rtp/gstrtphdrext.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.hpp"
#include "dataplane/marker.hpp"
#include "model/pdu_set.hpp"
#include "plugin.hpp"
#include "stream_caps.hpp"
#include "wire/rtp/pdu_set_marking.hpp"

namespace lobo::gst {
namespace {

struct State {
  dataplane::MarkerConfig config{.look_ahead = dataplane::LookAhead::none};
  std::unique_ptr<dataplane::SetMarker> marker;
  bool known = true;  ///< a codec whose NAL units are read
};

struct Extension {
  GstRTPHeaderExtension parent;
  State* state;
};
struct ExtensionClass {
  GstRTPHeaderExtensionClass parent_class;
};

enum Property : guint { property_none, property_set };

G_DEFINE_TYPE(Extension, extension, GST_TYPE_RTP_HEADER_EXTENSION)

State& state_of(gpointer object) { return *static_cast<Extension*>(object)->state; }

GstRTPHeaderExtensionFlags supported(GstRTPHeaderExtension* /*self*/) {
  return static_cast<GstRTPHeaderExtensionFlags>(GST_RTP_HEADER_EXTENSION_ONE_BYTE |
                                                 GST_RTP_HEADER_EXTENSION_TWO_BYTE);
}

gsize max_size(GstRTPHeaderExtension* /*self*/, const GstBuffer* /*input*/) {
  return rtp::pdu_set_marking_bytes_max;
}

gssize write(GstRTPHeaderExtension* self, const GstBuffer* /*input*/,
             GstRTPHeaderExtensionFlags /*form*/, GstBuffer* output, guint8* data, gsize size) {
  State& state = state_of(self);
  if (size < rtp::pdu_set_marking_bytes_max) return -1;
  if (!state.known) return 0;  // not written at all
  if (!state.marker) state.marker = std::make_unique<dataplane::SetMarker>(state.config);
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  if (gst_rtp_buffer_map(output, GST_MAP_READ, &rtp) == 0) return -1;
  const auto* payload = static_cast<const std::byte*>(gst_rtp_buffer_get_payload(&rtp));
  PduSetMark told;
  state.marker->offer(
      {.rtp_timestamp = gst_rtp_buffer_get_timestamp(&rtp),
       .marker = gst_rtp_buffer_get_marker(&rtp) != 0,
       .payload =
           payload == nullptr ? Bytes{} : Bytes(payload, gst_rtp_buffer_get_payload_len(&rtp)),
       .bytes = static_cast<std::uint32_t>(gst_buffer_get_size(output))},
      [&](const PduSetMark& mark) { told = mark; });
  gst_rtp_buffer_unmap(&rtp);
  told.pdu_set_size = 0;
  told.pdus_in_set = 0;
  ByteWriter out(std::as_writable_bytes(std::span(data, size)));
  rtp::write_pdu_set_marking(out, told);
  return static_cast<gssize>(out.position());
}

gboolean read(GstRTPHeaderExtension* /*self*/, GstRTPHeaderExtensionFlags /*form*/,
              const guint8* data, gsize size, GstBuffer* /*buffer*/) {
  // Behind the network nobody has a use for it; whether it is one is all that is said.
  PduSetMark mark;
  return static_cast<gboolean>(
      rtp::read_pdu_set_marking(std::as_bytes(std::span(data, size)), mark));
}

gboolean set_sink_caps(GstRTPHeaderExtension* self, const GstCaps* caps) {
  State& state = state_of(self);
  const auto codec = codec_of(caps);
  state.known = codec.has_value();
  if (codec) state.config.codec = *codec;
  state.marker.reset();
  return TRUE;
}

/// Direction and attributes are those that the caps bring.
gboolean set_caps_from_attributes(GstRTPHeaderExtension* self, GstCaps* caps) {
  return gst_rtp_header_extension_set_caps_from_attributes_helper(self, caps, "");
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  State& state = state_of(object);
  if (id != property_set) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    return;
  }
  state.config.set_is = set_is_of(g_value_get_string(value));
  state.marker.reset();
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  if (id != property_set) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    return;
  }
  const bool slice = state_of(object).config.set_is == dataplane::MarkerConfig::SetIs::slice;
  g_value_set_static_string(value, slice ? "slice" : "frame");
}

void finalize(GObject* object) {
  delete static_cast<Extension*>(static_cast<gpointer>(object))->state;
  G_OBJECT_CLASS(extension_parent_class)->finalize(object);
}

void extension_init(Extension* self) { self->state = std::make_unique<State>().release(); }

void extension_class_init(ExtensionClass* klass) {
  auto* object = G_OBJECT_CLASS(klass);
  object->set_property = set_property;
  object->get_property = get_property;
  object->finalize = finalize;
  g_object_class_install_property(
      object, property_set,
      g_param_spec_string("set", "PDU Set", "What a PDU Set is: frame or slice", "frame",
                          static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS)));
  auto* extension = GST_RTP_HEADER_EXTENSION_CLASS(klass);
  extension->get_supported_flags = supported;
  extension->get_max_size = max_size;
  extension->write = write;
  extension->read = read;
  extension->set_non_rtp_sink_caps = set_sink_caps;
  extension->set_caps_from_attributes = set_caps_from_attributes;
  gst_rtp_header_extension_class_set_uri(extension, rtp::pdu_set_marking_urn.data());
  gst_element_class_set_static_metadata(
      GST_ELEMENT_CLASS(klass), "PDU Set marking", GST_RTP_HDREXT_ELEMENT_CLASS,
      "Writes the PDU Set marking of TS 26.522 into RTP header extensions", "Lobodon");
}

}  // namespace

GType pdu_set_extension_type() { return extension_get_type(); }

}  // namespace lobo::gst

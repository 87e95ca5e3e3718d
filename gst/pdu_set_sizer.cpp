// lobopdusetsizer: stands behind a payloader whose packets have the PDU Set header extension, holds
// them until their PDU Set ends and fills in what only then is known: PSSize, NPDS, and the D of
// the last packet. An encoder hands a payloader whole frames, whose packets come here in one go, so
// what is held is held for the microseconds in which the rest of the frame is made; the property
// waited-max tells the longest.
#include <gst/gst.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/marker.hpp"
#include "model/pdu_set.hpp"
#include "plugin.hpp"
#include "stream_caps.hpp"
#include "wire/rtp/edit.hpp"
#include "wire/rtp/packet.hpp"
#include "wire/rtp/pdu_set_marking.hpp"

namespace lobo::gst {
namespace {

constexpr guint ipv4_and_udp_bytes = 28;
constexpr guint headers_bytes_max = 128;

struct Held {
  GstBuffer* buffer;
  GstClockTime came;
};

struct State {
  dataplane::MarkerConfig config{.look_ahead = dataplane::LookAhead::pdu_set};
  std::unique_ptr<dataplane::SetMarker> marker;
  std::deque<Held> held;  ///< at most dataplane::marker_window_max, then the marker tells them
  std::uint8_t id = 0;    ///< of the extension; 0: nothing to fill in
  guint headers_bytes = ipv4_and_udp_bytes;
  GstClockTime waited_max = 0;
  guint64 sets = 0;
};

struct Sizer {
  GstElement parent;
  GstPad* sink;
  GstPad* source;
  State* state;
};
struct SizerClass {
  GstElementClass parent_class;
};

enum Property : guint {
  property_none,
  property_set,
  property_headers_bytes,
  property_waited_max,
  property_sets
};

G_DEFINE_TYPE(Sizer, sizer, GST_TYPE_ELEMENT)

Sizer* sizer_of(gpointer object) { return static_cast<Sizer*>(object); }

/// The extension's value, of the fields that it has room for.
void fill_in(GstBuffer* buffer, std::uint8_t id, const PduSetMark& mark) {
  GstMapInfo map;
  if (gst_buffer_map(buffer, &map, GST_MAP_READWRITE) == 0) return;
  const MutableBytes packet = std::as_writable_bytes(std::span(map.data, map.size));
  const auto view = rtp::parse_rtp(packet);
  const auto element = view.ok() ? rtp::find_element(view, id) : std::nullopt;
  PduSetMark written;
  if (element && rtp::read_pdu_set_marking(*element, written)) {
    PduSetMark filled = mark;
    filled.pdu_set_size =
        written.pdu_set_size ? std::optional(mark.pdu_set_size.value_or(0)) : std::nullopt;
    filled.pdus_in_set =
        written.pdus_in_set ? std::optional(mark.pdus_in_set.value_or(0)) : std::nullopt;
    std::array<std::byte, rtp::pdu_set_marking_bytes_max> value{};
    ByteWriter out(value);
    rtp::write_pdu_set_marking(out, filled);
    (void)rtp::replace_value(packet, view, id, out.written());
  }
  gst_buffer_unmap(buffer, &map);
}

/// Takes the oldest that is held into `list`, with its mark.
void release(State& state, GstBufferList* list, const PduSetMark& mark) {
  const Held front = state.held.front();
  state.held.pop_front();
  const GstClockTime waited = gst_util_get_timestamp() - front.came;
  state.waited_max = std::max(state.waited_max, waited);
  if (mark.end_of_pdu_set) ++state.sets;
  GstBuffer* buffer = gst_buffer_make_writable(front.buffer);
  fill_in(buffer, state.id, mark);
  gst_buffer_list_add(list, buffer);
}

GstFlowReturn push(Sizer* self, GstBufferList* list) {
  if (gst_buffer_list_length(list) > 0) return gst_pad_push_list(self->source, list);
  gst_buffer_list_unref(list);
  return GST_FLOW_OK;
}

/// What is held leaves as it can be told now.
GstFlowReturn push_held(Sizer* self) {
  State& state = *self->state;
  if (!state.marker || state.held.empty()) return GST_FLOW_OK;
  GstBufferList* list = gst_buffer_list_new();
  state.marker->finish([&](const PduSetMark& mark) { release(state, list, mark); });
  return push(self, list);
}

GstFlowReturn take(Sizer* self, GstBuffer* buffer) {
  State& state = *self->state;
  GstMapInfo map;
  if (state.id == 0 || !state.marker || gst_buffer_map(buffer, &map, GST_MAP_READ) == 0)
    return gst_pad_push(self->source, buffer);
  const auto view = rtp::parse_rtp(std::as_bytes(std::span(map.data, map.size)));
  if (!view.ok()) {
    gst_buffer_unmap(buffer, &map);
    const auto before = push_held(self);
    const auto now = gst_pad_push(self->source, buffer);
    return before == GST_FLOW_OK ? now : before;
  }
  state.held.push_back({buffer, gst_util_get_timestamp()});
  GstBufferList* list = gst_buffer_list_new();
  // It is unmapped before it is released: what is shared cannot be written.
  const dataplane::OfferedPdu pdu{
      .rtp_timestamp = view.timestamp,
      .marker = view.marker,
      .payload = view.payload(),
      .bytes = static_cast<std::uint32_t>(map.size) + state.headers_bytes,
      .at = dataplane::Elapsed(static_cast<std::int64_t>(state.held.back().came))};
  bool mapped = true;
  state.marker->offer(pdu, [&](const PduSetMark& mark) {
    if (mapped) gst_buffer_unmap(buffer, &map);
    mapped = false;
    release(state, list, mark);
  });
  if (mapped) gst_buffer_unmap(buffer, &map);
  return push(self, list);
}

GstFlowReturn chain(GstPad* /*pad*/, GstObject* parent, GstBuffer* buffer) {
  return take(sizer_of(parent), buffer);
}

GstFlowReturn chain_list(GstPad* /*pad*/, GstObject* parent, GstBufferList* list) {
  GstFlowReturn result = GST_FLOW_OK;
  for (guint i = 0; i < gst_buffer_list_length(list) && result == GST_FLOW_OK; ++i)
    result = take(sizer_of(parent), gst_buffer_ref(gst_buffer_list_get(list, i)));
  gst_buffer_list_unref(list);
  return result;
}

void begin(State& state, const GstCaps* caps) {
  const auto codec = codec_of(caps);
  state.id = codec ? extension_id_of(caps) : 0;
  if (codec) state.config.codec = *codec;
  state.marker = std::make_unique<dataplane::SetMarker>(state.config);
}

void drop_held(State& state) {
  for (const auto& held : state.held) gst_buffer_unref(held.buffer);
  state.held.clear();
  if (state.marker) state.marker = std::make_unique<dataplane::SetMarker>(state.config);
}

gboolean event(GstPad* pad, GstObject* parent, GstEvent* event) {
  Sizer* self = sizer_of(parent);
  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP)
    drop_held(*self->state);
  else if (GST_EVENT_IS_SERIALIZED(event))
    (void)push_held(self);
  if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
    GstCaps* caps = nullptr;
    gst_event_parse_caps(event, &caps);
    begin(*self->state, caps);
  }
  return gst_pad_event_default(pad, parent, event);
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange change) {
  const auto result = GST_ELEMENT_CLASS(sizer_parent_class)->change_state(element, change);
  if (change == GST_STATE_CHANGE_PAUSED_TO_READY) drop_held(*sizer_of(element)->state);
  return result;
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  State& state = *sizer_of(object)->state;
  if (id == property_set)
    state.config.set_is = set_is_of(g_value_get_string(value));
  else if (id == property_headers_bytes)
    state.headers_bytes = g_value_get_uint(value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  const State& state = *sizer_of(object)->state;
  const bool slice = state.config.set_is == dataplane::MarkerConfig::SetIs::slice;
  if (id == property_set)
    g_value_set_static_string(value, slice ? "slice" : "frame");
  else if (id == property_headers_bytes)
    g_value_set_uint(value, state.headers_bytes);
  else if (id == property_waited_max)
    g_value_set_uint64(value, state.waited_max);
  else if (id == property_sets)
    g_value_set_uint64(value, state.sets);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

void finalize(GObject* object) {
  State* state = sizer_of(object)->state;
  drop_held(*state);
  delete state;
  G_OBJECT_CLASS(sizer_parent_class)->finalize(object);
}

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                                                             GST_STATIC_CAPS("application/x-rtp"));
GstStaticPadTemplate source_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("application/x-rtp"));

void sizer_init(Sizer* self) {
  self->state = std::make_unique<State>().release();
  self->sink = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(self->sink, chain);
  gst_pad_set_chain_list_function(self->sink, chain_list);
  gst_pad_set_event_function(self->sink, event);
  GST_PAD_SET_PROXY_CAPS(self->sink);
  gst_element_add_pad(GST_ELEMENT(self), self->sink);
  self->source = gst_pad_new_from_static_template(&source_template, "src");
  GST_PAD_SET_PROXY_CAPS(self->source);
  gst_element_add_pad(GST_ELEMENT(self), self->source);
}

void sizer_class_init(SizerClass* klass) {
  constexpr auto settable = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                                     GST_PARAM_MUTABLE_READY);
  constexpr auto told = static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  auto* object = G_OBJECT_CLASS(klass);
  object->set_property = set_property;
  object->get_property = get_property;
  object->finalize = finalize;
  g_object_class_install_property(
      object, property_set,
      g_param_spec_string("set", "PDU Set", "What a PDU Set is: frame or slice", "frame",
                          settable));
  g_object_class_install_property(
      object, property_headers_bytes,
      g_param_spec_uint("headers-bytes", "Headers",
                        "IP and UDP headers of a packet, which PSSize "
                        "counts: 28 with IPv4, 48 with IPv6",
                        0, headers_bytes_max, ipv4_and_udp_bytes, settable));
  g_object_class_install_property(object, property_waited_max,
                                  g_param_spec_uint64("waited-max", "Longest wait",
                                                      "Nanoseconds for which a packet was held "
                                                      "at most",
                                                      0, G_MAXUINT64, 0, told));
  g_object_class_install_property(
      object, property_sets,
      g_param_spec_uint64("sets", "PDU Sets", "PDU Sets that ended", 0, G_MAXUINT64, 0, told));
  auto* element = GST_ELEMENT_CLASS(klass);
  element->change_state = change_state;
  gst_element_class_add_static_pad_template(element, &sink_template);
  gst_element_class_add_static_pad_template(element, &source_template);
  gst_element_class_set_static_metadata(
      element, "PDU Set sizes", "Filter/Network/RTP",
      "Fills PSSize and NPDS into the PDU Set header extension of whole PDU Sets", "Lobodon");
}

}  // namespace

GType pdu_set_sizer_type() { return sizer_get_type(); }

}  // namespace lobo::gst

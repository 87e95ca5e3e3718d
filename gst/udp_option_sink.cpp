// loboudpoptionsink: sends RTP with the PDU Set mark in a UDP option, clear or protected. It is
// `lobo eas` at the end of a pipeline: the same marks, the same way out past the kernel.
#include <gst/base/gstbasesink.h>
#include <gst/gst.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "dataplane/importance.hpp"
#include "dataplane/marker.hpp"
#include "live/live_marks.hpp"
#include "live/live_sender.hpp"
#include "live/outlet.hpp"
#include "model/address.hpp"
#include "plugin.hpp"
#include "stream_caps.hpp"
#include "toolbox/mark_writer.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::gst {
namespace {

using Clock = std::chrono::steady_clock;
using Treatment = dataplane::PayloadRule::Treatment;

constexpr guint port_default = 5004;
constexpr guint port_max = 65535;
constexpr gint payload_type_max = 127;

struct State {
  std::string host = "127.0.0.1";
  guint port = port_default;
  std::string interface;
  std::string keys;
  gint key_id = -1;  ///< the first of the file
  guint sid = 1;
  dataplane::MarkerConfig::SetIs set_is = dataplane::MarkerConfig::SetIs::frame;
  std::optional<rtp::VideoCodec> codec;
  gint payload_type = -1;
  std::unique_ptr<app::LiveSender> sender;
};

struct Sink {
  GstBaseSink parent;
  State* state;
};
struct SinkClass {
  GstBaseSinkClass parent_class;
};

enum Property : guint {
  property_none,
  property_host,
  property_port,
  property_interface,
  property_keys,
  property_key_id,
  property_sid,
  property_set,
  property_stats
};

G_DEFINE_TYPE(Sink, sink, GST_TYPE_BASE_SINK)

State& state_of(gpointer object) { return *static_cast<Sink*>(object)->state; }

app::LiveSettings live_settings(const State& state) {
  app::LiveSettings live;
  live.marks.marker.set_is = state.set_is;
  live.marks.marker.look_ahead = dataplane::LookAhead::pdu_set;
  // A header extension that a payloader wrote is its business.
  live.marks.old_marks.extension = false;
  if (state.codec && state.payload_type >= 0)
    live.marks.rules.push_back(
        {.payload_type = static_cast<std::uint8_t>(state.payload_type),
         .treatment = *state.codec == rtp::VideoCodec::h265 ? Treatment::h265 : Treatment::h264});
  return live;
}

/// Opens the way out; an error is on the bus already where this is false.
bool open(Sink* self) {
  State& state = *self->state;
  const auto address = model::parse_ip_address(state.host);
  if (!address) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS,
                      ("host wants an IP address, not '%s'", state.host.c_str()), (nullptr));
    return false;
  }
  app::WriteSettings writing{.carry = app::Carry::option, .key_file = state.keys};
  if (state.key_id >= 0) writing.key_id = static_cast<std::uint8_t>(state.key_id);
  writing.sid = static_cast<std::uint16_t>(state.sid);
  auto sender = app::LiveSender::open(
      {.outlet = {.to = *address,
                  .port = static_cast<std::uint16_t>(state.port),
                  .interface = state.interface,
                  .tell =
                      [self](std::string_view what) {
                        GST_ELEMENT_WARNING(self, RESOURCE, WRITE,
                                            ("%s", std::string(what).c_str()), (nullptr));
                      }},
       .writing = writing,
       .live = live_settings(state),
       .counters = {}});
  if (!sender) {
    GST_ELEMENT_ERROR(self, RESOURCE, OPEN_WRITE, ("%s", sender.error().detail.c_str()), (nullptr));
    return false;
  }
  state.sender = std::move(*sender);
  return true;
}

void close(State& state) {
  if (state.sender) state.sender->finish(Clock::now());
  state.sender.reset();
}

gboolean set_caps(GstBaseSink* base, GstCaps* caps) {
  auto* self = static_cast<Sink*>(static_cast<gpointer>(base));
  State& state = *self->state;
  const auto codec = codec_of(caps);
  gint payload_type = -1;
  (void)gst_structure_get_int(gst_caps_get_structure(caps, 0), "payload", &payload_type);
  if (payload_type > payload_type_max) payload_type = -1;
  if (state.sender && codec == state.codec && payload_type == state.payload_type) return TRUE;
  close(state);  // another codec is another stream
  state.codec = codec;
  state.payload_type = payload_type;
  if (!codec)
    GST_ELEMENT_WARNING(self, STREAM, FORMAT,
                        ("neither H.264 nor H.265: the stream is sent unmarked"), (nullptr));
  return static_cast<gboolean>(open(self));
}

void push(State& state, GstBuffer* buffer, Clock::time_point now) {
  GstMapInfo map;
  if (!state.sender || gst_buffer_map(buffer, &map, GST_MAP_READ) == 0) return;
  state.sender->push(std::as_bytes(std::span(map.data, map.size)), now);
  gst_buffer_unmap(buffer, &map);
}

GstFlowReturn render(GstBaseSink* base, GstBuffer* buffer) {
  State& state = state_of(base);
  if (!state.sender) return GST_FLOW_NOT_NEGOTIATED;
  const auto now = Clock::now();
  push(state, buffer, now);
  state.sender->tick(now);
  state.sender->flush(now);
  return GST_FLOW_OK;
}

GstFlowReturn render_list(GstBaseSink* base, GstBufferList* list) {
  State& state = state_of(base);
  if (!state.sender) return GST_FLOW_NOT_NEGOTIATED;
  const auto now = Clock::now();
  for (guint i = 0; i < gst_buffer_list_length(list); ++i)
    push(state, gst_buffer_list_get(list, i), now);
  state.sender->tick(now);
  state.sender->flush(now);
  return GST_FLOW_OK;
}

gboolean event(GstBaseSink* base, GstEvent* event) {
  State& state = state_of(base);
  if (GST_EVENT_TYPE(event) == GST_EVENT_EOS && state.sender) state.sender->finish(Clock::now());
  return GST_BASE_SINK_CLASS(sink_parent_class)->event(base, event);
}

gboolean stop(GstBaseSink* base) {
  close(state_of(base));
  return TRUE;
}

GstStructure* stats_of(const State& state) {
  const app::LiveTallies marks = state.sender ? state.sender->marks() : app::LiveTallies{};
  const app::OutletTallies sent = state.sender ? state.sender->sent() : app::OutletTallies{};
  const auto waited_max = static_cast<guint64>(marks.waited_max.count());
  return gst_structure_new("stats", "packets", G_TYPE_UINT64, guint64{marks.packets}, "marked",
                           G_TYPE_UINT64, guint64{marks.marked}, "sets", G_TYPE_UINT64,
                           guint64{marks.sets}, "over-mtu", G_TYPE_UINT64, guint64{marks.over_mtu},
                           "sent", G_TYPE_UINT64, guint64{sent.sent}, "by-kernel", G_TYPE_UINT64,
                           guint64{sent.by_kernel}, "dropped", G_TYPE_UINT64, guint64{sent.dropped},
                           "waited-max", G_TYPE_UINT64, waited_max, nullptr);
}

std::string text_of(const GValue* value) {
  const gchar* text = g_value_get_string(value);
  return text == nullptr ? std::string{} : std::string(text);
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  State& state = state_of(object);
  switch (id) {
    case property_host: state.host = text_of(value); return;
    case property_port: state.port = g_value_get_uint(value); return;
    case property_interface: state.interface = text_of(value); return;
    case property_keys: state.keys = text_of(value); return;
    case property_key_id: state.key_id = g_value_get_int(value); return;
    case property_sid: state.sid = g_value_get_uint(value); return;
    case property_set: state.set_is = set_is_of(g_value_get_string(value)); return;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  const State& state = state_of(object);
  const bool slice = state.set_is == dataplane::MarkerConfig::SetIs::slice;
  switch (id) {
    case property_host: g_value_set_string(value, state.host.c_str()); return;
    case property_port: g_value_set_uint(value, state.port); return;
    case property_interface: g_value_set_string(value, state.interface.c_str()); return;
    case property_keys: g_value_set_string(value, state.keys.c_str()); return;
    case property_key_id: g_value_set_int(value, state.key_id); return;
    case property_sid: g_value_set_uint(value, state.sid); return;
    case property_set: g_value_set_static_string(value, slice ? "slice" : "frame"); return;
    case property_stats: g_value_take_boxed(value, stats_of(state)); return;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void finalize(GObject* object) {
  delete static_cast<Sink*>(static_cast<gpointer>(object))->state;
  G_OBJECT_CLASS(sink_parent_class)->finalize(object);
}

GstStaticPadTemplate pad_template = GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                                                            GST_STATIC_CAPS("application/x-rtp"));

void install_properties(GObjectClass* object) {
  constexpr auto settable = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                                     GST_PARAM_MUTABLE_READY);
  constexpr auto told = static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  const auto text = [&](guint id, const char* name, const char* what, const char* fallback) {
    g_object_class_install_property(object, id,
                                    g_param_spec_string(name, name, what, fallback, settable));
  };
  text(property_host, "host", "IP address to send to", "127.0.0.1");
  text(property_interface, "interface", "Interface to leave by; else as the kernel routes", "");
  text(property_keys, "keys", "Key file: the option is protected", "");
  text(property_set, "set", "What a PDU Set is: frame or slice", "frame");
  g_object_class_install_property(object, property_port,
                                  g_param_spec_uint("port", "port", "UDP port to send to", 1,
                                                    port_max, port_default, settable));
  g_object_class_install_property(
      object, property_key_id,
      g_param_spec_int("key-id", "key-id", "Which context of the key file; -1: the first", -1, 255,
                       -1, settable));
  g_object_class_install_property(
      object, property_sid,
      g_param_spec_uint("sid", "sid", "Sender identifier of the protected option", 0, 0xFFFF, 1,
                        settable));
  g_object_class_install_property(
      object, property_stats,
      g_param_spec_boxed("stats", "stats", "What was marked and sent", GST_TYPE_STRUCTURE, told));
}

void sink_init(Sink* self) { self->state = std::make_unique<State>().release(); }

void sink_class_init(SinkClass* klass) {
  auto* object = G_OBJECT_CLASS(klass);
  object->set_property = set_property;
  object->get_property = get_property;
  object->finalize = finalize;
  install_properties(object);
  auto* base = GST_BASE_SINK_CLASS(klass);
  base->set_caps = set_caps;
  base->render = render;
  base->render_list = render_list;
  base->event = event;
  base->stop = stop;
  auto* element = GST_ELEMENT_CLASS(klass);
  gst_element_class_add_static_pad_template(element, &pad_template);
  gst_element_class_set_static_metadata(
      element, "RTP with PDU Set marks in UDP options", "Sink/Network/RTP",
      "Sends RTP over UDP with the PDU Set mark in a UDP option, past the kernel", "Lobodon");
}

}  // namespace

GType udp_option_sink_type() { return sink_get_type(); }

}  // namespace lobo::gst

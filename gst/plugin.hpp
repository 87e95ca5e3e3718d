#pragma once
// The elements of the plugin.

#include <gst/gst.h>

namespace lobo::gst {

GType pdu_set_extension_type();
GType pdu_set_sizer_type();
GType udp_option_sink_type();

}  // namespace lobo::gst

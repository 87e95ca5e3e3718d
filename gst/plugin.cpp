#include "plugin.hpp"

#include <gst/gst.h>

#define PACKAGE "lobodon"  // GST_PLUGIN_DEFINE wants it as a macro

namespace {

gboolean init(GstPlugin* plugin) {
  namespace elements = lobo::gst;
  return static_cast<gboolean>(gst_element_register(plugin, "rtphdrextpduset", GST_RANK_PRIMARY,
                                                    elements::pdu_set_extension_type()) != 0 &&
                               gst_element_register(plugin, "lobopdusetsizer", GST_RANK_NONE,
                                                    elements::pdu_set_sizer_type()) != 0 &&
                               gst_element_register(plugin, "loboudpoptionsink", GST_RANK_NONE,
                                                    elements::udp_option_sink_type()) != 0);
}

}  // namespace

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, lobodon,
                  "PDU Set marks in RTP header extensions and UDP options", init, LOBO_VERSION,
                  "Apache-2.0", "lobodon", "https://localhost/lobodon")

#pragma once
// What the network says of the QoS of a media session, in the words of whoever was asked to tell:
// SEAL's network resource management, a NEF or a PCF (api/media_network.yaml).

#include <optional>
#include <string>
#include <string_view>

#include "api/media_e5.hpp"
#include "api/state/media_energy.hpp"
#include "base/result.hpp"
#include "services/media_energy/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::media_energy {

/// What a notification says of the QoS; nothing where it is about something else. Its form is told
/// by the path that it came to. Fails where it has another form, with the members at fault.
Result<std::optional<api::state::media_energy::NetworkWord>> network_word(
    const http::Request& notification);

/// Where the network may send its word of the subscription's media session.
api::media_e5::NetworkNotificationUris network_uris(const Settings& settings, std::string_view id,
                                                    std::string_view secret);

}  // namespace lobo::media_energy

// An avatar that walks and sees others. c++ avatar.cpp $(pkg-config --cflags --libs lobodon-mmec)
// avatar http://127.0.0.67:7777 alice hall 10
#include <cmath>
#include <cstdint>
#include <iostream>
#include <lobodon/mmec.hpp>
#include <string>

int main(int argc, char** argv) try {
  if (argc != 5) return std::cerr << "avatar ENABLER UE ROOM SECONDS\n", 2;
  const std::string asset = std::string("urn:avatar:") + argv[2];
  const lobo_mmec_asset avatar{asset.c_str(), "avatar", LOBO_MMEC_BIDI, LOBO_MMEC_R0_NEWEST, 30, 0};
  lobo_mmec_settings settings = LOBO_MMEC_SETTINGS_INIT;
  settings.enabler = argv[1], settings.ue = argv[2], settings.room = argv[3];
  settings.assets = &avatar, settings.assets_count = 1, settings.poses = 1;
  lobodon::Mmec client(settings);
  client.on_event = [](const lobo_mmec_event& event) {
    std::cerr << "event " << event.kind << ' ' << event.asset << ' ' << event.detail << '\n';
  };
  client.on_state = [](const lobo_mmec_state& state) {
    double at[3], turn[4];
    if (state.component == 0 &&
        lobo_mmec_read_pose_root(state.data, state.data_size, at, turn) == 0)
      std::cout << state.asset << " is at " << at[0] << ' ' << at[2] << std::endl;
  };
  for (int i = 0; i < std::stoi(argv[4]) * 30 && client.poll(33) != LOBO_MMEC_ENDED; ++i) {
    if (client.phase() != LOBO_MMEC_UP) continue;
    const double at[3] = {std::cos(i / 30.0), 0, std::sin(i / 30.0)}, turn[4] = {0, 0, 0, 1};
    std::uint8_t pose[LOBO_MMEC_POSE_ROOT_SIZE];
    lobo_mmec_pose_root(at, turn, pose);
    client.publish(0, pose, sizeof pose);
  }
  client.leave();
  while (client.poll(100) != LOBO_MMEC_ENDED) continue;
} catch (const lobodon::MmecError& error) { return std::cerr << error.what() << '\n', 1; }

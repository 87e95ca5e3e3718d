/* An avatar that walks and sees others. cc avatar.c $(pkg-config --cflags --libs lobodon-mmec)
 * avatar http://127.0.0.67:7777 alice hall 10 */
#include <lobodon/mmec.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void on_state(void* user, const lobo_mmec_state* state) {
  double at[3], turn[4];
  (void)user;
  if (state->component == 0 &&
      lobo_mmec_read_pose_root(state->data, state->data_size, at, turn) == 0)
    printf("%s is at %.2f %.2f %.2f\n", state->asset, at[0], at[1], at[2]);
}
static void on_event(void* user, const lobo_mmec_event* event) {
  (void)user;
  fprintf(stderr, "event %d %s %s\n", event->kind, event->asset, event->detail);
}

int main(int argc, char** argv) {
  char asset[300], error[500];
  if (argc != 5) return fprintf(stderr, "avatar ENABLER UE ROOM SECONDS\n"), 2;
  snprintf(asset, sizeof asset, "urn:avatar:%s", argv[2]);
  lobo_mmec_asset avatar = {asset, "avatar", LOBO_MMEC_BIDI, LOBO_MMEC_R0_NEWEST, 30, 0};
  lobo_mmec_settings settings = LOBO_MMEC_SETTINGS_INIT;
  settings.enabler = argv[1], settings.ue = argv[2], settings.room = argv[3];
  settings.assets = &avatar, settings.assets_count = 1, settings.poses = 1;
  lobo_mmec_callbacks callbacks = {sizeof callbacks, NULL, on_state, on_event};
  lobo_mmec* client = lobo_mmec_open(&settings, &callbacks, error, sizeof error);
  if (!client) return fprintf(stderr, "%s\n", error), 1;
  for (int i = 0; i < atoi(argv[4]) * 30 && lobo_mmec_poll(client, 33) != LOBO_MMEC_ENDED; ++i) {
    const double at[3] = {cos(i / 30.0), 0, sin(i / 30.0)}, turn[4] = {0, 0, 0, 1};
    unsigned char pose[LOBO_MMEC_POSE_ROOT_SIZE];
    lobo_mmec_pose_root(at, turn, pose);
    lobo_mmec_publish(client, 0, 0, pose, sizeof pose, NULL); /* refused until there is a token */
  }
  lobo_mmec_leave(client, 0);
  while (lobo_mmec_poll(client, 100) != LOBO_MMEC_ENDED) continue;
  return lobo_mmec_close(client);
}

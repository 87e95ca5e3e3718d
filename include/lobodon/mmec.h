#pragma once
/* The client of the metaverse enabler: digital assets that stay in step. docs/mmec.md explains it.
 *
 * A client belongs to one thread at a time and starts none of its own. lobo_mmec_poll() gives it
 * time; callbacks come within that call and what they point to lives as long as they do. A callback
 * may publish, leave, renew; it may neither poll nor close. Times are microseconds.
 *
 * Every struct that grows begins with its size, which says how much of it both sides know:
 * LOBO_MMEC_SETTINGS_INIT and so on fill it in. All members that are 0 mean "not said". */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of this header. The library takes programs that were written for an older one. */
#define LOBO_MMEC_API 1

typedef struct lobo_mmec lobo_mmec;

/* What functions return: 0 or more is good, less than 0 is one of these. */
enum {
  LOBO_MMEC_INVALID = -1,     /* an argument; lobo_mmec_error() says which */
  LOBO_MMEC_UNAVAILABLE = -2, /* not connected: what cannot wait is refused */
  LOBO_MMEC_FORBIDDEN = -3,   /* not granted to this UE */
  LOBO_MMEC_TOO_LARGE = -4,
  LOBO_MMEC_TOO_MUCH = -5, /* more waits already than may; try again later */
  LOBO_MMEC_STATE = -6,    /* not at this moment: ended, or a delta on no key frame */
  LOBO_MMEC_FAILED = -7
};

enum lobo_mmec_phase {
  LOBO_MMEC_IDLE = 0,
  LOBO_MMEC_ASKING = 1,     /* the enabler */
  LOBO_MMEC_CONNECTING = 2, /* to the node */
  LOBO_MMEC_UP = 3,
  LOBO_MMEC_WAITING = 4, /* before the next attempt, or for a token */
  LOBO_MMEC_LEAVING = 5,
  LOBO_MMEC_ENDED = 6
};

enum lobo_mmec_event_kind {
  LOBO_MMEC_EVENT_UP = 0,
  LOBO_MMEC_EVENT_DOWN = 1, /* it comes back by itself unless ENDED follows */
  LOBO_MMEC_EVENT_ASSET_HERE = 2,
  LOBO_MMEC_EVENT_ASSET_GONE = 3,
  LOBO_MMEC_EVENT_TIER = 4,
  LOBO_MMEC_EVENT_TOKEN_WANTED = 5, /* nobody to ask: lobo_mmec_use() */
  LOBO_MMEC_EVENT_RELOCATING = 6,
  LOBO_MMEC_EVENT_REFUSED = 7, /* a flow, a state or a request; `detail` says what and where */
  LOBO_MMEC_EVENT_ENDED = 8    /* the last one */
};

/* How states are carried (docs/sdd.md). */
enum {
  LOBO_MMEC_R0_NEWEST = 0,
  LOBO_MMEC_R1_LOSSY = 1,
  LOBO_MMEC_R2_DEADLINE = 2,
  LOBO_MMEC_R3_UNORDERED = 3,
  LOBO_MMEC_R4_ORDERED = 4
};
enum { LOBO_MMEC_PUB = 0, LOBO_MMEC_SUB = 1, LOBO_MMEC_BIDI = 2 };

/* An asset of this UE. */
typedef struct {
  const char* asset; /* a URI */
  const char* asset_class;
  int direction;       /* LOBO_MMEC_PUB … */
  int reliability;     /* LOBO_MMEC_R0_NEWEST … */
  double rate_hz;      /* 0: not said */
  uint32_t components; /* mask; 0: all */
} lobo_mmec_asset;

typedef struct {
  size_t size;
  const char* name; /* of the program, for people */

  /* A session of the enabler … */
  const char* enabler;         /* "https://mm.example:7777" */
  const char* authorization;   /* bearer token */
  const char* session;         /* join this one; NULL: ask for one */
  const char* idempotency_key; /* who has the same one gets the same session */
  const char* service;
  const char* requester; /* NULL: the UE */
  const char* ue;
  const char* room;
  const lobo_mmec_asset* assets;
  size_t assets_count;
  int without_policies; /* 1: do not fetch and apply them before asking */

  /* … or a node and a token for it, base64url. */
  const char* token;
  const char* node;               /* "192.0.2.1:4433", "[2001:db8::1]:4433" */
  const char* certificate_sha256; /* 64 hexadecimal digits */

  const char* ca_file; /* PEM: for the enabler, and for nodes whose certificate has no known hash */
  const char* through; /* reach the node by this address and port instead */
  int poses;           /* 1: components are those of the pose codec */
  /* Another way to the node, for flows that go twice: "192.0.2.7", an address of this machine to
   * leave from, "@192.0.2.1:4433", where to go, or both. NULL: there is one way. */
  const char* second;
} lobo_mmec_settings;
#ifdef __cplusplus
#define LOBO_MMEC_SETTINGS_INIT {sizeof(lobo_mmec_settings)}
#define LOBO_MMEC_STATS_INIT {sizeof(lobo_mmec_stats)}
#else
#define LOBO_MMEC_SETTINGS_INIT {.size = sizeof(lobo_mmec_settings)}
#define LOBO_MMEC_STATS_INIT {.size = sizeof(lobo_mmec_stats)}
#endif

/* A state of somebody's asset. */
typedef struct {
  const char* asset;
  const char* ue;
  const void* data;
  size_t data_size;
  uint32_t flow;
  uint32_t sequence;
  uint32_t base; /* of a delta: the sequence of its key frame */
  uint16_t alias;
  uint8_t component;
  uint8_t reliability;
  uint8_t is_delta;
  uint8_t has_age;
  int64_t age_us;
} lobo_mmec_state;

typedef struct {
  int kind;
  const char* asset;
  const char* ue;
  uint32_t flow;
  uint16_t alias;
  uint8_t tier;        /* 0 is the best */
  const char* reason;  /* of a tier: "loss", "delay", "bandwidth", "restored", "ordered" */
  double rate_hz;      /* of a tier; 0: as they come */
  uint32_t components; /* of a tier */
  const char* error;   /* "refused", "timeout" …; NULL: none */
  const char* detail;  /* what and where, for people; never NULL */
} lobo_mmec_event;

typedef struct {
  size_t size;
  void* user;
  void (*state)(void* user, const lobo_mmec_state* state);
  void (*event)(void* user, const lobo_mmec_event* event);
} lobo_mmec_callbacks;

typedef struct {
  uint32_t id;
  uint16_t alias;
  char asset[513];
  int direction;
  int reliability;
  uint32_t components;
} lobo_mmec_flow;

/* What was measured. Percentiles are at most 6.25 % too high; 0 where nothing was measured. */
typedef struct {
  size_t size;
  int phase;
  int has_clock;
  int64_t clock_offset_us; /* of the node's clock against ours, */
  int64_t clock_error_us;  /* and at most so much off */
  int64_t rtt_us;
  /* The last five seconds, the flow that had most states: */
  uint64_t delay_p50_us, delay_p99_us, age_p50_us, age_p99_us, gap_p50_us, gap_p99_us;
  uint64_t jitter_us;
  uint64_t bits_per_second;
  double loss; /* 0 to 1 */
  /* Since the beginning, all flows: */
  uint64_t received, received_bytes, expected, lost, duplicates, late;
  uint64_t messages_received, messages_sent;
  uint64_t sent, sent_bytes, replaced, repeated;
  uint64_t datagrams_acked, datagrams_lost, datagrams_spurious;
  uint64_t connections, attempts, refused;
  uint64_t ways;       /* that carry flows now: 2 where those that go twice do */
  uint64_t sent_twice; /* states, by the second way as well */
  uint64_t copies;     /* states that came by one way when they had come by the other */
  uint64_t left_out;   /* states that the node had and did not send us: no losses */
} lobo_mmec_stats;

/* LOBO_MMEC_API of the library. */
int lobo_mmec_api(void);

/* Begins a session. NULL where the settings contradict themselves: `error` (may be NULL) has the
 * reason, cut to its size. */
lobo_mmec* lobo_mmec_open(const lobo_mmec_settings* settings, const lobo_mmec_callbacks* callbacks,
                          char* error, size_t error_size);
/* Works for so long, or until the session has ended; 0: what there is to do, without waiting. The
 * phase. */
int lobo_mmec_poll(lobo_mmec* client, int timeout_ms);
int lobo_mmec_phase(const lobo_mmec* client);
/* Says goodbye; poll until the phase is LOBO_MMEC_ENDED. `end_session` 1: for everybody. */
int lobo_mmec_leave(lobo_mmec* client, int end_session);
/* Frees it, said goodbye or not. NULL is nothing. */
int lobo_mmec_close(lobo_mmec* client);

/* The next state of a component; flow 0 is the first that publishes. 1: sent, with its number in
 * `sequence` (may be NULL); 0: it waits, and the next one may take its place. */
int lobo_mmec_publish(lobo_mmec* client, uint32_t flow, uint8_t component, const void* data,
                      size_t data_size, uint32_t* sequence);
/* What changes the key frame `base`, the newest that was sent. */
int lobo_mmec_publish_delta(lobo_mmec* client, uint32_t flow, uint8_t component, const void* data,
                            size_t data_size, uint32_t base, uint32_t* sequence);
/* What is wanted of flow: components (mask), at most so often (0: as it is granted), only the
 * nearest so many assets (0: all). */
int lobo_mmec_want(lobo_mmec* client, uint32_t flow, uint32_t components, double rate_hz,
                   uint32_t nearest);
/* A later token; node and certificate as in the settings, NULL: as before. */
int lobo_mmec_use(lobo_mmec* client, const char* token, const char* node,
                  const char* certificate_sha256);
/* The address of this machine changed. */
int lobo_mmec_path_changed(lobo_mmec* client);

/* Of the enabler; "" where there is none yet. */
const char* lobo_mmec_session(lobo_mmec* client);
/* Up to `max` of the flows that were granted; how many there are. */
int lobo_mmec_flows(lobo_mmec* client, lobo_mmec_flow* flows, size_t max);
int lobo_mmec_measure(lobo_mmec* client, lobo_mmec_stats* stats);
/* Why the last function failed. */
const char* lobo_mmec_error(const lobo_mmec* client);

/* The root of a pose (component 0): metres in the room, and a rotation of length one, x y z w. */
#define LOBO_MMEC_POSE_ROOT_SIZE 19
void lobo_mmec_pose_root(const double position[3], const double rotation[4],
                         uint8_t out[LOBO_MMEC_POSE_ROOT_SIZE]);
int lobo_mmec_read_pose_root(const void* data, size_t data_size, double position[3],
                             double rotation[4]);

#ifdef __cplusplus
}
#endif

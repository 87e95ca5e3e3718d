// Energy-aware moves for a page with dash.js or hls.js, in one line:
//
//   lobo.follow(player, { af: "https://af.example", session: "PROVISIONING_SESSION" });
//
// The page's media session handler and Energy Information Collector (TR 26.942 clause 7.13): it fetches
// service access information (M5), subscribes and listens (E5, server-sent events or
// long poll), and has the player carry out
// what the media AF recommends (M11), by the player's public API alone. It decides nothing. Playback goes
// on by content steering when the AF is gone. Shaka Player has no call for a change of pathway: it is
// moved by content steering alone.
"use strict";
(function (root) {
  const WAIT_S = 10; // what the AF allows a question to wait
  const PAUSE_FIRST_MS = 1000;
  const PAUSE_MOST_MS = 60000;
  const RESUMES_MAX = 5; // of a stream of events that brings nothing, before the long poll is tried
  const MOVE_PATIENCE_MS = 15000;
  const STEPS_MAX = 200;

  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const UNITS = { "": 1, K: 1e3, M: 1e6, G: 1e9, T: 1e12 };
  const bits = (text) => {
    const read = /^(\d+(?:\.\d+)?) ([KMGT]?)bps$/.exec(text || "");
    return read ? Number(read[1]) * UNITS[read[2]] : undefined;
  };

  // What is wanted first stands first; the others keep their order (sort is stable).
  const prefer = (list, wanted) => {
    const rank = (id) => (wanted.includes(id) ? wanted.indexOf(id) : wanted.length);
    return list.sort((a, b) => rank(a) - rank(b));
  };

  // M11 for each player. `wanted()` is the order in force, or nothing: steering's answers are put into it,
  // so that the next poll does not undo a recommendation that still holds.
  const players = {
    "hls.js": (player, wanted) => {
      player.on("hlsSteeringManifestLoaded", (_, data) => {
        const list = data.steeringManifest["PATHWAY-PRIORITY"];
        if (wanted() && Array.isArray(list)) prefer(list, wanted());
      });
      let subtitles = -1;
      return {
        move: (ids) => { player.pathwayPriority = ids; },
        levels: () => player.levels.map((level) => ({ rate: level.bitrate, height: level.height })),
        cap: (rate) => {
          const fits = player.levels.map((level, at) => (level.bitrate <= rate ? at : -1));
          player.autoLevelCapping = rate === undefined ? -1 : Math.max(0, ...fits);
        },
        text: (on) => {
          if (!on) subtitles = player.subtitleTrack;
          player.subtitleTrack = on ? subtitles : -1;
        },
        suspend: (on) => {
          if (on) { player.stopLoad(); player.media.pause(); } else { player.startLoad(); player.media.play(); }
        },
      };
    },
    "dash.js": (player, wanted) => {
      player.addResponseInterceptor((response) => {
        const list = response.data && response.data["PATHWAY-PRIORITY"];
        if (wanted() && Array.isArray(list)) prefer(list, wanted());
        return Promise.resolve(response);
      });
      return {
        move: () => player.triggerSteeringRequest(),
        levels: () => player.getRepresentationsByType("video").map((one) => ({ rate: one.bandwidth, height: one.height })),
        text: (on) => player.enableText(on),
        // It begins to fetch again where playback starts and that setting is still off, so it is put back behind.
        suspend: (on) => {
          const fetches = (yes) => player.updateSettings({ streaming: { scheduling: { scheduleWhilePaused: yes } } });
          const started = () => { player.off("playbackStarted", started); setTimeout(() => fetches(true), 0); };
          if (on) { fetches(false); player.pause(); } else { player.on("playbackStarted", started); player.play(); }
        },
        cap: (rate) => player.updateSettings({ streaming: { abr: { maxBitrate: {
          video: rate === undefined ? -1 : rate / 1000 } } } }),
      };
    },
  };
  // The operation point: a limit of rate and height, without subtitles, or nothing at all for a while. A player
  // cannot leave its video out, so that it is the least there is instead. Kept per page: what does not change
  // is not touched.
  const POINTS = ["REDUCE_MAX_BITRATE", "REDUCE_MAX_RESOLUTION", "DROP_COMPONENT", "SUSPEND_SESSION", "RESUME"];
  const operation = (actor) => {
    let text = true, suspended = false;
    return (what) => {
      const levels = actor.levels(), least = Math.min(...levels.map((one) => one.rate));
      const dropped = what.action === "DROP_COMPONENT" ? what.componentTypes || [] : [];
      let rate = bits(what.maxBitRate);
      if (what.maxHeight) {
        const fits = levels.filter((one) => one.height <= what.maxHeight).map((one) => one.rate);
        rate = Math.min(rate === undefined ? Infinity : rate, Math.max(least, ...fits));
      }
      actor.cap(dropped.includes("VIDEO") ? least : rate);
      if (text === dropped.includes("TEXT")) actor.text(text = !text);
      if (suspended !== (what.action === "SUSPEND_SESSION")) actor.suspend(suspended = !suspended);
      return suspended;
    };
  };
  const kind = (player) => (typeof player.triggerSteeringRequest === "function" ? "dash.js" : "hls.js");

  // The first request below a base URL after `since` tells where the player is served from (step 35d).
  const watch = (bases, seen) => {
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const at = bases().find((one) => entry.name.startsWith(one.baseUrl) && !/\.(mpd|m3u8)(\?|$)/.test(entry.name));
        if (at) seen(at.serviceLocationId, performance.timeOrigin + entry.startTime);
      }
    });
    observer.observe({ type: "resource", buffered: true });
    return () => observer.disconnect();
  };

  function follow(player, options) {
    const af = options.af.replace(/\/+$/, "");
    const name = options.name || crypto.randomUUID();
    const state = { name, location: null, seenAt: 0, moves: 0, failed: 0, reports: 0, steps: [], over: false };
    const step = (number, what) => { if (state.steps.length < STEPS_MAX) state.steps.push(`${number} ${what}`); };
    let locations = [], inForce = null, waiters = [], stopStream = null;
    // A move that was made holds until the AF says something else, as long as it is heard.
    const wanted = () => inForce;
    const actor = players[options.kind || kind(player)](player, wanted);
    const operate = operation(actor);
    const unwatch = watch(() => locations, (id, at) => {
      if (at < state.seenAt) return;
      state.seenAt = at;
      state.location = id;
      waiters = waiters.filter((one) => !one(id, at));
    });
    const arrival = (id, since) => new Promise((done) => {
      waiters.push((at, when) => at === id && when >= since && (done(true), true));
      pause(MOVE_PATIENCE_MS).then(() => done(false));
    });

    const ask = async (method, url, body) => {
      const headers = { accept: "application/json", ...(options.headers || {}) };
      if (body) headers["content-type"] = "application/json";
      const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body), cache: "no-store" });
      if (!answer.ok) throw Object.assign(new Error(`${method} ${url}: ${answer.status}`), { status: answer.status });
      return answer.status === 204 ? null : answer.json();
    };
    const access = async () => {
      const told = await ask("GET", `${af}/3gpp-m5/v2/service-access-information/${encodeURIComponent(options.session)}`
        + `?media-delivery-session-id=${encodeURIComponent(name)}`
        + (options.policy ? `&energy-policy=${encodeURIComponent(options.policy)}` : ""));
      const points = (told.streamingAccess && told.streamingAccess.entryPoints) || [];
      locations = points.flatMap((point) => point.serviceLocations || []);
      state.entryPoints = points; // M6: what each entry point takes, for the application
      return told.clientEnergyInformationConfiguration;
    };

    const carryOut = async (what, subscription) => {
      step("32", what.action);
      await pause(Math.max(0, Date.parse(what.notBefore) - Date.now()) + Math.random() * what.jitterMs);
      if (state.over || Date.now() > Date.parse(what.notAfter)) return;
      if (POINTS.includes(what.action)) {
        state.suspended = operate(what);
        return step("35b", what.action);
      }
      if (what.action !== "RESELECT_SERVICE_LOCATION") return;
      const to = what.serviceLocationPriority[0], from = state.location, since = Date.now();
      inForce = what.serviceLocationPriority;
      state.asked = since;
      step("35b", `to ${to}`);
      const there = arrival(to, since);
      actor.move([...what.serviceLocationPriority]);
      const good = from === to || await there;
      if (good) state.moves += 1; else { state.failed += 1; inForce = null; }
      step("35d", good ? to : `not to ${to}`);
      await ask("POST", `${subscription}/service-location-changes`, { moveId: what.moveId, to, ...(from ? { from } : {}),
        at: new Date().toISOString(), outcome: good ? "SUCCEEDED" : "FAILED" });
      step("35f", to);
    };

    const take = (event, subscription) => {
      state.reports += 1;
      state.report = event;
      if (event.energyAdaptationRecommendation)
        carryOut(event.energyAdaptationRecommendation, subscription).catch((e) => step("35f", String(e)));
    };
    // Resolves to the last event's sequence when the stream is over for good; the browser resumes it until then.
    const stream = (subscription) => new Promise((done) => {
      const source = new EventSource(`${subscription}/events`);
      let last = 0, fruitless = 0;
      const over = () => { source.close(); stopStream = null; done(last); };
      stopStream = over;
      source.addEventListener("report", (message) => {
        fruitless = 0;
        last = Number(message.lastEventId);
        state.transport = "SSE";
        take(JSON.parse(message.data), subscription);
      });
      source.addEventListener("lost", () => { state.lost = true; });
      source.onerror = () => {
        if (source.readyState === EventSource.CLOSED || ++fruitless >= RESUMES_MAX) over();
      };
    });

    const run = async () => {
      const energy = await access();
      if (!energy) return; // nothing is exposed: the page plays as it is
      const binding = energy.energyPolicyBindings.find((one) => !options.policy || one.externalReference === options.policy);
      if (!binding) return;
      const e5 = energy.serverAddresses[0].replace(/\/+$/, "");
      while (!state.location && !state.over) await pause(100); // it has to be somewhere first
      const made = await ask("POST", `${e5}/subscriptions`, { provisioningSessionId: options.session,
        energyPolicyId: binding.energyPolicyId, mediaDeliverySessionId: name, serviceLocationId: state.location,
        ...(options.bitRate ? { bitRate: options.bitRate } : {}),
        ...(options.components ? { componentTypes: options.components } : {}),
        ...(options.consent ? { userConsent: true } : {}) });
      const subscription = `${e5}/subscriptions/${encodeURIComponent(made.subscriptionId)}`;
      step("8", made.subscriptionId);
      state.subscription = subscription;
      // A browser's EventSource sends no fields of ours, a token for instance.
      const streams = (energy.transports || []).includes("SSE") && !options.headers && root.EventSource;
      let after = streams && !state.over && options.transport !== "LONG_POLL" ? await stream(subscription) : 0;
      while (!state.over) {
        state.transport = "LONG_POLL";
        const told = await ask("GET", `${subscription}/events?after=${after}&wait=${WAIT_S}`);
        after = told.last;
        for (const event of told.events) take(event, subscription);
      }
    };
    (async () => {
      for (let wait = PAUSE_FIRST_MS; !state.over; wait = Math.min(wait * 2, PAUSE_MOST_MS)) {
        const begun = Date.now();
        try { await run(); return; } catch (e) { step("error", String(e)); }
        inForce = null; // content steering alone, until the AF is heard again
        // Nobody would say any more that a suspension is over.
        if (state.suspended) state.suspended = operate({ action: "RESUME" });
        if (Date.now() - begun > PAUSE_MOST_MS) wait = PAUSE_FIRST_MS;
        await pause(wait);
      }
    })();
    state.stop = () => {
      state.over = true;
      unwatch();
      if (stopStream) stopStream();
      if (state.subscription) fetch(state.subscription, { method: "DELETE", headers: options.headers, keepalive: true }).catch(() => {});
    };
    return state;
  }
  root.lobo = Object.assign(root.lobo || {}, { follow });
})(window);

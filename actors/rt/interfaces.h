// Every actor's typed message interface, a comment per message. W marks a windowed request: the
// sender holds at most N unanswered ones (flow_window.h), which is the only way a batch moves.
// Every actor also answers ping and stop.
#pragma once

#include "actors/rt/type_ids.h"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <vector>

namespace troupe::actors {

/// Heartbeat from the supervisor, and ordered stop: finish what is in hand, answer, take nothing
/// new.
using basic_actor = caf::typed_actor<caf::replies_to<ping_atom>::with<pong_atom>,
                                     caf::replies_to<stop_atom>::with<stopped_atom>>;

/// One per shard; the shard's only writer.
using ingest_actor = basic_actor::extend<
    // W: store batches; answered after fdatasync. The flag says that somebody waits: commit as soon
    // as idle. Without it they ride along with the next commit, at most 100 ms later.
    caf::replies_to<put_atom, batch_list_ptr, bool>::with<outcome_list_ptr>,
    // To itself: commit what is waiting.
    caf::reacts_to<commit_atom>,
    // To itself: the fdatasync that commits have put off.
    caf::reacts_to<sync_atom>,
    // To itself: one more piece of WAL replay.
    caf::reacts_to<replay_atom>>;

/// Splits batches by shard and joins the answers.
using router_actor = basic_actor::extend<
    // W: store one batch; the flag is ingest's.
    caf::replies_to<put_atom, batch_ptr, bool>::with<outcome_ptr>,
    // W: store batches that have waited for each other: they are committed as soon as idle.
    caf::replies_to<put_atom, batch_list_ptr>::with<outcome_list_ptr>,
    // To itself: open_requests.h.
    caf::reacts_to<sweep_atom>, caf::reacts_to<links_atom, links_ptr>>;

/// Takes pushed samples: decodes, stores, answers.
using receive_actor =
    basic_actor::extend<caf::reacts_to<call_atom, http_call_ptr>,
                        // To itself: open_requests.h.
                        caf::reacts_to<sweep_atom>, caf::reacts_to<links_atom, links_ptr>>;

/// Finds targets.
using discovery_actor =
    basic_actor::extend<caf::reacts_to<tick_atom>, caf::reacts_to<config_atom, config_ptr>,
                        // http_sd answers.
                        caf::reacts_to<fetched_atom, fetch_results_ptr>,
                        // For the API: pools with discovered and dropped targets.
                        caf::replies_to<pools_atom>::with<discovery_state_ptr>,
                        caf::reacts_to<links_atom, links_ptr>>;

/// Scrapes a share of the targets; a wheel and a struct per target.
using scrape_actor = basic_actor::extend<
    caf::reacts_to<tick_atom>,
    // The whole target set; the actor keeps its share.
    caf::reacts_to<targets_atom, target_sets_ptr>, caf::reacts_to<fetched_atom, fetch_results_ptr>,
    // To itself: hand on the batches that were gathered.
    caf::reacts_to<flush_atom>,
    // To itself: open_requests.h.
    caf::reacts_to<sweep_atom>,
    // To itself: offer batches again that could not be stored.
    caf::reacts_to<put_atom, offered_scrapes_ptr>,
    caf::replies_to<pools_atom>::with<pool_states_ptr>, caf::reacts_to<links_atom, links_ptr>>;

/// Sends alerts to the Alertmanagers it finds. Answers stop when all are sent, or at a deadline.
using notify_actor =
    basic_actor::extend<caf::reacts_to<tick_atom>, caf::reacts_to<config_atom, config_ptr>,
                        // Answers of Alertmanagers and http_sd.
                        caf::reacts_to<fetched_atom, fetch_results_ptr>,
                        // Not windowed: its queues are bounded, the oldest alerts are dropped.
                        caf::reacts_to<alerts_atom, alert_list_ptr>>;

/// Sends what the log has to the endpoints of remote_write. Answers stop when nothing is under way,
/// or at a deadline.
using send_actor =
    basic_actor::extend<caf::reacts_to<tick_atom>, caf::reacts_to<config_atom, config_ptr>,
                        // Answers of receivers.
                        caf::reacts_to<fetched_atom, fetch_results_ptr>>;

/// Takes over from other nodes what this one subscribes to. Answers stop when nothing waits to be
/// stored, or at a deadline.
using federation_actor =
    basic_actor::extend<caf::reacts_to<tick_atom>, caf::reacts_to<config_atom, config_ptr>,
                        // Answers of sources.
                        caf::reacts_to<fetched_atom, fetch_results_ptr>,
                        // To itself: open_requests.h.
                        caf::reacts_to<sweep_atom>, caf::reacts_to<links_atom, links_ptr>>;

/// Hands what subscriptions of other nodes select to them. Answers requests when there is something
/// to tell.
using feed_actor =
    basic_actor::extend<caf::reacts_to<tick_atom>, caf::reacts_to<config_atom, config_ptr>,
                        caf::reacts_to<call_atom, http_call_ptr>>;

/// Streams what the log has into topics of Kafka. Answers stop when nothing is under way, or at a
/// deadline.
using publish_actor =
    basic_actor::extend<caf::reacts_to<tick_atom>, caf::reacts_to<config_atom, config_ptr>>;

/// Stores what topics of Kafka hold. Answers stop when nothing waits to be stored, or at a
/// deadline.
using consume_actor =
    basic_actor::extend<caf::reacts_to<tick_atom>, caf::reacts_to<config_atom, config_ptr>,
                        // To itself: open_requests.h.
                        caf::reacts_to<sweep_atom>, caf::reacts_to<links_atom, links_ptr>>;

/// Writes the canary and reads it back.
using audit_actor =
    basic_actor::extend<caf::reacts_to<tick_atom>, caf::reacts_to<links_atom, links_ptr>>;

/// Evaluates a share of the rule groups.
using rule_actor =
    basic_actor::extend<caf::reacts_to<tick_atom>, caf::reacts_to<config_atom, config_ptr>,
                        // To itself: open_requests.h.
                        caf::reacts_to<sweep_atom>, caf::reacts_to<links_atom, links_ptr>>;

/// Aggregates what is in the log by the rules of stream_aggregation.
using aggregate_actor =
    basic_actor::extend<caf::reacts_to<tick_atom>, caf::reacts_to<config_atom, config_ptr>,
                        // To itself: open_requests.h.
                        caf::reacts_to<sweep_atom>, caf::reacts_to<links_atom, links_ptr>>;

/// One worker of the query pool: runs API handlers that read, one at a time.
using query_actor = basic_actor::extend<caf::reacts_to<call_atom, http_call_ptr>,
                                        caf::reacts_to<links_atom, links_ptr>>;

/// Background work of the storage and the admin calls that change blocks.
using maintenance_actor =
    basic_actor::extend<caf::reacts_to<tick_atom>, caf::reacts_to<step_atom>,
                        // A round is due before its time: memory is short.
                        caf::reacts_to<flush_atom>, caf::reacts_to<call_atom, http_call_ptr>,
                        caf::reacts_to<config_atom, config_ptr>>;

/// Bridges the server's callbacks to the actors: gathers what a route needs, picks a worker,
/// answers 503 when full.
using http_actor =
    basic_actor::extend<caf::reacts_to<call_atom, http_call_ptr>,
                        // A worker finished its call.
                        caf::reacts_to<free_atom, size_t>, caf::reacts_to<config_atom, config_ptr>,
                        caf::reacts_to<links_atom, links_ptr>>;

/// Owns the configuration in force.
using config_actor = basic_actor::extend<
    // Read, validate, distribute; a failure leaves the old one in force and is returned.
    caf::replies_to<reload_atom>::with<status_ptr>,
    // To itself: have the files changed?
    caf::reacts_to<tick_atom>, caf::reacts_to<links_atom, links_ptr>>;

/// Writes the log files of queries and failed scrapes.
using log_actor = basic_actor::extend<caf::reacts_to<tick_atom>>;

/// Where everybody is. Sent again whenever a restarted actor has a new handle.
struct links {
  std::vector<ingest_actor> ingest;
  router_actor router;
  std::vector<receive_actor> receive;
  discovery_actor discovery;
  std::vector<scrape_actor> scrape;
  std::vector<query_actor> query;
  maintenance_actor maintenance;
  http_actor http;
  config_actor config;
  log_actor log;
  notify_actor notify;
  send_actor send;
  federation_actor federation;
  feed_actor feed;
  publish_actor publish;
  consume_actor consume;
  std::vector<rule_actor> rules;
  aggregate_actor aggregate;
  audit_actor audit;  ///< invalid where the canary is off
};

/// Longest wait for an answer from another stage; every request has one.
inline constexpr std::chrono::seconds stage_timeout{30};

}  // namespace troupe::actors

// Atoms and message types of the node. Payloads cross actors as shared_ptr<const T> inside one
// process; between nodes only bytes travel, so these types are never serialised.
#pragma once

#include "actors/rt/payloads.h"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/atom.hpp>
#include <caf/type_id.hpp>

#include <memory>
#include <vector>

CAF_BEGIN_TYPE_ID_BLOCK(troupe, first_custom_type_id)
  CAF_ADD_ATOM(troupe, troupe::actors, put_atom, "put")        // batches to store
  CAF_ADD_ATOM(troupe, troupe::actors, commit_atom, "commit")  // ingest: group commit now
  CAF_ADD_ATOM(troupe, troupe::actors, sync_atom, "sync")      // ingest: fdatasync that commits owe
  CAF_ADD_ATOM(troupe, troupe::actors, flush_atom, "flush")    // hand on what was gathered, now
  CAF_ADD_ATOM(troupe, troupe::actors, step_atom, "step")      // maintenance: next unit of a round
  CAF_ADD_ATOM(troupe, troupe::actors, replay_atom, "replay")  // ingest: next piece of WAL replay
  CAF_ADD_ATOM(troupe, troupe::actors, tick_atom, "tick")      // a periodic actor's own timer
  CAF_ADD_ATOM(troupe, troupe::actors, sweep_atom, "sweep")    // which requests are overdue?
  CAF_ADD_ATOM(troupe, troupe::actors, fetched_atom,
               "fetched")  // fetch results from the I/O threads
  CAF_ADD_ATOM(troupe, troupe::actors, targets_atom,
               "targets")                                      // discovery to scrape: who to scrape
  CAF_ADD_ATOM(troupe, troupe::actors, alerts_atom, "alerts")  // rules to notify: alerts to send
  CAF_ADD_ATOM(troupe, troupe::actors, pools_atom, "pools")    // API: state of the scrape pools
  CAF_ADD_ATOM(troupe, troupe::actors, config_atom, "config")  // a new valid configuration
  CAF_ADD_ATOM(troupe, troupe::actors, reload_atom, "reload")  // read the configuration again
  CAF_ADD_ATOM(troupe, troupe::actors, call_atom, "call")      // an HTTP request with its responder
  CAF_ADD_ATOM(troupe, troupe::actors, free_atom, "free")      // a query worker is idle again
  CAF_ADD_ATOM(troupe, troupe::actors, links_atom, "links")    // where the other actors are
  CAF_ADD_ATOM(troupe, troupe::actors, ping_atom, "ping")  // heartbeat, answered at high priority
  CAF_ADD_ATOM(troupe, troupe::actors, pong_atom, "pong")
  CAF_ADD_ATOM(troupe, troupe::actors, restart_atom, "restart")  // supervisor: back-off is over
  CAF_ADD_ATOM(troupe, troupe::actors, stop_atom, "stop")        // ordered stop
  CAF_ADD_ATOM(troupe, troupe::actors, stopped_atom, "stopped")
CAF_END_TYPE_ID_BLOCK(troupe)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::batch_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::outcome_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::batch_list_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::outcome_list_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::fetch_results_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::offered_scrapes_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::target_sets_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::pool_states_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::discovery_state_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::alert_list_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::config_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::status_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::http_call_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::links_ptr)

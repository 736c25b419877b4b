// Shell of pipeline/send: steps the remote writer and carries its requests.
#pragma once

#include "actors/rt/draining.h"
#include "actors/rt/interfaces.h"
#include "pipeline/http/http.h"
#include "pipeline/send/remote_writer.h"
#include "storage/base/clock.h"

#include <chrono>
#include <memory>

namespace troupe::actors {

struct send_params {
  send::destination_options options;
  send::writer_environment env;
  http::fetcher* fetcher = nullptr;
  clock* clk = nullptr;
  std::chrono::milliseconds every{100};
  /// Longest wait at stop for answers of requests under way; within the supervisor's deadline of a
  /// phase. What was not answered is sent again after the next start.
  std::chrono::milliseconds stop_deadline{1500};
};

struct send_actor_state {
  static inline const char* name = "send";
  std::unique_ptr<send::remote_writer> writer;
  draining stop;
};

send_actor::behavior_type sending(send_actor::stateful_pointer<send_actor_state> self,
                                  send_params params);

}  // namespace troupe::actors

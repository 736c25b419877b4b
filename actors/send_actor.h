// Shell of pipeline/send: steps the remote writer and carries its requests.
#pragma once

#include "actors/rt/interfaces.h"
#include "pipeline/http/http.h"
#include "pipeline/send/remote_writer.h"
#include "storage/base/clock.h"

#include <caf/typed_response_promise.hpp>

#include <chrono>
#include <memory>
#include <optional>

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
  /// Answered when nothing is under way or the deadline is over.
  std::optional<caf::typed_response_promise<stopped_atom>> stopped;
  int64_t stop_by_ns = 0;
};

send_actor::behavior_type sending(send_actor::stateful_pointer<send_actor_state> self,
                                  send_params params);

}  // namespace troupe::actors

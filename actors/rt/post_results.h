// The way back from the I/O threads: fetch results become one message to the actor that asked.
#pragma once

#include "actors/rt/type_ids.h"
#include "pipeline/http/http.h"

#include <caf/send.hpp>

#include <mutex>
#include <utility>

namespace troupe::actors {

/// `done` for http::fetcher::fetch; may be called on any thread.
template <class Handle>
http::fetcher::done_fn post_results(Handle to) {
  return [to = std::move(to)](std::vector<http::fetch_result> got) {
    caf::anon_send(to, fetched_atom_v,
                   std::make_shared<std::vector<http::fetch_result>>(std::move(got)));
  };
}

/// The same for an actor that gets many: what comes before it has looked shares one message.
class result_inbox {
 public:
  /// Any thread.
  template <class Handle>
  void post(const Handle& to, std::vector<http::fetch_result> got) {
    const std::lock_guard guard(lock_);
    if (open_) {
      open_->insert(open_->end(), std::make_move_iterator(got.begin()),
                    std::make_move_iterator(got.end()));
      return;
    }
    open_ = std::make_shared<std::vector<http::fetch_result>>(std::move(got));
    caf::anon_send(to, fetched_atom_v, open_);
  }
  /// The actor, before it looks into the message: nothing is added to it any more.
  void close() {
    const std::lock_guard guard(lock_);
    open_.reset();
  }

 private:
  std::mutex lock_;
  fetch_results_ptr open_;
};

}  // namespace troupe::actors

#include "pipeline/http/late_fetcher.h"

namespace troupe::http {

fetcher* late_fetcher::made() {
  const std::lock_guard guard(lock_);
  if (!made_ && !stopped_)
    made_ = make_();
  return made_.get();
}

void late_fetcher::fetch(std::vector<fetch_request> batch, done_fn done) {
  if (fetcher* to = made())
    return to->fetch(std::move(batch), std::move(done));
  std::vector<fetch_result> over(batch.size());
  for (size_t i = 0; i < batch.size(); ++i) {
    over[i].token = batch[i].token;
    over[i].error = status(errc::canceled, "the client is stopping");
  }
  done(std::move(over));
}

void late_fetcher::stop() {
  fetcher* to = nullptr;
  {
    const std::lock_guard guard(lock_);
    stopped_ = true;
    to = made_.get();
  }
  // Not under the lock: what is in flight ends with it, and may ask for more.
  if (to != nullptr)
    to->stop();
}

}  // namespace troupe::http

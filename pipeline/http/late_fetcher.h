// A fetcher that is made when it is first used, so that who never does pays for no threads.
// Thread-safe.
#pragma once

#include "pipeline/http/http.h"

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace troupe::http {

class late_fetcher final : public fetcher {
 public:
  using make_fn = std::function<std::unique_ptr<fetcher>()>;
  explicit late_fetcher(make_fn make) : make_(std::move(make)) {}

  void fetch(std::vector<fetch_request> batch, done_fn done) override;
  void stop() override;

 private:
  fetcher* made();

  const make_fn make_;
  std::mutex lock_;  ///< guards the rest
  std::unique_ptr<fetcher> made_;
  bool stopped_ = false;
};

}  // namespace troupe::http

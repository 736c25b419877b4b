// A fetcher with short ways to use it, for tests.
#pragma once

#include "config/http_client_config.h"
#include "pipeline/http/asio_fetcher.h"
#include "pipeline/http/endpoint.h"
#include "storage/base/clock.h"
#include "storage/base/file_system.h"
#include "tests/pipeline/http/raw_socket.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace troupe::http::test {

/// Collects results from any thread until all have come.
class collector {
 public:
  fetcher::done_fn done() {
    return [this](std::vector<fetch_result> got) {
      std::lock_guard guard(lock_);
      for (auto& r : got)
        results_.push_back(std::move(r));
      wake_.notify_all();
    };
  }
  std::vector<fetch_result> wait(size_t n, int deadline_ms = 20'000) {
    std::unique_lock guard(lock_);
    wake_.wait_for(guard, std::chrono::milliseconds(deadline_ms),
                   [&] { return results_.size() >= n; });
    EXPECT_EQ(results_.size(), n);
    return std::move(results_);
  }

 private:
  std::mutex lock_;
  std::condition_variable wake_;
  std::vector<fetch_result> results_;
};

class client_fixture : public ::testing::Test {
 protected:
  client_settings_ptr settings(const config::http_client_config& c = {}) {
    auto made = make_client_settings(c, {files_.get(), "troupe-test"});
    EXPECT_TRUE(made.ok()) << made.error().to_string();
    return made.ok() ? *made : nullptr;
  }
  endpoint_ptr to(const std::string& url, const config::http_client_config& c = {},
                  headers extra = {}) {
    auto made = make_endpoint(url, settings(c), std::move(extra));
    EXPECT_TRUE(made.ok()) << made.error().to_string();
    return made.ok() ? *made : nullptr;
  }
  fetch_result fetch(fetcher& f, fetch_request r) {
    collector c;
    std::vector<fetch_request> batch;
    batch.push_back(std::move(r));
    f.fetch(std::move(batch), c.done());
    auto got = c.wait(1);
    return got.empty() ? fetch_result{} : std::move(got.front());
  }
  fetch_result get(fetcher& f, const endpoint_ptr& e, int64_t timeout_ms = 10'000) {
    fetch_request r;
    r.token = 7;
    r.to = e;
    r.timeout_ms = timeout_ms;
    return fetch(f, std::move(r));
  }

  system_clock clock_;
  std::unique_ptr<file_system> files_ = make_posix_file_system();
};

}  // namespace troupe::http::test

// Fetches that need libcurl: proxies, and grants that a token server gives (OAuth2, clouds). One
// thread, one multi handle; the same contract as asio_fetcher. Owns its thread; stop() or the
// destructor joins.
#pragma once

#include "pipeline/http/byte_budget.h"
#include "pipeline/http/http.h"

#include <memory>
#include <vector>

namespace troupe {
class clock;
}

namespace troupe::http {

struct curl_options {
  size_t max_connections = 1024;        ///< open at one time; fetches above wait their turn
  size_t max_queue = 65'536;            ///< fetches waiting; above: resource_exhausted
  std::shared_ptr<byte_budget> budget;  ///< null = one of its own of 256 MiB
};

class curl_client final : public fetcher {
 public:
  /// `clk` must outlive the client.
  curl_client(curl_options options, const clock& clk);
  ~curl_client() override;

  void fetch(std::vector<fetch_request> batch, done_fn done) override;
  void stop() override;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace troupe::http

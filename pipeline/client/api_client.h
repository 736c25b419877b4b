// A server, seen through Prometheus' HTTP API. Calls may be made from any thread;
// answers come on an I/O thread. stop() or the destructor ends it.
#pragma once

#include "config/http_client_config.h"
#include "pipeline/http/endpoint.h"
#include "pipeline/http/http.h"
#include "pipeline/remote/write_protocol.h"
#include "storage/base/clock.h"
#include "storage/base/file_system.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::client {

class api_client {
 public:
  /// `server` is a base URL ("http://127.0.0.1:9090/prefix"); `fs` and `clk` must outlive the
  /// client. Requests of write() are of `protocol`.
  static result<std::unique_ptr<api_client>> create(
      std::string server, const config::http_client_config& config, file_system& fs,
      const clock& clk, int64_t timeout_ms,
      remote::write_protocol protocol = remote::write_protocol::v1);
  ~api_client();

  /// Sends a remote-write request; the result carries `token`. Its error is set unless the answer
  /// is 2xx; code stays that of the answer.
  void write(uint64_t token, std::string body);
  /// Posts a form to a path of the API ("/api/v1/query").
  void post(uint64_t token, std::string_view path, const http::params& form);
  /// The next answers, any order; waits at most `timeout_ms` and may then give none.
  std::vector<http::fetch_result> answers(int64_t timeout_ms);
  /// post() and its answer's body; unavailable with the server's text if the status is not 2xx.
  /// Only while nothing else is under way.
  result<std::string> call(std::string_view path, const http::params& form);

 private:
  api_client(std::string server, http::endpoint_ptr write_to, http::client_settings_ptr settings,
             std::unique_ptr<http::fetcher> fetcher, int64_t timeout_ms);
  void start(http::fetch_request r);

  const std::string server_;
  const http::endpoint_ptr write_to_;
  const http::client_settings_ptr settings_;
  const int64_t timeout_ms_;
  std::mutex lock_;
  std::condition_variable ready_;
  std::vector<http::fetch_result> done_;
  std::unique_ptr<http::fetcher> fetcher_;  ///< last: its threads use the above
};

}  // namespace troupe::client

// A server, seen through Prometheus' HTTP API. Calls may be made from any thread;
// answers come on an I/O thread. stop() or the destructor ends it.
#pragma once

#include "config/bench_command.h"
#include "config/http_client_config.h"
#include "pipeline/http/endpoint.h"
#include "pipeline/http/http.h"
#include "storage/base/clock.h"
#include "storage/base/file_system.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::client {

/// Where api_client::write() sends to, and what.
struct write_route {
  config::load_protocol protocol = config::load_protocol::write_v1;
  std::string path;  ///< below the server's URL; "": Prometheus' for the protocol
};

class api_client {
 public:
  /// `server` is a base URL ("http://127.0.0.1:9090/prefix"); `fs` and `clk` must outlive the
  /// client.
  static result<std::unique_ptr<api_client>> create(std::string server,
                                                    const config::http_client_config& config,
                                                    file_system& fs, const clock& clk,
                                                    int64_t timeout_ms,
                                                    const write_route& writes = {});
  ~api_client();

  /// Sends a compressed request of the route's protocol; the result carries `token`. Its error is
  /// set unless the answer is 2xx; code stays that of the answer. invalid_argument if an answer of
  /// 2xx says that a part was refused.
  void write(uint64_t token, std::string body);
  /// Posts a form to a path of the API ("/api/v1/query").
  void post(uint64_t token, std::string_view path, const http::params& form);
  /// Asks for a path.
  void get(uint64_t token, std::string_view path);
  /// The next answers, any order; waits at most `timeout_ms` and may then give none.
  std::vector<http::fetch_result> answers(int64_t timeout_ms);
  /// post() and its answer's body; unavailable with the server's text if the status is not 2xx.
  /// Only while nothing else is under way.
  result<std::string> call(std::string_view path, const http::params& form);

 private:
  api_client(std::string server, config::load_protocol protocol, http::endpoint_ptr write_to,
             http::client_settings_ptr settings, std::unique_ptr<http::fetcher> fetcher,
             int64_t timeout_ms);
  void start(http::fetch_request r, bool otlp_answer);
  void fail(uint64_t token, status why);

  const std::string server_;
  const config::load_protocol protocol_;
  const http::endpoint_ptr write_to_;
  const http::client_settings_ptr settings_;
  const int64_t timeout_ms_;
  std::mutex lock_;
  std::condition_variable ready_;
  std::vector<http::fetch_result> done_;
  std::unique_ptr<http::fetcher> fetcher_;  ///< last: its threads use the above
};

}  // namespace troupe::client
